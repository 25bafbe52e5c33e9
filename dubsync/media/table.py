"""When each frame of the picture is shown: the table that gives frames their numbers.

It is read from the packets of the whole file, without decoding. A few formats store no usable time with their packets;
such a film is decoded once instead, and its frames are then found by counting from the start.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from shlex import quote
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from dubsync.errors import UnreadableMedia, UnsupportedStream

_NTSC = tuple(Fraction(base * 1000, 1001) for base in (24, 30, 48, 60, 120))
_SET_BACK = Fraction(1, 10)
"""Seconds by which sound's time stamps may step back: rounding does it by less, a clock that starts anew by more."""
_PLAIN = tuple(Fraction(rate) for rate in (24, 25, 30, 48, 50, 60, 100, 120))


@dataclass(frozen=True, slots=True, eq=False)
class FrameTable:
    """Presentation times of a picture's frames, ascending.

    `pts`, `durations`: (n,) int64 in `time_base`. `keys`: (k,) int64 numbers of the frames a decoder can start at,
    `key_dts`: (k,) int64 their decoding times. `is_indexed`: packets carry these times, so one can seek.
    """

    time_base: Fraction
    pts: NDArray[np.int64]
    durations: NDArray[np.int64]
    keys: NDArray[np.int64]
    key_dts: NDArray[np.int64]
    is_indexed: bool = True

    def __len__(self) -> int:
        return len(self.pts)

    @property
    def start(self) -> Fraction:
        """When the first frame is shown, on the container's clock; zero on the film's."""
        return int(self.pts[0]) * self.time_base

    @property
    def duration(self) -> Fraction:
        """Seconds of picture, the last frame's included."""
        return int(self.pts[-1] + self.durations[-1] - self.pts[0]) * self.time_base

    @property
    def times(self) -> NDArray[np.float64]:
        """(n,) seconds at which the frames are shown, on the film's clock."""
        return np.asarray(self.pts - self.pts[0], np.float64) * float(self.time_base)

    def number(self, pts: int | None) -> int | None:
        """Return the 0-based number of the frame shown at `pts`, None if no frame is."""
        if pts is None:
            return None
        index = int(np.searchsorted(self.pts, pts))
        return index if index < len(self.pts) and self.pts[index] == pts else None

    def time(self, number: int) -> Fraction:
        """Return when frame `number` is shown, on the film's clock; `len(table)` gives the end."""
        return self.duration if number == len(self) else int(self.pts[number] - self.pts[0]) * self.time_base

    def rate(self, *candidates: Fraction | None) -> tuple[Fraction, bool]:
        """Return (frames a second, whether it varies).

        The rate is constant if one of the candidates or of the usual rates puts every frame within a tick of its
        time; a time base too coarse for the rate (Matroska's millisecond) only jitters by less than that.
        """
        if len(self) == 1:
            return next((c for c in candidates if c), 1 / (int(self.durations[0]) * self.time_base)), False
        steps, ticks = len(self) - 1, int(self.pts[-1] - self.pts[0])
        mean = Fraction(steps, 1) / (ticks * self.time_base)
        for rate in (mean, *(c for c in candidates if c), *_NTSC, *_PLAIN):
            period = 1 / (rate * self.time_base)
            tolerance = 1.0 if period > 2 else 0.0  # a tick as long as a frame must be right
            ideal = np.arange(len(self)) * (period.numerator / period.denominator)
            if np.abs(self.pts - self.pts[0] - ideal).max() <= tolerance and (rate != mean or period.denominator == 1):
                return rate, False
        return mean.limit_denominator(100_000), True

    def save(self, path: Path) -> None:
        """Write the table as npz: `pts`, `times`, `duration`, and what seeking needs."""
        np.savez(
            path,
            pts=self.pts,
            times=self.times,
            duration=self.durations,
            keys=self.keys,
            key_dts=self.key_dts,
            time_base=np.array([self.time_base.numerator, self.time_base.denominator], np.int64),
            is_indexed=np.array(self.is_indexed),
        )

    @classmethod
    def load(cls, path: Path) -> FrameTable:
        """Read what `save` wrote."""
        with np.load(path) as file:
            numerator, denominator = (int(part) for part in file["time_base"])
            return cls(
                time_base=Fraction(numerator, denominator),
                pts=file["pts"],
                durations=file["duration"],
                keys=file["keys"],
                key_dts=file["key_dts"],
                is_indexed=bool(file["is_indexed"]),
            )


@dataclass(frozen=True, slots=True)
class Scan:
    """What one pass over the packets found. `end`: seconds at which the last packet of any track ends."""

    table: FrameTable
    packets: int
    end: Fraction


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """Open a film for reading; FFmpeg's errors, also those raised while it is read, become ours."""
    try:
        with av.open(str(path), "r", metadata_errors="replace") as container:
            yield container
    except av.FFmpegError as error:
        raise UnreadableMedia(
            f"{path.name}: cannot be read: {error.strerror}", hint="check that it plays in a media player"
        ) from error


