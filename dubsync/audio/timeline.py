"""Lay sounds on a timeline and stream it: the original, its bed where it is dubbed, and the dubbed lines.

Everything is placed by the sample number of the film's clock, computed from exact fractions for each line by itself,
so nothing drifts however long the film is. Only the block in hand and the lines that sound in it are in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import wav

Samples = NDArray[np.float32]

FADE = 0.02


@dataclass(frozen=True, slots=True)
class Placed:
    """A sound at a place. `start`: sample of the film; `load`: makes its samples (n, channels) when they are due."""

    start: int
    load: Callable[[], Samples]


@dataclass(frozen=True, slots=True)
class Region:
    """Samples `[start, stop)` in which the bed stands for the original."""

    start: int
    stop: int


def join(regions: Iterable[Region], *, gap: int) -> tuple[Region, ...]:
    """Merge regions that overlap or lie less than `gap` samples apart."""
    joined: list[Region] = []
    for region in sorted(regions, key=lambda region: region.start):
        if joined and region.start - joined[-1].stop < gap:
            joined[-1] = Region(joined[-1].start, max(joined[-1].stop, region.stop))
        else:
            joined.append(region)
    return tuple(joined)


def without(regions: Iterable[Region], holes: Iterable[Region]) -> tuple[Region, ...]:
    """Cut holes out of regions: the original stands in them, and its fades lie inside them."""
    left = list(regions)
    for hole in holes:
        left = [part for region in left for part in _cut(region, hole)]
    return tuple(left)


def _cut(region: Region, hole: Region) -> list[Region]:
    if hole.stop <= region.start or hole.start >= region.stop:
        return [region]
    parts = [Region(region.start, hole.start), Region(hole.stop, region.stop)]
    return [part for part in parts if part.stop > part.start]


def under(original: Path, bed: Path, regions: Sequence[Region]) -> Iterator[Samples]:
    """Yield the original with the bed in the regions.

    Bed and original hold the same music, so they are faded linearly: equal-power fades would swell by 3 dB.
    """
    fade = max(1, int(FADE * wav.facts(original).sample_rate))
    position = 0
    for whole, part in zip(wav.blocks(original), wav.blocks(bed), strict=True):
        share = _share(regions, position, len(whole), fade)
        position += len(whole)
        yield whole if not share.any() else whole + (part - whole) * share[:, None]


def _share(regions: Sequence[Region], start: int, count: int, fade: int) -> Samples:
    """Return for each sample how much of the bed is heard, 0 to 1; the fades lie outside the regions."""
    share = np.zeros(count, np.float32)
    for region in regions:
        if region.start - fade < start + count and region.stop + fade > start:
            at = np.arange(start, start + count, dtype=np.float64)
            rise = (at - (region.start - fade)) / fade
            fall = ((region.stop + fade) - at) / fade
            share = np.maximum(share, np.clip(np.minimum(rise, fall), 0, 1).astype(np.float32))
    return share


def lay(blocks: Iterable[Samples], sounds: Sequence[Placed]) -> Iterator[Samples]:
    """Yield the blocks with the sounds added where they belong; what reaches beyond the end is left out."""
    waiting = sorted(sounds, key=lambda sound: sound.start)
    sounding: list[tuple[int, Samples]] = []
    position = 0
    for block in blocks:
        end = position + len(block)
        while waiting and waiting[0].start < end:
            due = waiting.pop(0)
            sounding.append((due.start, due.load()))
        out = block.copy() if sounding else block
        for start, samples in sounding:
            first, last = max(start, position), min(start + len(samples), end)
            if last > first:
                out[first - position : last - position] += samples[first - start : last - start]
        sounding = [(start, samples) for start, samples in sounding if start + len(samples) > end]
        position = end
        yield out


def silence(frames: int, channels: int) -> Iterator[Samples]:
    """Yield that many frames of nothing."""
    while frames > 0:
        count = min(frames, wav.BLOCK)
        yield np.zeros((count, channels), np.float32)
        frames -= count
