"""The shade that a person gives each sound: how their vowels and consonants differ in spectrum from a voice's.

A voice's long-term spectrum is brought to its person's by an equaliser; but each sound has formants of its own. What
a fitted voice says while it is fitted is held against what the person says, moment by moment: a recogniser's encoder
hears which of the person's moments are the same sounds, whoever makes them and in whatever language (as in kNN-VC,
Baas, van Niekerk and Kamper, "Voice conversion with just nearest neighbors", 2023). The difference of the spectra, by
sound, becomes a filter that changes with the sounds (of the kind of Kobayashi et al., "Statistical singing voice
conversion with direct waveform modification based on the spectrum differential", 2014). Of a sound that was not said,
related ones tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from dubsync.audio import features, shading
from dubsync.audio.shading import BANDS, MOMENTS, RATE
from dubsync.mouth.hearing import FEATURES_PER_SECOND, Ear, Windows
from dubsync.mouth.hearing import RATE as HEARD_RATE
from dubsync.title import Phone

Array = NDArray[np.float32]

EAR = "whisper-tiny-en"
NEAREST = 4
"""Moments of the person that stand for one of the voice."""
DOUBT = 2.0
"""A sound that was heard so often is trusted as much as its relatives."""
SHARE = 0.65
"""Of the difference that is made up for."""
MOST_UP, MOST_DOWN = 5.0, 8.0
"""dB."""
BLEND_S = 0.08
"""Standard deviation in time over which one sound's filter goes over into the next one's."""
_LOUD_DB = 30.0
_PEAK = 0.5
_FAMILIES = (
    "aɐɑæʌ", "eɛ", "iɪj", "oɔ", "uʊw", "yøœəɜ", "mnɲŋ", "lrɾʎʁɹ", "bdɡβðɣvzʒʝ", "ptk", "szʃʒʧʤʦ", "fθxh",
)  # fmt: skip
SOUNDS = "".join(dict.fromkeys("".join(_FAMILIES)))
"""Those that have a shade; a voice's `shades` has a row for each. Diphthongs of one letter have none."""
_FAMILY = {sound: number for number, family in enumerate(_FAMILIES) for sound in family}


@dataclass(frozen=True, slots=True)
class Moments:
    """The loud moments of somebody's speech, 50 a second. `levels`: (n, BANDS) dB, of mean 0; `sounds`: (n, width)
    unit vectors of what is heard, whoever says it; `loud`: (all,) which moments of the sound these are; `windows`:
    those through which it was heard.
    """

    levels: Array
    sounds: Array
    loud: NDArray[np.bool_]
    windows: Windows


class Shades:
    """Finds shades. The encoder is loaded at the first use; `rest` lets go of it."""

    def __init__(self, ear: Ear | None = None) -> None:
        self._given = ear

    @cached_property
    def _ear(self) -> Ear:
        from dubsync.weights import resolve

        return self._given or Ear(resolve(EAR))

    def rest(self) -> None:
        self.__dict__.pop("_ear", None)

    def moments(self, samples: Array, windows: Windows | None = None) -> Moments:
        """Return what is heard in mono speech at 24 kHz; `windows`: those of what it is compared with."""
        windows = windows or Windows.around(len(samples) / RATE)
        peak = max(float(np.abs(samples).max(initial=0.0)), 1e-6)
        sound = features.resample(samples * np.float32(_PEAK / peak), RATE, HEARD_RATE)
        sounds = self._ear.recognise(sound, windows)
        spectra = _slower(shading.levels(samples))[: len(sounds)]
        sounds = sounds[: len(spectra)]
        loud = _loud(spectra)
        about = sounds[loud] - sounds[loud].mean(axis=0)
        about /= np.maximum(np.linalg.norm(about, axis=1, keepdims=True), 1e-6)
        return Moments(spectra[loud] - spectra[loud].mean(), about, loud, windows)

    def wanted(self, person: Moments, samples: Array, phones: Sequence[Phone]) -> Array:
        """Return (phones, BANDS) dB: the spectra with which the person would say what a voice says in `samples`.

        NaN for a phone that is not heard.
        """
        said = self.moments(samples, person.windows)
        nearest = np.argsort(said.sounds @ -person.sounds.T, axis=1)[:, :NEAREST]
        levels = np.full((len(said.loud), BANDS), np.nan, np.float32)
        levels[said.loud] = person.levels[nearest].mean(axis=1)
        return _by_phone(levels, phones)


