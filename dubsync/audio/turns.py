"""Where another voice goes on within running speech: what is heard before and after each word is compared.

A recogniser parts speech at pauses and full stops, not where one person falls into another's words. Voiceprints of
short overlapping pieces are taken once; for each word the mean before it is held against the mean after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dubsync.audio.voices import Vectors

Hear = Callable[[float, float], Vectors | None]
"""Gives the voiceprint (d,), a unit vector, of what lies between two times in seconds; None where there is none."""

PART_S = 1.2
"""Seconds that a voice must speak, on either side of a change, to be told from another."""
_PIECE_S, _HOP_S = 0.9, 0.3
_GUARD_S = 0.3
"""A piece whose middle lies nearer to the change than this holds too much of both voices."""
_LOCAL_S = 1.8
"""What lies farther away is not compared: it may be a third turn."""
_REACH_S = 0.7
_CUT, _CUT_S = 0.15, 0.25
"""A cut of the picture within so many seconds counts like so much less likeness."""
DOUBT = 0.5
"""Cosine of before and after below which two voices are likely; chosen to find many, since what is found is judged."""


def changes(hear: Hear, starts: Sequence[float], end: float, *, cuts: Sequence[float] = ()) -> tuple[int, ...]:
    """Return the numbers of the words with which another voice goes on.

    `starts`: of the words, in seconds, ascending; `end`: of the last. `cuts`: when the picture cuts, which it likes to
    do where the turn passes on. What is found is likely, not sure: whoever knows all voices of the film decides.
    """
    if not starts or end - starts[0] < 2 * PART_S:
        return ()
    pieces = [(at, hear(at, at + _PIECE_S)) for at in np.arange(starts[0], end - _PIECE_S + 1e-6, _HOP_S)]
    heard = [(at + _PIECE_S / 2, one) for at, one in pieces if one is not None]
    if len(heard) < 2:
        return ()
    middles, prints = np.array([at for at, _ in heard]), np.stack([one for _, one in heard])
    return tuple(_Search(hear, middles, prints, [*starts, end], cuts).found(0, len(starts)))


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """What is known of one utterance. `edges`: starts of the words and the end of the last."""

    hear: Hear
    middles: NDArray[np.float64]
    prints: Vectors
    edges: list[float]
    cuts: Sequence[float]

    def found(self, first: int, stop: int) -> list[int]:
        """Return the changes among these words, each part examined again."""
        begin, finish = self.edges[first], self.edges[stop]
        inside = (self.middles > begin) & (self.middles < finish)
        apart = {
            number: _alike(self.middles[inside], self.prints[inside], self.edges[number])
            for number in range(first + 1, stop)
            if begin + PART_S <= self.edges[number] <= finish - PART_S
        }
        likely = min(apart, key=lambda number: apart[number], default=None)
        if likely is None or apart[likely] >= DOUBT:
            return []
        near = [number for number in apart if abs(self.edges[number] - self.edges[likely]) <= _REACH_S]
        change = min(near, key=lambda number: self._fit(begin, self.edges[number], finish))
        return [*self.found(first, change), change, *self.found(change, stop)]

    def _fit(self, begin: float, at: float, finish: float) -> float:
        """Return how alike the whole parts are, less where the picture cuts."""
        before, after = self.hear(begin, at), self.hear(at, finish)
        alike = 1.0 if before is None or after is None else float(before @ after)
        return alike - _CUT * any(abs(cut - at) <= _CUT_S for cut in self.cuts)


def _alike(middles: NDArray[np.float64], prints: Vectors, at: float) -> float:
    """Return the cosine of the mean voiceprints before and after a time; 1 where there is nothing to compare."""
    near = np.abs(middles - at) <= _LOCAL_S
    before, after = prints[near & (middles <= at - _GUARD_S)], prints[near & (middles >= at + _GUARD_S)]
    if not len(before) or not len(after):
        return 1.0
    left, right = before.mean(axis=0), after.mean(axis=0)
    return float(left @ right / max(float(np.linalg.norm(left) * np.linalg.norm(right)), 1e-9))
