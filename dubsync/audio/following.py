"""Two people say the same words: where in the one recording is what is heard at a moment of the other?

Dynamic time warping (Sakoe and Chiba, "Dynamic programming algorithm optimization for spoken word recognition", 1978)
whose slope is bounded: the recording may be up to four times as slow as its guide, or twice as fast. Between the
guide's words the recording may fall silent for as long as it likes. All sounds are mono 16 kHz, frames are 10 ms apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from dubsync.audio import features

Array = NDArray[np.float32]
Frames = NDArray[np.int64]

RATE, HOP = 16000, 160
FRAMES_PER_SECOND = RATE // HOP
_SIZE, _WINDOW = 512, 400
_BANDS, _LOW_HZ, _HIGH_HZ, _KEPT = 32, 100.0, 7000.0, 13
_DEPTH_DB = 40.0
"""What is further below the loudest band is noise, and the same to both."""
_SPEECH_DB, _QUIET_DB = 35.0, 30.0
_MOST_HELD = 3
"""Frames for which the recording may wait at one frame of its guide."""
_BENT, _LOUD_PAUSE = 0.08, 3.0
"""Prices of a step off the diagonal, and of a pause that is as loud as speech; the median distance is 1."""
_AWAY = (-20, -15, 15, 20)
_NEVER = np.float32(1e9)


@dataclass(frozen=True, slots=True)
class Path:
    """Where a recording is within its guide. `place`: (n,) the guide's frame for each of its own, -1 in a pause.

    `doubt`: mean distance along the path beside that 0.15 to 0.2 s off it; 1 where the two have nothing in common.
    """

    place: Frames
    doubt: float


def cepstra(samples: Array) -> Array:
    """Return (n, 26) mel cepstra and how they change, of mean 0 and deviation 1 while somebody speaks."""
    mel = features.mel_filters(RATE, _SIZE, _BANDS, _LOW_HZ, _HIGH_HZ)
    bands = np.log(_power(samples) @ mel.T + 1e-8)
    bands = np.maximum(bands, bands.max() - _DEPTH_DB * np.log(10) / 10)
    shape = dct(bands, axis=1, norm="ortho")[:, :_KEPT]
    change = np.roll(shape, -2, axis=0) - np.roll(shape, 2, axis=0)
    levels = level_db(samples)
    loud = levels > np.percentile(levels, 95) - _SPEECH_DB
    both = [(part - part[loud].mean(axis=0)) / (part[loud].std(axis=0) + 1e-3) for part in (shape, change)]
    return np.asarray(np.concatenate([both[0], 0.7 * both[1]], axis=1), np.float32)


def level_db(samples: Array) -> Array:
    """Return (n,) the level of each frame in dB."""
    return np.asarray(10 * np.log10(_power(samples).sum(axis=1) + 1e-8), np.float32)


def _power(samples: Array) -> Array:
    window = np.hanning(_WINDOW).astype(np.float32)
    return features.power_spectrum(samples, window=window, size=_SIZE, hop=HOP, centred=True)


def apart(recorded: Array, guide: Array) -> Array:
    """Return (n, m) distances between features (n, width) and (m, width); their median is 1."""
    squares = (recorded**2).sum(axis=1)[:, None] + (guide**2).sum(axis=1)[None] - 2 * recorded @ guide.T
    distance = np.sqrt(np.maximum(squares, 0))
    return np.asarray(distance / max(float(np.median(distance)), 1e-6), np.float32)


def sounding(levels: Array, spans: Sequence[tuple[float, float]]) -> NDArray[np.bool_]:
    """Return (m,) which frames of a guide are kept: all but the quiet ones outside its sounds (seconds)."""
    times = np.arange(len(levels)) / FRAMES_PER_SECOND
    kept = levels > np.percentile(levels, 95) - _QUIET_DB
    for start, end in spans:
        kept |= (times >= start - 0.01) & (times < end + 0.01)
    return kept


def path(distance: Array, levels: Array, pauses: Sequence[int]) -> Path:
    """Return the nearest way through distances (n, m). `levels`: (n,) dB of the recording.

    `pauses`: places from 0 to m before which it may pause.
    """
    places = np.array(sorted({0, distance.shape[1], *pauses}), np.int64)
    place = _Search(distance, _price_of_silence(distance, levels), places).found()
    return Path(place, _doubt(distance, place))


def _price_of_silence(distance: Array, levels: Array) -> Array:
    low, high = np.percentile(levels, [5, 95])
    loudness = np.clip((levels - low) / max(float(high - low), 10.0), 0, 1)
    base = 0.8 * float(np.median(distance.min(axis=1)))
    return np.asarray(base + _LOUD_PAUSE * np.maximum(loudness - 0.25, 0), np.float32)


def _doubt(distance: Array, place: Frames) -> float:
    rows = np.flatnonzero(place >= 0)
    if len(rows) == 0:
        return 1.0
    on, last = place[rows], distance.shape[1] - 1
    beside = [float(distance[rows, np.clip(on + step, 0, last)].mean()) for step in _AWAY]
    return float(distance[rows, on].mean() / max(float(np.mean(beside)), 1e-6))


class _Search:
    """Viterbi over the guide's frames, each with how long it has been held, and the pauses between its words."""

    def __init__(self, distance: Array, silence: Array, pauses: Frames) -> None:
        self._distance, self._silence, self._pauses = distance, silence, pauses
        count, wide = distance.shape
        self._came = np.zeros((count, wide), np.int8)
        """Frames of the guide that were advanced; 3: out of a pause."""
        self._held = np.zeros((count, wide), np.int8)
        """For how many frames the cheapest way to be here has been here."""
        self._entered = np.zeros((count, len(pauses)), bool)

    def found(self) -> Frames:
        """Return the place of each frame, -1 in a pause; everywhere where no way is allowed."""
        speech, pause = self._forward()
        if min(speech, float(pause[-1])) >= _NEVER:
            return np.full(len(self._distance), -1, np.int64)
        if pause[-1] < speech:
            return self._back(len(self._pauses) - 1, None)
        return self._back(None, self._distance.shape[1] - 1)

    def _forward(self) -> tuple[float, Array]:
        count, wide = self._distance.shape
        cost = np.full((_MOST_HELD + 1, wide), _NEVER, np.float32)
        pause = np.full(len(self._pauses), _NEVER, np.float32)
        cost[0, 0], pause[0] = self._distance[0, 0], self._silence[0]
        for row in range(1, count):
            best = cost.min(axis=0)
            self._held[row - 1] = cost.argmin(axis=0)
            arrived = self._arrive(row, best, pause)
            before = np.where(self._pauses > 0, best[np.maximum(self._pauses - 1, 0)], _NEVER)
            self._entered[row] = before < pause
            pause = np.minimum(before, pause) + self._silence[row]
            cost = np.concatenate([arrived[None], cost[:-1] + np.float32(_BENT)]) + self._distance[row]
        self._held[-1] = cost.argmin(axis=0)
        return float(cost[:, -1].min()), pause

    def _arrive(self, row: int, best: Array, pause: Array) -> Array:
        """Return the cost of coming to each frame from the one before, from the one before that, or out of a pause."""
        one = np.concatenate([[_NEVER], best[:-1]])
        two = np.concatenate([[_NEVER, _NEVER], best[:-2]])[: len(best)] + np.float32(_BENT)
        out = np.full(len(best), _NEVER, np.float32)
        inside = self._pauses < len(best)
        out[self._pauses[inside]] = pause[inside]
        ways = np.stack([one, two, out])
        self._came[row] = ways.argmin(axis=0) + 1
        return np.asarray(ways.min(axis=0), np.float32)

    def _back(self, pause: int | None, at: int | None) -> Frames:
        place = np.full(len(self._distance), -1, np.int64)
        held = int(self._held[-1, at]) if at is not None else 0
        for row in range(len(place) - 1, 0, -1):
            if at is None:
                assert pause is not None
                if self._entered[row, pause]:
                    at = int(self._pauses[pause]) - 1
                    held = int(self._held[row - 1, at])
                continue
            place[row] = at
            if held:
                held -= 1
            elif self._came[row, at] == 3:
                pause, at = int(np.searchsorted(self._pauses, at)), None
            else:
                at -= int(self._came[row, at])
                held = int(self._held[row - 1, at])
        place[0] = -1 if at is None else at
        return place
