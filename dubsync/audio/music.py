"""Is it music? Judged by whether the spectrum is made of lines that stay, as tones do and noise does not.

The measure is spectral flatness (Gray and Markel, 1974), taken against each bin's neighbourhood, so that the slope of
wind or traffic does not count: 0.56 for noise of any colour, near 0 for tones. A guess: a siren is music to it.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dubsync.audio import features

RATE, SIZE = 16000, 2048
LOW_HZ, HIGH_HZ = 220, 5000
AROUND = 10
"""Bins on both sides that make a neighbourhood, 78 Hz."""
TONAL = 0.3
QUIET_DB = -55.0
"""Below this nobody hears it beside speech."""
SHARE = 0.8
"""Of the time it must be tonal and loud enough."""


def is_music(samples: NDArray[np.float32], sample_rate: int) -> bool:
    """Tell whether a mono stretch of a second or more sounds like music almost all the time."""
    sound = features.resample(samples, sample_rate, RATE)
    if len(sound) < RATE:
        return False
    loud = features.frame_levels(sound, SIZE) > QUIET_DB
    tonal = flatness(sound)[: len(loud)] < TONAL
    return bool(np.mean(loud[: len(tonal)] & tonal) >= SHARE)


def flatness(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return for each 128 ms of 16 kHz sound the geometric over the arithmetic mean of its power, 0 to 1."""
    window = np.hanning(SIZE).astype(np.float32)
    power = features.power_spectrum(sound, window=window, size=SIZE, hop=SIZE, centred=False).astype(np.float64)
    first, last = LOW_HZ * SIZE // RATE, HIGH_HZ * SIZE // RATE
    near = sliding_window_view(power[:, first:last] + features.SILENCE, 2 * AROUND + 1, axis=1)
    around = near.mean(axis=2)
    weight = np.sqrt(around)
    found: NDArray[np.float64] = (weight * np.exp(np.log(near).mean(axis=2)) / around).sum(axis=1) / weight.sum(axis=1)
    return found
