"""The film's sound: voices in a small room over sea, room tone and a slow chord. 48 kHz stereo float."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from .voice import RATE as VOICE_RATE

Sound = NDArray[np.float32]
RATE = 48000
SPEECH_LUFS, PEAK = -20.0, 0.70


def mix(voices: list[tuple[float, NDArray[np.float32]]], seconds: float, cut: float) -> Sound:
    """Return the whole track (samples, 2). `voices`: start and mono 24 kHz sound; `cut`: when the scene goes inside."""
    length = round(seconds * RATE)
    dry = np.zeros(length, np.float32)
    for start, samples in voices:
        loud = soxr.resample(samples, VOICE_RATE, RATE)
        first = round(start * RATE)
        dry[first : first + len(loud)] += loud[: length - first]
    dry *= _gain_to(dry, SPEECH_LUFS)
    total = _room(dry) + sea(length, cut) + music(length)
    peak = float(np.abs(total).max())
    total *= min(1.0, PEAK / peak)
    fade = np.clip(np.minimum(np.arange(length), length - np.arange(length)) / (0.25 * RATE), 0, 1)
    return np.asarray(total * fade[:, None], np.float32)


def _gain_to(sound: NDArray[np.float32], lufs: float) -> float:
    """Return the factor that brings a sound to a loudness (ITU-R BS.1770)."""
    import pyloudnorm

    return float(10 ** ((lufs - pyloudnorm.Meter(RATE).integrated_loudness(sound.astype(np.float64))) / 20))


def _room(dry: NDArray[np.float32]) -> Sound:
    """Put a mono voice into a small furnished room."""
    random = np.random.default_rng(8)
    out = np.stack([dry, dry], 1)
    for side in range(2):
        tail = np.zeros(round(0.25 * RATE), np.float32)
        for _ in range(60):
            at = random.uniform(0.006, 0.22)
            tail[round(at * RATE) - 1] += random.choice([-1, 1]) * 0.06 * np.exp(-at / 0.06)
        soft = sosfilt(butter(2, 5200, fs=RATE, output="sos"), np.convolve(dry, tail)[: len(dry)])
        out[:, side] += soft.astype(np.float32)
    return np.asarray(out, np.float32)


def sea(length: int, cut: float) -> Sound:
    """Return waves, near until the cut and behind glass after it, with a breath of room tone."""
    random = np.random.default_rng(9)
    time = np.arange(length) / RATE
    out = np.zeros((length, 2))
    for side in range(2):
        noise = random.normal(size=length)
        swell = 0.35 + 0.65 * (0.5 + 0.5 * np.sin(2 * np.pi * time / 4.7 + 0.5 * side - 1.2)) ** 2
        near = sosfilt(butter(1, [90, 1400], "bandpass", fs=RATE, output="sos"), noise) * swell
        far = sosfilt(butter(2, [60, 380], "bandpass", fs=RATE, output="sos"), noise) * (0.6 + 0.4 * swell)
        air = sosfilt(butter(1, [150, 3000], "bandpass", fs=RATE, output="sos"), random.normal(size=length))
        inside = 1 / (1 + np.exp(-(time - cut) / 0.02))
        out[:, side] = 0.075 * near * (1 - inside) + (0.016 * far + 0.0022 * air) * inside
    return np.asarray(out, np.float32)


_CHORDS = ((45, 52, 59, 60, 64), (41, 52, 57, 60, 67), (48, 52, 55, 62, 67), (43, 50, 57, 59, 62))
_NOTES = ((0.4, 76), (1.3, 71), (2.0, 72), (6.4, 79), (9.0, 76), (11.6, 71), (12.4, 64))


def music(length: int) -> Sound:
    """Return a soft pad of four chords and a few bell-like notes, far under the voice."""
    time = np.arange(length) / RATE
    out = np.zeros((length, 2))
    each = length / RATE / len(_CHORDS)
    for number, chord in enumerate(_CHORDS):
        start = number * each
        shape = np.clip((time - start + 0.7) / 1.4, 0, 1) * np.clip((start + each + 0.7 - time) / 1.4, 0, 1)
        for index, note in enumerate(chord):
            pitch = 440 * 2 ** ((note - 69) / 12)
            for side, detune in ((0, 0.9985), (1, 1.0015)):
                phase = 2 * np.pi * pitch * detune * time + index + side
                tone = np.sin(phase) + 0.28 * np.sin(2 * phase) + 0.08 * np.sin(3 * phase)
                out[:, side] += 0.0042 * shape * tone * (1 + 0.25 * np.sin(2 * np.pi * 0.31 * time + index))
    for at, note in _NOTES:
        since = time - at
        pitch = 440 * 2 ** ((note - 69) / 12)
        bell = np.where(since > 0, np.exp(-since / 1.1) * np.clip(since / 0.006, 0, 1), 0)
        tone = np.sin(2 * np.pi * pitch * since) + 0.3 * np.exp(-np.maximum(since, 0) / 0.3) * np.sin(
            6.02 * np.pi * pitch * since
        )
        out += (0.011 * bell * tone)[:, None] * np.array([0.9, 1.0])
    return np.asarray(out, np.float32)