def table(wanted: Array, samples: Array, phones: Sequence[Phone]) -> Array:
    """Return (len(SOUNDS), BANDS) dB: what brings the voice that says `phones` in `samples` to the wanted spectra."""
    spectra = _slower(shading.levels(samples))
    loud = _loud(spectra)
    found = np.where(loud[:, None], spectra - spectra[loud].mean(), np.nan)
    missing = wanted - _by_phone(found, phones)
    missing -= missing.mean(axis=1, keepdims=True)  # how loud a sound is remains the voice's own
    of_sound, of_family = _sums(missing, [phone.symbol for phone in phones])
    return np.stack([_shade(of_sound.get(sound), of_family.get(_FAMILY[sound])) for sound in SOUNDS])


def shaded(samples: Array, shades: Array, phones: Sequence[Phone]) -> Array:
    """Return the sound with each phone filtered as its row of `shades` says."""
    gains = np.zeros((len(samples) * MOMENTS // RATE + 2, BANDS), np.float32)
    for phone in phones:
        row = SOUNDS.find(phone.symbol)
        if row >= 0:
            gains[round(phone.span.start * MOMENTS) : round(phone.span.end * MOMENTS)] = shades[row]
    smooth = gaussian_filter1d(gains, BLEND_S * MOMENTS, axis=0)
    return shading.filtered(samples, np.clip(smooth, -MOST_DOWN, MOST_UP))


def _slower(levels: Array) -> Array:
    """Return levels at the encoder's pace: the means of two moments."""
    step = MOMENTS // FEATURES_PER_SECOND
    slower: Array = levels[: len(levels) // step * step].reshape(-1, step, BANDS).mean(axis=1)
    return slower


def _loud(levels: Array) -> NDArray[np.bool_]:
    whole = 10 * np.log10((10 ** (levels / 10)).mean(axis=1))
    loud: NDArray[np.bool_] = whole > np.percentile(whole, 95) - _LOUD_DB
    return loud


def _by_phone(levels: Array, phones: Sequence[Phone]) -> Array:
    """Return the means (phones, BANDS) of levels (n, BANDS) over each phone, NaN where there are none."""
    means = np.full((len(phones), BANDS), np.nan, np.float32)
    for row, phone in enumerate(phones):
        start = min(round(phone.span.start * FEATURES_PER_SECOND), len(levels) - 1)
        part = levels[start : max(start + 1, round(phone.span.end * FEATURES_PER_SECOND))]
        part = part[~np.isnan(part[:, 0])]
        if len(part):
            means[row] = part.mean(axis=0)
    return means


def _sums(missing: Array, symbols: Sequence[str]) -> tuple[dict[str, list[Array]], dict[int, list[Array]]]:
    """Return what was missing by sound and by family."""
    of_sound: dict[str, list[Array]] = {}
    of_family: dict[int, list[Array]] = {}
    for row, symbol in zip(missing, symbols, strict=True):
        if symbol in _FAMILY and not np.isnan(row[0]):
            of_sound.setdefault(symbol, []).append(row)
            of_family.setdefault(_FAMILY[symbol], []).append(row)
    return of_sound, of_family


def _shade(of_sound: Sequence[Array] | None, of_family: Sequence[Array] | None) -> Array:
    """Return a sound's shade: its own mean, drawn to its family's, which is drawn to none."""
    family = np.sum(of_family, axis=0) / (len(of_family) + DOUBT) if of_family else np.zeros(BANDS)
    if not of_sound:
        return np.asarray(SHARE * family, np.float32)
    own = (np.sum(of_sound, axis=0) + DOUBT * family) / (len(of_sound) + DOUBT)
    return np.asarray(SHARE * own, np.float32)
