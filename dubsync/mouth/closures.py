"""Lips that must meet do meet: p, b and m close them, f and v bring the lower lip to the teeth.

Sound tells a mouth that is driven by it little of a closure, and a frame lasts as long as one, so the articulation
passes over many. Where a voice says which sounds it made and when, the opening is limited from above, to the actor's
own closed mouth while the sound lasts, coming and going smoothly. All else a shape says stays as it was: it moves only
along the way in which this actor opens and closes (`Lips.course`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dubsync.mouth import shape
from dubsync.mouth.warp import LOWER, UPPER
from dubsync.title import Phone

Array = NDArray[np.float32]
Times = NDArray[np.float64]

CLOSED = frozenset("pbm")
BITTEN, NEAR = frozenset("fvɱ"), frozenset("βɸ")
"""Lower lip to the teeth; lips that nearly touch."""
_LEFT_OPEN = {**dict.fromkeys(CLOSED, 0.0), **dict.fromkeys(BITTEN, 0.12), **dict.fromkeys(NEAR, 0.2)}
"""How much of the actor's own range stays open."""
SEEN_CLOSED = 0.15
"""Share of the actor's own range under which lips are seen to be closed."""
RAMP_S = 0.07
"""Seconds in which lips come together before a closure, and part after it."""
_OPEN_PRICE = 6.0
_CLOSED_PERCENTILE, _OPEN_PERCENTILE = 2, 95
_LEAST_RANGE = 0.01
"""Eye distances; footage of a mouth that moves less does not say how it closes."""


@dataclass(frozen=True, slots=True)
class Lips:
    """How one actor opens and closes. `closed`, `open`: openings in eye distances.

    `course`: (points, 3) how the shape changes while the opening grows by one eye distance.
    """

    closed: float
    open: float
    course: Array

    def opening(self, share: float) -> float:
        """Return the opening at a share of the range: 0 closed, 1 open."""
        return self.closed + share * (self.open - self.closed)


def lips_of(shapes: Array) -> Lips:
    """Return how the mouth of these shapes (n, points, 3) of one actor opens and closes.

    Landmarks of lips pressed together may lie across each other; lips that touch are closed enough.
    """
    gaps = shape.opening(shapes).astype(np.float64)
    closed, wide = np.percentile(gaps, [_CLOSED_PERCENTILE, _OPEN_PERCENTILE])
    apart = gaps - gaps.mean()
    flat = (shapes - shapes.mean(axis=0)).reshape(len(shapes), -1)
    course = apart @ flat / max(float(apart @ apart), 1e-9)
    return Lips(max(0.0, float(closed)), float(wide), course.reshape(shapes.shape[1:]).astype(np.float32))


def close(shapes: Array, times: Times, phones: Sequence[Phone], lips: Lips) -> Array:
    """Return the shapes (n, points, 3) with their lips together where the phones ask for it; never opened.

    `times`: (n,) when the frames begin, ascending, on the phones' clock. Every closure reaches its aim in a frame.
    """
    if lips.open - lips.closed < _LEAST_RANGE:
        return shapes
    gaps, middles = shape.opening(shapes), centres(times)
    excess = np.zeros(len(shapes), np.float32)
    for phone in phones:
        if phone.symbol in _LEFT_OPEN:
            too_far = gaps - np.float32(lips.opening(_LEFT_OPEN[phone.symbol]))
            excess = np.maximum(excess, hold(middles, phone) * too_far)
    rows = np.flatnonzero(excess > 0)
    if len(rows) == 0:
        return shapes
    closed = shapes.copy()
    closed[rows] = _parted(shapes[rows] - excess[rows, None, None] * lips.course, shapes[rows])
    return closed


def centres(times: Times) -> Times:
    """Return the middle of each frame that begins at `times`: it is seen from then until the next.

    Set on the beginnings of frames, closures are seen late.
    """
    return times + np.median(np.diff(times)) / 2 if len(times) > 1 else times


def hold(times: Times, phone: Phone) -> Array:
    """Return (n,) how far each frame belongs to a phone: 1 while it lasts, in the frame nearest to it at least."""
    start, end = float(phone.span.start), float(phone.span.end)
    row = nearest(times, phone)
    if row is not None:
        start, end = min(start, times[row]), max(end, times[row])
    away = np.maximum(np.maximum(start - times, times - end), 0) / RAMP_S
    return np.asarray(np.where(away < 1, 0.5 + 0.5 * np.cos(np.pi * np.minimum(away, 1)), 0), np.float32)


def nearest(times: Times, phone: Phone) -> int | None:
    """Return the frame nearest to the middle of a phone; None where it is not within these frames."""
    if len(times) == 0:
        return None
    middle = float(phone.span.start + phone.span.end) / 2
    row = int(np.argmin(np.abs(times - middle)))
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    return row if abs(times[row] - middle) <= step else None


def _parted(shapes: Array, before: Array) -> Array:
    """Return shapes whose lips do not cross: where the upper would lie under the lower, both meet in the middle."""
    gap = shapes[:, LOWER, 1] - shapes[:, UPPER, 1]
    least = np.minimum(before[:, LOWER, 1] - before[:, UPPER, 1], 0)
    push = np.maximum(least - gap, 0) / 2
    out = shapes.copy()
    out[:, LOWER, 1] += push
    out[:, UPPER, 1] -= push
    return out


def price(spoken: Array, closed: Array, library: Array, lips: Lips) -> Array | None:
    """Return (n, library) what it costs to borrow an open mouth for lips that were brought together; None: nowhere.

    Going to a frame with closed lips and back has a price too (`performance.JUMP`), and open lips warped shut show.
    """
    gaps = shape.opening(closed)
    shut = (gaps < shape.opening(spoken)) & (gaps <= lips.opening(SEEN_CLOSED))
    if not shut.any():
        return None
    ajar = (shape.opening(library) - lips.closed) / (lips.opening(SEEN_CLOSED) - lips.closed)
    return np.asarray(shut[:, None] * _OPEN_PRICE * np.clip(ajar, 0, 1)[None], np.float32)


def seen_closed(gaps: Array, times: Times, phones: Sequence[Phone], lips: Lips) -> NDArray[np.bool_]:
    """Return for each p, b and m within the frames whether the lips were seen closed.

    `gaps`: (n,) eye distances; `times`: (n,) when the frames begin.
    """
    limit, times = lips.opening(SEEN_CLOSED), centres(times)
    found = []
    for phone in phones:
        row = nearest(times, phone) if phone.symbol in CLOSED else None
        if row is not None:
            inside = (times >= float(phone.span.start)) & (times <= float(phone.span.end))
            inside[row] = True
            found.append(bool(gaps[inside].min() <= limit))
    return np.array(found, bool)
