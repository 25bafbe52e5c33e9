"""A third-octave equaliser as a linear-phase FIR: from a curve in dB to a filter, applied without delay."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


def design(centres: NDArray[np.float64], gains_db: NDArray[np.float64], sample_rate: int) -> NDArray[np.float64]:
    """Return the taps of a filter whose gain at each centre (Hz) is the given dB, smooth between and flat beyond."""
    from scipy.signal import firwin2

    nyquist = sample_rate / 2
    inside = centres < nyquist * 0.98
    hertz = np.concatenate([[0.0], centres[inside], [nyquist]])
    gains = gains_db[inside]
    decibels = np.concatenate([gains[:1], gains, gains[-1:]])
    grid = np.linspace(0, nyquist, 1025)
    smooth = np.interp(np.log2(np.maximum(grid, 20)), np.log2(np.maximum(hertz, 20)), decibels)
    taps: NDArray[np.float64] = firwin2(_length(sample_rate), grid, 10 ** (smooth / 20), fs=sample_rate)
    return taps


def apply(samples: Samples, taps: NDArray[np.float64]) -> Samples:
    """Filter (n,) sound; the length stays and nothing is delayed."""
    from scipy.signal import fftconvolve

    if len(samples) == 0:
        return samples
    out: Samples = fftconvolve(samples, taps, mode="full")[len(taps) // 2 :][: len(samples)].astype(np.float32)
    return out


def _length(sample_rate: int) -> int:
    """An odd number of taps, 20 ms: fine enough for third octaves from 100 Hz."""
    return int(sample_rate * 0.02) // 2 * 2 + 1


def match(
    wanted_db: NDArray[np.float64], found_db: NDArray[np.float64], *, limit_db: float, floor_db: float = -60.0
) -> NDArray[np.float64]:
    """Return the gains that bring one long-term spectrum to the shape of another, level aside, within the limit.

    Bands that lie `floor_db` under the loudest in either hold no speech to go by; they are left as they are.
    """
    audible = (wanted_db > wanted_db.max() + floor_db) & (found_db > found_db.max() + floor_db)
    difference = np.where(audible, wanted_db - found_db, np.nan)
    if not audible.any():
        return np.zeros(len(wanted_db))
    difference = difference - np.nanmedian(difference)
    gains = np.nan_to_num(difference, nan=0.0)
    smooth = np.convolve(np.pad(gains, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
    limited: NDArray[np.float64] = np.clip(smooth, -limit_db, limit_db)
    return limited
