"""The dubbed film, written in one streaming pass over the source.

Picture, coded again with the new mouths or copied bit for bit where there are none; the dub's sound first, if there
is one, then all the source's own tracks as they are; the new subtitles, then the source's. What a container cannot hold
is flagged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm
from pathlib import Path
from typing import Any

import av
import langcodes
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition

from dubsync.errors import Flag, Severity, UnsupportedStream
from dubsync.media.captions import CaptionTrack, ShownText
from dubsync.media.carry import Carrier, held_by, keep_names
from dubsync.media.patches import PatchBook
from dubsync.media.picture import picture_track
from dubsync.media.probe import Film
from dubsync.media.read import frames
from dubsync.media.table import opened, picture_stream
from dubsync.media.write import PictureParams, SoundEncoder, Target
from dubsync.title import AudioTrack, Source, SubtitleTrack

_AHEAD = Fraction(1, 2)
"""Seconds by which the dub's own tracks run ahead of the picture."""
_MOVIE_UNIT_LIMIT = 1 << 31
_RESTARTING = ("mpegts", "mpeg")
"""Containers whose clock begins anywhere; what is made of them begins at zero."""


@dataclass(frozen=True, slots=True)
class Additions:
    """What a dub adds. `language`: BCP 47. `sound`: WAV of picture length, or None: the film keeps its own sound alone,
    and the new subtitles are those that players show by themselves. `patches`: none leave the picture alone.

    `tags`: of the container; one that the film has too is kept, with ours behind it.
    """

    language: str
    sound: Path | None
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
    only_matroska = held_by("matroska") - held_by("mp4")
    homeless = sorted({track.codec for track in tracks if track.codec in only_matroska})
    if not homeless:
        return ".mp4", ()
    what = f"tracks in {', '.join(homeless)} cannot live in MP4, so the dub is a Matroska file"
    return ".mkv", (Flag(Severity.INFO, "container-changed", "film", what, "convert these tracks if you need MP4"),)


def mux(
    film: Film, additions: Additions, out: Path, *, progress: Callable[[float], None] = lambda share: None
) -> tuple[Flag, ...]:
    """Write the dubbed film to `out` (its suffix, .mp4 or .mkv, chooses the container) and return what to flag.

    Frames keep their number, times and colour tags; what has no patch is copied bit for bit where that can be.
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
        self._source = picture_stream(container, film.path.name)
        self._origin = _origin(film, container)
        self._picture, flags = picture_track(film, additions.patches, additions.picture, target, (self._source, first))
        keep_names(self._source, self._picture.stream, self._source.disposition)
        start = film.table.start - self._origin
        self._sound: SoundEncoder | None = None
        if additions.sound is not None:
            self._sound = SoundEncoder(target, additions.sound, film.source.audio[0], start)
            _name(self._sound.stream, additions.language, Disposition.default | Disposition.dub)
        new = "audio" if self._sound else "subtitle" if additions.cues else None
        self._carried = Carrier(target, film, self._origin, default=new)
        self._carried.add(stream for stream in container.streams.audio if stream.codec_context is not None)
        if self._sound is None:
            self._insist_on_sound()
        self._captions: CaptionTrack | None = None
        if additions.cues:
            self._captions = CaptionTrack(target, additions.cues, start)
            _name(self._captions.stream, additions.language, Disposition(0) if self._sound else Disposition.default)
        self._carried.add(s for s in container.streams if s.index != self._source.index and s.type != "audio")
        self.flags = [*flags, *self._carried.flags]
        _copy_head(container, target, self._origin)
        _add_tags(target, additions.tags)

    def write(self, progress: Callable[[float], None]) -> None:
        """Read the source once and write every track."""
        wanted = [self._source, *(self._container.streams[index] for index in self._carried.indices)]
        for packet in self._container.demux(wanted):
            if packet.stream_index != self._source.index:
                self._carried.write(packet)
                continue
            time = None if packet.pts is None else packet.pts * packet.time_base - self._film.table.start
            self._target.mux(self._shifted(self._picture.feed(packet)))
            if time is not None:
                self._pull(time + _AHEAD)
                progress(max(0.0, min(float(time / self._film.table.duration), 1.0)))
        self._target.mux(self._shifted(self._picture.finish()))
        self.flags += self._picture.fields.flags
        self._pull(None)
        progress(1.0)

    def _shifted(self, packets: Iterable[Packet[Any]]) -> Iterator[Packet[Any]]:
        shift = round(self._origin / self._film.table.time_base)
        for packet in packets:
            if shift and packet.pts is not None and packet.dts is not None:
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            yield packet

    def _insist_on_sound(self) -> None:
        """Raise UnsupportedStream where a film that keeps its own sound would be left without."""
        sound = self._film.source.audio[0]
        if sound.index not in self._carried.indices:
            what = (
                f"{self._film.path.name}: its sound ({sound.codec}) cannot be copied: neither MP4 nor Matroska holds it"
            )
            raise UnsupportedStream(what, hint="convert the sound first, to PCM or FLAC for example")

    def _pull(self, time: Fraction | None) -> None:
        """Let the dub's own tracks catch up, so that the muxer never holds much of the film."""
        if self._sound is not None:
            self._target.mux(self._sound.until(time))
        if self._captions is not None:
            self._target.mux(self._captions.until(time))


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
    name = tag.autonym()
    stream.metadata["language"] = tag.to_alpha3()
    stream.metadata["title"] = stream.metadata["handler_name"] = name[:1].upper() + name[1:]
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
