"""stems: the film's sound divided into dialogue and bed (music and effects).

A `me.wav` in the title folder, the music-and-effects track of the film, is taken as it is and nothing is separated.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dubsync.audio import wav
from dubsync.audio.streams import Pieces, resampled
from dubsync.backends.protocols import Separator
from dubsync.engine.stage import Axis, Context, Made, Unit, stage
from dubsync.errors import Flag, InputError, Severity

HUMAN = "me.wav"
_MISFIT_S = 1.0
_TELL_S = 0.05


@stage(over=Axis.TITLE, needs=("source",), reads=(HUMAN,), backends=("stems",), version=1)
def stems(unit: Unit, made: Made, ctx: Context, params: None) -> Mapping[str, Any]:
    """Separate the film's sound, or take the brought M&E track and call the rest dialogue."""
    mixture = made.one("source").file("audio.wav")
    dialogue, bed = ctx.out / "dialogue.wav", ctx.out / "bed.wav"
    brought = ctx.human(HUMAN)
    if brought.exists():
        _take(mixture, brought, dialogue, bed, ctx)
        return {"separator": HUMAN}
    separator: Separator = ctx.backend("stems")
    separator.separate(mixture, dialogue, bed, progress=ctx.progress)
    return {"separator": separator.capabilities.name}


def _take(mixture: Path, brought: Path, dialogue: Path, bed: Path, ctx: Context) -> None:
    """Write the brought track as the bed, in the film's rate and length, and the difference as dialogue."""
    film, given = wav.facts(mixture), wav.facts(brought)
    if given.channels not in (1, film.channels):
        raise InputError(
            f"{HUMAN} has {given.channels} channels and the film has {film.channels}",
            hint="bring the M&E track in the film's own layout",
        )
    _check_length(film, given, ctx)
    pieces = Pieces(resampled(wav.blocks(brought), given.sample_rate, film.sample_rate, given.channels), given.channels)
    with (
        wav.WavWriter(dialogue, film.sample_rate, film.channels) as dialogue_file,
        wav.WavWriter(bed, film.sample_rate, film.channels) as bed_file,
    ):
        for block in wav.blocks(mixture):
            music = np.broadcast_to(pieces.take(len(block)), block.shape)
            bed_file.write(music)
            dialogue_file.write(block - music)
            ctx.progress(bed_file.frames / max(1, film.frames))


def _check_length(film: wav.WavFacts, given: wav.WavFacts, ctx: Context) -> None:
    lengths = film.frames / film.sample_rate, given.frames / given.sample_rate
    missing = abs(lengths[0] - lengths[1])
    if missing > _MISFIT_S:
        raise InputError(
            f"{HUMAN} lasts {lengths[1]:.2f} s and the film {lengths[0]:.2f} s",
            hint="bring the M&E track of this cut, from its first frame to its last",
        )
    if missing > _TELL_S:
        what = f"{HUMAN} lasts {lengths[1]:.2f} s and the film {lengths[0]:.2f} s; its end is cut or silent"
        ctx.flag(Flag(Severity.WARNING, "me-length", HUMAN, what, "bring the M&E track of this cut"))
