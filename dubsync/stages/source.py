"""source: what the film is, its sound laid against its picture, and when each frame is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from dubsync.audio.faults import Faults
from dubsync.audio.wav import WavWriter
from dubsync.documents import to_json
from dubsync.engine.stage import Axis, Context, Made, Unit, stage
from dubsync.media.probe import examine
from dubsync.media.sound import sound, to_mono
from dubsync.timing import to_samples

SPEECH_RATE = 16_000


@dataclass(frozen=True, slots=True)
class SourceParams:
    """Nothing to choose: a film is what it is."""


@stage(over=Axis.TITLE, params=SourceParams, version=4)
def source(unit: Unit, made: Made, ctx: Context, params: SourceParams) -> Mapping[str, Any]:
    film, table = examine(ctx.film)
    table.save(ctx.out / "frames.npz")
    track = film.audio[0]
    length = to_samples(table.duration, SPEECH_RATE)
    faults = Faults(track.channels)
    with (
        WavWriter(ctx.out / "audio.wav", track.sample_rate, track.channels) as whole,
        WavWriter(ctx.out / "speech.wav", SPEECH_RATE, 1) as speech,
    ):
        converter = soxr.ResampleStream(track.sample_rate, SPEECH_RATE, 1, dtype="float32")
        for block in sound(ctx.film, table):
            faults.add(block)
            whole.write(block)
            speech.write(converter.resample_chunk(to_mono(block, track.layout))[: length - speech.frames])
            ctx.progress(min(1.0, float(whole.frames / track.sample_rate / table.duration)))
        for rest in _ending(converter.resample_chunk(np.zeros(0, np.float32), last=True), length - speech.frames):
            speech.write(rest)
    ctx.flags += faults.flags()
    value: Mapping[str, Any] = to_json(film)
    return value


def _ending(rest: NDArray[np.float32], missing: int) -> Iterator[NDArray[np.float32]]:
    """Yield the resampler's last samples, cut or filled up to what is missing (rounding leaves a sample or two)."""
    yield rest[:missing]
    yield np.zeros(max(0, missing - len(rest)), np.float32)
