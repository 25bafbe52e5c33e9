"""Terms that must be translated in one way, or not at all: `glossary.csv` in the title folder.

Columns: `source`, `target` (empty: keep the source term as it is), optional `language` (empty: any) and `note`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path

from dubsync.errors import InputError
from dubsync.text.language import is_same
from dubsync.text.subtitles import decode, load_bytes

COLUMNS = ("source", "target", "language", "note")


def read(path: Path, language: str) -> dict[str, str]:
    """Return source term to target term for a language; a missing file is an empty glossary.

    Raises:
        InputError: a column is missing or unknown, or a term has two translations.
    """
    if not path.exists():
        return {}
    rows = csv.DictReader(io.StringIO(decode(load_bytes(path), path.name)))
    names = [name.strip().lower() for name in rows.fieldnames or []]
    unknown = [name for name in names if name not in COLUMNS]
    if unknown or "source" not in names or "target" not in names:
        raise InputError(f"{path.name}: its first row is {names}", hint=f"use the columns {', '.join(COLUMNS)}")
    rows.fieldnames = names
    terms: dict[str, str] = {}
    for number, row in enumerate(rows, 2):
        source, target = (str(row.get(name) or "").strip() for name in ("source", "target"))
        only = str(row.get("language") or "").strip()
        if not source or (only and not is_same(only, language)):
            continue
        if terms.setdefault(source, target or source) != (target or source):
            raise InputError(f"{path.name}: row {number}: {source!r} has two translations", hint="keep one of them")
    return terms


def expected(text: str, glossary: Mapping[str, str]) -> dict[str, str]:
    """Return the terms that stand in a text, as whole words whatever their case; longer terms win over their parts."""
    left, found = text, {}
    for source in sorted(glossary, key=len, reverse=True):
        pattern = _whole(source)
        if pattern.search(left):
            found[source] = glossary[source]
            left = pattern.sub(" \x00 ", left)
    return found


def missed(text: str, translation: str, glossary: Mapping[str, str]) -> dict[str, str]:
    """Return the terms of a text whose translation is not in the translated text.

    >>> missed("The Ring is lost", "El anillo se ha perdido", {"Ring": "Anillo", "lost": "extraviado"})
    {'lost': 'extraviado'}
    """
    terms = expected(text, glossary)
    return {source: target for source, target in terms.items() if not _whole(target).search(translation)}


def _whole(term: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(term)}(?!\w)", re.IGNORECASE)
