"""Streams of sound blocks (n, channels): another sample rate, another cut of the blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


def resampled(blocks: Iterator[Samples], rate: int, wanted: int, channels: int) -> Iterator[Samples]:
    """Yield the stream at another rate, aligned with the input."""
    if rate == wanted:
        yield from blocks
        return
    import soxr

    stream: Any = soxr.ResampleStream(rate, wanted, channels, dtype="float32")
    for block in blocks:
        yield stream.resample_chunk(np.ascontiguousarray(block)).reshape(-1, channels)
    yield stream.resample_chunk(np.zeros((0, channels), np.float32), last=True).reshape(-1, channels)


class Pieces:
    """Hands out a stream in pieces of the asked length; after its end, silence."""

    def __init__(self, blocks: Iterator[Samples], channels: int) -> None:
        self._blocks, self._held = blocks, np.zeros((0, channels), np.float32)

    def take(self, count: int) -> Samples:
        """Return the next `count` frames."""
        while len(self._held) < count:
            block = next(self._blocks, None)
            if block is None:
                self._held = np.pad(self._held, ((0, count - len(self._held)), (0, 0)))
            else:
                self._held = np.concatenate([self._held, block])
        out, self._held = self._held[:count], self._held[count:]
        return out
