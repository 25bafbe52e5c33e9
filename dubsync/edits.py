"""What people changed in the lines: append-only, one JSON record a row in `edits/<language>.jsonl`.

A record says who, when, which line, and the fields before and after; an undo is a record too, so nothing is ever
taken away. `apply` lays the records over the machine's lines: found again by id, else by time; where a record was made
against another text than there is now, the human text stands and a flag shows both.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from dubsync.documents import from_json, to_json
from dubsync.errors import Flag, InputError, Severity, UsageError
from dubsync.timing import Span, clock, same_place
from dubsync.title import Line, content_id

FIELDS = ("text", "span", "speaker", "voice", "lock", "note")


@dataclass(frozen=True, slots=True)
class Edit:
    """One change. `line` None: the line is found by `at`. `before`: what the editor saw, for the fields in `after`.

    `undo`: the id of the edit that this one takes back; such a record changes nothing itself.
    """

    id: str
    when: str
    who: str
    line: str | None
    at: Span | None
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    undo: str | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """Lines with edits laid over them. `placed`: edit ids by line id, in order."""

    lines: tuple[Line, ...]
    flags: tuple[Flag, ...]
    placed: Mapping[str, tuple[str, ...]]


def path_of(folder: Path, language: str) -> Path:
    """Return the file of a title folder that holds a language's edits."""
    return folder / "edits" / f"{language}.jsonl"


def edit(line: Line, *, who: str, when: datetime | None = None, **after: Any) -> Edit:
    """Return the record of a change to a line, such as `edit(line, who="Ana", text="Hola.")`.

    Raises:
        UsageError: a field is unknown, or the text would be empty.
    """
    _check_fields(after)
    if after.get("lock"):
        after.setdefault("text", line.text)  # what is locked is this text, whatever the machine says later
    before = {name: to_json(getattr(line, name)) for name in after}
    return new(line=line.id, at=line.span, who=who, before=before, after=to_json(after), when=when)


def new(  # noqa: PLR0913 - a record: every field is named at the call
    *,
    line: str | None,
    at: Span | None,
    who: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    undo: str | None = None,
    when: datetime | None = None,
) -> Edit:
    """Return a record whose id is made from what it says."""
    stamp = (when or datetime.now(UTC)).isoformat(timespec="milliseconds")
    facts = json.dumps([stamp, who, line, to_json(at), before, after, undo], sort_keys=True, ensure_ascii=False)
    return Edit(content_id("edit", facts), stamp, who, line, at, before, after, undo)


def append(path: Path, records: Iterable[Any]) -> None:
    """Add records at the end of the file, all or none, safe against other writers and against a torn last row."""
    rows = _rows(records)
    if rows:
        with _held(path) as file:
            _add(file, rows)


def amend(path: Path, decide: Callable[[tuple[Edit, ...]], Iterable[Edit]]) -> tuple[Edit, ...]:
    """Add the records that `decide` returns of all records there are; nobody else writes between its look and ours.

    What `decide` raises is passed on, and nothing is written; it may be asked twice.
    """
    if not tuple(decide(read(path))):
        return ()
    with _held(path) as file:
        records = tuple(decide(read(path)))
        if rows := _rows(records):
            _add(file, rows)
    return records


def _rows(records: Iterable[Any]) -> str:
    return "".join(json.dumps(to_json(one), ensure_ascii=False, sort_keys=True) + "\n" for one in records)


