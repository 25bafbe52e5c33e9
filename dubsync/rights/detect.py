"""Finds the watermark in sound, without the original: after coding, cutting, mixing down, at another rate or speed.

Sound is listened to in pieces of two periods of the pattern. The contrasts of its cells are folded: all periods lie on
each other, so what repeats adds up and the film averages out. Folded sound is correlated with the pattern's fixed cells
at every offset, which finds where the pattern begins however the film was cut; there the payload's signs are read.
Folding is done for several speeds at once. What is kept for each piece are a hundred numbers.

A score is a correlation with random signs over the root of the energy that they meet. Whatever the sound, as long as it
knows nothing of the signs, a score of t or more has at most the probability exp(-t^2 / 2) (W. Hoeffding, 1963).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dubsync.rights import markcode
from dubsync.rights.markcode import SIGNS, Payload
from dubsync.rights.watermark import (
    BANDS,
    CHIP_S,
    CHIPS,
    PERIOD_S,
    Floats,
    Pattern,
    Samples,
    band_of,
    contrast,
    levels,
    pattern,
    window,
)

RATE = 16_000
SPEEDS = tuple(0.0025 * step for step in range(-4, 5))
"""Looked for: from one percent slower to one percent faster."""
PIECE_S = 2 * PERIOD_S
TRIED = 4.5
"""Score of the fixed cells from which reading the payload is tried."""
SURE = 10.0
"""Score of all cells from which a payload that reads well is believed: what fits noise best reaches 9."""
PRESENT = 7.5
"""Score of the fixed cells that is a mark, although its payload cannot be read."""
AGREES = 5.0
"""Score of all cells from which a stretch is said to hold a payload that was read elsewhere in the same sound."""
_STEPS = 4
"""Rows in a chip: the offsets that are tried are 5 ms apart."""
_ROWS = CHIPS * _STEPS
_PIECE_ROWS = 2 * _ROWS
_LONG = 6
"""Pieces that are folded together besides two and besides all."""
_MARGIN = 2 * _STEPS + _STEPS // 2
"""Rows beyond a piece that its contrasts need."""
_FRAME, _HOP = round(RATE * CHIP_S), round(RATE * CHIP_S / _STEPS)
_WINDOW, _BAND = window(_FRAME), band_of(np.fft.rfftfreq(_FRAME, 1 / RATE))
_NOTHING = 1.0
"""Added to energies, dB squared, so that silence scores nothing."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a stretch of folded sound says. `start`, `end`: seconds. `sync`: score of the fixed cells.

    `signs`: what was heard of each sign of the payload, the fixed cells last, (SIGNS + 1,), over the deviation of a
    sum over all of them.
    """

    start: float
    end: float
    speed: float
    sync: float
    signs: Floats

    def agreement(self, payload: Payload) -> float:
        """Return the score of all cells with a payload."""
        return float(self.signs @ np.append(markcode.signs(payload), 1.0))

    def payload(self) -> Payload | None:
        """Return the payload it holds; None where none can be read with certainty."""
        if self.sync < TRIED:
            return None
        found = markcode.read(self.signs[:SIGNS])
        return found if found and self.agreement(found) >= SURE else None


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark that was found. `payload`: None where there is one that cannot be read.

    `score`: the best of any stretch, or of all together. `stretches`: (start, end) in seconds in which it was heard.
    `speed`: of the sound over that of the dub, where it was heard best, less one. `tried`: stretches listened to.
    """

    payload: Payload | None
    score: float
    stretches: tuple[tuple[float, float], ...]
    speed: float
    tried: int

    @property
    def chance(self) -> float:
        """The most that the probability can be that sound without a mark gives such a score somewhere.

        It is Hoeffding's, times all offsets and speeds of all stretches, times all payloads.
        """
        payloads = 1.0 if self.payload is None else 2.0**32
        return float(min(1.0, np.exp(-(self.score**2) / 2) * _ROWS * len(SPEEDS) * self.tried * payloads))

    @property
    def seconds(self) -> float:
        """How long the stretches are together."""
        return round(sum(end - start for start, end in self.stretches), 2)


