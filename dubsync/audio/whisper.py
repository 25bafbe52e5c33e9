"""Whispers: told from speech with voice, and made of it.

A whisper is made by sending noise instead of a voice through the envelope of the spectrum, which is kept from moment to
moment (the "true envelope" of Röbel and Rodet, "Efficient spectral envelope estimation and its application to pitch
shifting and envelope preservation", 2005). It differs in more: its low formants lie higher (Jovičić, "Formant feature
differences between whispered and voiced sustained vowels", 1998), and it has far less energy below 1.5 kHz (Ito, Takeda
and Itakura, "Analysis and recognition of whispered speech", 2005). Sounds without a voice stay as they are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import features, match

Samples = NDArray[np.float32]
Floats = NDArray[np.float64]

_WINDOW_S, _OVERLAP = 0.02, 8
_ROUNDS = 12
"""How often the envelope is lifted to the peaks that stand out of it."""
_USUAL_HZ = 150.0
FORMANTS_UP, _UP_TO_HZ, _UP_FROM_HZ = 1.06, 1000.0, 3000.0
"""Factor by which formants under the first frequency lie higher; it falls to 1 at the second."""
LOW_CUT_DB, _CUT_FROM_HZ, _CUT_TO_HZ = 18.0, 2000.0, 250.0
"""What is taken from a voiced sound at and under the lower frequency; nothing is from the higher on."""
_VOICED, _UNVOICED = 0.55, 0.4
_LOW_HZ = 800.0
"""A sound without a voice has little below it."""
_HEARING_RATE, _HEARING_SIZE, _HEARD_S, _FORMANT_ORDER = 8000, 1024, 0.05, 19
_PERIODIC, _MOST_VOICED, _MOST_LEFT_OVER = 0.5, 0.04, 0.10
"""From where on a moment is voiced, and the share of such moments that a whisper may seem to have, by itself and by
music that a separator left in it.
"""
_MOST_FALL_DB, _CLEAR_FALL_DB = 6.0, 0.0
"""Spectra of voices fall more than the first, in noise or not; those of whispers hardly more than the second."""
_DEPTH_DB, _STEADY_DB, _SILENT_DB, _LEAST_S = 25.0, 12.0, -65.0, 1.0
"""Somebody speaks down to so far below the loudest; who rises less over the quiet is lost in noise; what is quieter, or
shorter in seconds, tells nothing.
"""


def whispered(samples: Samples, sample_rate: int) -> Samples:
    """Return (n,) speech as a whisper, as long and as strong as it was; the same speech gives the same whisper."""
    if not samples.any():
        return samples
    size = 1 << int(np.ceil(np.log2(_WINDOW_S * sample_rate)))
    hop = size // _OVERLAP
    window = np.hanning(size + 1)[:size]
    padded = np.pad(samples.astype(np.float64), (size, size + hop))
    frames = features.frames_of(padded.astype(np.float32), size, hop).astype(np.float64) * window
    spectra = np.fft.rfft(frames, axis=1)
    noise = np.random.default_rng(0).standard_normal(len(padded)).astype(np.float32)
    breath = np.fft.rfft(features.frames_of(noise, size, hop) * window, axis=1)
    power = np.abs(spectra) ** 2
    voiced = _voicing(samples, sample_rate, power, size, hop)[:, None]
    shape = _shaped(np.abs(spectra), samples, sample_rate)
    made = np.sqrt(1 - voiced**2) * spectra + voiced * breath * shape / np.sqrt(np.sum(window**2))
    out = _overlapped(np.fft.irfft(made, size, axis=1) * window, hop, len(padded))[size:][: len(samples)]
    out /= np.sum(window**2) / hop
    loud = np.sqrt(np.mean(samples.astype(np.float64) ** 2) / max(float(np.mean(out**2)), features.SILENCE))
    return np.asarray(out * min(loud, 0.98 / max(float(np.abs(out).max(initial=0)), 1e-9)), np.float32)


def _overlapped(frames: Floats, hop: int, length: int) -> Floats:
    out = np.zeros(length)
    for number, frame in enumerate(frames):
        out[number * hop : number * hop + len(frame)] += frame
    return out


def _shaped(magnitude: Floats, samples: Samples, sample_rate: int) -> Floats:
    """Return (frames, bins) the spectrum that breath is given: the frame's envelope, moved up and cut at the bottom."""
    pitch = features.pitch(samples, sample_rate)
    usual = float(np.median(pitch[pitch > 0])) if (pitch > 0).any() else _USUAL_HZ
    envelope = _envelope(magnitude, round(sample_rate / (2 * usual)))
    strength = np.sqrt(np.sum(magnitude**2, axis=1) / np.maximum(np.sum(envelope**2, axis=1), features.SILENCE))
    hertz = np.linspace(0, sample_rate / 2, magnitude.shape[1])
    up = np.interp(hertz, (_UP_TO_HZ, _UP_FROM_HZ), (FORMANTS_UP, 1.0))
    source = np.interp(hertz, hertz * up, np.arange(len(hertz)))
    below, share = np.floor(source).astype(int), source % 1
    moved = envelope[:, below] * (1 - share) + envelope[:, np.minimum(below + 1, len(hertz) - 1)] * share
    octaves = np.log2(np.maximum(hertz, 20))
    cut = np.interp(octaves, np.log2((_CUT_TO_HZ, _CUT_FROM_HZ)), (-LOW_CUT_DB, 0.0))
    return np.asarray(moved * strength[:, None] * 10 ** (cut / 20))


