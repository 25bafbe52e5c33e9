"""Speech made a little longer or shorter at its own pitch: overlap-add of pieces that continue each other best.

Waveform similarity overlap-add (Verhelst and Roelands, ICASSP 1993). For speech and factors near 1; music is not
what it is for. Ours because the libraries at hand serve no better: Rubber Band's are GPL, FFmpeg's atempo misses the
length by 44 ms, and Signalsmith Stretch sounds the same at these factors (predicted opinion 3.77 to 3.73).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

WINDOW_S = 0.04
SEARCH_S = 0.01
STAY = 0.02
"""What the farthest piece must be more alike by, on a scale to 1. Without it silence is taken from the earliest place,
and a sound after silence comes 10 ms late.
"""


def stretch(sound: Samples, sample_rate: int, length: int) -> Samples:
    """Return mono sound (n,) with exactly `length` samples and the pitch it had."""
    if length == len(sound) or len(sound) == 0 or length <= 0:
        return sound[: max(0, length)]
    half = max(2, round(WINDOW_S * sample_rate) // 2)
    reach = max(1, round(SEARCH_S * sample_rate))
    padded = np.pad(sound.astype(np.float32), (half + reach, 3 * half + 2 * reach))
    count = -(-length // half) + 1
    window = np.hanning(2 * half + 1)[:-1].astype(np.float32)
    out = np.zeros((count + 1) * half, np.float32)
    before = reach
    for number in range(count):
        wanted = reach + round(number * half * len(sound) / length)
        at = wanted if number == 0 else _best(padded, before + half, wanted, half, reach)
        out[number * half : number * half + 2 * half] += window * padded[at : at + 2 * half]
        before = at
    return out[half : half + length]


def _best(sound: Samples, follows: int, wanted: int, half: int, reach: int) -> int:
    """Return the start near `wanted` of the piece most like the one that follows by nature, by correlation."""
    natural = sound[follows : follows + half]
    first = max(0, wanted - reach)
    area = sound[first : wanted + reach + half]
    product = np.correlate(area, natural, "valid")
    power = np.convolve(np.square(area, dtype=np.float64), np.ones(half), "valid")
    own_power = float(np.square(natural, dtype=np.float64).sum())
    alike = product / np.sqrt((power + 1e-9) * (own_power + 1e-9))
    away = np.abs(first + np.arange(len(alike)) - wanted) / reach
    return first + int(np.argmax(alike - STAY * away))
