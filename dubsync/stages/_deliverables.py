"""What of a mix is handed over beside the full mix: dialogue stem, M&E stem and every line alone.

All are Broadcast Waves on the film's timecode, of the picture's length, and both stems together are the full mix.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import wav
from dubsync.timing import to_samples

Samples = NDArray[np.float32]

FOLDER = "stems"


@dataclass(frozen=True, slots=True)
class Clock:
    """Where the film's first frame stands: `timecode` in seconds since midnight, and the rate of its sound."""

    timecode: Fraction
    sample_rate: int

    def broadcast(self, what: str, *, at: int = 0) -> wav.Broadcast:
        """Return the label of a file that starts at sample `at` of the film."""
        return wav.Broadcast(what, to_samples(self.timecode, self.sample_rate) + at)


def write(path: Path, blocks: Iterable[Samples], channels: int, clock: Clock, *, at: int = 0) -> Path:
    """Write a stream as a Broadcast Wave that starts at sample `at` of the film."""
    with wav.WavWriter(path, clock.sample_rate, channels, clock.broadcast(path.stem, at=at)) as file:
        for block in blocks:
            file.write(block)
    return path


def stems(folder: Path, full: Path, bed: Iterable[Samples], clock: Clock) -> None:
    """Write `me.wav` from the mastered bed and `dialogue.wav`: what the full mix has beyond it."""
    channels = wav.facts(full).channels
    music = write(folder / "me.wav", bed, channels, clock)
    write(folder / "dialogue.wav", _difference(full, music), channels, clock)


def _difference(full: Path, music: Path) -> Iterator[Samples]:
    for whole, part in zip(wav.blocks(full), wav.blocks(music), strict=True):
        yield whole - part
