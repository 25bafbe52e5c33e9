"""Frames out of a film: exact numbers, any stretch of it, one frame in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from dubsync.errors import UnreadableMedia
from dubsync.media.colour import RgbReader
from dubsync.media.table import FrameTable, frame_table, opened, picture_stream
from dubsync.timing import clock

Picture = NDArray[np.uint8]


def frames(
    path: Path, first: int = 0, stop: int | None = None, *, table: FrameTable | None = None
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Yield (number, frame) for the frames `[first, stop)`, exactly those a decode of the whole film would give.

    Decoding starts at the nearest key picture before `first`. `table`: the film's, if at hand; otherwise its packets
    are read once for each process.

    Raises:
        UnreadableMedia: a frame of the stretch cannot be decoded.
    """
    table = table or frame_table(path)
    stop = len(table) if stop is None else min(stop, len(table))
    if first >= stop:
        return
    for key in _starts(table, first):
        with opened(path) as container:
            stream = picture_stream(container, path.name)
            stream.thread_type = "AUTO"
            stretch = _stretch(_packets(container, stream, table, key), table, first)
            head = next(stretch, None)
            if head is None or head[0] != first:
                continue  # the decoder would not start here; an earlier key picture will do
            yield head
            yield from _checked(stretch, first + 1, stop, path.name, table)
            return
    raise UnreadableMedia(f"{path.name}: frame {first} at {clock(table.time(first))} cannot be decoded")


def pictures(
    path: Path, first: int = 0, stop: int | None = None, *, table: FrameTable | None = None
) -> Iterator[tuple[int, Picture]]:
    """Yield (number, RGB picture), coded size and orientation, for the frames `[first, stop)`."""
    to_rgb = RgbReader()
    for number, frame in frames(path, first, stop, table=table):
        yield number, to_rgb(frame)


def _starts(table: FrameTable, first: int) -> Iterator[int]:
    """Key pictures to try, as positions in `table.keys`: the nearest before `first`, earlier ones, the start (-1)."""
    if table.is_indexed:
        position = int(np.searchsorted(table.keys, first, side="right")) - 1
        back = 1
        while position > 0:
            yield position
            position, back = position - back, back * 2
    yield -1


def _packets(
    container: InputContainer, stream: VideoStream, table: FrameTable, key: int
) -> Iterator[Packet[VideoStream]]:
    """Yield the picture's packets from the key picture at position `key` on; none if seeking lands behind it."""
    if key < 0:
        yield from container.demux(stream)
        return
    pts, dts = int(table.pts[table.keys[key]]), int(table.key_dts[key])
    container.seek(min(pts, dts), stream=stream, backward=True)
    packets = container.demux(stream)
    for packet in packets:
        if packet.is_keyframe and packet.pts == pts:
            yield packet
            break
        if packet.dts is not None and packet.dts > dts:
            return
    yield from packets


def _stretch(
    packets: Iterator[Packet[VideoStream]], table: FrameTable, first: int
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Yield numbered frames from `first` on."""
    count = 0
    for packet in packets:
        for frame in packet.decode():
            number = table.number(frame.pts) if table.is_indexed else count
            count += 1
            if number is not None and number >= first:
                yield number, frame


def _checked(
    stretch: Iterator[tuple[int, av.VideoFrame]], first: int, stop: int, name: str, table: FrameTable
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Pass on the frames `[first, stop)`, and insist that each of them comes."""
    for expected in range(first, stop):
        number, frame = next(stretch, (None, None))
        if number != expected or frame is None:
            raise UnreadableMedia(
                f"{name}: frame {expected} at {clock(table.time(expected))} cannot be decoded",
                hint="the file is damaged there; repair or cut it",
            )
        yield number, frame


@dataclass(frozen=True, slots=True)
class Upright:
    """Turns coded pictures as they are displayed, and points found in them back.

    `rotation`: degrees clockwise, a multiple of 90. `width`, `height`: of the coded picture.
    """

    rotation: int
    width: int
    height: int

    @property
    def _quarters(self) -> int:
        return self.rotation // 90 % 4

    def turn(self, picture: Picture) -> Picture:
        """Return the picture as it is displayed."""
        return picture if self._quarters == 0 else np.ascontiguousarray(np.rot90(picture, k=-self._quarters))

    def to_coded(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (..., 2) points of the upright picture as points of the coded one, pixel centres at integers."""
        x, y = points[..., 0], points[..., 1]
        right, bottom = self.width - 1, self.height - 1
        turned = ((x, y), (y, bottom - x), (right - x, bottom - y), (right - y, x))[self._quarters]
        return np.stack(turned, axis=-1).astype(np.float32)
