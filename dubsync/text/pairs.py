"""Sentence pairs that somebody brings to measure translation by: gettext catalogues (.mo), TMX, or a table (.tsv).

Programs and games are translated by people, and their catalogues hold what a bench needs: English beside its
translation. Most of it is labels; what reads like a sentence is kept.
"""

from __future__ import annotations

import re
import struct
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from dubsync.errors import InputError
from dubsync.text.language import is_same, normal_tag
from dubsync.text.marian.corpus import Heldout, Pair, split
from dubsync.text.memory import read_tmx
from dubsync.text.subtitles import decode, load_bytes

FEWEST_WORDS, MOST_WORDS = 3, 25
"""Of the English side: shorter is a label or a cry, longer a paragraph."""
FORMATS = (".mo", ".tmx", ".tsv")
_MAGIC = 0x950412DE
_SENTENCE = re.compile(r"[\"'“‘¿¡(]*[^\W\d_a-z].*[a-zà-ÿ].*[.!?…][\"'”’)]*")
_ODD = re.compile(r"[<>{}|\\$%&*_=^~#@/\n\t\x00-\x1f]|https?:")
"""Markup, placeholders, contexts and paths."""


def read(files: Sequence[Path], language: str) -> tuple[Heldout, ...]:
    """Return what reads like a sentence, each English one once, in an order that only the English decides.

    Raises:
        InputError: a file is of no known kind, damaged, in another language, or none holds a sentence.
    """
    pairs = [pair for file in files for pair in _pairs(file, language) if _is_fit(*pair)]
    if not pairs:
        names = ", ".join(file.name for file in files)
        raise InputError(f"{names}: no sentence with a translation found", hint="is it a catalogue of that language?")
    return split(pairs, test=len(pairs), watch=0).test


def _pairs(file: Path, language: str) -> Iterable[Pair]:
    kind = file.suffix.lower()
    if kind == ".mo":
        found = _catalogue(file, language)
    elif kind == ".tmx":
        found = read_tmx(file, source="en", target=language).pairs
    elif kind == ".tsv":
        rows = (row.split("\t") for row in decode(load_bytes(file), file.name).split("\n"))
        found = [(row[0], row[1]) for row in rows if len(row) > 1]
    else:
        raise InputError(
            f"{file.name}: sentence pairs are read from {', '.join(FORMATS)}",
            hint="make a .mo of a .po with `msgfmt FILE.po -o FILE.mo`",
        )
    return [(_clean(english), _clean(translation)) for english, translation in found]


def _clean(text: str) -> str:
    return unicodedata.normalize("NFC", text).replace("\u202f", " ").replace("\xa0", " ").strip(" ")


def _is_fit(english: str, translation: str) -> bool:
    """Tell whether both sides read like a sentence, and are not the same.

    >>> _is_fit("Who goes there?", "Quem vai lá?"), _is_fit("Save game", "Salvar jogo")
    (True, False)
    >>> _is_fit("You have $gold gold.", "Você tem $gold de ouro."), _is_fit("Quit now.", "Sair agora.")
    (False, False)
    """
    sound = all(_SENTENCE.fullmatch(side) and not _ODD.search(side) for side in (english, translation))
    return sound and english != translation and FEWEST_WORDS <= len(english.split()) <= MOST_WORDS


def _catalogue(file: Path, language: str) -> list[Pair]:
    """Return the pairs of a binary gettext catalogue (GNU gettext manual, "The Format of GNU MO Files")."""
    raw = load_bytes(file)
    try:
        order = "<" if struct.unpack_from("<I", raw)[0] == _MAGIC else ">"
        magic, _, count, english_at, there_at = struct.unpack_from(f"{order}5I", raw)
        if magic != _MAGIC:
            raise ValueError("it does not begin as one")
        sides = [_strings(raw, order, at, count) for at in (english_at, there_at)]
    except (struct.error, ValueError) as cause:
        raise InputError(f"{file.name}: not a gettext catalogue: {cause}", hint="make it with msgfmt") from cause
    pairs = list(zip(*sides, strict=True))
    header = dict(pairs).get("", "")
    told = re.search(r"^Language:[ \t]*([A-Za-z_-]+)", header, re.MULTILINE)
    if told and not is_same(normal_tag(told[1]), language):
        raise InputError(f"{file.name}: holds {told[1]}, not {language}", hint="name it with its own language")
    return [(english, there) for english, there in pairs if english]


def _strings(raw: bytes, order: str, at: int, count: int) -> list[str]:
    """Return the texts of one side; of one with plural forms the first."""
    texts = []
    for number in range(count):
        length, start = struct.unpack_from(f"{order}2I", raw, at + 8 * number)
        if start + length > len(raw):
            raise ValueError("it is cut short")
        texts.append(raw[start : start + length].decode("utf-8").partition("\0")[0])
    return texts
