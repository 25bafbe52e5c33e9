"""The watermark: gains too small to hear, in a pattern that says whose synthetic speech this is.

Time is cut into chips of 20 ms, frequency from 300 to 6500 Hz into 31 bands. Each cell is made a little louder or
quieter by a published pattern of 2.56 s that is repeated all along: a quarter of the cells is the same in
every dub and is what a detector looks for, the others carry the signs of the payload (`markcode`). This is spread
spectrum in the spectrum of short frames (D. Kirovski and H. Malvar, "Spread-spectrum watermarking of audio signals",
IEEE Transactions on Signal Processing 51, 2003). A gain keeps the spectrum's own shape, so the mark lies under what
masks it, and is 0 where there is silence.

The marker knows the sound, so it gives a sign that the sound itself contradicts more gain, and one that it happens to
say already less (H. Malvar and D. Florencio, "Improved spread spectrum", 2003).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.audio.timeline import Region
from dubsync.rights import markcode
from dubsync.rights.markcode import SIGNS, Payload

Samples = NDArray[np.float32]
Floats = NDArray[np.float64]

CHIPS, BANDS = 128, 31
"""Of the pattern: its length in time and its width in frequency."""
CHIP_S = 0.02
PERIOD_S = CHIPS * CHIP_S
STRENGTH_DB = 0.7
"""Gain of a cell, when the sound neither helps nor contradicts."""
_LEAST_DB, _MOST_DB = 0.2, 1.4
_FRAMES = 2
"""Frames that begin in a chip; each is as long as a chip."""
_LOWEST_HZ, _BAND_HZ = 300.0, 200.0
_QUIET = 1e-7
"""Power of a cell that counts as silence, for samples in [-1, 1] under a sine window."""
_CLIP_DB = 6.0
_RAMP_S = 0.01
_SEED = 20260
"""Of the pattern; another would be another, incompatible mark."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """`sign`: (CHIPS, BANDS), -1 or 1. `unit`: which sign of the payload a cell carries; `SIGNS`: the fixed ones."""

    sign: Floats
    unit: NDArray[np.intp]


@lru_cache(maxsize=1)
def pattern(seed: int = _SEED) -> Pattern:
    """Return the pattern of version 1, or of another seed one that nobody marks with."""
    random = np.random.default_rng(seed)
    cells = CHIPS * BANDS
    unit = np.full(cells, SIGNS)
    unit[cells // 4 :] = np.arange(cells - cells // 4) % SIGNS
    sign = np.where(random.integers(0, 2, (CHIPS, BANDS)) > 0, 1.0, -1.0)
    return Pattern(sign, random.permutation(unit).reshape(CHIPS, BANDS).astype(np.intp))


def band_of(frequencies: NDArray[Any]) -> NDArray[np.intp]:
    """Return for each frequency in hertz the band it lies in, -1 outside of all."""
    band = np.floor((frequencies - _LOWEST_HZ) / _BAND_HZ).astype(np.intp)
    return np.where((band >= 0) & (band < BANDS), band, -1)


def window(size: int) -> Samples:
    """Return the frames' window: two of them, half a frame apart, add up to one in power."""
    return np.sin(np.pi * (np.arange(size) + 0.5) / size).astype(np.float32)


def levels(power: NDArray[np.float32], band: NDArray[np.intp]) -> Floats:
    """Return the level of each band in dB, (frames, BANDS), from power spectra (frames, bins)."""
    inside = np.flatnonzero(band >= 0)
    starts = inside[np.flatnonzero(np.diff(band[inside], prepend=-1))]
    summed = np.add.reduceat(power[:, : inside[-1] + 1], starts, axis=1).astype(np.float64)
    out = np.zeros((len(power), BANDS))
    out[:, band[starts]] = summed
    return np.asarray(10 * np.log10(out + _QUIET))


def contrast(chips: Floats, step: int = 1) -> Floats:
    """Return by how many dB each cell stands out from its neighbours in time and in frequency, clipped.

    `chips`: levels (n, BANDS), a chip `step` rows after the other.
    """
    held = np.pad(chips, ((step, step), (0, 0)), mode="edge")
    time = chips - 0.5 * (held[: len(chips)] + held[2 * step :])
    wide = np.pad(time, ((0, 0), (1, 1)), mode="edge")
    return np.clip(time - 0.5 * (wide[:, :-2] + wide[:, 2:]), -_CLIP_DB, _CLIP_DB)


@dataclass(frozen=True, slots=True)
class Place:
    """What of a sound is marked. `regions`: of its samples, None: all. `channels`: None: all.

    `start`: sample of the film at which the sound begins.
    """

    regions: Sequence[Region] | None = None
    channels: Sequence[int] | None = None
    start: int = 0


