"""Where is music? Judged by whether the spectrum is made of lines that stay, as notes do, and noise and speech do not.

Lines: spectral flatness (Gray and Markel, 1974), taken against each bin's neighbourhood, so that the slope of wind or
traffic does not count: 0.56 for noise of any colour, near 0 for tones. That they stay: what is left of the spectrum
without its slope is alike from one eighth of a second to the next, while a speaker's pitch has moved on. Drums are
noise, so a part of the time is enough. A guess: a siren and a bird are music to it, drums alone are none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dubsync.audio import features
from dubsync.timing import Span, seconds

RATE, SIZE = 16000, 2048
STEP_S = SIZE / RATE
LOW_HZ, HIGH_HZ = 220, 5000
AROUND = 10
"""Bins on both sides that make a neighbourhood, 78 Hz."""
TONAL, STAYS = 0.4, 0.35
"""Flatness below which, and likeness to the step before or after from which on, it is made of lines that stay."""
QUIET_DB = -55.0
"""Below this nobody hears it beside speech."""
SHARE = 0.6
"""Of the time it must be tonal and loud enough."""
SHORTEST_S, BREAK_S = 2.0, 2.0
"""Music lasts this long at least, and is another one after such a break."""

Samples = NDArray[np.float32]
Array = NDArray[np.float64]


def stretches(blocks: Iterable[Samples], sample_rate: int) -> tuple[Span, ...]:
    """Return where a mono sound, given in blocks of a second or more, is music, to an eighth of a second."""
    tonal = _tonal(blocks, sample_rate)
    (at,) = np.nonzero(tonal)
    if len(at) == 0:
        return ()
    groups = np.split(at, np.flatnonzero(np.diff(at) > BREAK_S / STEP_S) + 1)
    found = (_densest(tonal, int(group[0]), int(group[-1]) + 1) for group in groups)
    return tuple(
        Span(seconds(first * STEP_S), seconds(stop * STEP_S))
        for first, stop in found
        if (stop - first) * STEP_S >= SHORTEST_S and tonal[first:stop].mean() >= SHARE
    )


def _densest(tonal: NDArray[np.bool_], first: int, stop: int) -> tuple[int, int]:
    """Return the stretch with most tonal frames beyond `SHARE` of it (the greatest sum of a run, by Kadane)."""
    sums = np.concatenate([[0.0], np.cumsum(np.where(tonal[first:stop], 1 - SHARE, -SHARE))])
    lowest = np.minimum.accumulate(sums)
    last = int(np.argmax(sums - lowest))
    return first + int(np.argmin(sums[: last + 1])), first + last


def _tonal(blocks: Iterable[Samples], sample_rate: int) -> NDArray[np.bool_]:
    """Tell for each whole step of the sound whether it is loud enough and made of lines that stay."""
    loud, flat, alike = [np.zeros(0, np.bool_)], [np.zeros(0)], [np.zeros(0)]
    before: Array | None = None
    for sound in _whole_steps(blocks, sample_rate):
        shape, flatness, around = _shape(sound)
        before = np.zeros_like(shape[:1]) if before is None else before
        alike.append(_likeness(np.concatenate([before, shape[:-1]]), shape, np.sqrt(around)))
        flat.append(np.average(flatness, axis=1, weights=np.sqrt(around)))
        loud.append(features.frame_levels(sound, SIZE) > QUIET_DB)
        before = shape[-1:]
    likest = np.concatenate(alike)
    stays = np.maximum(likest, np.append(likest[1:], 0)[: len(likest)]) > STAYS
    return np.asarray(np.concatenate(loud) & (np.concatenate(flat) < TONAL) & stays)


def _whole_steps(blocks: Iterable[Samples], sample_rate: int) -> Iterator[Samples]:
    """Yield the sound at `RATE` in whole steps, without its last incomplete one."""
    left = np.zeros(0, np.float32)
    for block in blocks:
        sound = np.concatenate([left, features.resample(block, sample_rate, RATE)])
        whole = len(sound) // SIZE * SIZE
        if whole:
            yield sound[:whole]
        left = sound[whole:]


def _shape(sound: Samples) -> tuple[Array, Array, Array]:
    """Return three by steps and bins: the power's log above that of its geometric mean around, flatness, mean power."""
    window = np.hanning(SIZE).astype(np.float32)
    power = features.power_spectrum(sound, window=window, size=SIZE, hop=SIZE, centred=False).astype(np.float64)
    first, last = LOW_HZ * SIZE // RATE, HIGH_HZ * SIZE // RATE
    near = sliding_window_view(power[:, first:last] + features.SILENCE, 2 * AROUND + 1, axis=1)
    level, around = np.log(near).mean(axis=2), near.mean(axis=2)
    return np.log(near[:, :, AROUND]) - level, np.exp(level) / around, around


def _likeness(one: Array, other: Array, weights: Array) -> Array:
    """Return the weighted correlation of rows, -1 to 1."""
    total = weights.sum(axis=1, keepdims=True)
    one = one - (weights * one).sum(axis=1, keepdims=True) / total
    other = other - (weights * other).sum(axis=1, keepdims=True) / total
    size = np.sqrt((weights * one**2).sum(axis=1) * (weights * other**2).sum(axis=1))
    return np.asarray((weights * one * other).sum(axis=1) / np.maximum(size, features.SILENCE))
