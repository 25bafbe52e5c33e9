"""Translation memory: what was translated before, exact or nearly, from TMX files and from people's edits.

Human lines win over every engine: an exact match is used as it is, a near one is only offered to people.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dubsync.errors import InputError
from dubsync.text.language import is_same
from dubsync.text.subtitles import decode, load_bytes
from dubsync.text.xml import Element, attribute, local, parse

NEAR = 0.75
"""Likeness from which a former translation is worth showing."""


@dataclass(frozen=True, slots=True)
class Match:
    """A former translation. `likeness`: of its source to the line, 1 for the same text."""

    source: str
    target: str
    likeness: float


class Memory:
    """Pairs of source and target text; of two translations of one text the later counts."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        kept = {_key(source): (source.strip(), target.strip()) for source, target in pairs if target.strip()}
        self._pairs = {key: pair for key, pair in kept.items() if key}

    def __len__(self) -> int:
        return len(self._pairs)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Source and target texts, as they were given."""
        return list(self._pairs.values())

    def exact(self, text: str) -> str | None:
        """Return the translation of the same text; case, spaces and final punctuation must agree.

        >>> Memory([("Come in.", "Adelante.")]).exact("Come  in.")
        'Adelante.'
        """
        found = self._pairs.get(_key(text))
        return found[1] if found else None

    def nearest(self, text: str, *, count: int = 3) -> tuple[Match, ...]:
        """Return the most alike former lines, best first."""
        from rapidfuzz import fuzz, process

        found = process.extract(_key(text), list(self._pairs), scorer=fuzz.ratio, limit=count, score_cutoff=100 * NEAR)
        return tuple(Match(*self._pairs[key], round(score / 100, 3)) for key, score, _ in found)


def read_tmx(path: Path, *, source: str, target: str) -> Memory:
    """Read a TMX file; a unit without both languages is passed over.

    Raises:
        InputError: it is not TMX, or holds a document type.
    """
    root = parse(_without_doctype(decode(load_bytes(path), path.name)), path.name)
    if local(root) != "tmx":
        raise InputError(f"{path.name}: the root element is {local(root)!r}, not tmx")
    return Memory(pair for unit in root.iter() if local(unit) == "tu" for pair in _pairs(unit, source, target))


def _without_doctype(text: str) -> str:
    """Old TMX files name their DTD; one that declares something of its own is left for `parse` to refuse."""
    head, mark, rest = text.partition("<!DOCTYPE")
    declaration, end, body = rest.partition(">")
    return head + body if mark and end and "[" not in declaration else text


def _pairs(unit: Element, source: str, target: str) -> list[tuple[str, str]]:
    texts: dict[str, str] = {}
    for variant in (element for element in unit if local(element) == "tuv"):
        tag = attribute(variant, "lang") or ""
        words = "".join(_words(element) for element in variant if local(element) == "seg").strip()
        for wanted in (source, target):
            if tag and is_same(tag.replace("_", "-"), wanted):
                texts.setdefault(wanted, words)
    return [(texts[source], texts[target])] if source in texts and target in texts else []


def _words(element: Element) -> str:
    """Return the text of a segment without the codes of the file it came from (TMX 1.4, inline elements)."""
    inside = "" if local(element) in ("bpt", "ept", "ph", "it", "ut") else element.text or ""
    return inside + "".join(_words(child) + (child.tail or "") for child in element)


def _key(text: str) -> str:
    return " ".join(text.split())
