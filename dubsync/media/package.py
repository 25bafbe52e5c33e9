"""A film's tracks as CMAF: an init segment and media segments, each track in a folder of its own.

The picture is copied, never coded again; sound is copied where it is AAC without holes that covers the picture, else
coded as AAC. Every track begins at zero, where the first frame of the picture is shown, and lasts as long as it.
A segment is held in memory while it is written, no more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.packet import Packet

from dubsync.errors import UnsupportedStream
from dubsync.media import boxes
from dubsync.media.boxes import Sample
from dubsync.media.codec_names import picture_codec, sound_codec
from dubsync.media.coding import aac_for, recut
from dubsync.media.h264 import is_idr
from dubsync.media.probe import Film
from dubsync.media.read import frames
from dubsync.media.sound import sound
from dubsync.media.table import opened, picture_stream
from dubsync.media.write import keep_display_matrix
from dubsync.timing import nearest, to_samples

INIT = "init.mp4"
AAC_FRAME = 1024
_HOLE_SECONDS = Fraction(1, 100)
"""By which the time stamps of copied sound may stray from the count of its samples."""
_PLAIN_RECORD = 1
"""First byte of an avcC or hvcC record; a byte stream with start codes begins with 0."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A media segment. `start`: decoding time in the track's unit; `shown`: seconds of the film; `size`: bytes."""

    name: str
    start: int
    ticks: int
    shown: Fraction
    size: int


@dataclass(frozen=True, slots=True)
class Track:
    """A packaged track. `codec`: as RFC 6381 names it. `unit`: seconds of a tick. `coded`: it was coded for this."""

    folder: Path
    codec: str
    unit: Fraction
    pieces: tuple[Piece, ...]
    coded: bool = False

    @property
    def seconds(self) -> Fraction:
        return sum((piece.shown for piece in self.pieces), Fraction(0))

    @property
    def longest(self) -> Fraction:
        return max(piece.shown for piece in self.pieces)

    @property
    def files(self) -> tuple[Path, ...]:
        """The init segment and the media segments, in order."""
        return (self.folder / INIT, *(self.folder / piece.name for piece in self.pieces))


@dataclass(frozen=True, slots=True)
class Cuts:
    """Where a picture can be cut. `places`: numbers of the frames that segments begin with, the first and the end too.

    `digest`: SHA-256 over what is coded and when it is shown; two films with the same one show the same picture.
    `delay`: seconds by which a frame is shown before its place in the order of decoding, at most.
    """

    places: tuple[int, ...]
    digest: str
    delay: Fraction


def survey(film: Film, target: Fraction) -> Cuts:
    """Read the picture's packets once and choose the cuts: at key pictures, at most `target` seconds apart.

    Where key pictures lie further apart than that, a segment reaches from one to the next.

    Raises:
        UnsupportedStream: the picture's packets do not tell which frame they are, or are not in MP4's form.
    """
    if not film.table.is_indexed:
        raise UnsupportedStream(
            f"{film.path.name}: its packets bear no times, so it cannot be cut", hint="convert the film to MP4 first"
        )
    content, keys, highest, delay = hashlib.sha256(), [0], -1, Fraction(0)
    for position, (number, packet) in enumerate(_pictures(film)):
        content.update(f"{number} {packet.size} ".encode())
        content.update(memoryview(packet))
        if packet.is_keyframe and number == position == highest + 1 and _starts_anew(packet):
            keys.append(number)
        highest = max(highest, number)
        delay = max(delay, film.table.time(position) - film.table.time(number))
    if highest + 1 != len(film.table):
        raise UnsupportedStream(f"{film.path.name}: {len(film.table) - highest - 1} frames of its picture are missing")
    return Cuts(_chosen(keys, film, target), content.hexdigest(), delay)


def _chosen(keys: list[int], film: Film, target: Fraction) -> tuple[int, ...]:
    """Return the fewest cuts that keep segments within the target, where key pictures allow it."""
    time, end = film.table.time, len(film.table)
    places = [0]
    for key, following in zip(keys, [*keys[1:], end], strict=True):
        if key > places[-1] and time(following) - time(places[-1]) > target:
            places.append(key)
    return (*places, end)


def _starts_anew(packet: Packet[Any]) -> bool:
    """H.264 marks pictures as keys that later ones may look past; HEVC's are told by their order alone."""
    return packet.stream.codec_context.codec.canonical_name != "h264" or is_idr(bytes(packet))


def _pictures(film: Film) -> Iterator[tuple[int, Packet[Any]]]:
    """Yield (frame number, packet) of every picture that is shown, in the order of decoding."""
    with opened(film.path) as container:
        for packet in container.demux(picture_stream(container, film.path.name)):
            number = film.table.number(packet.pts) if packet.size and not packet.is_discard else None
            if number is not None:
                yield number, packet


