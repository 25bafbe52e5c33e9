"""Make a dubbed line sound as the original did in its place: level, spectrum, where it comes from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import equaliser, features
from dubsync.audio.loudness import speech_level

Samples = NDArray[np.float32]

EQ_LIMIT = 8.0
_LONG_ENOUGH = 2.0
"""Seconds of speech whose spectrum is trusted in full."""
_INAUDIBLE = -55.0
"""LUFS under which a dialogue stem holds no speech to go by."""
_CENTRES = features.third_octave_centres()


@dataclass(frozen=True, slots=True)
class Place:
    """How the original line sounded. `level`: LUFS of its loudest channel. `gains`: (channels,), 1 for the loudest.

    `bands`: dB of third octaves, of speech that lasts `seconds`.
    """

    level: float
    gains: Samples
    bands: NDArray[np.float64]
    seconds: float

    @property
    def is_audible(self) -> bool:
        return self.level > _INAUDIBLE


def listen(line: Samples, sample_rate: int) -> Place:
    """Hear how the original dialogue (n, channels) sounds in a line."""
    levels = np.array([features.level_db(line[:, channel]) for channel in range(line.shape[1])])
    loudest = int(np.argmax(levels))
    gains = 10 ** ((levels - levels[loudest]) / 20)
    speech = line[:, loudest]
    return Place(
        level=speech_level(speech, sample_rate),
        gains=np.where(gains > 0.05, gains, 0).astype(np.float32),
        bands=features.band_levels(speech, sample_rate, _CENTRES),
        seconds=len(features.trim_silence(speech, sample_rate)) / sample_rate,
    )


def colour(dub: Samples, sample_rate: int, place: Place) -> Samples:
    """Return the dubbed line with the spectrum of the original, as far as 8 dB and the original's length allow."""
    if not place.is_audible:
        return dub
    found = features.band_levels(dub, sample_rate, _CENTRES)
    gains = equaliser.match(place.bands, found, limit_db=EQ_LIMIT) * min(1.0, place.seconds / _LONG_ENOUGH)
    return equaliser.apply(dub, equaliser.design(_CENTRES, gains, sample_rate))


def spectral_distance(one: Samples, other: Samples, sample_rate: int) -> float:
    """Return the mean difference in dB of two speeches' third-octave spectra, level aside."""
    a, b = (features.band_levels(sound, sample_rate, _CENTRES) for sound in (one, other))
    audible = (a > a.max() - 60) & (b > b.max() - 60)
    difference = (a - b)[audible]
    return float(np.abs(difference - np.median(difference)).mean()) if audible.any() else 0.0
