"""script: the lines as they will be spoken: a text chosen for each slot, and people's edits laid over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from dubsync import edits
from dubsync.documents import from_json, to_json
from dubsync.engine.stage import Axis, Context, Made, Unit, stage
from dubsync.errors import Flag, PermanentError, Severity
from dubsync.text import duration
from dubsync.timing import Span
from dubsync.title import Candidate, Line, Source, Utterance

GAP = Fraction(1, 10)
"""Silence kept before the next utterance."""

_Said = tuple[str, tuple[Candidate, ...]]
"""Line id and candidates."""


@dataclass(frozen=True, slots=True)
class ScriptParams:
    """`reach`: seconds of silence after an utterance that its line may be spoken into."""

    reach: float = 1.5


@stage(
    over=Axis.LANGUAGE,
    needs=("source", "translation", "speakers"),
    params=ScriptParams,
    reads=("edits/{language}.jsonl",),
    version=1,
)
def script(unit: Unit, made: Made, ctx: Context, params: ScriptParams) -> Mapping[str, Any]:
    """Choose a text for each slot and apply the edits; flag what will not fit."""
    assert unit.language is not None, "the stage runs once per language"
    film = from_json(Source, made.one("source").value)
    utterances = from_json(tuple[Utterance, ...], made.one("speakers").value["utterances"])
    translated = _candidates(made.one("translation").value["lines"], unit.language)
    spans = slots([utterance.span for utterance in utterances], film.duration, reach=Fraction(params.reach))
    machine = tuple(
        _line(utterance, span, *_of(utterance, translated)) for utterance, span in zip(utterances, spans, strict=True)
    )
    applied = edits.apply(machine, edits.read(ctx.human(f"edits/{unit.language}.jsonl")))
    ctx.flags += applied.flags
    lines = tuple(_with_duration(line, unit.language) for line in applied.lines)
    for line in lines:
        _flag_length(line, unit.language, ctx)
    return {"lines": to_json(lines)}


def slots(spans: Sequence[Span], film: Fraction, *, reach: Fraction) -> tuple[Span, ...]:
    """Return when each utterance's line may be spoken: its own time and the silence after it.

    A slot never reaches into another utterance less `GAP`, nor beyond the film; where people speak at once it is the
    utterance's own time.
    """
    starts = sorted(span.start for span in spans)
    found = []
    for span in spans:
        following = next((start for start in starts if start >= span.end), film)
        overlapped = any(span.start < start < span.end for start in starts)
        free = film if following >= film else following - GAP
        end = span.end if overlapped else max(span.end, min(free, span.end + reach))
        found.append(Span(span.start, max(min(end, film), span.start)))
    return tuple(found)


def _candidates(lines: Sequence[Mapping[str, Any]], language: str) -> dict[str, _Said]:
    """Return line id and candidates by utterance, each candidate with its predicted duration."""
    found = {}
    for line in lines:
        candidates = from_json(tuple[Candidate, ...], line["candidates"])
        found[line["utterance"]] = (line["id"], tuple(_timed(one, language) for one in candidates))
    return found


def _timed(candidate: Candidate, language: str) -> Candidate:
    if candidate.seconds is not None:
        return candidate
    return replace(candidate, seconds=round(duration.natural_seconds(candidate.text, language), 3))


def _of(utterance: Utterance, translated: Mapping[str, _Said]) -> _Said:
    if utterance.id not in translated or not translated[utterance.id][1]:
        raise PermanentError(f"the translation has no line for {utterance.id}: {utterance.text[:60]!r}")
    return translated[utterance.id]


def _line(utterance: Utterance, span: Span, line_id: str, candidates: tuple[Candidate, ...]) -> Line:
    lengths = [candidate.seconds or 0.0 for candidate in candidates]
    scores = [candidate.score for candidate in candidates]
    best = duration.choose(lengths, scores, own=float(utterance.span.duration), slot=float(span.duration))
    return Line(line_id, utterance.id, candidates[best].text, span, utterance.speaker, candidates)


def _with_duration(line: Line, language: str) -> Line:
    """Put a human text among the candidates, so that its predicted duration is known too."""
    if any(candidate.text == line.text for candidate in line.candidates):
        return line
    return replace(line, candidates=(_timed(Candidate(line.text), language), *line.candidates))


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