def is_plain(film: Film) -> bool:
    """Tell whether the picture's packets are in MP4's form, which is copied into segments as it is."""
    with opened(film.path) as container:
        record = bytes(picture_stream(container, film.path.name).codec_context.extradata or b"")
    return record[:1] == bytes([_PLAIN_RECORD])


def picture(film: Film, cuts: Cuts, folder: Path, *, tags: Mapping[str, str]) -> Track:
    """Write the film's picture as segments, bit for bit as it is coded. `tags`: metadata of the track's file.

    Raises:
        UnsupportedStream: it is neither H.264 nor HEVC, or not in MP4's form.
    """
    folder.mkdir(parents=True)
    header = _Header({**tags})
    with opened(film.path) as container, closing(header):
        stream = picture_stream(container, film.path.name)
        codec = picture_codec(stream.codec_context)
        header.add(container, stream, "hvc1" if codec.startswith("hvc1") else None)
        keep_display_matrix(header.stream, next(frames(film.path, 0, 1, table=film.table))[1])
        unit = header.write_first((bytes(next(_pictures(film))[1]), film.table.time_base, -cuts.delay))
        pieces = tuple(_picture_pieces(film, cuts, folder, unit))
        (folder / INIT).write_bytes(header.content())
    return Track(folder, codec, unit, pieces)


def _picture_pieces(film: Film, cuts: Cuts, folder: Path, unit: Fraction) -> Iterator[Piece]:
    table, pictures, delay = film.table, _pictures(film), nearest(cuts.delay / unit)

    def ticks(number: int) -> int:
        return nearest(table.time(number) / unit)

    for index, (first, stop) in enumerate(zip(cuts.places, cuts.places[1:], strict=False), 1):
        samples = []
        for position in range(first, stop):
            number, packet = next(pictures)
            length, offset = ticks(position + 1) - ticks(position), ticks(number) - ticks(position)
            samples.append(Sample(bytes(packet), length, offset + delay, is_key=packet.is_keyframe))
        shown = table.time(stop) - table.time(first)
        yield _write(folder, index, ticks(first), samples, shown)


def _write(folder: Path, number: int, start: int, samples: list[Sample], shown: Fraction) -> Piece:
    name = f"{number:05d}.m4s"
    content = boxes.segment(number, start, samples)
    (folder / name).write_bytes(content)
    return Piece(name, start, sum(sample.duration for sample in samples), shown, len(content))


def sound_track(
    film: Film, number: int, folder: Path, target: Fraction, *, tags: Mapping[str, str], language: str
) -> Track:
    """Write a sound track of the film as AAC segments. `number`: which; `language`: ISO 639-2, for the file.

    Raises:
        UnsupportedStream: its rate or channels cannot be coded as AAC.
    """
    folder.mkdir(parents=True)
    header = _Header({**tags}, language=language)
    with closing(header):
        run = _copied(film, number, header) or _coded(film, number, header)
        pieces = tuple(_sound_pieces(run, folder, target))
        (folder / INIT).write_bytes(header.content())
    return Track(folder, sound_codec(header.record), Fraction(1, run.rate), pieces, run.is_coded)


@dataclass(frozen=True, slots=True)
class _Run:
    """AAC frames in a row. `packets`: their bytes; `start`: the first one's place on the film's clock, in samples.

    `total`: samples of the picture's length.
    """

    packets: Iterator[bytes]
    start: int
    total: int
    rate: int
    is_coded: bool


def _sound_pieces(run: _Run, folder: Path, target: Fraction) -> Iterator[Piece]:
    step = nearest(target * run.rate)
    held: list[Sample] = []
    first = place = run.start

    def piece(number: int, end: int) -> Piece:
        return _write(folder, number, first - run.start, held, Fraction(end - max(first, 0), run.rate))

    number = 1
    for data in run.packets:
        if held and place // step > max(first, 0) // step:
            yield piece(number, place)
            held, first, number = [], place, number + 1
        held.append(Sample(data, AAC_FRAME))
        place += AAC_FRAME
    over = place - run.total
    held[-1] = replace(held[-1], duration=AAC_FRAME - over)
    yield piece(number, run.total)


def _copied(film: Film, number: int, header: _Header) -> _Run | None:
    """Return the track's own frames; None where they are not plain AAC that covers the picture without a hole."""
    with opened(film.path) as container:
        stream: Any = container.streams.audio[number]
        context = stream.codec_context
        if context.codec.canonical_name != "aac" or sound_codec(bytes(context.extradata or b"")) != "mp4a.40.2":
            return None
        rate, total = stream.sample_rate, to_samples(film.table.duration, stream.sample_rate)
        found = _covering(film, number, rate, total)
        if found is None:
            return None
        header.add(container, stream, None)
    skipped, count, start = found
    header.write_first((b"\0" * 8, Fraction(1, rate), Fraction(start, rate)))

    def packets() -> Iterator[bytes]:
        for index, (_, packet) in enumerate(_sounds(film, number, rate)):
            if index >= skipped + count:
                return
            if index >= skipped:
                yield bytes(packet)

    return _Run(packets(), start, total, rate, False)