def detect(blocks: Iterable[Samples], sample_rate: int) -> tuple[Mark, ...]:
    """Return the marks in sound (n, channels), the surest first; none where there is none."""
    listener = Listener(sample_rate)
    for block in blocks:
        listener.add(block)
    return listener.marks()


class Listener:
    """Takes sound and remembers what each piece of it says.

    `known`: the patterns to listen for; others than the published one try what chance finds. `heard`: for each.
    """

    def __init__(self, sample_rate: int, known: Sequence[Pattern] = ()) -> None:
        import soxr

        self._matches = [_Match(each) for each in known or (pattern(),)]
        self.heard: list[list[Heard]] = [[] for _ in self._matches]
        self._resampler: Any = soxr.ResampleStream(sample_rate, RATE, 1, dtype="float32")
        self._sound = np.zeros(0, np.float32)
        self._samples = 0
        self._rows = np.zeros((0, BANDS))
        self._position = 0
        self._folds: deque[Floats] = deque(maxlen=_LONG)
        self._all = np.zeros((len(SPEEDS), _ROWS, BANDS))

    def add(self, block: Samples) -> None:
        """Take samples (n, channels)."""
        self._take(self._resampler.resample_chunk(block.mean(axis=1, dtype=np.float32)))

    def marks(self) -> tuple[Mark, ...]:
        """Return what was found with the first pattern in all that was heard; nothing can be added afterwards."""
        self.finish()
        return judged(self.heard[0])

    def finish(self) -> None:
        """Listen to the rest, and to everything together."""
        self._take(self._resampler.resample_chunk(np.zeros(0, np.float32), last=True))
        if len(self._rows):
            self._fold(np.repeat(self._rows[-1:], _PIECE_ROWS + _MARGIN - len(self._rows), axis=0))
        if self._position > _LONG * _PIECE_ROWS:
            self._listen(self._all, self._position // _PIECE_ROWS)

    @property
    def seconds(self) -> float:
        """The length of what was heard."""
        return self._samples / RATE

    def _take(self, sound: Samples) -> None:
        """Take mono at `RATE`, and turn it into levels, a row every 5 ms."""
        from scipy.fft import rfft

        self._samples += len(sound)
        self._sound = np.concatenate([self._sound, sound])
        count = (len(self._sound) - _FRAME) // _HOP + 1
        if count > 0:
            frames = np.lib.stride_tricks.sliding_window_view(self._sound, _FRAME)[: count * _HOP : _HOP]
            self._fold(levels(np.abs(rfft(frames * _WINDOW, axis=1)) ** 2, _BAND))
            self._sound = self._sound[count * _HOP :]

    def _fold(self, rows: Floats) -> None:
        """Take levels (n, BANDS), and listen to each piece that is whole."""
        self._rows = np.concatenate([self._rows, rows])
        while len(self._rows) >= _PIECE_ROWS + _MARGIN:
            self._piece(self._rows[: _PIECE_ROWS + _MARGIN])
            self._rows = self._rows[_PIECE_ROWS:]

    def _piece(self, rows: Floats) -> None:
        half = _STEPS // 2
        chips = 0.5 * (rows[:-half] + rows[half:])
        cells = contrast(chips, _STEPS)[_STEPS:-_STEPS]
        at = np.arange(len(cells)) + self._position
        fold = np.zeros((len(SPEEDS), _ROWS, BANDS))
        for row, speed in zip(fold, SPEEDS, strict=True):
            np.add.at(row, np.rint(at * (1 + speed)).astype(int) % _ROWS, cells)
        self._position += len(cells)
        self._folds.append(fold)
        self._all += fold
        self._listen(np.sum(list(self._folds)[-2:], axis=0), 2)
        if self._position // _PIECE_ROWS % (_LONG // 2) == 0:
            self._listen(np.sum(self._folds, axis=0), _LONG)

    def _listen(self, folds: Floats, pieces: int) -> None:
        """Note what is heard at the offset and speed at which the fixed cells fit best."""
        end = self._position / _ROWS * PERIOD_S
        start = max(0.0, end - pieces * PIECE_S)
        for match, heard in zip(self._matches, self.heard, strict=True):
            scores = np.array([match.scores(fold) for fold in folds])
            which, offset = np.unravel_index(scores.argmax(), scores.shape)
            signs = match.signs(folds[which], int(offset))
            heard.append(Heard(start, min(end, self.seconds), SPEEDS[which], float(scores.max()), signs))


def judged(heard: Sequence[Heard]) -> tuple[Mark, ...]:
    """Return the marks that stretches of one sound hold, the surest first."""
    together = _together([one for one in heard if one.sync >= TRIED])
    payloads = {payload for one in [*heard, *together] if (payload := one.payload())}
    marks = [_mark(payload, heard, together) for payload in payloads]
    best = max(heard, key=lambda one: one.sync, default=None)
    if not marks and best is not None and best.sync >= PRESENT:
        places = [(one.start, one.end) for one in heard if one.sync >= PRESENT]
        marks = [Mark(None, best.sync, _joined(places), best.speed, len(heard))]
    return tuple(sorted(marks, key=lambda mark: -mark.score))


def _mark(payload: Payload, heard: Sequence[Heard], together: Sequence[Heard]) -> Mark:
    best = max(heard, key=lambda one: one.agreement(payload))
    short = [one for one in heard if one.end - one.start < 3 * PIECE_S]
    places = [(one.start, one.end) for one in short if one.agreement(payload) >= AGREES]
    stretches = _joined(places or [(best.start, best.end)])
    score = max(one.agreement(payload) for one in [*heard, *together])
    return Mark(payload, score, stretches, best.speed, len(heard))


def _joined(places: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    joined: list[tuple[float, float]] = []
    for start, end in sorted(places):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple((round(start, 2), round(end, 2)) for start, end in joined)


class _Match:
    """Compares folded sound, (_ROWS, BANDS), with a pattern."""

    def __init__(self, known: Pattern) -> None:
        self._known, self._is_fixed = known, known.unit == SIGNS
        self._spectrum = np.conj(np.fft.rfft(known.sign * self._is_fixed, axis=0))[:, None, :]
        self._places = np.conj(np.fft.rfft(self._is_fixed.astype(np.float64), axis=0))[:, None, :]

    def scores(self, fold: Floats) -> Floats:
        """Return the score of the fixed cells at each offset, (_ROWS,)."""
        chips = fold.reshape(CHIPS, _STEPS, BANDS)
        found, energy = (
            np.fft.irfft((np.fft.rfft(each, axis=0) * wanted).sum(axis=2), CHIPS, axis=0)
            for each, wanted in ((chips, self._spectrum), (chips**2, self._places))
        )
        return np.asarray((found / np.sqrt(np.maximum(energy, 0) + _NOTHING)).ravel())

    def signs(self, fold: Floats, offset: int) -> Floats:
        """Return what is heard of each sign at an offset, the fixed cells last, over the deviation of their sum."""
        cells = np.roll(fold, -offset, axis=0)[::_STEPS]
        heard = np.bincount(self._known.unit.ravel(), (self._known.sign * cells).ravel(), SIGNS + 1)
        return np.asarray(heard / np.sqrt((cells**2).sum() + _NOTHING))


def _together(heard: Sequence[Heard]) -> list[Heard]:
    """Return the stretches that may hold a mark as one: each says the same, wherever the film was cut.

    They were chosen by their fixed cells, which therefore count no more.
    """
    if len(heard) < 2:
        return []
    start, end = min(one.start for one in heard), max(one.end for one in heard)
    signs = np.sum([one.signs for one in heard], axis=0) / np.sqrt(len(heard))
    signs[SIGNS] = 0.0
    return [Heard(start, end, 0.0, TRIED, signs)]
