"""The source's own tracks, carried along as they are, and what each container can hold."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing, suppress
from fractions import Fraction
from functools import lru_cache
from typing import Any

import av
from av.packet import Packet
from av.stream import Disposition

from dubsync.errors import Flag, Severity
from dubsync.media.captions import text_header, text_packet
from dubsync.media.probe import Film, layout_of, track_name
from dubsync.media.write import Target


class Carrier:
    """The source's tracks that are carried along as they are.

    `default`: the kind of track, "audio" or "subtitle", of which a new one is the default instead of the source's.
    """

    def __init__(self, target: Target, film: Film, origin: Fraction, *, default: str | None) -> None:
        self._default = default
        self._target, self._origin = target, origin
        self._is_mp4 = target.path.suffix == ".mp4"
        self._has_run_in = not film.source.container.startswith("matroska")
        self._streams: dict[int, Any] = {}
        self._retexted: set[int] = set()
        self.flags: list[Flag] = []

    @property
    def indices(self) -> tuple[int, ...]:
        """The numbers of the source's tracks whose packets are wanted."""
        return tuple(self._streams)

    def add(self, streams: Iterable[Any]) -> None:
        """Copy these tracks; flag those that the container cannot hold."""
        for stream in streams:
            if stream.type == "data" and "timecode" in stream.metadata:
                continue  # the picture bears it too, and the muxer makes such a track of that
            copy = self._copied(stream)
            if copy is None:
                what = f"track {stream.index} ({stream.type}, {stream.name or 'unknown'}) was left out"
                hint = f"{self._target.path.suffix[1:]} cannot hold it"
                severity = Severity.WARNING if stream.type in ("audio", "subtitle") else Severity.INFO
                self.flags.append(Flag(severity, "track-left-out", f"track {stream.index}", what, hint))
                continue
            kept = stream.disposition
            if stream.type == self._default:
                kept &= ~Disposition.default
                if stream.type == "audio":
                    kept |= Disposition.original
            keep_names(stream, copy, kept)

    def write(self, packet: Packet[Any]) -> None:
        """Pass a packet on; the empty ones at the end are none."""
        if packet.size == 0 or (packet.dts is None and packet.pts is None):
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
        if codec in held_by(container.format.name):
            copy = container.add_stream_from_template(stream, opaque=True)
            if stream.type == "audio" and self._is_mp4:  # AVI and MXF may not say where channels are, MP4 must for PCM
                copy.codec_context.layout = layout_of(stream)
        elif codec == "mov_text" and not self._is_mp4:
            copy = container.add_stream("subrip")
            copy.codec_context.subtitle_header = text_header()
            copy.time_base = stream.time_base
            self._retexted.add(stream.index)
        else:
            return None
        self._streams[stream.index] = copy
        return copy


def keep_names(stream: Any, copy: Any, disposition: Disposition) -> None:
    """Give a track the names, language and role of the one it came from."""
    copy.metadata.update({key: value for key, value in stream.metadata.items() if key not in ("encoder", "vendor_id")})
    if name := track_name(stream.metadata):
        copy.metadata["title"] = name
    copy.disposition = disposition


@lru_cache(maxsize=4)
def held_by(container: str) -> frozenset[str]:
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
