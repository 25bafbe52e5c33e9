"""Sound out of a film, laid against its picture: sample 0 sounds when the first frame is shown."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from dubsync.errors import UnsupportedStream
from dubsync.media.table import FrameTable, opened
from dubsync.timing import nearest, to_samples

Samples = NDArray[np.float32]

_JUMP = Fraction(1, 100)
"""Seconds by which time stamps may stray from the count of samples before silence is put in or sound left out; many
containers round their stamps to a millisecond."""
_SAMPLES: dict[str, tuple[Any, float]] = {
    "u8": (np.uint8, 128.0),
    "s16": (np.int16, 32768.0),
    "s32": (np.int32, 2147483648.0),
    "flt": (np.float32, 1.0),
    "dbl": (np.float64, 1.0),
}
"""Kinds of samples FFmpeg decodes to: numpy's type and full scale."""


def sound(path: Path, table: FrameTable, *, track: int = 0) -> Iterator[Samples]:
    """Yield a sound track in blocks (n, channels) float32, at its own rate and layout.

    Together they last exactly as long as the picture: what sounds before the first frame is left out, gaps and a
    missing end are silence.
    """
    with opened(path) as container:
        stream = container.streams.audio[track]
        rate = stream.sample_rate
        total = to_samples(table.duration, rate)
        position = 0
        for start, block in _timed(container, stream, path.name, table.start):
            for piece in _fit(start, block, position, rate):
                piece = piece[: total - position]
                position += len(piece)
                if len(piece):
                    yield piece
            if position >= total:
                return
    yield from silence(total - position, stream_channels(path, track))


def beginning(path: Path, sample_rate: int, longest_s: float) -> Samples | None:
    """Return up to `longest_s` of a film's or sound file's first track, mono (n,) at a rate; None without sound."""
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return None
        resampler = av.AudioResampler(format="flt", layout="mono", rate=sample_rate)
        parts, count = [np.zeros(0, np.float32)], 0
        for frame in container.decode(audio=0):
            parts += [np.asarray(piece.to_ndarray().ravel(), np.float32) for piece in resampler.resample(frame)]
            count += frame.samples
            if count >= longest_s * frame.sample_rate:
                break
    return np.concatenate(parts)[: round(longest_s * sample_rate)]


def tracks(path: Path) -> int:
    """Return how many sound tracks a film or sound file has."""
    with opened(path) as container:
        return len(container.streams.audio)


def mono(path: Path, sample_rate: int, *, track: int = 0) -> Iterator[Samples]:
    """Yield a sound track of any film or sound file in blocks (n, 1) at a rate, mixed down, gaps left out.

    Raises UnreadableMedia where it cannot be decoded.
    """
    with opened(path) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=sample_rate)
        for frame in container.decode(container.streams.audio[track]):
            frame.pts = None
            yield from (to_samples_array(piece) for piece in resampler.resample(frame))
        yield from (to_samples_array(piece) for piece in resampler.resample(None))


def to_mono(block: Samples, layout: str) -> Samples:
    """Mix a block down for listening to speech: films with a centre speaker have their dialogue in it."""
    if layout in ("3.0", "3.1", "4.0", "4.1") or layout.startswith(("5.", "6.", "7.")):
        return np.asarray(block[:, 0] * 0.25 + block[:, 1] * 0.25 + block[:, 2] * 0.5, np.float32)
    return np.asarray(block.mean(axis=1), np.float32)


def silence(samples: int, channels: int) -> Iterator[Samples]:
    """Yield that many samples of nothing, in blocks."""
    while samples > 0:
        count = min(samples, 1 << 16)
        yield np.zeros((count, channels), np.float32)
        samples -= count


def stream_channels(path: Path, track: int = 0) -> int:
    """Return how many channels a sound track has."""
    with opened(path) as container:
        return container.streams.audio[track].channels


def to_samples_array(frame: av.AudioFrame) -> Samples:
    """Return a decoded frame as (n, channels) float32 in [-1, 1]."""
    name, channels = frame.format.name, frame.layout.nb_channels
    if name.removesuffix("p") not in _SAMPLES:
        raise UnsupportedStream(f"sound in samples of the kind {name!r} cannot be read")
    kind, full_scale = _SAMPLES[name.removesuffix("p")]
    planes: Any = frame.planes
    if frame.format.is_planar:  # plane by plane, because PyAV 18 counts nine planes in a frame of eight channels
        raw = np.stack([np.frombuffer(plane, kind, frame.samples) for plane in planes[:channels]], axis=1)
    else:
        raw = np.frombuffer(planes[0], kind, frame.samples * channels).reshape(-1, channels)
    samples = raw.astype(np.float32)
    if kind is np.uint8:
        samples -= 128.0
    return np.asarray(samples / np.float32(full_scale), np.float32)


def _timed(
    container: InputContainer, stream: AudioStream, name: str, origin: Fraction
) -> Iterator[tuple[int | None, Samples]]:
    """Yield (sample at which it belongs, block); None where the container gives no time."""
    for frame in container.decode(stream):
        if frame.sample_rate != stream.sample_rate or frame.layout.nb_channels != stream.channels:
            raise UnsupportedStream(
                f"{name}: its sound changes rate or channels on the way", hint="convert it to one rate and layout first"
            )
        start = None
        if frame.pts is not None and frame.time_base is not None:
            start = nearest((frame.pts * frame.time_base - origin) * stream.sample_rate)
        yield start, to_samples_array(frame)


def _fit(start: int | None, block: Samples, position: int, rate: int) -> Iterator[Samples]:
    """Yield what has to be appended at `position` so that the block sounds at `start`."""
    is_head = position == 0
    gap = 0 if start is None else start - position
    if abs(gap) <= (0 if is_head else _JUMP * rate):
        yield block
    elif gap < 0:
        yield block[-gap:]
    else:
        yield from silence(gap, block.shape[1])
        yield block
