"""Code only what changed: groups of pictures without a new mouth are copied bit for bit, the others coded again.

Works for H.264 in MP4 and Matroska. The encoder's parameter sets get an id of their own and stand beside the source's
in the track's avcC record, so that the result is a plain avc1 track. Cuts lie only at IDR pictures. Decoding times are
laid out anew over the whole track, because both encoders reorder differently.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.codec.context import Flags
from av.packet import Packet
from numpy.typing import NDArray

from dubsync.errors import UnreadableMedia
from dubsync.media.compose import compose
from dubsync.media.fields import Fields
from dubsync.media.h264 import ParameterSets, counted, is_idr, units
from dubsync.media.patches import PatchBook
from dubsync.media.table import FrameTable, opened, picture_stream
from dubsync.media.write import (
    PictureParams,
    Target,
    keep_display_matrix,
    keep_fields,
    picture_flags,
    working_format,
)
from dubsync.title import VideoTrack

_REORDER = 2
"""Frames by which x264 reorders at three B frames with pyramid."""


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Where a film's groups of pictures begin. `starts`: their first frames' numbers. `delay`: how far it reorders."""

    starts: NDArray[np.int64]
    delay: int
    sets: ParameterSets

    def changed(self, patched: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Tell of each group whether one of its frames has a patch."""
        touched = np.zeros(len(self.starts), bool)
        touched[np.unique(np.searchsorted(self.starts, patched, side="right") - 1)] = True
        return touched


def groups(path: Path, video: VideoTrack, table: FrameTable) -> Groups | None:
    """Read the film's packets for its groups; None if this picture cannot be spliced."""
    if video.codec != "h264" or not table.is_indexed or working_format(video.pixel_format)[0] != video.pixel_format:
        return None
    order, starts = array("q"), array("q")
    with opened(path) as container:
        stream = picture_stream(container, path.name)
        sets = ParameterSets.parse(bytes(stream.codec_context.extradata or b""))
        if sets is None or sets.profile is None or sets.free_id() is None:
            return None
        for packet in container.demux(stream):
            if packet.size == 0:
                continue
            number = table.number(packet.pts)
            if number is None or packet.is_discard:
                return None
            if packet.is_keyframe and is_idr(bytes(packet)):
                starts.append(number)
            order.append(number)
    if len(order) != len(table) or not starts or starts[0] != 0 or order[0] != 0:
        return None
    delay = int((np.arange(len(order)) - np.asarray(order)).max())
    return Groups(np.asarray(starts, np.int64), delay, sets)


class Splicer:
    """Takes the source's picture packets and gives the packets of the new track, in order."""

    def __init__(
        self, target: Target, stream: Any, found: Groups, patches: PatchBook, settings: EncoderSettings
    ) -> None:
        self._groups, self._patches, self._settings = found, patches, settings
        self._table = settings.table
        self._changed = found.changed(patches.frames)
        self._delay = max(found.delay, _REORDER)
        self._source_extradata = bytes(stream.codec_context.extradata or b"")
        self.stream: Any = target.container.add_stream_from_template(stream, opaque=True)
        header, has_fields = settings.header()
        self.flags = picture_flags(settings.video, settings.first, "")
        self.fields = Fields(has_fields)
        self.stream.codec_context.extradata = found.sets.joined(units(header))
        keep_display_matrix(self.stream, settings.first)
        self._decoder: Any = None
        self._encoder: Any = None
        self._written, self._read, self.copied = 0, 0, 0

    def feed(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        """Take the next packet of the source."""
        number = self._table.number(packet.pts)
        if number is None:
            return
        group = int(np.searchsorted(self._groups.starts, number, side="right")) - 1
        is_start = bool(self._groups.starts[group] == number)
        if not self._changed[group]:
            if is_start:
                yield from self._flush()
            self.copied += 1
            yield self._timed(packet, packet.pts)
            return
        if self._decoder is None:
            self._begin()
        for frame in self._decoder.decode(packet):
            yield from self._code(frame)

    def finish(self) -> Iterator[Packet[Any]]:
        """Yield what is left, and insist that no frame was lost."""
        yield from self._flush()
        if self._written != len(self._table):
            raise UnreadableMedia(f"{len(self._table) - self._written} frames of the picture could not be decoded")

    def _begin(self) -> None:
        decoder: Any = av.CodecContext.create("h264", "r")
        decoder.extradata = self._source_extradata
        decoder.thread_type = "AUTO"
        self._decoder, self._encoder = decoder, self._settings.encoder()

    def _code(self, frame: av.VideoFrame) -> Iterator[Packet[Any]]:
        number = self._table.number(frame.pts)
        if number is None:
            return
        compose(frame, self._patches.of(number))
        self.fields.see(frame)
        frame.pts, frame.time_base, frame.pict_type = int(self._table.pts[number]), self._table.time_base, 0
        yield from self._coded(self._encoder.encode(frame))

    def _coded(self, packets: list[Packet[Any]]) -> Iterator[Packet[Any]]:
        for packet in packets:
            plain = av.Packet(counted(bytes(packet)))
            plain.is_keyframe = packet.is_keyframe
            yield self._timed(plain, packet.pts)

    def _flush(self) -> Iterator[Packet[Any]]:
        """Empty decoder and encoder at the end of a changed stretch."""
        if self._decoder is None:
            return
        for frame in self._decoder.decode(None):
            yield from self._code(frame)
        yield from self._coded(self._encoder.encode(None))
        self._decoder = self._encoder = None

    def _timed(self, packet: Packet[Any], pts: int | None) -> Packet[Any]:
        """Give a packet its place in the track: decoding times are the presentation times, `delay` frames earlier."""
        position = self._written - self._delay
        number = self._table.number(pts)
        assert number is not None
        first = int(self._table.pts[0])
        step = int(self._table.durations[0])
        packet.pts = pts
        packet.dts = int(self._table.pts[position]) if position >= 0 else first + position * step
        packet.duration = int(self._table.durations[number])
        packet.stream, packet.time_base = self.stream, self._table.time_base
        self._written += 1
        return packet


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """How changed groups are coded, alike every time. `is_woven`: there are interlaced frames in the film."""

    video: VideoTrack
    table: FrameTable
    first: av.VideoFrame
    params: PictureParams
    sets: ParameterSets
    is_woven: bool

    def encoder(self) -> Any:
        """Return a fresh x264."""
        context: Any = av.CodecContext.create("libx264", "w")
        video = self.video
        context.width, context.height, context.pix_fmt = video.width, video.height, video.pixel_format
        context.time_base, context.framerate = self.table.time_base, video.rate
        context.sample_aspect_ratio = video.sample_aspect
        context.color_primaries, context.color_trc = video.color_primaries, video.color_transfer
        context.colorspace, context.color_range = video.color_matrix, video.color_range
        fixed = f"sps-id={self.sets.free_id()}:stitchable=1:mbtree=0:bframes=3:threads={self.params.threads}"
        context.options = {
            "preset": self.params.preset,
            "crf": f"{self.params.crf:g}",
            "profile": self.sets.profile or "high",
            "x264-params": fixed,
        }
        context.flags |= Flags.global_header
        if self.is_woven:
            keep_fields(context)
        context.open()
        return context

    def header(self) -> tuple[bytes, bool]:
        """Return the parameter sets it writes, with start codes, and whether it codes fields."""
        encoder = self.encoder()
        return bytes(encoder.extradata or b""), bool(encoder.flags & Flags.interlaced_dct)
