"""A finished film once more as an MP4 with its index in front, with the tracks that are wanted and no others.

Picture and sound are copied bit for bit; sound in a codec that is not wanted is coded as AAC.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from fractions import Fraction
from math import lcm
from pathlib import Path
from typing import Any

from av.packet import Packet

from dubsync.errors import Flag, Severity, UnsupportedStream
from dubsync.media.captions import text_header, text_packet
from dubsync.media.carry import held_by, keep_names
from dubsync.media.coding import aac_for, recut
from dubsync.media.picture import CopiedPicture
from dubsync.media.probe import Film
from dubsync.media.read import frames
from dubsync.media.sound import sound
from dubsync.media.table import opened, picture_stream
from dubsync.media.write import Target
from dubsync.timing import nearest

_AHEAD = Fraction(1, 2)
_TEXTS = ("subrip", "text", "webvtt")
_UNIT = Fraction(1, 1000)


def remux(
    film: Film,
    out: Path,
    *,
    sounds: Sequence[int],
    subtitles: Sequence[int],
    copied: Collection[str],
    progress: Callable[[float], None] = lambda share: None,
) -> tuple[Flag, ...]:
    """Write the film to `out`, an MP4.

    `sounds`, `subtitles`: numbers of the tracks of that kind that are kept, in order. `copied`: codecs of sound that
    are kept as they are. Return what to flag.

    Raises:
        UnsupportedStream: the picture's codec has no place in MP4.
    """
    rate, unit = film.source.audio[0].sample_rate, film.table.time_base.denominator
    common = lcm(rate, unit)
    scale = common if common < 1 << 31 else unit
    options = {"movflags": "+faststart", "fflags": "+bitexact", "movie_timescale": str(scale)}
    with opened(film.path) as container:
        target = Target(out, options=options)
        with closing(target):
            run = _Run(film, container, target)
            for number in sounds:
                run.add_sound(number, copied)
            for number in subtitles:
                run.add_subtitles(number)
            run.write(progress)
    return tuple(run.flags)


class _Run:
    """One pass over the film's packets."""

    def __init__(self, film: Film, container: Any, target: Target) -> None:
        self._film, self._container, self._target = film, container, target
        self._source: Any = picture_stream(container, film.path.name)
        codec = self._source.codec_context.codec.canonical_name
        if codec not in held_by("mp4"):
            raise UnsupportedStream(f"{film.path.name}: a picture in {codec} has no place in MP4")
        self._picture = CopiedPicture(target, self._source, next(frames(film.path, 0, 1, table=film.table))[1])
        keep_names(self._source, self._picture.stream, self._source.disposition)
        technical = ("major_brand", "minor_version", "compatible_brands", "encoder")
        target.container.metadata.update({k: v for k, v in container.metadata.items() if k.lower() not in technical})
        self._copies: dict[int, Any] = {}
        self._texts: dict[int, Any] = {}
        self._coded: list[_CodedSound] = []
        self.flags: list[Flag] = []

    def add_sound(self, number: int, copied: Collection[str]) -> None:
        stream = self._container.streams.audio[number]
        if stream.codec_context.codec.canonical_name in copied:
            copy = self._target.container.add_stream_from_template(stream, opaque=True)
            self._copies[stream.index] = copy
        else:
            coder = _CodedSound(self._target, self._film, number)
            self._coded.append(coder)
            copy = coder.stream
        keep_names(stream, copy, stream.disposition)

    def add_subtitles(self, number: int) -> None:
        stream = self._container.streams.subtitles[number]
        codec = stream.codec_context.codec.canonical_name if stream.codec_context else "unknown"
        if codec == "mov_text":
            copy = self._copies[stream.index] = self._target.container.add_stream_from_template(stream, opaque=True)
        elif codec in _TEXTS:
            copy = self._texts[stream.index] = self._target.container.add_stream("mov_text")
            copy.codec_context.subtitle_header = text_header()
            copy.time_base = _UNIT
        else:
            what = f"subtitles {number + 1} ({codec}) were left out"
            self.flags.append(Flag(Severity.WARNING, "track-left-out", "subtitles", what, "MP4 holds text only"))
            return
        keep_names(stream, copy, stream.disposition)

    def write(self, progress: Callable[[float], None]) -> None:
        table = self._film.table
        wanted = [self._source, *(self._container.streams[index] for index in (*self._copies, *self._texts))]
        for packet in self._container.demux(wanted):
            if packet.stream_index != self._source.index:
                self._target.mux(self._passed_on(packet))
                continue
            time = None if packet.pts is None else packet.pts * packet.time_base - table.start
            self._target.mux(self._picture.feed(packet))
            if time is not None:
                self._pull(time + _AHEAD)
                progress(max(0.0, min(float(time / table.duration), 1.0)))
        self._pull(None)
        progress(1.0)

    def _passed_on(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        if packet.size == 0 or (packet.pts is None and packet.dts is None):
            return
        if packet.stream_index in self._copies:
            packet.stream = self._copies[packet.stream_index]
            yield packet
            return
        text = text_packet(bytes(packet).decode("utf-8", "replace"), is_mp4=True)
        text.pts = text.dts = nearest((packet.pts or 0) * packet.time_base / _UNIT)
        text.duration, text.time_base = nearest((packet.duration or 0) * packet.time_base / _UNIT), _UNIT
        text.stream = self._texts[packet.stream_index]
        yield text

    def _pull(self, time: Fraction | None) -> None:
        for coder in self._coded:
            self._target.mux(coder.until(time))


class _CodedSound:
    """A sound track coded as AAC, pulled along by the picture."""

    def __init__(self, target: Target, film: Film, number: int) -> None:
        coding = aac_for(film.source.audio[number])
        self._coding, self._place = coding, 0
        self._start = nearest(film.table.start * coding.rate)
        self._blocks = recut(sound(film.path, film.table, track=number))
        self._is_open = True
        self.stream: Any = target.container.add_stream(coding.codec, rate=coding.rate, options=coding.options)
        coding.set_up(self.stream.codec_context)
        self.stream.time_base = Fraction(1, coding.rate)

    def until(self, time: Fraction | None) -> Iterator[Packet[Any]]:
        """Yield the packets of the sound up to `time` on the film's clock; None: to its end."""
        while self._is_open and (time is None or self._place < time * self._coding.rate):
            block = next(self._blocks, None)
            if block is None:
                self._is_open = False
                yield from self.stream.encode(None)
            else:
                yield from self.stream.encode(self._coding.frame(block, self._start + self._place))
                self._place += len(block)
