"""What the page of a language shows, gathered from the title's newest products and its edits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
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


@dataclass(frozen=True)
class Row:
    """A line with all that helps to decide about it. `made`: as the newest run had it; `said`: when its dub says it;
    `who`: changed it last, "" where nobody has.

    What takes time to know is worked out when it is asked for: most rows of a film are not on the page.
    """

    line: Line
    made: Line
    number: int
    speaker: str
    original: Utterance | None
    said: Span | None
    flags: tuple[Flag, ...]
    past: tuple[Past, ...]
    who: str
    film: Source
    language: str
    is_read: bool

    @property
    def is_changed(self) -> bool:
        return scripts.is_changed(self.line, self.made)

    @cached_property
    def version(self) -> str:
        return scripts.version(self.line)

    @cached_property
    def timecode(self) -> str:
        return stamp(self.film, self.line.span.start)

    @cached_property
    def fit(self) -> Fit:
        return self.measure(self.line.text)

    @property
    def choices(self) -> tuple[Choice, ...]:
        texts = dict.fromkeys(one.text for one in (*self.line.candidates, *self.made.candidates))
        return tuple(Choice(text, self.measure(text)) for text in texts)

    @property
    def has_worry(self) -> bool:
        return bool(self.flags) or not self.fit.fits

    def measure(self, text: str) -> Fit:
        """Measure a text by what the voice said of it, if it has been asked: the newest run's candidates tell."""
        is_same_voice = (self.line.speaker, self.line.voice) == (self.made.speaker, self.made.voice)
        known = replace(self.line, candidates=self.made.candidates if is_same_voice else ())
        return measured(text, known, self.language, is_read=self.is_read)


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
    film, names, is_read = _film(home), scripts.speaker_names(home), _is_read(home, language)
    said, flags, past = _placements(home, language), newest_flags(home, language), _past(script)
    heard = scripts.utterances_of(home)
    who = {one.line: one.who for one in script.records}
    ids = {line.id for line in script.lines}
    rows = tuple(
        Row(
            line=line,
            made=made,
            number=number,
            speaker=names.get(line.speaker or "", line.speaker or UNKNOWN_SPEAKER),
            original=heard.get(line.utterance),
            said=said.get(line.id),
            flags=in_order([flag for flag in script.flags if flag.where == line.id] + [*flags.get(line.id, ())]),
            past=tuple(past.get(line.id, ())),
            who=who.get(line.id, ""),
            film=film,
            language=language,
            is_read=is_read,
        )
        for number, (line, made) in enumerate(_in_order(script), 1)
    )
    loose = [flag for flag in script.flags if flag.where not in ids]
    loose += [flag for where in flags if where not in ids for flag in flags[where]]
    return Sheet(title, language, _source_language(home), film, names, rows, in_order(loose), is_read)


def _in_order(script: Script) -> list[tuple[Line, Line]]:
    """Return each line with how the newest run had it, as they follow each other in the film."""
    return sorted(zip(script.lines, script.made, strict=True), key=lambda pair: pair[0].span)


def _past(script: Script) -> Mapping[str, Sequence[Past]]:
    """Return the edits of each line, newest first."""
    placed = {edit: line for line, ids in script.placed.items() for edit in ids}
    standing = {one.id for one in edits.active(script.records)}
    undone_by = {one.undo: one.id for one in script.records if one.undo}  # the last word on each counts
    found: dict[str, list[Past]] = {}
    for one in reversed(script.records):
        line = placed.get(one.id, one.line)
        if one.undo is None and line is not None:
            is_standing = one.id in standing
            found.setdefault(line, []).append(Past(one, is_standing, one.id if is_standing else undone_by[one.id]))
    return found


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
