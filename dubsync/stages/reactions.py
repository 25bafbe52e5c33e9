"""reactions: laughs, breaths, sighs and cries between the lines, which are kept from the original and not spoken anew.

The mix lets the film's own sound stand where one lies. So that no original speech slips through, a reaction must stand
apart from every word of the transcript, be louder than what the separation leaves behind, and a recogniser that hears
it alone must find no word in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from dubsync.audio import features, wav
from dubsync.audio import reactions as sounds
from dubsync.backends.protocols import Transcriber
from dubsync.documents import from_json, to_json
from dubsync.engine.stage import Axis, Context, Made, Unit, stage
from dubsync.timing import Span, to_samples, union
from dubsync.title import Utterance

REACH = Fraction(2)
"""Seconds around the lines that are searched: the mix leaves the film alone further away."""


@dataclass(frozen=True, slots=True)
class ReactionsParams:
    """`keep`: whether reactions are kept at all."""

    keep: bool = False


@stage(
    over=Axis.TITLE,
    needs=("stems", "transcript"),
    params=ReactionsParams,
    backends=("asr",),
    version=1,
)
def reactions(unit: Unit, made: Made, ctx: Context, params: ReactionsParams) -> Mapping[str, Any]:
    """Return where reactions are, on the film's clock."""
    if not params.keep:
        return {"reactions": [], "found": 0}
    transcript = made.one("transcript").value
    utterances = from_json(tuple[Utterance, ...], transcript["utterances"])
    dialogue, bed = (made.one("stems").file(f"{name}.wav") for name in ("dialogue", "bed"))
    found = list(_candidates(utterances, sounds.measure(dialogue, bed)))
    kept = _wordless(found, dialogue, transcript["language"], ctx) if found else []
    return {"reactions": to_json(tuple(kept)), "found": len(found)}


def _candidates(utterances: Sequence[Utterance], levels: sounds.Levels) -> Iterator[Span]:
    """Yield sounds near the lines that stand apart from every word."""
    spans = [span for one in utterances for span in ([word.span for word in one.words] or [one.span])]
    for area in union(Span(max(Fraction(0), one.span.start - REACH), one.span.end + REACH) for one in utterances):
        yield from sounds.candidates(levels, area, [span for span in spans if span.overlap(area)])


def _wordless(found: list[Span], dialogue: Path, language: str, ctx: Context) -> list[Span]:
    """Return those in which the recogniser, hearing them alone, finds no word."""
    rate = wav.facts(dialogue).sample_rate
    path, places = ctx.out / "alone.wav", []
    cuts = ((to_samples(span.start, rate), to_samples(span.end, rate)) for span in found)
    parts = ((features.mono(wav.read(dialogue, start=first, stop=stop)), rate) for first, stop in cuts)
    with wav.WavWriter(path, sounds.HEARING_RATE, 1) as file:
        for sound, place in sounds.strung(parts):
            file.write(sound)
            places.append(place)
    engine: Transcriber = ctx.backend("asr")
    heard = engine.transcribe(path, language=language, progress=ctx.progress)
    path.unlink()
    words = [(word.text, word.span) for one in heard.utterances for word in one.words]
    is_free = sounds.wordless(places, words)
    return [span for span, free in zip(found, is_free, strict=True) if free]
