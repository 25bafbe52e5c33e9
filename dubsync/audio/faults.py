"""What is wrong with a film's sound as it came: clipped peaks, a DC offset, a stereo track with one dead side.

Blocks go in, flags come out; nothing is repaired, because the film's sound is kept as it is.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dubsync.errors import Flag, Severity

Samples = NDArray[np.float32]

_FULL = 0.9999
_FLAT_RUN = 3
_MOST_CLIPS = 5
"""Places with `_FLAT_RUN` samples at full scale that are let pass: a master's loudest moments."""
_OFFSET = 0.005
_DEAD, _ALIVE = 1e-4, 1e-2


class Faults:
    """Listens to a film's sound, block after block (n, channels)."""

    def __init__(self, channels: int) -> None:
        self._frames = self._clips = 0
        self._sum = np.zeros(channels)
        self._highest = np.zeros(channels)
        self._before = np.zeros((_FLAT_RUN - 1, channels), bool)

    def add(self, block: Samples) -> None:
        if len(block) == 0:
            return
        self._frames += len(block)
        self._sum += block.sum(axis=0, dtype=np.float64)
        magnitude = np.abs(block)
        self._highest = np.maximum(self._highest, magnitude.max(axis=0))
        self._count_clips(np.concatenate([self._before, magnitude >= _FULL]))

    def _count_clips(self, full: NDArray[np.bool_]) -> None:
        """Count where a run of full samples reaches its length, once for each run that ends in this block."""
        flat = full[: -(_FLAT_RUN - 1)].copy()
        for shift in range(1, _FLAT_RUN):
            flat &= full[shift : len(full) - (_FLAT_RUN - 1) + shift]
        self._clips += int((flat[1:] & ~flat[:-1]).sum() + flat[:1].sum())
        self._before = full[-(_FLAT_RUN - 1) :]

    def flags(self) -> Iterator[Flag]:
        """Yield what a person should know before the film is dubbed."""
        if self._clips > _MOST_CLIPS:
            what = f"the sound is clipped in {self._clips} places; what is not dubbed stays so"
            yield _flag("clipped-source", what, "bring a master that is not clipped")
        offset = float(np.abs(self._sum / max(1, self._frames)).max(initial=0.0))
        if offset > _OFFSET:
            what = f"the sound has a DC offset of {100 * offset:.1f} % of full scale, which stays in it"
            yield _flag("dc-offset", what, "filter it out of the film's sound first")
        if len(self._highest) == 2 and self._highest.min() < _DEAD and self._highest.max() > _ALIVE:
            side = ("left", "right")[int(self._highest.argmin())]
            what = f"the {side} channel is silent: the dub will be on the other one alone, as the film is"
            yield _flag("one-sided", what, "give the film mono or true stereo sound")


def _flag(code: str, what: str, hint: str) -> Flag:
    return Flag(Severity.WARNING, code, "film", what, hint)
