"""Sounds made by code, mono, whose kind and time are known: music, noise, a slamming door, laughs and breaths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, sosfilt

Samples = NDArray[np.float32]
Array = NDArray[np.float64]

CHORDS = ((262.0, 330.0, 392.0), (220.0, 262.0, 330.0), (175.0, 220.0, 262.0), (196.0, 247.0, 294.0))
"""C major, A minor, F major, G major, in hertz."""
BEAT_S = 0.5


def chords(length_s: float, rate: int) -> Samples:
    """Return chords of three notes with three harmonics each, a new one every beat, about -20 dB."""
    parts = np.array_split(np.arange(round(length_s * rate)) / rate, max(1, int(length_s / BEAT_S)))
    sound = [
        sum(np.sin(2 * np.pi * hertz * k * part) / k for hertz in CHORDS[number % 4] for k in (1, 2, 3))
        for number, part in enumerate(parts)
    ]
    return np.asarray(0.05 * np.concatenate(sound), np.float32)


def band(length_s: float, rate: int, *, seed: int = 0) -> Samples:
    """Return plucked chords, a bass and drums, as loud as `chords`: the drums sound louder than the notes at times."""
    rng, time = np.random.default_rng(seed), np.arange(round(BEAT_S * rate)) / rate
    dying = np.exp(-4 * time)
    kick = np.sin(2 * np.pi * 55 * time) * np.exp(-18 * time)
    beats = []
    for number in range(int(np.ceil(length_s / BEAT_S))):
        chord = CHORDS[number // 4 % 4]
        notes = sum(np.sin(2 * np.pi * hertz * k * time) / k for hertz in chord for k in (1, 2, 3))
        bass = np.sin(np.pi * chord[0] * time)
        struck = rng.standard_normal(len(time)) * np.exp(-30 * time)
        beats.append(notes * dying + bass * dying + (2.0 * struck if number % 2 else 3.0 * kick))
    sound = np.concatenate(beats)[: round(length_s * rate)]
    return np.asarray(0.1 * sound / sound.std(), np.float32)


def noise(length_s: float, rate: int, *, colour: float = 0.0, seed: int = 3) -> Samples:
    """Return noise of -26 dB; `colour`: 0 white, 0.5 falling by 3 dB an octave, 1 by 6 dB, as wind and traffic do."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(0, 1, round(length_s * rate)))
    spectrum[1:] /= np.arange(1, len(spectrum)) ** colour
    spectrum[0] = 0
    sound = np.fft.irfft(spectrum, round(length_s * rate))
    return np.asarray(0.05 * sound / sound.std(), np.float32)


def door(rate: int, *, seed: int = 0) -> Samples:
    """Return a door that slams: a thump with a rattle, dying away within half a second."""
    time = np.arange(rate // 2) / rate
    thump = np.sin(2 * np.pi * 70 * time) * np.exp(-14 * time)
    rattle = np.random.default_rng(seed).standard_normal(len(time)) * np.exp(-20 * time)
    return np.asarray(0.4 * thump + 0.15 * rattle, np.float32)


def resonance(sound: Array, hertz: float, width: float, rate: int) -> Array:
    """Return the sound through one resonance, a formant."""
    radius, angle = np.exp(-np.pi * width / rate), 2 * np.pi * hertz / rate
    return np.asarray(lfilter([1 - radius], [1, -2 * radius * np.cos(angle), radius**2], sound))


def vowel(length_s: float, hertz: float, glide: float, rng: np.random.Generator, rate: int) -> Array:
    """Return an "a" whose pitch goes from `hertz` to `glide` times that."""
    count = round(length_s * rate)
    pitch = np.linspace(hertz, hertz * glide, count) * (1 + 0.01 * rng.standard_normal())
    pulses = np.diff(np.floor(np.cumsum(pitch) / rate), prepend=0) + 0.02 * rng.standard_normal(count)
    formants = ((750, 90), (1250, 110), (2600, 160))
    return np.asarray(sum(resonance(pulses, *formant, rate) for formant in formants) * np.hanning(count))


def air(length_s: float, low: float, high: float, rng: np.random.Generator, rate: int) -> Array:
    """Return breath: noise between two frequencies that swells and falls."""
    count = round(length_s * rate)
    bands = butter(2, (low, high), "bandpass", fs=rate, output="sos")
    return np.asarray(sosfilt(bands, rng.standard_normal(count)) * np.hanning(count))


def _level(sound: Array) -> Array:
    return np.asarray(sound / np.abs(sound).max())


def laugh(rng: np.random.Generator, rate: int) -> Array:
    """Return five "ha", each lower than the one before."""
    pause = np.zeros(1500 * rate // 44100)
    parts = (
        (
            0.15 * air(0.05, 1000, 4000, rng, rate),
            0.5 * _level(vowel(0.11, 260 - 12 * number, 0.85, rng, rate)),
            pause,
        )
        for number in range(5)
    )
    return np.concatenate(list(chain.from_iterable(parts)))


def _sigh(rng: np.random.Generator, rate: int) -> Array:
    breath = air(0.25, 500, 3000, rng, rate)
    voiced = _level(vowel(0.6, 190, 0.6, rng, rate)) + 0.2 * air(0.6, 500, 3000, rng, rate)
    return np.concatenate([breath, voiced])


def _sob(rng: np.random.Generator, rate: int) -> Array:
    first, second = _level(vowel(0.15, 330, 1.1, rng, rate)), _level(vowel(0.4, 320, 0.7, rng, rate))
    return np.concatenate([first, np.zeros(2500 * rate // 44100), second])


REACTIONS: Mapping[str, Callable[[np.random.Generator, int], Array]] = {
    "laugh": laugh,
    "breath": lambda rng, rate: air(0.5, 600, 6000, rng, rate),
    "sigh": _sigh,
    "sob": _sob,
}
