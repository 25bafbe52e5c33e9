"""How long a dubbed line shall last, given how long the original lasts and the silence after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

COMFORTABLE = 1.08
"""Rate up to which a line is hurried before it is let run into the silence after it."""
SLOWEST, FASTEST = 0.85, 1.2
"""Rates that speech bears; an engine may bear less."""


def aim(natural: float, *, own: float, slot: float) -> float:
    """Return the duration to ask for, given the original's own time and the slot with the silence after it.

    >>> aim(2.0, own=2.1, slot=3.0), round(aim(2.4, own=2.0, slot=3.0), 2), round(aim(2.4, own=2.0, slot=2.1), 2)
    (2.1, 2.22, 2.1)
    """
    if natural <= own * COMFORTABLE:
        return own
    return max(own, min(slot, natural / COMFORTABLE))


@dataclass(frozen=True, slots=True)
class Turn:
    """A line of a speaker as it would be placed, in samples. `is_fixed`: it stays there, whoever spoke before."""

    speaker: str
    start: int
    length: int
    is_fixed: bool = False


def in_turn(turns: Sequence[Turn], *, tolerated: int, most: int, end: int) -> list[tuple[int, int]]:
    """Return when each line starts, so that nobody speaks two lines at once, and how much they do all the same.

    A line waits for its speaker's line before if the two would overlap by more than `tolerated`; at most `most`
    samples, and no further than it is still heard whole before the film's `end`.
    """
    found, ends = [(turn.start, 0) for turn in turns], dict[str, int]()
    for number in sorted(range(len(turns)), key=lambda number: turns[number].start):
        turn, start = turns[number], turns[number].start
        free = ends.get(turn.speaker, 0)
        if free - start > tolerated and not turn.is_fixed:
            start = max(start, min(free, start + most, end - turn.length))
        over = free - start
        found[number] = start, over if over > tolerated and not turn.is_fixed else 0
        ends[turn.speaker] = max(free, start + turn.length)
    return found
