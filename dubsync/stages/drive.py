"""drive: what a take's mouths move to: the dubbed lines over the shot, who speaks when, and which sounds.

Made from the lines as they were spoken, at one level, so that mastering moves no mouth; a take whose lines did not
change gets the same bytes again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import features, loudness, wav
from dubsync.documents import from_json, to_json
from dubsync.engine.stage import Axis, Context, Made, Product, Unit, stage
from dubsync.stages.voice import VOICED
from dubsync.timing import Span, seconds, to_samples
from dubsync.title import Phone, Shot

RATE = 16000
LEVEL = -23.0
"""LUFS that every line is brought to."""
MOST_GAIN_DB = 40.0


@dataclass(frozen=True, slots=True)
class DriveParams:
    """`margin`: seconds of sound before and after the shot."""

    margin: float = 1.0


@stage(over=Axis.TAKE, needs=("mix", "voice"), params=DriveParams, version=4)
def drive(unit: Unit, made: Made, ctx: Context, params: DriveParams) -> Mapping[str, Any]:
    """Write `speech.wav`, mono 16 kHz from `start` on; say who speaks when within it and, where known, which phones."""
    shot = from_json(Shot, unit.item)
    margin = Fraction(params.margin).limit_denominator(1000)
    window = Span(shot.span.start - margin, shot.span.end + margin)
    placements = [row for row in made.one("mix").value["placements"] if _reaches(row, window)]
    spoken = {product.value["line"]: product for product in made.all("voice")}
    first, stop = to_samples(window.start, RATE), to_samples(window.end, RATE)
    wav.write(ctx.out / "speech.wav", _speech(placements, spoken, first, stop), RATE)
    return {
        "start": first / RATE,
        "speaking": _speaking(placements),
        "kept": _kept(made.one("mix").value["kept"], window),
        "phones": to_json(_phones(placements, spoken, window)),
    }


def _kept(spans: Sequence[Sequence[str]], window: Span) -> list[list[float]]:
    """Return where the film's own voices laugh or sigh within the window, in seconds of the film."""
    kept = (Span(Fraction(start), Fraction(end)) for start, end in spans)
    return [[round(float(edge), 6) for edge in (one.start, one.end)] for one in kept if one.overlap(window)]


def _reaches(placement: Mapping[str, Any], window: Span) -> bool:
    return Fraction(placement["start"]) < window.end and Fraction(placement["end"]) > window.start


def _moving(voice: Product) -> Path:
    """Return the sound that a line's mouth moves to: a whisper moves it as the same words with voice do."""
    return voice.file(VOICED if voice.value.get("whispered") else "line.wav")


def _speech(
    placements: Sequence[Mapping[str, Any]], spoken: Mapping[str, Product], first: int, stop: int
) -> NDArray[np.float32]:
    """Return the lines between two samples of the film's clock, each where it was placed."""
    out = np.zeros(stop - first, np.float32)
    for placement in placements:
        file = _moving(spoken[placement["line"]])
        line = features.resample(wav.read(file)[:, 0], wav.facts(file).sample_rate, RATE)
        gain_db = min(LEVEL - loudness.speech_level(line, RATE), MOST_GAIN_DB)
        line = line * np.float32(10 ** (gain_db / 20))
        start = to_samples(Fraction(placement["start"]), RATE) - first
        begin, end = max(0, start), min(len(out), start + len(line))
        if end > begin:
            out[begin:end] += line[begin - start : end - start]
    return out


def _phones(
    placements: Sequence[Mapping[str, Any]], spoken: Mapping[str, Product], window: Span
) -> dict[str, tuple[Phone, ...]]:
    """Return what each speaker says within the window, of the lines whose phones are known; on the film's clock."""
    found: dict[str, list[Phone]] = {}
    for row in placements:
        line = spoken[row["line"]].value
        moved = Fraction(row["start"]) - seconds(float(line["start"]))
        phones = (
            replace(one, span=one.span.shift(moved)) for one in from_json(tuple[Phone, ...], line.get("phones", ()))
        )
        near = [one for one in phones if one.span.start < window.end and one.span.end > window.start]
        found.setdefault(row["speaker"], []).extend(near)
    return {
        speaker: tuple(sorted(found[speaker], key=lambda one: one.span.start))
        for speaker in sorted(found)
        if found[speaker]
    }


def _speaking(placements: Sequence[Mapping[str, Any]]) -> dict[str, list[list[float]]]:
    """Return the spans of each speaker's lines, in seconds of the film."""
    spans: dict[str, list[list[float]]] = {}
    for row in placements:
        span = [round(float(Fraction(row[edge])), 6) for edge in ("start", "end")]
        spans.setdefault(row["speaker"], []).append(span)
    return {speaker: sorted(spans[speaker]) for speaker in sorted(spans)}
