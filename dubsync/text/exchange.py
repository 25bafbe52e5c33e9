"""Scripts as files that people work on: SRT, WebVTT, TTML, XLIFF, CSV and JSON, out and in again.

Id, time (to the millisecond), speaker, text and note survive the way through every format; XLIFF, CSV and JSON show
the original text beside. XLIFF is written as 1.2, which every tool reads, and read as 1.2 or 2.x.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from dubsync.errors import InputError
from dubsync.text import subtitles
from dubsync.text.cue import Cue
from dubsync.text.subtitles import decode, load_bytes
from dubsync.text.xml import Element, attribute, legal, local, parse
from dubsync.timing import Span, clock

FORMATS = ("srt", "vtt", "ttml", "xliff", "csv", "json")
SCHEMA = "dubsync.script/1"
BROUGHT = "script.{language}.json"
"""The file of a title folder with the script that somebody brought, which `mt.human` translates with."""
COLUMNS = ("id", "start", "end", "speaker", "source", "text", "note")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line on its way. `span`, `id`: None where the file has none. `source`: what it translates."""

    text: str
    span: Span | None = None
    id: str | None = None
    speaker: str | None = None
    note: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Languages:
    """Of the original and of the script."""

    source: str
    target: str


def write(entries: Sequence[Entry], kind: str, languages: Languages, *, title: str = "film") -> str:
    """Return the file's text. `kind`: one of `FORMATS`."""
    if kind == "xliff":
        return _write_xliff(entries, languages, title)
    if kind == "csv":
        return _write_csv(entries)
    if kind == "json":
        return _write_json(entries, languages, title)
    if kind in FORMATS:
        return subtitles.write([_cue(entry) for entry in entries], kind, language=languages.target, marked=True)
    raise InputError(f"{kind} is not a script format", hint=f"use {', '.join(FORMATS)}")


def read(path: Path) -> tuple[Entry, ...]:
    """Read a script by its ending.

    Raises:
        InputError: it cannot be read, or holds no line; the sentence names the place.
    """
    kind = path.suffix.lower().lstrip(".")
    reader = _READERS.get(kind)
    if reader is None:
        cues = subtitles.read(path)
        return tuple(Entry(cue.text, cue.span, cue.id, cue.speaker, cue.note) for cue in cues)
    entries = reader(decode(load_bytes(path), path.name), path.name)
    if not entries:
        raise InputError(f"{path.name}: no line found", hint="is it the file that was exported?")
    return entries


def _cue(entry: Entry) -> Cue:
    assert entry.span is not None, "lines of a script have times"
    return Cue(entry.span, entry.text, entry.id, entry.speaker, entry.note)


def _row(entry: Entry) -> dict[str, str]:
    start, end = (clock(entry.span.start), clock(entry.span.end)) if entry.span else ("", "")
    texts = {"speaker": entry.speaker or "", "source": entry.source, "text": entry.text, "note": entry.note}
    return {"id": entry.id or "", "start": start, "end": end, **texts}


def _entry(row: dict[str, Any], where: str) -> Entry:
    """Make an entry of a row of texts with the keys of `COLUMNS`; all but the text may be missing."""
    values = {key: str(row.get(key) or "").strip() for key in COLUMNS}
    span = None
    if values["start"] and values["end"]:
        start, end = _time(values["start"], where), _time(values["end"], where)
        if end < start:
            raise InputError(f"{where}: the line ends before it starts", hint="correct its times")
        span = Span(start, end)
    text = str(row.get("text") or "").strip()
    return Entry(text, span, values["id"] or None, values["speaker"] or None, values["note"], values["source"])


def _time(value: str, where: str) -> Fraction:
    match = re.fullmatch(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d+)?)", value)
    if match is None:
        raise InputError(f"{where}: time cannot be read: {value[:40]!r}", hint="write 0:01:02.345")
    hours, minutes, secs = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + Fraction(secs.replace(",", "."))


def _write_csv(entries: Sequence[Entry]) -> str:
    out = io.StringIO()
    table = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(_row(entry) for entry in entries)
    return out.getvalue()


