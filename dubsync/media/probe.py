"""What a film is: every fact that must come out as it went in, or a clear reason why it cannot be used."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.subtitles.stream import SubtitleStream
from av.video.stream import VideoStream

from dubsync.errors import NoAudio, UnreadableMedia, UnsupportedStream
from dubsync.media import boxes
from dubsync.media.table import FrameTable, Scan, opened, picture_stream, scan
from dubsync.media.timecode import start_timecode
from dubsync.timing import clock
from dubsync.title import AudioTrack, Source, SubtitleTrack, VideoTrack


@dataclass(frozen=True, slots=True)
class Film:
    """A film's file and what is known of it."""

    path: Path
    source: Source
    table: FrameTable


_SHORTFALL = Fraction(1, 2)
"""Seconds that may be missing against the length a container declares, which some write for the longest track."""
_CHUNK = 1 << 20
_WITHOUT_LOSS = ("pcm_", "flac", "alac", "wavpack", "tta", "truehd", "mlp", "ape")
_COMPANDED = frozenset(("pcm_alaw", "pcm_mulaw", "pcm_vidc"))


def probe(path: Path) -> Source:
    """Return what the film is.

    Raises:
        UnreadableMedia: it is missing, a folder, empty, not media, or cut short.
        UnsupportedStream: it has no picture, or one that cannot be decoded.
        NoAudio: it has no sound.
    """
    return examine(path)[0]


def examine(path: Path) -> tuple[Source, FrameTable]:
    """Return what the film is and when its frames are shown, from one pass over its packets."""
    _refuse_what_is_no_film(path)
    with opened(path) as container:
        stream = picture_stream(container, path.name)
        if not container.streams.audio:
            raise NoAudio(f"{path.name}: has no sound to dub", hint="give a film with an audio track")
        first = _first_frame(container, stream, path.name)
    found = scan(path)
    with opened(path) as container:
        stream = picture_stream(container, path.name)
        _refuse_cut_short(path, container, stream, found)
        table = found.table
        video = _video(stream, first, table)
        source = Source(
            name=path.name,
            sha256=_sha256(path),
            container=container.format.name,
            duration=table.duration,
            video=video,
            audio=tuple(_audio(a, table.start) for a in container.streams.audio if a.codec_context is not None),
            subtitles=tuple(_subtitle(s) for s in container.streams.subtitles),
            timecode=start_timecode(container, video.rate),
        )
    if not source.audio:
        raise UnsupportedStream(f"{path.name}: its sound is of a kind that cannot be decoded")
    return source, table


def comments(path: Path) -> str:
    """Return the comments of a film or sound file and of its tracks, one a line. Raises UnreadableMedia."""
    _refuse_what_is_no_film(path)
    with opened(path) as container:
        tables = [container.metadata, *(stream.metadata for stream in container.streams)]
        return "\n".join(text for table in tables for key, text in table.items() if key.lower() == "comment")


def rotation_of(frame: av.VideoFrame) -> int:
    """Return by how many degrees clockwise the picture is to be turned for display, to the nearest quarter turn."""
    return round(-frame.rotation / 90) * 90 % 360


def layout_of(stream: AudioStream) -> str:
    """Return the channel layout's name; channels of unknown place are taken in the usual order."""
    usual = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
    name = stream.layout.name
    return usual.get(stream.channels, name) if name.endswith("channels") else name


def _refuse_what_is_no_film(path: Path) -> None:
    if not path.exists():
        raise UnreadableMedia(f"{path}: there is no such file", hint="check the path")
    if path.is_dir():
        raise UnreadableMedia(f"{path}: is a folder, not a film", hint="name the film file inside it")
    if path.stat().st_size == 0:
        raise UnreadableMedia(f"{path.name}: is empty", hint="copy the film again")
    with path.open("rb") as file:
        head = file.read(12)
        if head[4:8] in (b"styp", b"sidx", b"moof"):
            raise UnreadableMedia(
                f"{path.name}: is one segment of a stream, and cannot be read alone", hint="name the stream's playlist"
            )
        if head[4:8] == b"ftyp" and not _has_movie_box(path):
            raise UnreadableMedia(
                f"{path.name}: is cut short, its index (the moov box) is missing",
                hint="copy or download the film again",
            )