@contextmanager
def _held(path: Path) -> Iterator[BinaryIO]:
    """Open a file to add to it, and keep other writers out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _add(file: BinaryIO, rows: str) -> None:
    size = file.seek(0, os.SEEK_END)
    if size:
        file.seek(size - 1)
        rows = rows if file.read(1) == b"\n" else "\n" + rows
    file.write(rows.encode())
    file.flush()
    os.fsync(file.fileno())


def undo(path: Path, edit_id: str, *, who: str) -> Edit:
    """Take an edit back by adding a record that says so; undoing that record brings the edit back.

    Raises:
        UsageError: there is no such edit.
    """
    (record,) = amend(path, lambda records: (undoing(records, edit_id, who=who, file=path.name),))
    return record


def undoing(records: Sequence[Edit], edit_id: str, *, who: str, file: str) -> Edit:
    """Return the record that takes one of `records` back; `file` is where they lie, for the message.

    Raises:
        UsageError: there is no such edit.
    """
    found = next((one for one in records if one.id == edit_id), None)
    if found is None:
        raise UsageError(f"{file}: there is no edit {edit_id}", hint=f"their ids are in edits/{file}")
    return new(line=found.line, at=found.at, who=who, before={}, after={}, undo=edit_id)


def read(path: Path) -> tuple[Edit, ...]:
    """Return all records, oldest first; none if there is no file. A last row that was cut short never happened.

    Raises:
        InputError: another row is not a record.
    """
    if not path.exists():
        return ()
    text = path.read_text(encoding="utf-8")
    rows = text.split("\n")
    edits: list[Edit] = []
    for number, row in enumerate(rows, 1):
        if not row.strip():
            continue
        try:
            value = json.loads(row)
        except ValueError as error:
            if number == len(rows) or _is_torn(row):
                continue
            raise InputError(f"{path.name}: row {number} is not JSON: {error}", hint="restore the row") from error
        edits.append(from_json(Edit, value, where=f"{path.name}: row {number}"))
    return tuple(edits)


def _is_torn(row: str) -> bool:
    """A row that begins like a record but was cut when the writer died; the next writer went on in a new row."""
    return row.startswith('{"') and not row.endswith("}")


def active(edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """Return the edits that have not been taken back; the last word on each counts."""
    undone: set[str] = set()
    for one in reversed(edits):
        if one.undo and one.id not in undone:
            undone.add(one.undo)
    return tuple(one for one in edits if one.undo is None and one.id not in undone)


def apply(lines: Sequence[Line], edits: Sequence[Edit]) -> Applied:
    """Lay edits over lines, in the order they were made; no line is dropped or emptied."""
    result = list(lines)
    original = tuple(lines)
    authors: dict[tuple[int, str], Edit] = {}
    flags: list[Flag] = []
    placed: dict[str, list[str]] = {}
    for one in active(edits):
        index = find(original, one)
        if index is None:
            flags.append(_unplaced(one))
            continue
        result[index], doubts = _changed(result[index], one, index, authors)
        flags += doubts
        placed.setdefault(original[index].id, []).append(one.id)
    return Applied(tuple(result), tuple(flags), {line: tuple(ids) for line, ids in placed.items()})


def find(lines: Sequence[Line], one: Edit) -> int | None:
    """Return the place of the line an edit is about: by id, else the one that most covers its time."""
    for index, line in enumerate(lines):
        if one.line is not None and line.id == one.line:
            return index
    return None if one.at is None else same_place([line.span for line in lines], one.at)


def _changed(line: Line, one: Edit, index: int, authors: dict[tuple[int, str], Edit]) -> tuple[Line, list[Flag]]:
    flags: list[Flag] = []
    for name, wanted in one.after.items():
        after = wanted
        if name not in FIELDS or (name == "text" and not str(after).strip()):
            flags.append(_ignored(one, line, name))
            continue
        now = to_json(getattr(line, name))
        seen = one.before.get(name, now)
        earlier = authors.get((index, name))
        if name == "text" and earlier is not None and _is_same_import(earlier, one):
            after = f"{now} {after}"
        elif now not in (seen, after):
            flags.append(_conflict(one, line, name, earlier))
        authors[index, name] = one
        change: dict[str, Any] = {name: from_json(Span, after) if name == "span" else after}
        line = replace(line, **change)
    return line, flags


def _is_same_import(one: Edit, other: Edit) -> bool:
    """Two cues of one imported file that lie in one line are its parts."""
    return one.line is None and other.line is None and (one.who, one.when) == (other.who, other.when)


def _check_fields(after: Mapping[str, Any]) -> None:
    unknown = sorted(set(after) - set(FIELDS))
    if unknown:
        raise UsageError(f"a line has no {', '.join(unknown)} to edit", hint=f"fields: {', '.join(FIELDS)}")
    if "text" in after and not str(after["text"]).strip():
        raise UsageError("a line cannot be emptied", hint="mute it in the mix, or give it other words")


def _conflict(one: Edit, line: Line, name: str, other: Edit | None) -> Flag:
    now, after, seen = to_json(getattr(line, name)), one.after[name], one.before.get(name)
    if other is not None:
        what = f"{name}: {other.who} wrote {now!r}; {one.who}, who saw {seen!r}, wrote {after!r}; the later stands"
    else:
        what = f"{name}: {one.who} saw {seen!r} and wrote {after!r}; the machine now has {now!r}; the human one stands"
    return Flag(Severity.WARNING, "edit-conflict", line.id, what, "read both, and edit the line once more")


def _unplaced(one: Edit) -> Flag:
    where = f"at {clock(one.at.start)}" if one.at else f"for {one.line}"
    text = str(one.after.get("text", dict(one.after)))[:80]
    return Flag(
        Severity.WARNING, "edit-unplaced", one.id, f"{one.who}'s edit {where} belongs to no line: {text!r}",
        "it is kept; edit the line that took its place",
    )  # fmt: skip


def _ignored(one: Edit, line: Line, name: str) -> Flag:
    what = f"{one.who}'s edit {one.id} cannot set {name} to {str(one.after[name])[:40]!r}"
    return Flag(Severity.WARNING, "edit-ignored", line.id, what, "edit the line once more")
