"""Lines that people recorded, brought into a title folder: one file on the film's clock, or one for each line.

A folder of lines is named by their ids (`line-7b888c3f.wav`), with their place in the film before it if one likes
(`0007-line-7b888c3f.wav`, as the mix hands lines over), or by the place alone (`0007.wav`). Or it holds a `lines.csv`
with the columns `id` (or `order`) and `file`, and `in` and `out` in seconds where a file holds several lines; an
exported script with these columns added is one.
"""

from __future__ import annotations

import csv
import filecmp
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from dubsync import folder
from dubsync.audio import wav
from dubsync.errors import InputError, UnreadableMedia, UsageError
from dubsync.stages.voice import ALONE, HUMAN
from dubsync.text.subtitles import decode, load_bytes
from dubsync.timing import to_samples

TABLE = "lines.csv"
SOUNDS = (".wav", ".wave", ".bwf", ".w64", ".rf64", ".flac", ".aif", ".aiff", ".caf", ".ogg", ".opus", ".mp3")
_ORDERED = re.compile(r"(?:(?P<order>\d+)(?:[-_ ]+|$))?(?P<id>.*)")


@dataclass(frozen=True, slots=True)
class Recorded:
    """Where the recording of a line is: all of `file`, or `[start, end)` seconds of it; `end` None: to its end."""

    line: str
    file: Path
    start: Fraction = Fraction(0)
    end: Fraction | None = None


def bring(home: Path, language: str, given: Path, lines: Sequence[str] | None) -> int:
    """Put recordings into the title folder, each checked to be sound; return how many lines have one of their own.

    `given`: a sound on the film's clock, a folder, or a table. `lines`: ids in the order of the film, None when they
    are not known yet. What was brought earlier stays for the lines that are not among the new ones.

    Raises:
        UsageError: a name fits no line, or two recordings one.
        InputError: there is nothing to bring, or it is no sound.
    """
    if not given.exists():
        raise InputError(f"{given}: there is no such file", hint="check the path")
    if not given.is_dir() and given.suffix.lower() != ".csv":
        _check_sound(given)
        folder.bring(given, home / HUMAN.format(language=language))
        return 0
    found = _checked(list(_listed(given, lines)), given, lines)
    for one in found:
        target = home / ALONE.format(language=language, unit=one.line)
        target.parent.mkdir(exist_ok=True)
        _copy(one, target)
    return len(found)


def _listed(given: Path, lines: Sequence[str] | None) -> Iterator[Recorded]:
    table = given / TABLE if given.is_dir() else given
    if table.is_file():
        yield from _from_table(table, lines)
        return
    for path in sorted(given.iterdir()):
        if path.suffix.lower() in SOUNDS and not path.name.startswith("."):
            match = _ORDERED.fullmatch(path.stem)
            assert match is not None, "the pattern takes any name"
            yield Recorded(match["id"] or _by_order(match["order"], lines, path.name), path)


def _from_table(table: Path, lines: Sequence[str] | None) -> Iterator[Recorded]:
    text = decode(load_bytes(table), table.name)
    rows = list(csv.DictReader(text.splitlines(), delimiter=";" if ";" in text.split("\n", 1)[0] else ","))
    if not rows or "file" not in rows[0] or not {"id", "order"} & set(rows[0]):
        raise InputError(f"{table.name}: needs the columns id (or order) and file", hint="id,file,in,out")
    for number, row in enumerate(rows, 2):
        where = f"{table.name}: row {number}"
        if row["file"]:
            line = row.get("id") or _by_order(row.get("order") or "", lines, where)
            start, end = (_seconds(row, name, where) for name in ("in", "out"))
            yield Recorded(line, table.parent / row["file"], start or Fraction(0), end)


def _seconds(row: Mapping[str, str | None], name: str, where: str) -> Fraction | None:
    text = (row.get(name) or "").strip().replace(",", ".")
    try:
        value = Fraction(text) if text else None
    except (ValueError, ZeroDivisionError) as error:
        raise InputError(
            f"{where}: {name} = {text!r} is no number of seconds", hint="write for example 12.48"
        ) from error
    if value is not None and value < 0:
        raise InputError(f"{where}: {name} = {text} lies before the file begins")
    return value


def _by_order(order: str, lines: Sequence[str] | None, where: str) -> str:
    if lines is None:
        raise UsageError(
            f"{where}: the order of the lines is not known before a first run", hint="run once without --recorded"
        )
    if not order.isdigit() or not 1 <= int(order) <= len(lines):
        raise UsageError(f"{where}: there is no line number {order!r}", hint=f"the film has {len(lines)} lines")
    return lines[int(order) - 1]


def _checked(found: list[Recorded], given: Path, lines: Sequence[str] | None) -> list[Recorded]:
    if not found:
        raise InputError(f"{given}: holds no recording", hint=f"name the files by the lines, or write a {TABLE}")
    seen: dict[str, Path] = {}
    for one in found:
        if lines is not None and one.line not in lines:
            raise UsageError(
                f"{one.file.name}: no line is called {one.line!r}",
                hint="`dubsync script export TITLE --lang LANGUAGE --format csv` names the lines",
            )
        if one.line in seen:
            raise UsageError(f"{seen[one.line].name} and {one.file.name} are both for {one.line}", hint="leave one out")
        seen[one.line] = one.file
        _check_sound(one.file)
    return found


def _check_sound(path: Path) -> None:
    try:
        length = wav.facts(path).frames
    except UnreadableMedia as error:
        raise UnreadableMedia(f"{error.message}", hint="bring recordings as WAV, FLAC or AIFF") from error
    if length == 0:
        raise InputError(f"{path.name}: holds no sound", hint="record the line again, or leave the file out")


def _copy(one: Recorded, target: Path) -> None:
    """Write the recording as WAV; it appears whole, and only if it is another than before."""
    facts = wav.facts(one.file)
    first = to_samples(one.start, facts.sample_rate)
    stop = facts.frames if one.end is None else min(facts.frames, to_samples(one.end, facts.sample_rate))
    if stop <= first:
        raise InputError(f"{one.file.name}: nothing lies between in and out of {one.line}")
    part = target.with_name(f".{target.name}.part")
    with wav.WavWriter(part, facts.sample_rate, facts.channels) as out:
        for block in wav.blocks(one.file, start=first, stop=stop):
            if not np.isfinite(block).all():
                raise InputError(f"{one.file.name}: holds samples that are no numbers", hint="export it again")
            out.write(block)
    if target.is_file() and filecmp.cmp(part, target, shallow=False):
        part.unlink()
    else:
        part.replace(target)
