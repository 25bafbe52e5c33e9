"""WAV files in and out, as streams of float32 blocks shaped (frames, channels).

Reading takes whatever libsndfile takes. Writing is float32, or whole numbers of 16 or 24 bits for what is handed over,
without time stamps, so that equal samples are equal bytes (libsndfile's PEAK chunk carries the hour), and becomes RF64
(EBU Tech 3306) beyond 4 GB.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from dubsync.errors import UnreadableMedia

Samples = NDArray[np.float32]

BLOCK = 1 << 16
_PCM, _IEEE_FLOAT = 1, 3
_ON_GRID = 1e-3
"""Steps of a whole number within which a sample is taken for one already, and not dithered."""
_BEXT_SIZE = 602
_DS64_SIZE = 28
_LIMIT = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class WavFacts:
    """What a sound file holds. `frames`: samples per channel."""

    sample_rate: int
    channels: int
    frames: int


@dataclass(frozen=True, slots=True)
class Broadcast:
    """What a Broadcast Wave says of itself (EBU Tech 3285, version 1), without the hour it was made at.

    `start`: samples since midnight at which its first sample sounds, which is how editors place it by timecode.
    """

    description: str
    start: int

    def chunk(self) -> bytes:
        text = self.description.encode("ascii", "replace")[:256]
        return struct.pack("<4sI256s32s32s10s8sQH254s", b"bext", _BEXT_SIZE, text, b"dubsync", b"", b"", b"",
                           self.start, 1, b"")  # fmt: skip


def facts(path: Path) -> WavFacts:
    """Return rate, channels and length of a sound file."""
    with _open(path) as file:
        return WavFacts(file.samplerate, file.channels, file.frames)


def blocks(path: Path, *, size: int = BLOCK, start: int = 0, stop: int | None = None) -> Iterator[Samples]:
    """Yield the samples `[start, stop)` in blocks of at most `size` frames, each (n, channels) float32."""
    with _open(path) as file:
        left = (file.frames if stop is None else min(stop, file.frames)) - start
        file.seek(min(start, file.frames))
        while left > 0:
            block = file.read(min(size, left), dtype="float32", always_2d=True)
            if len(block) == 0:
                raise UnreadableMedia(f"{path.name}: ends {left} samples before its header says")
            left -= len(block)
            yield block


def read(path: Path, *, start: int = 0, stop: int | None = None) -> Samples:
    """Return the samples `[start, stop)` as (n, channels) float32; what lies outside the file is silence.

    For short stretches: a whole film does not belong into memory.
    """
    length = facts(path)
    last = length.frames if stop is None else stop
    out = np.zeros((max(0, last - start), length.channels), np.float32)
    first, end = max(start, 0), min(last, length.frames)
    position = first - start
    for block in blocks(path, start=first, stop=end) if end > first else ():
        out[position : position + len(block)] = block
        position += len(block)
    return out


def write(path: Path, samples: NDArray[Any], sample_rate: int) -> None:
    """Write a short sound, (n,) or (n, channels), as float32 WAV."""
    with WavWriter(path, sample_rate, 1 if samples.ndim == 1 else samples.shape[1]) as file:
        file.write(samples)


class WavWriter:
    """A WAV that grows block by block; the header is completed when it is closed.

    With `broadcast` it is a Broadcast Wave. `bits`: 32 for float32, else 16 or 24, dithered. `clipped`: samples
    that were beyond full scale and did not fit into whole numbers.
    """

    def __init__(
        self, path: Path, sample_rate: int, channels: int, broadcast: Broadcast | None = None, *, bits: int = 32
    ) -> None:
        self.sample_rate, self.channels, self.frames = sample_rate, channels, 0
        self.clipped = 0
        self._bits, self._random = bits, np.random.default_rng(0)
        self._broadcast = broadcast.chunk() if broadcast else b""
        self._file = path.open("wb")
        self._file.write(self._header())

    def write(self, samples: NDArray[Any]) -> None:
        """Append (n,) or (n, channels) samples."""
        block = np.ascontiguousarray(samples, dtype="<f4")
        if block.ndim == 1:
            block = block[:, None]
        if block.shape[1] != self.channels:
            raise ValueError(f"{block.shape[1]} channels given to a file of {self.channels}")
        self._file.write(block.tobytes() if self._bits == 32 else self._packed(block))
        self.frames += len(block)

    def _packed(self, block: Samples) -> bytes:
        """Return samples as whole numbers: those that are some already bit for bit, the others with triangular dither.

        Dither is no louder than a step; without it what fades out in 16 bits ends in distortion.
        """
        steps = 2.0 ** (self._bits - 1)
        scaled = block.astype(np.float64) * steps
        whole = np.rint(scaled)
        if (np.abs(whole - scaled) > _ON_GRID).any():
            noise = self._random.random(block.shape) - self._random.random(block.shape)
            whole = np.where(np.abs(whole - scaled) > _ON_GRID, np.rint(scaled + noise), whole)
        self.clipped += int(((whole > steps) | (whole < -steps)).sum())
        whole = np.clip(whole, -steps, steps - 1).astype("<i4")
        raw = np.ascontiguousarray(whole).view(np.uint8).reshape(-1, 4)
        return raw[:, : self._bits // 8].tobytes()

    def close(self) -> None:
        self._file.seek(0)
        self._file.write(self._header())
        self._file.close()

    def __enter__(self) -> WavWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _header(self) -> bytes:
        """RIFF with room for a ds64 chunk, which is JUNK while the file is short."""
        width = self._bits // 8 * self.channels
        size = self.frames * width
        body = _DS64_SIZE + 8 + len(self._broadcast) + 24 + 12 + 8 + size + 4
        is_long = body > _LIMIT
        wide = struct.pack("<QQQI", body, size, self.frames, 0) if is_long else bytes(_DS64_SIZE)
        return b"".join((
            struct.pack("<4sI4s", b"RF64" if is_long else b"RIFF", _LIMIT if is_long else body, b"WAVE"),
            struct.pack("<4sI", b"ds64" if is_long else b"JUNK", _DS64_SIZE),
            wide,
            self._broadcast,
            struct.pack(
                "<4sIHHIIHH", b"fmt ", 16, _IEEE_FLOAT if self._bits == 32 else _PCM, self.channels,
                self.sample_rate, self.sample_rate * width, width, self._bits,
            ),
            struct.pack("<4sII", b"fact", 4, min(self.frames, _LIMIT)),
            struct.pack("<4sI", b"data", _LIMIT if is_long else size),
        ))  # fmt: skip


def _open(path: Path) -> Any:
    try:
        return soundfile.SoundFile(str(path))
    except (soundfile.LibsndfileError, OSError) as error:
        raise UnreadableMedia(f"{path.name}: cannot be read as sound: {error}") from error
