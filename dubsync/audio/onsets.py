"""Where sound begins and ends around words whose times are only roughly known.

A recogniser's attention puts words next to pauses up to 0.3 s off. The energy says where sound starts again after a
pause; inside running speech it says nothing, so words there are left alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

HOP_S = 0.005
_FRAME_S = 0.02
_REACH_S = 0.35
_PAUSE_S = 0.12
_ABOVE_FLOOR = 0.3
"""Share of the way from the quietest to the loudest, in decibels, at which speech has begun."""

Times = tuple[float, float]


def level_db(samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    """Return the level of 20 ms frames every 5 ms, in dB; frame i is centred at i * 5 ms."""
    hop, half = round(HOP_S * sample_rate), round(_FRAME_S * sample_rate / 2)
    sums = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    centres = np.arange(0, len(samples), hop)
    low, high = np.maximum(centres - half, 0), np.minimum(centres + half, len(samples))
    power = (sums[high] - sums[low]) / np.maximum(high - low, 1)
    level: NDArray[np.float32] = (10 * np.log10(power + 1e-10)).astype(np.float32)
    return level


def corrected(times: Sequence[Times], level: NDArray[np.float32]) -> tuple[Times, ...]:
    """Return word times with starts after a pause and ends before one moved to where the sound is.

    `level`: from `level_db`, on the same clock. Order is kept and no word becomes empty.
    """
    if not len(level):
        return tuple(times)
    result: list[list[float]] = [list(pair) for pair in times]
    for index, (start, end) in enumerate(times):
        before = result[index - 1][1] if index else -np.inf
        after = times[index + 1][0] if index + 1 < len(times) else np.inf
        if start - before > _PAUSE_S:
            result[index][0] = _onset(level, max(before, start - _REACH_S), min(end, start + _REACH_S), start)
        if after - end > _PAUSE_S:
            low = max(result[index][0] + 0.04, end - _REACH_S)
            result[index][1] = _offset(level, low, min(after - 0.02, end + _REACH_S), end)
    return tuple((start, max(end, start + 0.02)) for start, end in result)


def _onset(level: NDArray[np.float32], low: float, high: float, otherwise: float) -> float:
    """First time in [low, high] at which the sound has risen; `otherwise` where nothing rises."""
    loud = _is_loud(level, low, high)
    if loud is None or loud[0] or not loud.any():
        return otherwise
    return max(low, 0.0) + float(np.argmax(loud)) * HOP_S


def _offset(level: NDArray[np.float32], low: float, high: float, otherwise: float) -> float:
    loud = _is_loud(level, low, high)
    if loud is None or loud[-1] or not loud.any():
        return otherwise
    return max(low, 0.0) + float(len(loud) - np.argmax(loud[::-1])) * HOP_S


def _is_loud(level: NDArray[np.float32], low: float, high: float) -> NDArray[np.bool_] | None:
    window = level[max(0, round(low / HOP_S)) : max(0, round(high / HOP_S)) + 1]
    if len(window) < 4:
        return None
    floor, top = float(np.percentile(window, 5)), float(window.max())
    if top - floor < 10:
        return None
    loud: NDArray[np.bool_] = window > floor + _ABOVE_FLOOR * (top - floor)
    return loud
