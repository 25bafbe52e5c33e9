"""Cues and the cuts of the picture: a cue begins at a cut or half a second from it, and ends before one or well after.

The rules are those of the Netflix Timed Text Style Guide, "Subtitle Timing Guidelines" (2024): half a second stands
for its 12 frames at 24 a second, seven of which are the zone in which a time goes to the cut itself. Times are seconds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from fractions import Fraction

APART = Fraction(1, 2)
NEAR = Fraction(7, 24)
GAP_FRAMES = 2
"""Between two cues, and between the end of a cue and the cut after it, whatever the frame rate."""


def in_time(start: Fraction, cuts: Sequence[Fraction]) -> Fraction:
    """Return when a cue that is heard from `start` on appears; `cuts` are in order.

    >>> cuts = [Fraction(10)]
    >>> [float(in_time(Fraction(time), cuts)) for time in ("9.8", "9.6", "10.2", "10.4", "9.4")]
    [10.0, 9.5, 10.0, 10.5, 9.4]
    """
    index = bisect_left(cuts, start)
    before = cuts[index - 1] if index else None
    after = cuts[index] if index < len(cuts) else None
    if after is not None and after - start <= NEAR:
        return after
    if before is not None and start - before <= NEAR:
        return before
    if after is not None and after - start < APART and (before is None or after - before >= 2 * APART):
        return after - APART
    if before is not None and start - before < APART and (after is None or after - before >= 2 * APART):
        return before + APART
    return start


def out_time(
    span: tuple[Fraction, Fraction], cuts: Sequence[Fraction], *, latest: Fraction, gap: Fraction, shortest: Fraction
) -> Fraction:
    """Return when a cue (start, end) vanishes: no later than `latest`, and not within half a second around a cut.

    Where a cue cannot be `shortest` long and keep clear of the cut, it crosses it.

    >>> def out(end): return float(out_time((Fraction(7), Fraction(end)), [Fraction(10)], latest=Fraction(20),
    ...     gap=Fraction(2, 24), shortest=Fraction(5, 6)))
    >>> [round(out(end), 3) for end in ("9.7", "10.1", "10.4", "10.6")]
    [9.917, 9.917, 10.5, 10.6]
    """
    start, end = span
    index = bisect_left(cuts, end + APART)
    cut = cuts[index - 1] if index else None
    if cut is None or cut <= start or end - cut >= APART:
        return end
    before, after = cut - gap, cut + APART
    is_early = before - start >= shortest and before <= latest
    if after <= latest and (end - cut > NEAR or not is_early):
        return after
    return before if is_early else end


def closed(end: Fraction, following: Fraction, cuts: Sequence[Fraction], gap: Fraction) -> Fraction:
    """Return the end, moved up to the next cue's start where less than half a second and no cut lies between."""
    if not gap < following - end < APART or bisect_right(cuts, end) != bisect_left(cuts, following):
        return end
    return following - gap