def picture_stream(container: InputContainer, name: str) -> VideoStream:
    """Return the first track of moving pictures; cover art is not one."""
    still = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
    for stream in container.streams.video:
        if not stream.disposition & still and stream.codec_context is not None:
            return stream
    raise UnsupportedStream(f"{name}: has no picture that can be decoded", hint="give a film with a video track")


def frame_table(path: Path) -> FrameTable:
    """Return the film's table; kept for the films read last, as long as the file stays as it is."""
    status = path.stat()
    return _cached_table(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4)
def _cached_table(path: Path, _modified: int, _size: int) -> FrameTable:
    return scan(path).table


def scan(path: Path) -> Scan:
    """Read every packet of the film once."""
    pts, dts, durations, keys = array("q"), array("q"), array("q"), array("b")
    found, end, is_complete = 0, Fraction(0), True
    sound = dict[int, Fraction]()
    with opened(path) as container:
        stream = picture_stream(container, path.name)
        watched = [s for s in container.streams if s.type in ("video", "audio")]
        for packet in container.demux(watched):
            if packet.size == 0:
                continue
            if packet.pts is not None:
                end = max(end, (packet.pts + (packet.duration or 0)) * packet.time_base)
            if packet.stream_index != stream.index:
                if packet.stream.type == "audio":
                    _forward(packet, sound, path)
                continue
            found += 1
            if packet.is_discard:
                continue
            is_complete &= packet.pts is not None
            pts.append(packet.pts or 0)
            dts.append((packet.pts or 0) if packet.dts is None else packet.dts)
            durations.append(packet.duration or 0)
            keys.append(packet.is_keyframe)
        time_base = stream.time_base or Fraction(1, 1000)
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
    if not pts:
        raise UnreadableMedia(f"{path.name}: its picture holds no frames", hint="the file may be cut short")
    table = _from_packets(time_base, rate, *(np.asarray(column, np.int64) for column in (pts, dts, durations, keys)))
    if not is_complete or table is None:
        table = _from_decoding(path, rate)
    return Scan(table, found, end)


def _forward(packet: Packet[Any], last: dict[int, Fraction], path: Path) -> None:
    """Remember the time of a packet of sound; refuse sound whose clock starts anew, which no file can be made of."""
    if packet.dts is None:
        return
    time = packet.dts * packet.time_base
    before = last.get(packet.stream_index, time)
    if time < before - _SET_BACK:
        raise UnreadableMedia(
            f"{path.name}: after {float(before):.1f} s the clock of its sound jumps back to {float(time):.1f} s, "
            "as where recordings were joined without new time stamps",
            hint=f"give it one clock: ffmpeg -i {quote(path.name)} -map 0 -c copy {quote(path.stem)}.mkv",
        )
    last[packet.stream_index] = time


def _from_packets(
    time_base: Fraction,
    rate: Fraction,
    pts: NDArray[np.int64],
    dts: NDArray[np.int64],
    durations: NDArray[np.int64],
    keys: NDArray[np.int64],
) -> FrameTable | None:
    """Sort the packets by presentation time; None if their times do not tell the frames apart."""
    if not keys.any():
        keys = np.ones_like(keys)
    begin = pts[int(np.argmax(keys))]  # pictures before the first key picture cannot be decoded
    shown = pts >= begin
    pts, dts, durations, keys = pts[shown], dts[shown], durations[shown], keys[shown]
    order = np.argsort(pts, kind="stable")
    pts, dts, durations, keys = pts[order], dts[order], durations[order], keys[order]
    if (np.diff(pts) <= 0).any():
        return None
    numbers = np.flatnonzero(keys)
    return FrameTable(time_base, pts, _exact_durations(pts, durations, rate, time_base), numbers, dts[numbers])


def _from_decoding(path: Path, rate: Fraction) -> FrameTable:
    """Number the frames by decoding all of them; a missing time continues at the nominal rate."""
    pts, durations = array("q"), array("q")
    with opened(path) as container:
        stream = picture_stream(container, path.name)
        time_base = stream.time_base or 1 / rate
        step = max(1, round(1 / (rate * time_base)))
        for frame in container.decode(stream):
            following = pts[-1] + 1 if pts else 0
            known = frame.pts if frame.pts is not None else frame.dts
            pts.append(known if known is not None and known >= following else following - 1 + step if pts else 0)
            durations.append(frame.duration or step)
    if not pts:
        raise UnreadableMedia(f"{path.name}: no frame of its picture can be decoded")
    times = np.asarray(pts, np.int64)
    none = np.zeros(1, np.int64)
    exact = _exact_durations(times, np.asarray(durations, np.int64), rate, time_base)
    return FrameTable(time_base, times, exact, none, none, is_indexed=False)


def _exact_durations(
    pts: NDArray[np.int64], durations: NDArray[np.int64], rate: Fraction, time_base: Fraction
) -> NDArray[np.int64]:
    """A frame lasts until the next; the last one as long as its packet says, else one nominal period."""
    last = int(durations[-1]) or max(1, round(1 / (rate * time_base)))
    return np.append(np.diff(pts), last).astype(np.int64)
