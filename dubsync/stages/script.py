"""script: the lines as they will be spoken: a text chosen for each slot, and people's edits laid over.

How long a text takes is what the speaker's voice says of it, where there is one already; else it goes by syllables.
Lines that are subtitles only keep the time in which the original is said, and take as long as they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from dubsync import edits
from dubsync.backends.protocols import VoiceCloner
from dubsync.documents import from_json, to_json
from dubsync.engine.stage import Axis, Context, Made, Unit, stage
from dubsync.errors import Flag, PermanentError, Severity
from dubsync.stages.casting import UNKNOWN
from dubsync.text import duration, lips
from dubsync.text.layout import Picture, readable, reading
from dubsync.timing import Span
from dubsync.title import Candidate, Line, Source, Utterance

GAP = Fraction(1, 10)
"""Silence kept before the next utterance."""
DARK = Picture(Fraction(0)).gap
"""The same for lines that are read: what subtitles keep between them, at 24 frames a second."""

_Said = tuple[str, tuple[Candidate, ...]]
"""Line id and candidates."""

Clock = Callable[[str, str | None], float]
"""Says how many seconds a speaker needs for a text when nobody is in a hurry."""


@dataclass(frozen=True, slots=True)
class ScriptParams:
    """`reach`: seconds of silence after an utterance that its line may be spoken into, or read in.

    `subtitles`: the lines are read and not spoken.
    """

    reach: float = 1.5
    subtitles: bool = False


@stage(
    over=Axis.LANGUAGE,
    needs=("source", "translation", "speakers"),
    optional=("casting",),
    params=ScriptParams,
    reads=("edits/{language}.jsonl",),
    backends=("voice",),
    version=4,
)
def script(unit: Unit, made: Made, ctx: Context, params: ScriptParams) -> Mapping[str, Any]:
    """Choose a text for each slot and apply the edits; flag what will not fit."""
    assert unit.language is not None, "the stage runs once per language"
    film = from_json(Source, made.one("source").value)
    people = made.one("speakers").value
    utterances = from_json(tuple[Utterance, ...], people["utterances"])
    clock = _reading_clock(unit.language) if params.subtitles else _clock(made, ctx, unit.language)
    translated = _candidates(made.one("translation").value["lines"], utterances, clock)
    own = [utterance.span for utterance in utterances]
    gap = DARK if params.subtitles else GAP
    spans = slots(own, film.duration, reach=Fraction(params.reach), gap=gap)
    seen = set(people.get("faces", {}).values())
    machine = tuple(
        _shown(utterance, _of(utterance, translated), readable(unit.language, span.duration))
        if params.subtitles
        else _line(utterance, span, _of(utterance, translated), is_seen=utterance.speaker in seen)
        for utterance, span in zip(utterances, spans, strict=True)
    )
    applied = edits.apply(machine, edits.read(ctx.human(f"edits/{unit.language}.jsonl")))
    ctx.flags += applied.flags
    lines = tuple(_with_duration(line, clock) for line in applied.lines)
    if not params.subtitles:  # what cannot be read in its time is seen when subtitles are laid out
        for line in lines:
            _flag_length(line, unit.language, ctx)
    changed = tuple(one for one, line in zip(machine, applied.lines, strict=True) if one != line)
    return {"lines": to_json(lines), "unedited": to_json(changed)}


def _reading_clock(language: str) -> Clock:
    """Say how long people need to read a text."""
    speed = reading(language).speed
    return lambda text, speaker: len(text) / speed


def _clock(made: Made, ctx: Context, language: str) -> Clock:
    """Ask the voices that were cast; where there are none, count syllables."""
    if "voice" not in ctx.backends or not made.has("casting"):
        return lambda text, speaker: duration.natural_seconds(text, language)
    engine: VoiceCloner = ctx.backend("voice")
    cast = {}
    for speaker in made.one("casting").value["voices"]:
        with np.load(made.one("casting").file(f"{speaker}.npz")) as arrays:
            cast[speaker] = dict(arrays)

    def ask(text: str, speaker: str | None) -> float:
        voice = cast.get(speaker or UNKNOWN)
        if voice is None:
            return duration.natural_seconds(text, language)
        return engine.duration(text, voice=voice, language=language)

    return ask


def slots(spans: Sequence[Span], film: Fraction, *, reach: Fraction, gap: Fraction = GAP) -> tuple[Span, ...]:
    """Return when each utterance's line may be spoken: its own time and the silence after it.

    A slot never reaches into another utterance less `gap`, nor beyond the film; where people speak at once it is the
    utterance's own time.
    """
    starts = sorted(span.start for span in spans)
    found = []
    for span in spans:
        following = next((start for start in starts if start >= span.end), film)
        overlapped = any(span.start < start < span.end for start in starts)
        free = film if following >= film else following - gap
        end = span.end if overlapped else max(span.end, min(free, span.end + reach))
        found.append(Span(span.start, max(min(end, film), span.start)))
    return tuple(found)


def _candidates(lines: Sequence[Mapping[str, Any]], utterances: Sequence[Utterance], clock: Clock) -> dict[str, _Said]:
    """Return line id and candidates by utterance, each candidate with its predicted duration."""
    speakers = {utterance.id: utterance.speaker for utterance in utterances}
    found = {}
    for line in lines:
        candidates = from_json(tuple[Candidate, ...], line["candidates"])
        speaker = speakers.get(line["utterance"])
        found[line["utterance"]] = (line["id"], tuple(_timed(one, speaker, clock) for one in candidates))
    return found


def _timed(candidate: Candidate, speaker: str | None, clock: Clock) -> Candidate:
    if candidate.seconds is not None:
        return candidate
    return replace(candidate, seconds=round(clock(candidate.text, speaker), 3))


def _of(utterance: Utterance, translated: Mapping[str, _Said]) -> _Said:
    if utterance.id not in translated or not translated[utterance.id][1]:
        raise PermanentError(f"the translation has no line for {utterance.id}: {utterance.text[:60]!r}")
    return translated[utterance.id]


def _line(utterance: Utterance, span: Span, said: _Said, *, is_seen: bool) -> Line:
    line_id, candidates = said
    lengths = [candidate.seconds or 0.0 for candidate in candidates]
    scores = [candidate.score for candidate in candidates]
    own = float(utterance.span.duration)
    mouths = _agreements(utterance, candidates) if is_seen else ()
    best = duration.choose(lengths, scores, own=own, slot=float(span.duration), lips=mouths)
    return Line(line_id, utterance.id, candidates[best].text, span, utterance.speaker, candidates)


def _shown(utterance: Utterance, said: _Said, most: int) -> Line:
    """Return a line that is shown while the original is said: the best of at most so many characters.

    `most`: what can be read until the next one. Where all are longer it is the translator's favourite, which is flagged
    and has to be shortened by a person; a shorter way that is still too long would only say it worse.
    """
    line_id, candidates = said
    fitting = [one for one in candidates if len(one.text) <= most]
    best = max(fitting or candidates, key=lambda one: one.score)
    return Line(line_id, utterance.id, best.text, utterance.span, utterance.speaker, candidates)


def _agreements(utterance: Utterance, candidates: Sequence[Candidate]) -> tuple[float, ...]:
    """Say of each candidate how far it moves the lips as the actor does who is seen saying the original."""
    seen = lips.of_words(utterance.words, utterance.span)
    own = float(utterance.span.duration)
    return tuple(lips.agreement(seen, lips.of_text(one.text, min(one.seconds or own, own))) for one in candidates)


def _with_duration(line: Line, clock: Clock) -> Line:
    """Put a human text among the candidates, so that its predicted duration is known too."""
    if any(candidate.text == line.text for candidate in line.candidates):
        return line
    return replace(line, candidates=(_timed(Candidate(line.text), line.speaker, clock), *line.candidates))


def _flag_length(line: Line, language: str, ctx: Context) -> None:
    slot = float(line.span.duration)
    predicted = next(candidate.seconds or 0.0 for candidate in line.candidates if candidate.text == line.text)
    if predicted <= duration.FASTEST * slot:
        return
    room = duration.syllables_in(slot * duration.FASTEST, language)
    ctx.flag(Flag(
        Severity.WARNING, "line-too-long", line.id,
        f"takes about {predicted:.1f} s and has {slot:.1f} s: {line.text[:80]!r}",
        f"shorten it to about {room} syllables; it has {duration.syllables(line.text, language)}",
    ))  # fmt: skip
