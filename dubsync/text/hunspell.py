"""All words of a language from a Hunspell dictionary, expanded once into a sorted list of hashes.

A dictionary is a list of stems with flags (`.dic`) and rules by flag that add beginnings and endings (`.aff`), see
hunspell(5). Elisions ("l'homme") are left to whoever asks, and what hyphens join is kept in parts. A hash is the
CRC-32 of a word in small letters: of a thousand strange words, one or two pass for known ones.
"""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

AFFIXES, STEMS, EXPANDED = "index.aff", "index.dic", "words.npy"
_ATOM = re.compile(r"\[[^\]]*\]|.")


@dataclass(frozen=True, slots=True)
class _Rule:
    """Takes `strip` off what `condition` fits, puts `added` there, and goes on with the rules of `flags`."""

    strip: str
    added: str
    flags: tuple[str, ...]
    condition: re.Pattern[str]


class Affixes:
    """The rules of an `.aff` file."""

    def __init__(self, text: str) -> None:
        self._endings: dict[str, list[_Rule]] = defaultdict(list)
        self._beginnings: dict[str, list[_Rule]] = defaultdict(list)
        self._width, self._looks = 1, 1
        self._special: dict[str, str] = {}
        for line in text.splitlines():
            self._read(line.split())
        self._fitting = cache(self._that_fit)

    def _read(self, parts: list[str]) -> None:
        match parts:
            case ["FLAG", kind]:
                if kind not in {"UTF-8", "long"}:
                    raise ValueError(f"flags of the kind {kind!r} are not known here")
                self._width = 2 if kind == "long" else 1
            case ["FORBIDDENWORD" | "NEEDAFFIX" as name, flag]:
                self._special[name] = flag
            case ["SFX", flag, strip, added, condition, *_] if not _is_head(strip, added):
                self._endings[flag].append(self._rule(strip, added, f"(?:{condition})$"))
                self._looks = max(self._looks, len(_ATOM.findall(condition)), len(strip))
            case ["PFX", flag, strip, added, condition, *_] if not _is_head(strip, added) and "'" not in added:
                self._beginnings[flag].append(self._rule(strip, added, f"^(?:{condition})"))

    def _rule(self, strip: str, written: str, condition: str) -> _Rule:
        added, _, flags = written.partition("/")
        bare = ["" if part == "0" else part for part in (strip, added)]
        return _Rule(bare[0], bare[1], self.flags(flags), re.compile(condition))

    def flags(self, text: str) -> tuple[str, ...]:
        """Return the flags of a word or rule, one by one."""
        return tuple(text[at : at + self._width] for at in range(0, len(text), self._width))

    def words(self, stem: str, flags: Sequence[str]) -> Iterator[str]:
        """Yield the stem, unless it is none by itself, and what its flags make of it."""
        if self._special.get("FORBIDDENWORD") in flags:
            return
        for word in self._ended(stem, flags):
            yield word
            for rule in self._before(flags):
                if rule.condition.search(word) and word.startswith(rule.strip):
                    yield rule.added + word[len(rule.strip) :]

    def _ended(self, stem: str, flags: Sequence[str], *, deep: bool = True) -> Iterator[str]:
        """Yield the stem with its endings, and with endings on endings."""
        if self._special.get("NEEDAFFIX") not in flags:
            yield stem
        for flag in flags:
            for rule in self._fitting(flag, stem[-self._looks :]):
                made = stem[: len(stem) - len(rule.strip)] + rule.added
                if deep and rule.flags:
                    yield from self._ended(made, rule.flags, deep=False)
                else:
                    yield made

    def _before(self, flags: Sequence[str]) -> Iterator[_Rule]:
        for flag in flags:
            yield from self._beginnings.get(flag, ())

    def _that_fit(self, flag: str, end: str) -> tuple[_Rule, ...]:
        return tuple(
            rule for rule in self._endings.get(flag, ()) if end.endswith(rule.strip) and rule.condition.search(end)
        )


def _is_head(strip: str, added: str) -> bool:
    """Tell whether a line says how many rules follow."""
    return strip in {"Y", "N"} and added.isdigit()


def expand(affixes: str, stems: str) -> Iterator[str]:
    """Yield every word of a dictionary, from the text of its two files.

    >>> sorted(expand("SFX S Y 1\\nSFX S 0 s [^s]", "2\\ngato/S\\nlunes/S"))
    ['gato', 'gatos', 'lunes']
    """
    rules = Affixes(affixes)
    for line in stems.splitlines()[1:]:
        entry = line.split("\t")[0].split()
        if not entry or entry[0].startswith("/"):
            continue
        stem, _, flags = entry[0].partition("/")
        if any(letter.isalpha() for letter in stem):
            yield from rules.words(stem, rules.flags(flags))


def digest(word: str) -> int:
    """Return the hash that a word is kept by."""
    return zlib.crc32(word.replace("’", "'").lower().encode())


class Words:
    """Tells what is a word of a language. `hashes`: ascending."""

    def __init__(self, hashes: NDArray[np.uint32]) -> None:
        self._hashes = hashes

    @classmethod
    def of(cls, folder: Path) -> Words:
        """Open what `prepare` wrote in a folder; little of it is read."""
        return cls(np.load(folder / EXPANDED, mmap_mode="r"))

    def __contains__(self, word: object) -> bool:
        wanted = np.uint32(digest(str(word)))
        place = int(np.searchsorted(self._hashes, wanted))
        return place < len(self._hashes) and bool(self._hashes[place] == wanted)


def prepare(source_dir: Path, out_dir: Path) -> None:
    """Write the hashes of a dictionary's words, ascending, as an array of uint32."""
    texts = [(source_dir / name).read_text(encoding="utf-8-sig") for name in (AFFIXES, STEMS)]
    hashes = np.fromiter((digest(part) for word in expand(*texts) for part in word.split("-") if part), np.uint32)
    np.save(out_dir / EXPANDED, np.unique(hashes))
