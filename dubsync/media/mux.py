"""The dubbed film, written in one streaming pass over the source.

Picture, coded again with the new mouths or copied bit for bit where there are none; the dub's sound first, then all
the source's own tracks as they are; the new subtitles, then the source's. What a container cannot hold is flagged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from math import lcm
from pathlib import Path
from typing import Any

import av
import langcodes
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition

from dubsync.errors import Flag, Severity, UnreadableMedia
from dubsync.media.captions import CaptionTrack, ShownText, text_header, text_packet
from dubsync.media.compose import compose
from dubsync.media.patches import PatchBook
from dubsync.media.read import frames
from dubsync.media.table import FrameTable, opened, picture_stream
from dubsync.media.write import PictureEncoder, PictureParams, SoundEncoder, Target, keep_display_matrix
from dubsync.timing import clock
from dubsync.title import AudioTrack, Source, SubtitleTrack

_AHEAD = Fraction(1, 2)
_MOVIE_UNIT_LIMIT = 1 << 31
_RESTARTING = ("mpegts", "mpeg")
"""Containers whose clock begins anywhere; what is made of them begins at zero."""
_TEXT_CODECS = ("mov_text", "subrip", "srt", "text", "webvtt", "ass", "ssa")


@dataclass(frozen=True, slots=True)
class Film:
    """A film and what is known of it."""

    path: Path
    source: Source
    table: FrameTable


@dataclass(frozen=True, slots=True)
class Additions:
    """What a dub adds. `language`: BCP 47. `sound`: WAV of picture length. `patches`: none leave the picture alone.

    `tags`: of the container; one that the film has too is kept, with ours behind it.
    """

    language: str
    sound: Path
    cues: tuple[ShownText, ...] = ()
    patches: PatchBook | None = None
    picture: PictureParams = field(default_factory=PictureParams)
    tags: Mapping[str, str] = field(default_factory=dict)


def suffix_for(source: Source) -> tuple[str, tuple[Flag, ...]]:
    """Return ".mp4" or ".mkv", whichever holds all tracks, and a flag where it is not the natural one.

    Matroska stays Matroska. Everything else becomes MP4, which keeps exact times (Matroska counts milliseconds).
    """
    if source.container.startswith("matroska"):
        return ".mkv", ()
    tracks: tuple[AudioTrack | SubtitleTrack, ...] = (*source.audio, *source.subtitles)
    only_matroska = _held_by("matroska") - _held_by("mp4")
    homeless = sorted({track.codec for track in tracks if track.codec in only_matroska})
    if not homeless:
        return ".mp4", ()
    what = f"tracks in {', '.join(homeless)} cannot live in MP4, so the dub is a Matroska file"
    return ".mkv", (Flag(Severity.INFO, "container-changed", "film", what, "convert these tracks if you need MP4"),)


def mux(
    film: Film, additions: Additions, out: Path, *, progress: Callable[[float], None] = lambda share: None
) -> tuple[Flag, ...]:
    """Write the dubbed film to `out` (its suffix, .mp4 or .mkv, chooses the container) and return what to flag.

    Frames keep their number, times and colour tags; without patches the picture is copied bit for bit.
    """
    _, first = next(frames(film.path, 0, 1, table=film.table))
    with opened(film.path) as container:
        target = Target(out, options=_container_options(film, out))
        with closing(target):
            run = _Run(film, additions, container, target, first)
            run.write(progress)
    return tuple(run.flags)


class _Run:
    """One pass: the tracks of the target, fed from the source's packets in the order in which they come."""

    def __init__(
        self,
        film: Film,
        additions: Additions,
        container: InputContainer,
        target: Target,
        first: av.VideoFrame,
    ) -> None:
        self._film, self._container, self._target = film, container, target
        self._patches = additions.patches
        self.flags: list[Flag] = []
        self._picture = picture_stream(container, film.path.name)
        self._origin = _origin(film, container)
        self._start = film.table.start - self._origin
        self._copies = _Copies(target, film, self._origin, self.flags)
        self._encoder: PictureEncoder | None = None
        if self._is_copied():
            self._copies.add_picture(self._picture, first)
        else:
            self._encoder = PictureEncoder(target, film.source.video, film.table, first, additions.picture)
            self.flags += self._encoder.flags
        self._sound = SoundEncoder(target, additions.sound, film.source.audio[0], self._start)
        _name(self._sound.stream, additions.language, Disposition.default | Disposition.dub)
        sounds = [stream for stream in container.streams.audio if stream.codec_context is not None]
        self._copies.add(sounds)
        self._captions: CaptionTrack | None = None
        if additions.cues:
            self._captions = CaptionTrack(target, additions.cues, self._start)
            _name(self._captions.stream, additions.language, Disposition(0))
        rest = [s for s in container.streams if s.index != self._picture.index and s.type != "audio"]
        self._copies.add(rest)
        _copy_head(container, target, self._origin)
        _add_tags(target, additions.tags)

    def write(self, progress: Callable[[float], None]) -> None:
        """Read the source once and write every track."""
        self._progress = progress
        read = [self._picture, *(self._container.streams[index] for index in self._copies.indices)]
        count = 0
        for packet in self._container.demux(list(dict.fromkeys(read))):
            if packet.stream_index == self._picture.index and self._encoder is not None:
                frames_in: Any = packet.decode()
                for frame in frames_in:
                    count += self._code(frame, count)
            elif packet.size:
                self._copies.write(packet)
                if packet.stream_index == self._picture.index and packet.pts is not None:
                    self._advance(packet.pts * packet.time_base - self._film.table.start)
        if self._encoder is not None:
            self._target.mux(self._shifted(self._encoder.finish()))
            self._insist_on_all(count)
        self._pull(None)
        self._progress(1.0)

    def _is_copied(self) -> bool:
        """Tell whether the picture needs no coding; what cannot be copied is coded, and flagged."""
        if self._patches is not None and len(self._patches):
            return False
        codec = self._film.source.video.codec
        if self._film.table.is_indexed and codec in _held_by(self._target.container.format.name):
            return True
        what = f"the picture ({codec}) cannot be copied into {self._target.path.suffix[1:]}, so it is coded again"
        self.flags.append(Flag(Severity.WARNING, "picture-recoded", "picture", what))
        return False

    def _code(self, frame: av.VideoFrame, count: int) -> int:
        """Compose and encode a frame if it is one of the film's; return how many frames that were."""
        assert self._encoder is not None
        table = self._film.table
        number = table.number(frame.pts) if table.is_indexed else count
        if number is None:
            return 0
        if number != count:
            self._insist_on_all(count)
        frame = self._encoder.working(frame)
        if self._patches is not None:
            compose(frame, self._patches.of(number))
        self._target.mux(self._shifted(self._encoder.encode(number, frame)))
        self._advance(table.time(number))
        return 1

    def _shifted(self, packets: Iterable[Packet[Any]]) -> Iterator[Packet[Any]]:
        shift = round(self._origin / self._film.table.time_base)
        for packet in packets:
            if shift and packet.pts is not None and packet.dts is not None:
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            yield packet

    def _insist_on_all(self, count: int) -> None:
        if count != len(self._film.table):
            raise UnreadableMedia(
                f"{self._film.path.name}: frame {count} at {clock(self._film.table.time(count))} cannot be decoded",
                hint="the file is damaged there; repair or cut it",
            )

    def _advance(self, time: Fraction) -> None:
        self._pull(time + _AHEAD)
        self._progress(min(float(time / self._film.table.duration), 1.0))

    def _pull(self, time: Fraction | None) -> None:
        """Let the dub's own tracks catch up, so that the muxer never holds much of the film."""
        self._target.mux(self._sound.until(time))
        if self._captions is not None:
            self._target.mux(self._captions.until(time))


