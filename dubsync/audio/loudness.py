"""Loudness and true peak of a stream (ITU-R BS.1770-4, EBU R 128): blocks in, LUFS and dBTP out.

A meter keeps one number for each tenth of a second, and no sound.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Floats = NDArray[np.float64]

SILENT = -70.0
"""LUFS reported for what the absolute gate leaves nothing of."""
_OFFSET = -0.691
_RELATIVE_GATE = -10.0
_OVERSAMPLING, REACH = 4, 24
_STRETCH, _MOST_BETWEEN = 2048, 1.5
"""Sound rises at most half again (3.5 dB) between its samples, but for signals made to defeat meters."""


def channel_weights(channels: int) -> Floats:
    """Return BS.1770's weight of each channel in the usual order: the low-frequency channel 0, surrounds 1.41."""
    weights = np.ones(channels)
    if channels in (5, 6, 7, 8):
        weights[3:] = 1.41
        if channels >= 6:
            weights[3] = 0.0
    return weights


@lru_cache(maxsize=16)
def k_weighting(sample_rate: int) -> Floats:
    """Return the K filter as two second-order sections: a high shelf and a high-pass, for any rate."""
    gain, quality, corner = 10 ** (3.999843853973347 / 20), 0.7071752369554196, 1681.974450955533
    shelf = np.tan(np.pi * corner / sample_rate)
    band, low = gain**0.4996667741545416, 1.0
    bottom = 1 + shelf / quality + shelf**2
    high_shelf = [
        (gain + band * shelf / quality + shelf**2 * low) / bottom,
        2 * (shelf**2 - gain) / bottom,
        (gain - band * shelf / quality + shelf**2) / bottom,
        1.0,
        2 * (shelf**2 - 1) / bottom,
        (1 - shelf / quality + shelf**2) / bottom,
    ]
    quality, corner = 0.5003270373238773, 38.13547087602444
    cut = np.tan(np.pi * corner / sample_rate)
    bottom = 1 + cut / quality + cut**2
    high_pass = [1.0, -2.0, 1.0, 1.0, 2 * (cut**2 - 1) / bottom, (1 - cut / quality + cut**2) / bottom]
    return np.array([high_shelf, high_pass])


class Meter:
    """Measures what `add` is given, block after block."""

    def __init__(self, sample_rate: int, channels: int, *, with_peak: bool = True) -> None:
        self._sections = k_weighting(sample_rate)
        self._state = np.zeros((2, 2, channels))
        self._weights = channel_weights(channels)
        self._tenth = sample_rate // 10
        self._held = np.zeros(0)
        self._tenths: list[Floats] = []
        self._peak = TruePeak(channels) if with_peak else None

    def add(self, block: Samples) -> None:
        """Measure (n, channels)."""
        from scipy.signal import sosfilt

        if self._peak is not None:
            self._peak.add(block)
        weighted, self._state = sosfilt(self._sections, block.astype(np.float64), axis=0, zi=self._state)
        power = np.concatenate([self._held, (weighted**2) @ self._weights])
        whole = len(power) // self._tenth * self._tenth
        self._tenths.append(power[:whole].reshape(-1, self._tenth).mean(axis=1))
        self._held = power[whole:]

    @property
    def true_peak(self) -> float:
        """The highest peak so far in dBTP."""
        assert self._peak is not None, "this meter was asked for loudness alone"
        return self._peak.decibels

    def integrated(self, *, within: NDArray[np.bool_] | None = None) -> float:
        """Return the gated loudness in LUFS; `within`: only these tenths of a second count (a dialogue gate)."""
        tenths = np.concatenate(self._tenths) if self._tenths else np.zeros(0)
        if len(tenths) < 4:
            tenths = np.pad(tenths, (0, 4 - len(tenths)))
        blocks = np.lib.stride_tricks.sliding_window_view(tenths, 4).mean(axis=1)
        if within is not None:
            blocks = blocks[within[: len(blocks)]]
        return _gated(blocks)


def _gated(power: Floats) -> float:
    loud = power[_lufs(power) > SILENT]
    if len(loud) == 0:
        return SILENT
    kept = loud[_lufs(loud) > float(_lufs(loud.mean())) + _RELATIVE_GATE]
    return float(_lufs(kept.mean()))


def _lufs(power: Floats | np.float64) -> Floats:
    return np.asarray(_OFFSET + 10 * np.log10(np.maximum(power, 1e-12)))


class TruePeak:
    """Follows the peak between the samples, by fourfold oversampling."""

    def __init__(self, channels: int) -> None:
        self._before = np.zeros((2 * REACH, channels), np.float32)
        self._highest = 0.0

    def add(self, block: Samples) -> None:
        """Look between the samples where the peak may be: the loudest stretches first, until none can exceed it."""
        joined = np.concatenate([self._before, block])
        self._before = joined[-2 * REACH :]
        starts = range(0, len(joined), _STRETCH)
        tops = [float(np.abs(joined[start : start + _STRETCH]).max()) for start in starts]
        for top, start in sorted(zip(tops, starts, strict=True), reverse=True):
            if top * _MOST_BETWEEN <= self._highest:
                break
            around = joined[max(0, start - 2 * REACH) : start + _STRETCH + 2 * REACH]
            self._highest = max(self._highest, top, _inner_peak(around))

    @property
    def decibels(self) -> float:
        return float(20 * np.log10(max(self._highest, 1e-5)))


def _inner_peak(samples: Samples) -> float:
    """Return the peak where the samples on both sides are known: a cut through loud sound would ring."""
    return float(between_samples(samples)[REACH : max(0, len(samples) - REACH)].max(initial=0.0))


def between_samples(samples: Samples) -> Samples:
    """Return for each sample the largest magnitude there and in the three places after it: (n, channels)."""
    from scipy.signal import upfirdn

    raised = upfirdn(_interpolator(), samples, up=_OVERSAMPLING, axis=0)[_OVERSAMPLING * REACH :]
    raised = raised[: len(samples) * _OVERSAMPLING].reshape(len(samples), _OVERSAMPLING, -1)
    highest: Samples = np.maximum(np.abs(raised).max(axis=1), np.abs(samples))
    return highest


@lru_cache(maxsize=1)
def _interpolator() -> Samples:
    from scipy.signal import firwin

    taps = firwin(2 * _OVERSAMPLING * REACH + 1, 1 / _OVERSAMPLING, window=("kaiser", 7.0)) * _OVERSAMPLING
    return np.asarray(taps, np.float32)


def measure(blocks: Iterable[Samples], sample_rate: int, channels: int, *, with_peak: bool = True) -> Meter:
    """Return a meter that has heard all blocks; without the peak it takes half the time."""
    meter = Meter(sample_rate, channels, with_peak=with_peak)
    for block in blocks:
        meter.add(block)
    return meter


def speech_level(samples: Samples, sample_rate: int) -> float:
    """Return the loudness in LUFS of the active part of mono speech, however short; -100 for silence."""
    from scipy.signal import sosfilt

    weighted = sosfilt(k_weighting(sample_rate), samples.astype(np.float64))
    size = max(1, sample_rate // 50)
    whole = len(weighted) // size * size
    power = (weighted[:whole] ** 2).reshape(-1, size).mean(axis=1)
    loud = power[power > max(1e-10, float(np.percentile(power, 95)) * 1e-2)] if len(power) else power
    return float(_lufs(loud.mean())) if len(loud) else -100.0