def mark(
    blocks: Iterable[Samples], sample_rate: int, payload: Payload, place: Place | None = None
) -> Iterator[Samples]:
    """Yield sound (n, channels) float32 with the mark in a place; elsewhere it stays as it was, bit for bit.

    All channels that are marked get the same gains, so that the mark outlives a mix-down. Held in memory: a period of
    the pattern.
    """
    marker = _Marker(sample_rate, payload, place or Place())
    for block in blocks:
        yield from marker.feed(block)
    yield from marker.finish()


class _Marker:
    """Takes a stream and gives it back a period of the pattern later."""

    def __init__(self, rate: int, payload: Payload, place: Place) -> None:
        self._rate, self._regions = rate, place.regions
        self._channels = slice(None) if place.channels is None else list(place.channels)
        self._size = round(rate * CHIP_S)
        self._window = window(self._size)
        self._band = band_of(np.arange(self._size // 2 + 1) * rate / self._size)
        known = pattern()
        said = np.append(markcode.signs(payload), 1.0)
        self._signs = known.sign * said[known.unit]
        self._lead = place.start % round(PERIOD_S * rate)
        self._position = -self._lead  # of the first held sample, on the sound's own clock
        self._held: Samples | None = None
        self._tail: Samples | None = None

    def feed(self, block: Samples) -> Iterator[Samples]:
        """Take samples, and yield what is finished."""
        if self._held is None:
            self._held = np.zeros((self._lead, block.shape[1]), np.float32)
        self._held = np.concatenate([self._held, block])
        while len(self._held) >= self._period + self._size:
            yield from self._next(self._held)

    def finish(self) -> Iterator[Samples]:
        """Yield the rest."""
        while self._held is not None and len(self._held):
            left = len(self._held)
            padded = np.pad(self._held, ((0, max(0, self._period + self._size - left)), (0, 0)))
            yield from (piece[:left] for piece in self._next(padded))
            self._held = self._held[: max(0, left - self._period)]

    @property
    def _period(self) -> int:
        return round(PERIOD_S * self._rate)

    def _next(self, held: Samples) -> Iterator[Samples]:
        """Yield the first period of what is held, and let go of it."""
        out, keep = held[: self._period], self._wanted()
        if keep is not None:
            added = self._added(held)
            if self._tail is not None:
                added[: len(self._tail)] += self._tail
            self._tail = added[self._period :]
            out = out + keep[:, None] * added[: self._period]
        else:
            self._tail = None
        skip = max(0, -self._position)
        self._position += self._period
        self._held = held[self._period :]
        if skip < len(out):
            yield out[skip:]

    def _wanted(self) -> Samples | None:
        """Return for each sample of the next period how much of the mark it takes, 0 to 1; None where all take none."""
        if self._regions is None:
            return np.ones(self._period, np.float32)
        first, ramp = self._position, max(1, round(_RAMP_S * self._rate))
        share = np.zeros(self._period, np.float32)
        for region in self._regions:
            if region.start < first + self._period and region.stop > first:
                low, high = max(region.start, first), min(region.stop, first + self._period)
                at = np.arange(low, high)
                rise = np.minimum(at - region.start, region.stop - 1 - at) / ramp
                share[low - first : high - first] = np.maximum(share[low - first : high - first], np.minimum(rise, 1.0))
        return share if share.any() else None

    def _added(self, held: Samples) -> Samples:
        """Return what the mark adds to a period and half a frame after it."""
        from scipy.fft import irfft, rfft

        starts = np.rint(np.arange(CHIPS * _FRAMES) * self._rate * CHIP_S / _FRAMES).astype(int)
        frames = held[starts[:, None] + np.arange(self._size)] * self._window[None, :, None]
        spectra = rfft(frames, axis=1)
        power = np.abs(spectra.mean(axis=2)) ** 2
        chips = levels(power, self._band).reshape(CHIPS, _FRAMES, BANDS).mean(axis=1)
        gains = self._gains(chips)
        factors = np.zeros((CHIPS, len(self._band)), np.float32)
        inside = self._band >= 0
        factors[:, inside] = (10 ** (gains / 20) - 1)[:, self._band[inside]]
        spectra = spectra[:, :, self._channels]
        change = irfft(spectra * np.repeat(factors, _FRAMES, axis=0)[:, :, None], self._size, axis=1)
        change *= self._window[None, :, None]
        out = np.zeros((self._period + self._size, held.shape[1]), np.float32)
        for at, piece in zip(starts, change, strict=True):
            out[at : at + self._size, self._channels] += piece
        return out

    def _gains(self, chips: Floats) -> Floats:
        """Return the gain of each cell in dB, for one period."""
        unit = pattern().unit
        said = np.bincount(unit.ravel(), (self._signs * contrast(chips)).ravel())
        helped = said / np.bincount(unit.ravel())
        strength = np.clip(STRENGTH_DB - helped, _LEAST_DB, _MOST_DB)
        return np.asarray(self._signs * strength[unit])
