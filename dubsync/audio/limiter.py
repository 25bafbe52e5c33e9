"""A look-ahead true-peak limiter as a stream: what is under the ceiling passes bit for bit, nothing gets above it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from dubsync.audio.loudness import REACH, between_samples

Samples = NDArray[np.float32]

_ATTACK = 0.005
_SAFETY_DB = 0.1
"""Room for what encoders and other meters find between the samples."""
_MOST_BETWEEN = 2.0
"""Factor by which sound hardly ever rises between its samples."""
_CHUNK = 2048
"""Samples that are looked at together."""


def limit(blocks: Iterable[Samples], sample_rate: int, *, ceiling_db: float, gain_db: float = 0.0) -> Iterator[Samples]:
    """Yield the blocks, raised by the gain and held under the ceiling (dBTP); the lengths add up to the same."""
    width = max(1, int(_ATTACK * sample_rate))
    context = 2 * width + 64
    ceiling, gain = 10 ** ((ceiling_db - _SAFETY_DB) / 20), np.float32(10 ** (gain_db / 20))
    held, before = None, 0
    for block in blocks:
        raised = block * gain
        held = raised if held is None else np.concatenate([held, raised])
        ready = len(held) - before - context
        if ready > 0:
            yield held[before : before + ready] * _gains(held, ceiling, width)[before : before + ready]
            keep = max(0, before + ready - context)
            before, held = before + ready - keep, held[keep:]
    if held is not None and len(held) > before:
        yield held[before:] * _gains(held, ceiling, width)[before:]


def _gains(samples: Samples, ceiling: float, width: int) -> Samples:
    """Return the gain of each sample, (n, 1): low `width` before a peak, smooth, never more than the peak bears."""
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    if float(np.abs(samples).max(initial=0.0)) * _MOST_BETWEEN <= ceiling:
        return np.ones((len(samples), 1), np.float32)
    highest = peaks(samples, ceiling)
    highest = np.maximum(highest, np.concatenate([highest[:1], highest[:-1]]))
    if float(highest.max(initial=0.0)) <= ceiling:
        return np.ones((len(samples), 1), np.float32)
    wanted = np.minimum(1.0, ceiling / np.maximum(highest, 1e-9))
    lowest = minimum_filter1d(wanted, 2 * width + 1, mode="nearest")
    smooth: Samples = uniform_filter1d(lowest, width | 1, mode="nearest").astype(np.float32)[:, None]
    return smooth


def peaks(samples: Samples, ceiling: float) -> Samples:
    """Return the magnitude at and after each sample, (n,); looked for between samples only where it may pass."""
    found = np.abs(samples).max(axis=1)
    loud = np.flatnonzero(found * _MOST_BETWEEN > ceiling) // _CHUNK
    for chunk in np.unique(np.concatenate([loud - 1, loud]).clip(0)):
        first, stop = int(chunk) * _CHUNK, int(chunk + 1) * _CHUNK
        start = max(0, first - REACH)
        between = between_samples(samples[start : stop + REACH]).max(axis=1)
        found[first:stop] = between[first - start : first - start + len(found[first:stop])]
    return np.asarray(found, np.float32)
