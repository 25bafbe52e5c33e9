"""Make a dubbed line sound as the original did in its place: level, spectrum, where it comes from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import equaliser, features
from dubsync.audio.loudness import speech_level

Samples = NDArray[np.float32]

EQ_LIMIT = 8.0
FOLLOWED, FOLLOW_LIMIT_DB = 0.6, 4.0
"""Share of the original's rise and fall that a dubbed line takes over, and the most it is moved by."""
_SWELL_S = 0.4
"""Stretch over which rise and fall are heard: longer than a syllable, so that no syllable is swallowed."""
_LONG_ENOUGH = 2.0
"""Seconds of speech whose spectrum is trusted in full."""
_LOUDER_DB, _FLATTER_DB, _SHOUT_DB = 3.0, 8.0, 12.0
"""How far over its speaker's usual level a line is a shout, if its high sounds beside its low ones are so much stronger
than the dub's; from the last on it surely is. Vocal effort flattens the spectrum (Liénard and Di Benedetto,
"Effect of vocal effort on spectral properties of vowels", 1999); words alone do so by 3 to 4 dB in a second of speech.
"""
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


def colour(dub: Samples, sample_rate: int, place: Place, *, usual: float | None = None) -> Samples:
    """Return the dubbed line with the spectrum of the original, as far as 8 dB and the original's length allow.

    A shout's is taken over whole, however short it is. `usual`: the speaker's level in other lines, LUFS.
    """
    if not place.is_audible:
        return dub
    found = features.band_levels(dub, sample_rate, _CENTRES)
    trust = max(min(1.0, place.seconds / _LONG_ENOUGH), _shouted(place, found, usual))
    gains = equaliser.match(place.bands, found, limit_db=EQ_LIMIT) * trust
    return equaliser.apply(dub, equaliser.design(_CENTRES, gains, sample_rate))


def _shouted(place: Place, found: NDArray[np.float64], usual: float | None) -> float:
    """Return how surely the original is shouted, 0 to 1: louder than usual, and flatter in spectrum than the dub."""
    if usual is None or place.level < usual + _LOUDER_DB:
        return 0.0
    flatter = fall_db(found) - fall_db(place.bands)
    return float(np.clip((flatter - _FLATTER_DB) / (_SHOUT_DB - _FLATTER_DB), 0, 1))


def fall_db(bands: NDArray[np.float64]) -> float:
    """Return by how many dB speech is stronger in 200 to 1000 Hz than in 1.2 to 4 kHz, of `Place.bands`."""
    power = 10 ** (bands / 10)
    low, high = (_CENTRES > 190) & (_CENTRES < 1100), (_CENTRES > 1100) & (_CENTRES < 4300)
    return float(10 * np.log10((power[low].sum() + features.SILENCE) / (power[high].sum() + features.SILENCE)))


def follow(dub: Samples, original: Samples, sample_rate: int) -> Samples:
    """Return the dubbed line swelling and sinking as the original does over its time, its mean level kept.

    Both are mono and taken to begin and end together: a cry at the end of one is a cry at the end of the other.
    """
    step = max(1, sample_rate // 100)
    ours, theirs = _swell(dub, step), _swell(original, step)
    if ours is None or theirs is None:
        return dub
    asked = np.interp(np.linspace(0, 1, len(ours)), np.linspace(0, 1, len(theirs)), theirs)
    gains = np.clip(FOLLOWED * (asked - ours), -FOLLOW_LIMIT_DB, FOLLOW_LIMIT_DB)
    places = (np.arange(len(ours)) + 0.5) * step
    curve = np.interp(np.arange(len(dub)), places, gains)
    moved: Samples = (dub * 10 ** (curve / 20)).astype(np.float32)
    return moved * np.float32(10 ** ((features.level_db(dub) - features.level_db(moved)) / 20))


def _swell(line: Samples, step: int) -> NDArray[np.float64] | None:
    """Return how far the level lies over the line's mean, in dB for each step, pauses bridged; None for silence."""
    levels = features.frame_levels(line, step).astype(np.float64)
    if len(levels) < 10 or levels.max() < -80:
        return None
    heard = levels > np.percentile(levels, 95) - 25
    bridged = np.interp(np.arange(len(levels)), np.flatnonzero(heard), levels[heard])
    width = round(_SWELL_S * 100)
    padded = np.pad(bridged, width // 2, mode="edge")
    smooth = np.convolve(padded, np.hanning(width + 1) / np.hanning(width + 1).sum(), mode="valid")[: len(levels)]
    return np.asarray(smooth - smooth.mean(), np.float64)


def spectral_distance(one: Samples, other: Samples, sample_rate: int) -> float:
    """Return the mean difference in dB of two speeches' third-octave spectra, level aside."""
    a, b = (features.band_levels(sound, sample_rate, _CENTRES) for sound in (one, other))
    audible = (a > a.max() - 60) & (b > b.max() - 60)
    difference = (a - b)[audible]
    return float(np.abs(difference - np.median(difference)).mean()) if audible.any() else 0.0
