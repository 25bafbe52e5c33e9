"""The room a line was spoken in: heard from how speech dies away, and given to a dry line.

The decay after the ends of loud sounds gives the reverberation time; how far the sound has fallen a tenth of a second
after an end gives how much reverberation there is. For a diffuse tail of energy E (the direct sound being 1) that
decays 60 dB in T seconds, the level after t is 10 log(E / (1 + E)) - 60 t / T, which is solved for E.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import features

Samples = NDArray[np.float32]
Floats = NDArray[np.float64]

_STEP = 0.01
_AFTER = 0.1
_DRY = 0.25
"""Seconds: shorter decays are the voice's own."""
_LONGEST = 1.5
_ENDS = 3
"""Ends of sounds that must be heard before anything is claimed."""


@dataclass(frozen=True, slots=True)
class Room:
    """`decay`: seconds for 60 dB. `wet`: energy of the tail, the direct sound being 1."""

    decay: float
    wet: float


DRY = Room(0.0, 0.0)


def hear(speech: Samples, sample_rate: int) -> Room:
    """Return the room that mono speech was spoken in; DRY where too little can be heard of it."""
    levels = features.frame_levels(speech, int(sample_rate * _STEP)).astype(np.float64)
    slopes, falls = [], []
    for end in _ends(levels):
        tail = levels[end : end + 40]
        fall = _decay(tail)
        if fall is not None:
            slopes.append(fall)
            falls.append(tail[min(len(tail) - 1, int(_AFTER / _STEP))] - tail[0])
    if len(slopes) < _ENDS:
        return DRY
    decay = float(min(_LONGEST, np.median(slopes)))
    if decay < _DRY:
        return DRY
    share = 10 ** (min(-1.0, float(np.median(falls)) + 60 * _AFTER / decay) / 10)
    return Room(decay, float(np.clip(share / (1 - share), 0.0, 0.5)))


def _ends(levels: Floats) -> list[int]:
    """Return the last loud step before each fall of 20 dB or more within 0.4 s."""
    if len(levels) < 45:
        return []
    loud = levels > np.percentile(levels, 95) - 12
    found = []
    for step in np.nonzero(loud[:-40] & ~loud[1:-39])[0]:
        after = levels[step + 1 : step + 40]
        if not loud[step + 1 : step + 16].any() and after.min() < levels[step] - 20:
            found.append(int(step))
    return found


def _decay(tail: Floats) -> float | None:
    """Return the seconds for 60 dB from the slope between -5 and -25 dB, None if it is not a steady fall."""
    fallen = tail - tail[0]
    below = np.nonzero(fallen < -25)[0]
    stop = int(below[0]) + 1 if len(below) else len(tail)
    part = np.nonzero(fallen[:stop] < -3)[0]
    if len(part) < 3:
        return 60 * stop * _STEP / 25 if len(below) else None
    slope = float(np.polyfit(part * _STEP, fallen[part], 1)[0])
    return None if slope > -30 else -60 / slope


def place(speech: Samples, sample_rate: int, room: Room, *, seed: int) -> Samples:
    """Return dry mono speech as it sounds in the room, its tail added to its length."""
    if room.wet < 1e-3 or room.decay < _DRY:
        return speech
    from scipy.signal import fftconvolve

    tail = fftconvolve(speech, impulse_response(sample_rate, room, seed=seed))
    out: Samples = tail.astype(np.float32)
    out[: len(speech)] += speech
    return out


def impulse_response(sample_rate: int, room: Room, *, seed: int) -> Samples:
    """Return the tail without the direct sound: noise that decays, 8 ms late, darker than white."""
    from scipy.signal import butter, sosfilt

    time = np.arange(int(room.decay * 0.75 * sample_rate)) / sample_rate
    noise = np.random.default_rng(seed).standard_normal(len(time)) * np.exp(-6.91 * time / room.decay)
    dark = sosfilt(butter(1, min(5000, 0.45 * sample_rate), fs=sample_rate, output="sos"), noise)
    dark *= np.sqrt(room.wet / np.sum(dark**2))
    return np.concatenate([np.zeros(int(0.008 * sample_rate)), dark]).astype(np.float32)
