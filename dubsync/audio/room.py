"""The room a line was spoken in, found by trying rooms on dry speech, and given to a dry line.

Speech dies away quickly by itself and slowly in a room. What is compared is how fast the level falls wherever it
falls: the 5th, 15th and 30th percentile of the decay times of all falls of 80 ms. The room whose tail gives the dub's
own dry speech the original's percentiles is taken; "dry" is one of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import features

Samples = NDArray[np.float32]
Floats = NDArray[np.float64]

_RATE = 16000
_STEPS = 8
_FALLS = 80
"""Falls that must be heard before anything is claimed, about 4 s of speech."""


@dataclass(frozen=True, slots=True)
class Room:
    """`decay`: seconds for 60 dB. `wet`: energy of the tail, the direct sound being 1."""

    decay: float
    wet: float


DRY = Room(0.0, 0.0)
_ROOMS = (DRY, *(Room(decay, wet) for decay in (0.25, 0.4, 0.6, 0.9) for wet in (0.03, 0.1, 0.25)))


def decays(speech: Samples, sample_rate: int) -> Floats | None:
    """Return the logarithms of three percentiles of decay time (s for 60 dB); None where too little can be heard."""
    sound = features.resample(speech, sample_rate, _RATE)
    levels = features.frame_levels(sound, _RATE // 100).astype(np.float64)
    if len(levels) < 4 * _STEPS or levels.max() < -80:
        return None
    windows = np.lib.stride_tricks.sliding_window_view(levels, _STEPS)
    time = (np.arange(_STEPS) - (_STEPS - 1) / 2) * 0.01
    slopes = windows @ time / (time @ time)
    falls = slopes[(windows[:, 0] > np.percentile(levels, 95) - 20) & (slopes < -40)]
    return np.log(-60 / np.percentile(falls, (5, 15, 30))) if len(falls) >= _FALLS else None


class Rooms:
    """Rooms as they would sound with this dry speech in them."""

    def __init__(self, dry: Samples, sample_rate: int) -> None:
        sound = features.resample(dry, sample_rate, _RATE)
        heard = [(room, decays(place(sound, _RATE, room), _RATE)) for room in _ROOMS]
        self._known = [(room, found) for room, found in heard if found is not None]

    def find(self, speech: Samples, sample_rate: int) -> Room:
        """Return the room whose decays are nearest to those of the speech; DRY where nothing can be said."""
        wanted = decays(speech, sample_rate)
        if wanted is None or not self._known:
            return DRY
        return min(self._known, key=lambda known: float(np.abs(known[1] - wanted).sum()))[0]


def place(speech: Samples, sample_rate: int, room: Room) -> Samples:
    """Return dry mono speech as it sounds in the room, its tail added to its length."""
    if room == DRY:
        return speech
    from scipy.signal import fftconvolve

    out: Samples = fftconvolve(speech, impulse_response(sample_rate, room)).astype(np.float32)
    out[: len(speech)] += speech
    return out


def impulse_response(sample_rate: int, room: Room) -> Samples:
    """Return the tail without the direct sound: always the same noise, decaying, 8 ms late, darker than white."""
    from scipy.signal import butter, sosfilt

    time = np.arange(int(room.decay * 0.75 * sample_rate)) / sample_rate
    noise = np.random.default_rng(0).standard_normal(len(time)) * np.exp(-6.91 * time / room.decay)
    dark = sosfilt(butter(1, min(5000, 0.45 * sample_rate), fs=sample_rate, output="sos"), noise)
    dark *= np.sqrt(room.wet / np.sum(dark**2))
    return np.concatenate([np.zeros(int(0.008 * sample_rate)), dark]).astype(np.float32)