def _envelope(magnitude: Floats, order: int) -> Floats:
    """Return the true envelopes (frames, bins) of spectra: cepstrally smooth curves through their peaks."""
    logarithms = np.log(magnitude + 1e-7)
    target = logarithms.copy()
    smooth = logarithms
    for _ in range(_ROUNDS):
        smooth = _liftered(target, order)
        target = np.maximum(logarithms, smooth)
    return np.asarray(np.exp(smooth))


def _liftered(logarithms: Floats, order: int) -> Floats:
    """Return log spectra (frames, bins) without what lies above `order` in their cepstra."""
    cepstra = np.fft.irfft(logarithms, axis=1)
    cepstra[:, order + 1 : cepstra.shape[1] - order] = 0
    return np.asarray(np.fft.rfft(cepstra, axis=1).real)


def _voicing(samples: Samples, sample_rate: int, power: Floats, size: int, hop: int) -> Floats:
    """Return (frames,) from 0, what stays as it is, to 1, what becomes breath."""
    found, _ = periodicity(samples, sample_rate)
    places = (np.arange(len(power)) * hop - size / 2) / sample_rate * 100 - 100 * _HEARD_S / 2
    periodic = np.interp(places, np.arange(len(found)), found)
    hertz = np.linspace(0, sample_rate / 2, power.shape[1])
    low = power[:, hertz < _LOW_HZ].sum(axis=1) / np.maximum(power.sum(axis=1), features.SILENCE)
    sure = np.clip((np.maximum(periodic, low) - _UNVOICED) / (_VOICED - _UNVOICED), 0, 1)
    return np.asarray(np.convolve(np.pad(sure, 2, mode="edge"), np.ones(5) / 5, mode="valid"))


def is_whispered(samples: Samples, sample_rate: int) -> bool:
    """Tell whether somebody whispers in mono speech; in doubt (short, steady, noisy, breathy) nobody does.

    A voice is looked for in every fiftieth of a second that is not much quieter than the loudest, and the spectrum must
    not fall as a voice's does.
    """
    heard, levels = periodicity(samples, sample_rate)
    top, bottom = np.percentile(levels, [95, 10])
    spoken = levels > top - _DEPTH_DB
    if spoken.sum() < 100 * _LEAST_S or top < _SILENT_DB or top - bottom < _STEADY_DB:
        return False
    fall = fall_db(samples, sample_rate)
    most = np.interp(fall, (_CLEAR_FALL_DB, _MOST_FALL_DB), (_MOST_LEFT_OVER, _MOST_VOICED))
    return bool(fall < _MOST_FALL_DB and (heard[spoken] > _PERIODIC).mean() < most)


def fall_db(samples: Samples, sample_rate: int) -> float:
    """Return by how many dB low sounds are stronger than high ones in mono speech (n,): see `match.fall_db`."""
    return match.fall_db(features.band_levels(samples, sample_rate, features.third_octave_centres()))


def periodicity(samples: Samples, sample_rate: int) -> tuple[Floats, Floats]:
    """Return for each hundredth of a second how periodic the 50 ms from there on are, and their level in dB.

    1 is a steady voice, noise is about 0.27 and hardly ever 0.5: the autocorrelation between 65 and 450 Hz of what is
    below 2 kHz, its spectrum made flat, so that a formant is not taken for a pitch.
    """
    sound = features.resample(samples, sample_rate, _HEARING_RATE)
    frames = features.frames_of(sound, round(_HEARD_S * _HEARING_RATE), _HEARING_RATE // 100)
    window = np.hanning(frames.shape[1])
    logarithms = np.log(np.abs(np.fft.rfft(frames * window, _HEARING_SIZE, axis=1)) + 1e-6)
    flat = np.exp(2 * np.clip(logarithms - _liftered(logarithms, _FORMANT_ORDER), -6, 3))
    hertz = np.linspace(0, _HEARING_RATE / 2, flat.shape[1])
    flat *= np.clip((hertz - 60) / 40, 0, 1) * np.clip((2000 - hertz) / 300, 0, 1)
    found = np.fft.irfft(flat, axis=1)
    of_window = np.fft.irfft(np.abs(np.fft.rfft(window, _HEARING_SIZE)) ** 2)
    found /= np.maximum(found[:, :1], 1e-12) * np.maximum(of_window / of_window[0], 0.1)
    first, last = _HEARING_RATE // 450, _HEARING_RATE // 65
    levels = 10 * np.log10(np.mean(np.square(frames, dtype=np.float64), axis=1) + features.SILENCE)
    return found[:, first : last + 1].max(axis=1), levels
