"""Sentence pairs from Tatoeba archives, split so that no English sentence is on both sides of a split."""

from __future__ import annotations

import hashlib
import unicodedata
import zipfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from dubsync.errors import UnreadableMedia

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Heldout:
    """An English sentence with every translation that somebody gave it."""

    source: str
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Corpus:
    """`train`: pairs to learn from. `watch`: to follow the training. `test`: for the figure that is reported."""

    train: tuple[Pair, ...]
    watch: tuple[Heldout, ...]
    test: tuple[Heldout, ...]


def read_pairs(archive: Path) -> list[Pair]:
    """Return the pairs of an archive of manythings.org/anki, whose one big text has a pair a line, cut by a tab."""
    try:
        with zipfile.ZipFile(archive) as packed:
            names = [info for info in packed.infolist() if info.filename.endswith(".txt")]
            text = packed.read(max(names, key=lambda info: info.file_size)).decode("utf-8")
    except (OSError, zipfile.BadZipFile, ValueError) as cause:
        raise UnreadableMedia(f"{archive} is not an archive of sentence pairs: {cause}") from cause
    rows = (unicodedata.normalize("NFC", line).split("\t") for line in text.splitlines())
    pairs = [(" ".join(row[0].split()), " ".join(row[1].split())) for row in rows if len(row) >= 2]
    return [pair for pair in pairs if all(pair)]


def split(pairs: list[Pair], *, test: int = 1000, watch: int = 500) -> Corpus:
    """Divide by the letters of the English side, in the order of their SHA-256: "Go!" goes where "go" goes."""
    groups: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        groups[_key(pair[0])].append(pair)
    order = sorted(groups, key=lambda key: hashlib.sha256(key.encode()).digest())
    held = [_heldout(groups[key]) for key in order[: test + watch]]
    train = tuple(pair for key in order[test + watch :] for pair in groups[key])
    return Corpus(train, tuple(held[test:]), tuple(held[:test]))


def _key(sentence: str) -> str:
    return "".join(letter for letter in sentence.casefold() if letter.isalnum()) or sentence


def _heldout(group: list[Pair]) -> Heldout:
    source = group[0][0]
    return Heldout(source, tuple(dict.fromkeys(target for english, target in group if english == source)))