def _covering(film: Film, number: int, rate: int, total: int) -> tuple[int, int, int] | None:
    """Return (packets to leave out, packets to keep, place of the first kept one); None if they leave a hole.

    One whole frame before the picture is kept: a decoder needs it to begin.
    """
    first: int | None = None
    count = 0
    for place, _ in _sounds(film, number, rate):
        first = place if first is None else first
        if abs(place - first - count * AAC_FRAME) > _HOLE_SECONDS * rate:
            return None
        count += 1
    if first is None or first > 0 or first + count * AAC_FRAME < total:
        return None
    skipped = max(0, -first // AAC_FRAME - 1)
    start = first + skipped * AAC_FRAME
    return skipped, -((start - total) // AAC_FRAME), start


def _sounds(film: Film, number: int, rate: int) -> Iterator[tuple[int, Packet[Any]]]:
    """Yield (place on the film's clock in samples, packet) of a sound track."""
    with opened(film.path) as container:
        for packet in container.demux(container.streams.audio[number]):
            if packet.size and packet.pts is not None:
                yield nearest((packet.pts * packet.time_base - film.table.start) * rate), packet


def _coded(film: Film, number: int, header: _Header) -> _Run:
    coding = aac_for(film.source.audio[number])
    stream: Any = header.encoder(coding.codec, coding.rate, coding.options)
    coding.set_up(stream.codec_context)

    def packets() -> Iterator[bytes]:
        place = 0
        for block in recut(sound(film.path, film.table, track=number)):
            yield from map(bytes, stream.encode(coding.frame(block, place)))
            place += len(block)
        yield from map(bytes, stream.encode(None))

    coded = packets()
    first = next(coded)
    start = -AAC_FRAME  # FFmpeg's encoder puts one frame of silence in front
    header.write_first((first, Fraction(1, coding.rate), Fraction(start, coding.rate)))

    def all_packets() -> Iterator[bytes]:
        yield first
        yield from coded

    total = to_samples(film.table.duration, coding.rate)
    return _Run(all_packets(), start, total, coding.rate, True)


class _Header:
    """Makes a track's init segment: FFmpeg's muxer writes it when it has seen one frame."""

    def __init__(self, tags: dict[str, str], language: str = "") -> None:
        self._written = bytearray()
        options = {"movflags": "frag_custom+default_base_moof+delay_moov", "fflags": "+bitexact"}
        self._container: Any = av.open(_Collector(self._written), "w", format="mp4", container_options=options)
        self._container.metadata.update(tags)
        self._language = language
        self.stream: Any = None

    def add(self, source: Any, stream: Any, tag: str | None) -> None:
        """Take the properties of a track. `source`: the open container it lies in."""
        assert source is not None, "the track's container must be open"
        self.stream = self._container.add_stream_from_template(stream, opaque=True)
        if tag:
            self.stream.codec_context.codec_tag = tag
        self._name()

    def encoder(self, codec: str, rate: int, options: dict[str, str]) -> Any:
        """Return a new track whose `encode` gives what will be packaged."""
        self.stream = self._container.add_stream(codec, rate=rate, options=options)
        self.stream.time_base = Fraction(1, rate)
        self._name()
        return self.stream

    def _name(self) -> None:
        if self._language:
            self.stream.metadata["language"] = self._language

    @property
    def record(self) -> bytes:
        """What a decoder of the track must know first."""
        return bytes(self.stream.codec_context.extradata or b"")

    def write_first(self, first: tuple[bytes, Fraction, Fraction]) -> Fraction:
        """Show the muxer one frame (bytes, unit, seconds); return the unit in which the track counts.

        A time below zero becomes an edit list: what players leave out or shift back at the start.
        """
        data, unit, time = first
        packet: Any = av.Packet(data)
        packet.dts, packet.pts = nearest(time / unit), nearest(time / unit)
        packet.duration, packet.time_base, packet.is_keyframe = 1, unit, True
        packet.stream = self.stream
        self._container.mux(packet)
        return Fraction(self.stream.time_base)

    def content(self) -> bytes:
        """Return the init segment."""
        self._container.close()
        written = bytes(self._written)
        place = boxes.find(written, "moov")
        assert place is not None, "the muxer writes one when it is closed"
        return boxes.FILE_TYPE + written[place[0] - 8 : place[1]]

    def close(self) -> None:
        """Let go of the muxer, also when nothing came of it."""
        self._container.close()


class _Collector:
    def __init__(self, written: bytearray) -> None:
        self._written = written

    def write(self, content: bytes) -> int:
        self._written += content
        return len(content)
