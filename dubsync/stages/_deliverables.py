"""What of a mix is handed over beside the full mix: dialogue stem, M&E stem and every line alone.

All are Broadcast Waves on the film's timecode, of the picture's length and the source's bit depth, and both stems
together are the full mix.
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
from dubsync.title import Source

Samples = NDArray[np.float32]

FOLDER = "stems"


@dataclass(frozen=True, slots=True)
class Form:
    """What deliverables have in common. `timecode`: where the film's first frame stands, seconds since midnight.

    `sample_rate`, `bits`: of the film's sound, 32 for floats, which sound that was coded with loss is decoded to.
    """

    timecode: Fraction
    sample_rate: int
    bits: int = 32

    @classmethod
    def of(cls, film: Source) -> Form:
        """Return the form of what is made for a film."""
        track = film.audio[0]
        return cls(film.timecode, track.sample_rate, track.bits or 32)

    def broadcast(self, what: str, *, at: int = 0) -> wav.Broadcast:
        """Return the label of a file that starts at sample `at` of the film."""
        return wav.Broadcast(what, to_samples(self.timecode, self.sample_rate) + at)


def write(path: Path, blocks: Iterable[Samples], channels: int, form: Form, *, at: int = 0) -> int:
    """Write a stream as a Broadcast Wave that starts at sample `at` of the film; return how many samples clipped."""
    with wav.WavWriter(path, form.sample_rate, channels, form.broadcast(path.stem, at=at), bits=form.bits) as file:
        for block in blocks:
            file.write(block)
    return file.clipped


def stems(folder: Path, full: Path, bed: Iterable[Samples], form: Form) -> int:
    """Write `me.wav` from the mastered bed and `dialogue.wav`: what the full mix has beyond it.

    Return how many samples of the dialogue were beyond full scale, so that the stems do not add up there.
    """
    channels, music = wav.facts(full).channels, folder / "me.wav"
    write(music, bed, channels, form)
    return write(folder / "dialogue.wav", _difference(full, music), channels, form)


def _difference(full: Path, music: Path) -> Iterator[Samples]:
    for whole, part in zip(wav.blocks(full), wav.blocks(music), strict=True):
        yield whole - part
