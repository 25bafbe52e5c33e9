"""What drives the mouth: features of speech, 50 a second: a recogniser's (Whisper's encoder) and log-mel energies.

The recogniser knows sounds whoever says them; the energies know how loud and how open they were. The encoder sees
30 s at a time and its answer depends on what else it sees, so training and use share one policy: windows of 30 s, 20 s
apart, each answering for its middle 20 s (the first also for its beginning, the last for its end); what is short is
padded with silence. Two sounds that are only held against each other may both be heard through shorter windows.
Float32: in int8 single frames come out wrong.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from dubsync.audio import features as sound_features

RATE = 16000
FEATURES_PER_SECOND = 50
_STEP = RATE // FEATURES_PER_SECOND
_BANDS, _SIZE = 40, 512
_SYLLABLE = 4
"""Features that `loudness` is smoothed over (standard deviation): 80 ms."""
_QUIET_DB = 34.0
"""How far below the loud parts a sound is still told from silence."""


@dataclass(frozen=True, slots=True)
class Windows:
    """How much the encoder sees at a time, how far apart, and what of an edge it does not answer for; seconds."""

    length: int = 30
    hop: int = 20
    margin: int = 5

    @classmethod
    def around(cls, seconds: float) -> Windows:
        """Return windows that hold a sound with a little silence after it: short ones take much less computing."""
        length = min(cls().length, max(10, math.ceil(seconds) + 2))
        return cls(length, 2 * length // 3, length // 6)

    def starts(self, samples: int) -> list[int]:
        """Return the first sample of each window."""
        starts = [0]
        while starts[-1] + self.length * RATE < samples:
            starts.append(starts[-1] + self.hop * RATE)
        return starts


HALF_MINUTES = Windows()


class Ear:
    """Turns sound into features; `folder` holds a Whisper model as CTranslate2 keeps it."""

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        import ctranslate2
        from faster_whisper.feature_extractor import FeatureExtractor

        self._model: Any = ctranslate2.models.Whisper(
            str(folder), device="cpu", compute_type="float32", intra_threads=threads, inter_threads=1
        )
        self._spectrum: Any = FeatureExtractor(feature_size=self._model.n_mels)

    def hear(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (n, width) features of mono 16 kHz sound (m,): the encoder's, then log-mel energies."""
        known = self.recognise(samples)
        return np.concatenate([known, log_mel(samples)[: len(known)]], axis=1)

    def recognise(self, samples: NDArray[np.float32], windows: Windows = HALF_MINUTES) -> NDArray[np.float32]:
        """Return (n, width) features of the encoder alone; feature k is centred on sample 320 k.

        Only features that came through windows of one length may be compared.
        """
        wanted = len(samples) // _STEP + 1
        parts: list[NDArray[np.float32]] = []
        have = 0
        length = windows.length * RATE
        for start in windows.starts(len(samples)):
            features = self._window(samples[start : start + length], windows.length)
            first = start // _STEP
            is_last = start + length >= len(samples)
            until = wanted if is_last else first + (windows.length - windows.margin) * FEATURES_PER_SECOND
            parts.append(features[have - first : until - first])
            have = first + len(features[: until - first])
        heard = np.concatenate(parts)
        return np.pad(heard, ((0, wanted - len(heard)), (0, 0)), mode="edge")

    def _window(self, samples: NDArray[np.float32], length: int) -> NDArray[np.float32]:
        """Return the encoder's last layer for at most `length` seconds, (50 * length, width)."""
        import ctranslate2

        padded = np.zeros(length * RATE, np.float32)
        padded[: len(samples)] = samples
        spectrum = np.ascontiguousarray(self._spectrum(padded, padding=0)[None, :, : length * 100], np.float32)
        heard = self._model.encode(ctranslate2.StorageView.from_array(spectrum), to_cpu=True)
        features: NDArray[np.float32] = np.asarray(heard, np.float32)[0]
        return features


def log_mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (n, 40) log-mel energies, 50 a second, the mean of the loud part taken away."""
    window = np.hanning(_SIZE).astype(np.float32)
    power = sound_features.power_spectrum(samples, window=window, size=_SIZE, hop=_STEP, centred=True)
    level = np.log(power @ sound_features.mel_filters(RATE, _SIZE, _BANDS).T + 1e-7)
    loudest = float(np.percentile(level.mean(axis=1), 95)) if len(level) else 0.0
    return np.asarray(np.maximum(level - loudest, -9.0), np.float32)


def loudness(samples: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return (count,), 50 a second: the level of each syllable beside the recording's mean, in standard deviations."""
    level = levels(samples, count)
    level = np.maximum(level, np.percentile(level, 98) - _QUIET_DB)
    standard = (level - level.mean()) / (level.std() + 1e-6)
    return np.asarray(gaussian_filter1d(standard, _SYLLABLE, mode="nearest"), np.float32)


def levels(samples: NDArray[np.float32], count: int) -> NDArray[np.float64]:
    """Return (count,) dB of full scale, 50 a second; beyond the end there is silence."""
    padded = np.pad(samples, (0, max(0, count * _STEP - len(samples))))[: count * _STEP]
    power = np.mean(np.square(padded.reshape(count, _STEP), dtype=np.float64), axis=1)
    return np.asarray(10 * np.log10(power + 1e-10), np.float64)


def at_times(features: NDArray[np.float32], seconds: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return features (or anything sampled like them) at the given times, linearly between neighbours."""
    place = np.clip(np.asarray(seconds, np.float64) * FEATURES_PER_SECOND, 0, len(features) - 1)
    low = np.floor(place).astype(int)
    high = np.minimum(low + 1, len(features) - 1)
    share = (place - low).astype(np.float32)[:, None]
    return np.asarray(features[low] * (1 - share) + features[high] * share, np.float32)