def _has_movie_box(path: Path) -> bool:
    """Look for a whole index among the outermost boxes of an MP4 (ISO 14496-12)."""
    size = path.stat().st_size
    return any(kind == "moov" and end <= size for kind, _, end in boxes.outermost(path))


def _first_frame(container: InputContainer, stream: VideoStream, name: str) -> av.VideoFrame:
    frame = next(container.decode(stream), None)
    if frame is None:
        raise UnreadableMedia(f"{name}: no frame of its picture can be decoded", hint="check that it plays")
    return frame


def _refuse_cut_short(path: Path, container: InputContainer, stream: VideoStream, found: Scan) -> None:
    """Compare what is there with what the container declares."""
    hint = "copy or download the film again"
    if stream.frames > found.packets and container.format.name.startswith("mov"):
        raise UnreadableMedia(
            f"{path.name}: is cut short, {found.packets} of {stream.frames} frames are there", hint=hint
        )
    is_declared = container.format.name.startswith("matroska") and container.duration is not None
    if is_declared and container.duration:
        declared = Fraction(container.duration, 1_000_000)
        if found.end + _SHORTFALL < declared:
            raise UnreadableMedia(
                f"{path.name}: is cut short, it ends at {clock(found.end)} of {clock(declared)}", hint=hint
            )


def _video(stream: VideoStream, first: av.VideoFrame, table: FrameTable) -> VideoTrack:
    context = stream.codec_context
    rate, varies = table.rate(stream.average_rate, stream.base_rate)
    return VideoTrack(
        index=stream.index,
        codec=context.codec.canonical_name,
        width=first.width,
        height=first.height,
        frames=len(table),
        rate=rate,
        time_base=table.time_base,
        is_variable_rate=varies,
        pixel_format=first.format.name,
        rotation=rotation_of(first),
        sample_aspect=stream.sample_aspect_ratio or Fraction(1),
        color_primaries=int(context.color_primaries),
        color_transfer=int(context.color_trc),
        color_matrix=int(context.colorspace),
        color_range=int(context.color_range),
    )


def _audio(stream: AudioStream, start: Fraction) -> AudioTrack:
    begins = (stream.start_time or 0) * (stream.time_base or Fraction(1))
    return AudioTrack(
        index=stream.index,
        codec=stream.codec_context.codec.canonical_name,
        sample_rate=stream.sample_rate,
        channels=stream.channels,
        layout=layout_of(stream),
        language=_language(stream.metadata),
        name=track_name(stream.metadata),
        is_default=bool(stream.disposition & av.stream.Disposition.default),
        offset=begins - start,
        bits=_bits(stream),
    )


def _bits(stream: AudioStream) -> int | None:
    """Return the bits of a sample of sound that was coded without loss: 16, 24, or 32 for floats."""
    context = stream.codec_context
    name = context.codec.canonical_name
    if not name.startswith(_WITHOUT_LOSS) or name in _COMPANDED or context.format is None:
        return None
    kind = context.format.name.removesuffix("p")
    return {"u8": 16, "s16": 16, "s32": 24}.get(kind, 32)


def _subtitle(stream: SubtitleStream) -> SubtitleTrack:
    context = stream.codec_context
    return SubtitleTrack(
        index=stream.index,
        codec=context.codec.canonical_name if context is not None else "unknown",
        language=_language(stream.metadata),
        name=track_name(stream.metadata),
    )


def _language(metadata: dict[str, str]) -> str | None:
    language = metadata.get("language")
    return None if language in (None, "", "und") else language


def track_name(metadata: Mapping[str, str]) -> str | None:
    """Return what people call a track: Matroska keeps it as title, MP4 as name or handler, which muxers fill too."""
    if given := metadata.get("title") or metadata.get("name"):
        return given
    name = metadata.get("handler_name", "").strip("\0 ")
    return None if not name or name.endswith("Handler") or name.startswith(("ISO Media", "Core Media")) else name


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_CHUNK):
            digest.update(block)
    return digest.hexdigest()
