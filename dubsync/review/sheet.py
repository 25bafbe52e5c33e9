"""What the page of a language shows, gathered from the title's newest products and its edits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

from dubsync import edits, scripts
from dubsync.documents import from_json
from dubsync.edits import Edit
from dubsync.engine.stage import Unit
from dubsync.engine.store import Store
from dubsync.errors import Flag, InputError
from dubsync.quality.page import stamp
from dubsync.quality.report import in_order
from dubsync.review.fit import Fit, measured
from dubsync.scripts import Script
from dubsync.timing import Span
from dubsync.title import Line, Source, Title, Utterance

UNKNOWN_SPEAKER = "nobody known"
COLOURS = 6
"""How many speakers the timeline can tell by colour; the style has one more for nobody known."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A candidate, and how it fits."""

    text: str
    fit: Fit


@dataclass(frozen=True, slots=True)
class Past:
    """An edit of a line. `is_standing`: it was not taken back. `undo`: what to take back to turn that round."""

    edit: Edit
    is_standing: bool
    undo: str


@dataclass(frozen=True, slots=True)
class Row:
    """A line with all that helps to decide about it. `said`: when the newest dub says it; None where there is none."""

    line: Line
    number: int
    version: str
    timecode: str
    speaker: str
    original: Utterance | None
    said: Span | None
    fit: Fit
    choices: tuple[Choice, ...]
    flags: tuple[Flag, ...]
    past: tuple[Past, ...]
    is_changed: bool

    @property
    def has_worry(self) -> bool:
        return bool(self.flags) or not self.fit.fits


@dataclass(frozen=True, slots=True)
class Sheet:
    """A language of a title. `loose`: flags that belong to no line. `is_read`: its lines are subtitles, not spoken."""

    title: Title
    language: str
    source_language: str
    film: Source
    speakers: Mapping[str, str]
    rows: tuple[Row, ...]
    loose: tuple[Flag, ...]
    is_read: bool

    def row(self, line_id: str) -> Row | None:
        return next((row for row in self.rows if row.line.id == line_id), None)

    def place_of(self, speaker: str | None) -> int:
        """Return which of `COLOURS` colours a speaker has in the timeline."""
        known = list(self.speakers)
        return known.index(speaker) % COLOURS if speaker in known else COLOURS

    @property
    def changed(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.is_changed)


def read_sheet(title: Title, language: str) -> Sheet:
    """Gather a language's sheet. Raises InputError where there is no script yet, CorruptStore."""
    home = Path(title.folder)
    script = scripts.read_script(home, language)
    film = _film(home)
    names = scripts.speaker_names(home)
    said, flags = _placements(home, language), newest_flags(home, language)
    heard = scripts.utterances_of(home)
    is_read = _is_read(home, language)
    changed = {line.id for line in script.changed()}
    rows = []
    for number, (line, made) in enumerate(_in_order(script), 1):
        own = (*(flag for flag in script.flags if flag.where == line.id), *flags.get(line.id, ()))
        rows.append(Row(
            line=line,
            number=number,
            version=scripts.version(line),
            timecode=stamp(film, line.span.start),
            speaker=names.get(line.speaker or "", line.speaker or UNKNOWN_SPEAKER),
            original=heard.get(line.utterance),
            said=said.get(line.id),
            fit=_measured(line.text, line, made, language, is_read=is_read),
            choices=_choices(line, made, language, is_read=is_read),
            flags=in_order(own),
            past=tuple(_past(line.id, script)),
            is_changed=line.id in changed,
        ))  # fmt: skip
    ids = {line.id for line in script.lines}
    loose = [flag for flag in script.flags if flag.where not in ids]
    loose += [flag for where in flags if where not in ids for flag in flags[where]]
    return Sheet(
        title, language, _source_language(home), film, names, tuple(rows), in_order(loose), is_read
    )  # fmt: skip


def _in_order(script: Script) -> list[tuple[Line, Line]]:
    """Return each line with how the newest run had it, as they follow each other in the film."""
    return sorted(zip(script.lines, script.made, strict=True), key=lambda pair: pair[0].span)


def _measured(text: str, line: Line, made: Line, language: str, *, is_read: bool) -> Fit:
    """Measure by what the voice said of the text, if it has been asked: the newest run's candidates say so."""
    is_same_voice = (line.speaker, line.voice) == (made.speaker, made.voice)
    known = Line(line.id, line.utterance, text, line.span, candidates=made.candidates if is_same_voice else ())
    return measured(text, known, language, is_read=is_read)


def measure_draft(sheet: Sheet, row: Row, text: str) -> Fit:
    """Return how a text that is not saved yet would fit."""
    return next(
        (choice.fit for choice in row.choices if choice.text == text),
        measured(text, row.line, sheet.language, is_read=sheet.is_read),
    )


def _choices(line: Line, made: Line, language: str, *, is_read: bool) -> tuple[Choice, ...]:
    texts = dict.fromkeys(one.text for one in (*line.candidates, *made.candidates))
    return tuple(Choice(text, _measured(text, line, made, language, is_read=is_read)) for text in texts)


def _past(line_id: str, script: Script) -> Iterator[Past]:
    """Yield the edits of a line, newest first."""
    placed = script.placed.get(line_id, ())
    standing = {one.id for one in edits.active(script.records)}
    undone_by = {one.undo: one.id for one in script.records if one.undo}  # the last word on each counts
    for one in reversed(script.records):
        if one.undo is None and (one.id in placed or one.line == line_id):
            is_standing = one.id in standing
            yield Past(one, is_standing, one.id if is_standing else undone_by[one.id])


def _film(home: Path) -> Source:
    product = scripts.newest(home, "source", Unit("title"))
    if product is None:
        raise InputError(f"{home.name} has not been looked at yet", hint="run `dubsync localize` first")
    return from_json(Source, product.value, where="source")


def _source_language(home: Path) -> str:
    product = scripts.newest(home, "transcript", Unit("title"))
    return str(product.value["language"]) if product else "und"


def _placements(home: Path, language: str) -> dict[str, Span]:
    """Return when the newest mix says each line."""
    product = scripts.newest(home, "mix", Unit(language, language))
    placed = product.value["placements"] if product else ()
    return {each["line"]: Span(Fraction(each["start"]), Fraction(each["end"])) for each in placed}


def _is_read(home: Path, language: str) -> bool:
    last = Store(home / "store").last("script", Unit(language, language))
    return bool(last and last["recipe"].get("params", {}).get("subtitles"))


def newest_flags(home: Path, language: str) -> Mapping[str, Sequence[Flag]]:
    """Return the flags of the newest products by where they are: of the language as a whole and of its lines."""
    seen = tuple(sorted((each.name, each.stat().st_mtime_ns) for each in (home / "store" / "last").glob("*")))
    return _flags_at(home, language, seen)


@lru_cache(maxsize=32)
def _flags_at(home: Path, language: str, seen: tuple[tuple[str, int], ...]) -> Mapping[str, Sequence[Flag]]:
    """Read the flags; `seen` says when a product was last added, so that they are read anew after a run."""
    product = scripts.newest(home, "script", Unit(language, language))
    keys = {language, *(line["id"] for line in product.value["lines"])} if product else {language}
    found: dict[str, list[Flag]] = {}
    for each in Store(home / "store").newest(language):
        for flag in each.flags if each.unit.key in keys else ():
            if flag.code not in ("edit-conflict", "edit-unplaced", "edit-ignored"):  # asked anew each time
                found.setdefault(flag.where, []).append(flag)
    return found