class _Copies:
    """The source's tracks that are carried along as they are."""

    def __init__(self, target: Target, film: Film, origin: Fraction, flags: list[Flag]) -> None:
        self._target, self._origin, self._flags = target, origin, flags
        self._is_mp4 = target.path.suffix == ".mp4"
        self._has_run_in = not film.source.container.startswith("matroska")
        self._streams: dict[int, Any] = {}
        self._retexted: set[int] = set()

    @property
    def indices(self) -> tuple[int, ...]:
        return tuple(self._streams)

    def add_picture(self, stream: Any, first: av.VideoFrame) -> None:
        """Copy the picture, with its display matrix."""
        copy = self._target.container.add_stream_from_template(stream, opaque=True)
        if stream.codec_context.codec.canonical_name == "hevc" and self._is_mp4:
            copy.codec_context.codec_tag = "hvc1"
        keep_display_matrix(copy, first)
        self._keep_names(stream, copy, stream.disposition)

    def add(self, streams: Iterable[Any]) -> None:
        """Copy these tracks; flag those that the container cannot hold."""
        for stream in streams:
            copy = self._copied(stream)
            if copy is None:
                what = f"track {stream.index} ({stream.type}, {stream.name or 'unknown'}) was left out"
                hint = f"{self._target.path.suffix[1:]} cannot hold it"
                severity = Severity.WARNING if stream.type in ("audio", "subtitle") else Severity.INFO
                self._flags.append(Flag(severity, "track-left-out", f"track {stream.index}", what, hint))
                continue
            kept = stream.disposition
            if stream.type == "audio":
                kept = kept & ~Disposition.default | Disposition.original
            self._keep_names(stream, copy, kept)

    def write(self, packet: Packet[Any]) -> None:
        """Pass a packet on."""
        if packet.dts is None and packet.pts is None:
            return
        index = packet.stream_index
        if index in self._retexted:
            packet = _as_subrip(packet)
        shift = round(self._origin / packet.time_base)
        packet.pts = None if packet.pts is None else packet.pts - shift
        packet.dts = None if packet.dts is None else packet.dts - shift
        end = ((packet.pts or 0) + (packet.duration or 0)) * packet.time_base
        if self._has_run_in and not self._is_mp4 and packet.stream.type == "audio" and end <= 0:
            return  # an AAC encoder's run-in, which MP4 hides; Matroska would shift the whole film to make room for it
        packet.stream = self._streams[index]
        self._target.mux([packet])

    def _copied(self, stream: Any) -> Any:
        """Return the target's track for a source track, None if the container cannot hold it."""
        container = self._target.container
        if stream.type == "attachment":
            return None if self._is_mp4 else container.add_stream_from_template(stream)
        if stream.codec_context is None or stream.type not in ("audio", "subtitle", "video"):
            return None
        codec = stream.codec_context.codec.canonical_name
        if codec in _held_by(container.format.name):
            copy = container.add_stream_from_template(stream, opaque=True)
        elif codec == "mov_text" and not self._is_mp4:
            copy = container.add_stream("subrip")
            copy.codec_context.subtitle_header = text_header()
            copy.time_base = stream.time_base
            self._retexted.add(stream.index)
        else:
            return None
        self._streams[stream.index] = copy
        return copy

    def _keep_names(self, stream: Any, copy: Any, disposition: Disposition) -> None:
        self._streams.setdefault(stream.index, copy)
        kept = {key: value for key, value in stream.metadata.items() if key not in ("encoder", "vendor_id")}
        copy.metadata.update(kept)
        copy.disposition = disposition


