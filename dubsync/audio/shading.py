"""A filter that changes in time: spectra of moments in mel bands, and gains for each band and moment.

Bands are 28 of equal width in mel, 60 Hz to 11 kHz; there are 100 moments a second. Sound is mono (n,) at `RATE`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dubsync.audio import features

Array = NDArray[np.float32]

RATE = 24000
BANDS = 28
MOMENTS = 100
"""A second."""
_SIZE, _HOP = 1024, RATE // MOMENTS
_LOW_HZ, _HIGH_HZ = 60.0, 11000.0
_FLOOR = 1e-9


def levels(samples: Array) -> Array:
    """Return (n, BANDS) dB, moment k centred on sample 240 k."""
    window = np.hanning(_SIZE).astype(np.float32)
    power = features.power_spectrum(samples, window=window, size=_SIZE, hop=_HOP, centred=True)
    return np.asarray(10 * np.log10(power @ _bands().T + _FLOOR), np.float32)


def filtered(samples: Array, gains: Array) -> Array:
    """Return the sound, of the same length, with its bands raised by gains (m, BANDS) in dB; the last ones go on.

    Short-time spectra are multiplied and overlapped and added, windows being square roots of Hann's (Griffin and Lim,
    "Signal estimation from modified short-time Fourier transform", 1984); between bands gains are interpolated.
    """
    if len(samples) == 0 or len(gains) == 0:
        return samples
    padded = np.pad(samples, (_SIZE // 2, _SIZE))
    frames = sliding_window_view(padded, _SIZE)[::_HOP]
    window = np.sqrt(np.hanning(_SIZE + 1)[:-1]).astype(np.float32)
    out = np.zeros(len(padded), np.float32)
    weight = np.zeros(len(padded), np.float32)
    factors = 10 ** (gains @ _between() / 20)
    for index, frame in enumerate(frames):
        spectrum = np.fft.rfft(frame * window) * factors[min(index, len(factors) - 1)]
        at = slice(index * _HOP, index * _HOP + _SIZE)
        out[at] += (np.fft.irfft(spectrum, _SIZE) * window).astype(np.float32)
        weight[at] += window**2
    inside = slice(_SIZE // 2, _SIZE // 2 + len(samples))
    return np.asarray(out[inside] / np.maximum(weight[inside], np.float32(1e-6)), np.float32)


@lru_cache(maxsize=1)
def _bands() -> Array:
    """Return the bands' filters (BANDS, bins), each of sum one."""
    filters = features.mel_filters(RATE, _SIZE, BANDS, _LOW_HZ, _HIGH_HZ)
    return np.asarray(filters / filters.sum(axis=1, keepdims=True), np.float32)


@lru_cache(maxsize=1)
def _between() -> Array:
    """Return (BANDS, bins): how much of each band's gain every bin gets; the outer ones reach to the ends."""
    hertz = np.fft.rfftfreq(_SIZE, 1 / RATE)
    centres = _bands() @ hertz
    return np.stack([np.interp(hertz, centres, one) for one in np.eye(BANDS)]).astype(np.float32)
