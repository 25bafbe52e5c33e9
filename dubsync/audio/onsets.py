"""Where sound begins and ends around words whose times are only roughly known.

A recogniser's attention puts words next to pauses up to 0.3 s off, an aligner now and then begins a word in the pause
before it. The energy says where sound starts again after a pause; inside running speech it says nothing, so words
there are left alone.
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

_BEGUN_SHARE, _CLEAR_DB = 0.35, 15.0
"""The same for words that were aligned, heard against what lies within `_AROUND_S`, which must differ by that much."""
_AROUND_S = 0.6
_SHORTEST_S = 0.06
"""How long a word lasts at least where its neighbour was moved upon it."""

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


def begun(times: Sequence[Times], level: NDArray[np.float32]) -> tuple[Times, ...]:
    """Return aligned word times, words that begin in a pause moved to where the sound starts again.

    `level`: from `level_db`, on the same clock. Only what lies within the word counts, and nothing is moved back: what
    is heard before a word may be a breath. Order is kept.
    """
    found = [_after_pause(start, end, level) for start, end in times]
    for number in range(1, len(found)):
        if found[number] <= found[number - 1]:
            _shared_out(found, number)
    return tuple((start, max(start, end)) for start, (_, end) in zip(found, times, strict=True))


def _after_pause(start: float, end: float, level: NDArray[np.float32]) -> float:
    """Return when a word's sound starts that begins in a pause of `_PAUSE_S` or more; else its start."""
    low = max(0, int((start - _AROUND_S) / HOP_S))
    window = level[low : int((end + _AROUND_S) / HOP_S) + 1]
    if len(window) < 2:
        return start
    floor, top = np.percentile(window, (5, 98))
    loud = window >= floor + _BEGUN_SHARE * (top - floor)
    at = min(round(start / HOP_S) - low, len(window) - 1)
    risen = at + int(np.argmax(loud[at:]))
    quiet_from = risen - int(np.argmax(loud[:risen][::-1])) if loud[:risen].any() else 0
    is_pause = not loud[at] and (risen - quiet_from) * HOP_S >= _PAUSE_S and top - floor >= _CLEAR_DB
    begins = (low + risen) * HOP_S
    return begins if is_pause and begins <= min(end, start + _REACH_S) else start


def _shared_out(starts: list[float], number: int) -> None:
    """Let words that the one before them was moved upon begin evenly between it and the first that lies beyond."""
    before, stop = starts[number - 1], number
    while stop < len(starts) and starts[stop] < before + _SHORTEST_S * (stop - number + 1):
        stop += 1
    room = starts[stop] - before if stop < len(starts) else _SHORTEST_S * (stop - number + 1)
    for index in range(number, stop):
        starts[index] = before + room * (index - number + 1) / (stop - number + 1)


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