@lru_cache(maxsize=4)
def _held_by(container: str) -> frozenset[str]:
    """Return the codecs that FFmpeg can put into a container, by canonical name."""
    with closing(av.open(_Nowhere(), "w", format=container)) as probe:
        return frozenset(map(_canonical, probe.supported_codecs))


def _canonical(name: str) -> str:
    """Return a codec's own name for that of one of its decoders or encoders (hevc for libx265)."""
    for mode in ("r", "w"):
        with suppress(ValueError):
            return av.Codec(name, mode).canonical_name
    return name


class _Nowhere:
    """A file that keeps nothing."""

    def write(self, content: bytes) -> int:
        return len(content)


def _as_subrip(packet: Packet[Any]) -> Packet[Any]:
    """Turn an MP4 text sample into a plain one: without its length and its style boxes."""
    raw = bytes(packet)
    text = raw[2 : 2 + int.from_bytes(raw[:2], "big")].decode("utf-8", "replace")
    plain = text_packet(text, is_mp4=False)
    plain.pts, plain.dts, plain.duration, plain.time_base = packet.pts, packet.dts, packet.duration, packet.time_base
    plain.stream = packet.stream
    return plain


def _origin(film: Film, container: InputContainer) -> Fraction:
    """Return what is taken off every time stamp."""
    if film.source.container not in _RESTARTING or container.start_time is None:
        return Fraction(0)
    unit = film.table.time_base
    return Fraction(container.start_time, 1_000_000) // unit * unit


def _container_options(film: Film, out: Path) -> dict[str, str]:
    """Exact edit lists and the index in front for MP4; `bitexact` leaves out random ids and versions."""
    options = {"fflags": "+bitexact"}
    if out.suffix != ".mp4":
        return options
    rate, unit = film.source.audio[0].sample_rate, film.table.time_base.denominator
    common = lcm(rate, unit)
    return options | {"movflags": "+faststart", "movie_timescale": str(common if common < _MOVIE_UNIT_LIMIT else unit)}


def _name(stream: Any, language: str, disposition: Disposition) -> None:
    """Tag a new track with its language, by code and by name."""
    tag = langcodes.Language.get(language)
    stream.metadata["language"] = tag.to_alpha3()
    stream.metadata["title"] = stream.metadata["handler_name"] = tag.autonym().capitalize()
    stream.disposition = disposition


def _copy_head(container: InputContainer, target: Target, origin: Fraction) -> None:
    """Carry the film's own metadata and chapters over."""
    technical = ("major_brand", "minor_version", "compatible_brands", "encoder")
    target.container.metadata.update({k: v for k, v in container.metadata.items() if k.lower() not in technical})
    chapters = container.chapters()
    if chapters and origin == 0:
        target.container.set_chapters(chapters)


def _add_tags(target: Target, tags: Mapping[str, str]) -> None:
    metadata = target.container.metadata
    metadata.update({key: f"{metadata[key]}; {tag}" if key in metadata else tag for key, tag in tags.items()})