def _read_csv(text: str, name: str) -> tuple[Entry, ...]:
    delimiter = ";" if text.split("\n", 1)[0].count(";") > text.split("\n", 1)[0].count(",") else ","
    try:
        rows = list(csv.DictReader(io.StringIO(text), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise InputError(f"{name}: cannot be read as CSV: {error}", hint="quote fields that hold quotes") from error
    if rows and "text" not in rows[0]:
        raise InputError(f"{name}: there is no column text", hint=f"the first row must be {','.join(COLUMNS)}")
    return tuple(_entry(row, f"{name}: line {number}") for number, row in enumerate(rows, 1))


def _write_json(entries: Sequence[Entry], languages: Languages, title: str) -> str:
    facts = {"schema": SCHEMA, "title": title, "source": languages.source, "language": languages.target}
    return json.dumps({**facts, "lines": [_row(entry) for entry in entries]}, ensure_ascii=False, indent=1) + "\n"


def _read_json(text: str, name: str) -> tuple[Entry, ...]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name}: cannot be read as JSON: {error}") from error
    lines = content.get("lines") if isinstance(content, dict) else None
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise InputError(f"{name}: has no list of lines", hint=f"it must be a {SCHEMA} file")
    return tuple(_entry(line, f"{name}: line {number}") for number, line in enumerate(lines, 1))


def _write_xliff(entries: Sequence[Entry], languages: Languages, title: str) -> str:
    units = "".join(_trans_unit(entry, number) for number, entry in enumerate(entries, 1))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2">\n'
        f"<file original={quoteattr(legal(title))} source-language={quoteattr(languages.source)} "
        f'target-language={quoteattr(languages.target)} datatype="plaintext"><body>\n{units}</body></file>\n</xliff>\n'
    )


def _trans_unit(entry: Entry, number: int) -> str:
    row = _row(entry)
    time = f"{row['start']} {row['end']}".strip()
    notes = (("time", time), ("speaker", row["speaker"]), ("translator", row["note"]))
    body = "".join(f'<note from="{kind}">{escape(legal(text))}</note>' for kind, text in notes if text)
    return (
        f'<trans-unit id={quoteattr(entry.id or str(number))} xml:space="preserve">'
        f"<source>{escape(legal(entry.source))}</source><target>{escape(legal(entry.text))}</target>{body}</trans-unit>\n"
    )


def _read_xliff(text: str, name: str) -> tuple[Entry, ...]:
    root = parse(text, name)
    if local(root) != "xliff":
        raise InputError(f"{name}: the root element is {local(root)!r}, not xliff")
    units = [element for element in root.iter() if local(element) in ("trans-unit", "unit")]
    return tuple(_unit(unit, f"{name}: unit {number}") for number, unit in enumerate(units, 1))


def _unit(unit: Element, where: str) -> Entry:
    notes: dict[str, str] = {}
    for note in (element for element in unit.iter() if local(element) == "note"):
        kind = attribute(note, "from") or attribute(note, "category") or "translator"
        kind = kind if kind in ("time", "speaker") else "translator"
        notes[kind] = "\n".join(filter(None, (notes.get(kind), "".join(note.itertext()))))
    start, _, end = notes.get("time", "").partition(" ")
    texts = {part: " ".join(_all_text(unit, part)) for part in ("source", "target")}
    label = attribute(unit, "id") or ""
    row = {"id": label if "-" in label else "", "start": start, "end": end, "speaker": notes.get("speaker", "")}
    row |= {"source": texts["source"], "text": texts["target"], "note": notes.get("translator", "")}
    return _entry(row, where)


def _all_text(unit: Element, part: str) -> list[str]:
    """Return the texts of every segment; inline marks of a translation tool leave their content behind."""
    return ["".join(element.itertext()).strip() for element in unit.iter() if local(element) == part]


_READERS: dict[str, Callable[[str, str], tuple[Entry, ...]]] = {
    "csv": _read_csv,
    "json": _read_json,
    "xliff": _read_xliff,
    "xlf": _read_xliff,
}
