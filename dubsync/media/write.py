"""The tracks a dub adds to a film: its picture coded again, and its sound.

Both encoders are pulled along by `mux` in the order of time. Settings are fixed, thread counts included, because x264
gives other bytes for another number of threads, and with `mbtree` even for the same one.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
import soundfile
from av.codec.context import Flags
from av.container import OutputContainer
from av.packet import Packet

from dubsync.errors import DubsyncError, Flag, Severity
from dubsync.media import planes
from dubsync.media.coding import BLOCK, coding_for
from dubsync.media.fields import Fields
from dubsync.media.table import FrameTable
from dubsync.title import AudioTrack, VideoTrack

_KEPT_FORMATS = frozenset(
    prefix + suffix
    for prefix in ("yuv420", "yuv422", "yuv444", "yuvj420", "yuvj422", "yuvj444")
    for suffix in (("p",) if "j" in prefix else ("p", "p10le"))
)
_EQUAL_FORMATS = {
    "nv12": "yuv420p", "nv21": "yuv420p", "nv16": "yuv422p", "yuv411p": "yuv422p", "yuv440p": "yuv444p",
    "yuv410p": "yuv420p", "gray": "yuv420p", "gray10le": "yuv420p10le", "p010le": "yuv420p10le",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PictureParams:
    """How the picture is coded. `codec` "auto": H.264 for 8 bits, HEVC for 10, which players want so.

    `crf`: constant quality, 0 is lossless, 17 visually so. `threads`: part of the result (see the module).
    `untouched`: what becomes of stretches without a new mouth; "copy" keeps their bits where that can be.
    """

    codec: Literal["auto", "h264", "hevc"] = "auto"
    crf: float = 17.0
    preset: str = "veryfast"
    threads: int = 4
    untouched: Literal["copy", "recode"] = "copy"


class Target:
    """A film being written; what goes wrong with the file is told as such."""

    def __init__(self, path: Path, *, options: dict[str, str]) -> None:
        self.path = path
        try:
            self.container: OutputContainer = av.open(str(path), "w", container_options=options)
        except av.FFmpegError as error:
            raise self._failure(error) from error

    def mux(self, packets: Iterable[Packet[Any]]) -> None:
        """Write packets."""
        try:
            for packet in packets:
                self.container.mux(packet)
        except av.FFmpegError as error:
            raise self._failure(error) from error

    def close(self) -> None:
        """Finish the file."""
        try:
            self.container.close()
        except av.FFmpegError as error:
            raise self._failure(error) from error

    def _failure(self, error: av.FFmpegError) -> DubsyncError:
        is_full = error.errno == errno.ENOSPC
        hint = (
            "make room on the disk and run it again, nothing is lost" if is_full else "check the folder's permissions"
        )
        return DubsyncError(f"{self.path}: cannot be written: {error.strerror}", hint=hint)


def working_format(name: str) -> tuple[str, str]:
    """Return the planar format in which a picture is composed and coded, and what it loses by that ("" if nothing)."""
    if name in _KEPT_FORMATS:
        return name, ""
    if name in _EQUAL_FORMATS:
        return _EQUAL_FORMATS[name], ""
    known = av.VideoFormat(name)
    base = "yuv420p" if known.chroma_height(2) < 2 else "yuv422p" if known.chroma_width(2) < 2 else "yuv444p"
    if known.is_rgb:
        base = "yuv444p"
    if max(component.bits for component in known.components) > 8:
        base += "10le"
    return base, f"{name} was converted to {base}"


class PictureEncoder:
    """Codes frames with the source's times, shape and colour tags.

    `first`: the film's first frame, for its side data; `is_woven`: there are interlaced frames in it.
    """

    def __init__(
        self,
        target: Target,
        video: VideoTrack,
        table: FrameTable,
        first: av.VideoFrame,
        params: PictureParams,
        *,
        is_woven: bool,
    ) -> None:
        self._table = table
        self.format, loss = working_format(video.pixel_format)
        self._width, self._height = video.width + video.width % 2, video.height + video.height % 2
        if self.format.startswith(("yuv444", "yuvj444")):
            self._width, self._height = video.width, video.height
        is_deep = self.format.endswith("10le") and not is_woven  # HEVC has no woven fields
        is_hevc = params.codec == "hevc" or (params.codec == "auto" and is_deep)
        name = "libx265" if is_hevc else "libx264"
        self.stream: Any = target.container.add_stream(name, rate=video.rate, options=_options(params, first, is_hevc))
        context: Any = self.stream.codec_context
        context.width, context.height, context.pix_fmt = self._width, self._height, self.format
        context.time_base = self.stream.time_base = table.time_base
        context.sample_aspect_ratio = video.sample_aspect
        context.color_primaries, context.color_trc = video.color_primaries, video.color_transfer
        context.colorspace, context.color_range = video.color_matrix, video.color_range
        if is_hevc and target.path.suffix == ".mp4":
            context.codec_tag = "hvc1"
        self.flags = picture_flags(video, first, loss)
        self.fields = Fields(is_woven and not is_hevc and keep_fields(context))
        keep_display_matrix(self.stream, first)

    def working(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return the frame in the format it is composed and coded in; the same frame where it already is."""
        return frame if frame.format.name == self.format else frame.reformat(format=self.format)

    def encode(self, number: int, frame: av.VideoFrame) -> Iterator[Packet[Any]]:
        """Take frame `number`; yield what the encoder is done with."""
        if (frame.width, frame.height) != (self._width, self._height):
            frame = _padded(frame, self._width, self._height)
        frame.pts, frame.time_base = int(self._table.pts[number]), self._table.time_base
        frame.pict_type = 0  # else x264 copies the source's I, P and B
        yield from self._timed(self.stream.encode(frame))

    def finish(self) -> Iterator[Packet[Any]]:
        """Yield what is still inside."""
        yield from self._timed(self.stream.encode(None))

    def _timed(self, packets: list[Packet[Any]]) -> Iterator[Packet[Any]]:
        for packet in packets:
            number = self._table.number(packet.pts)
            if number is not None:
                packet.duration = int(self._table.durations[number])
            yield packet


class SoundEncoder:
    """Codes a WAV as the dub's track, at the source's rate and layout (see `coding`)."""

    def __init__(self, target: Target, wav: Path, track: AudioTrack, start: Fraction) -> None:
        self._wav = soundfile.SoundFile(str(wav))
        assert self._wav.channels == track.channels, "the mix keeps the source's channels"
        self._coding = coding_for(track, target.path.suffix)
        self._rate, self._position = track.sample_rate, 0
        self.stream: Any = target.container.add_stream(
            self._coding.codec, rate=self._rate, options=self._coding.options
        )
        self._coding.set_up(self.stream.codec_context)
        self.stream.time_base = Fraction(1, self._rate)
        self._start = round(start * self._rate)
        self._is_open = True

    def until(self, time: Fraction | None) -> Iterator[Packet[Any]]:
        """Yield the packets of the sound up to `time` on the film's clock; None: to its end."""
        while self._is_open and (time is None or self._position < time * self._rate):
            block = self._wav.read(BLOCK, dtype="float32", always_2d=True)
            if len(block):
                yield from self.stream.encode(self._coding.frame(block, self._start + self._position))
                self._position += len(block)
            else:
                self._is_open = False
                self._wav.close()
                yield from self.stream.encode(None)


def keep_display_matrix(stream: Any, first: av.VideoFrame) -> None:
    """Give the track the source's display matrix, which says how players turn the picture."""
    matrix = _side_data(first).get("DISPLAYMATRIX")
    if matrix is not None:
        stream.set_display_matrix(np.frombuffer(matrix, np.int32).tolist())


def keep_fields(context: Any) -> bool:
    """Let x264 code an interlaced film as fields, each frame's first one first; False if its height forbids it."""
    unit = 4 if context.pix_fmt.startswith(("yuv420", "yuvj420")) else 2
    can = bool(context.height % unit == 0)
    if can:
        context.flags |= Flags.interlaced_dct | Flags.interlaced_me
    return can


def _side_data(frame: av.VideoFrame) -> dict[str, bytes]:
    """Return what travels with a frame besides its pixels, as FFmpeg's structures, by name."""
    found: Any = frame.side_data
    return {side.type.name: bytes(side) for side in found}


def picture_flags(video: VideoTrack, first: av.VideoFrame, loss: str) -> tuple[Flag, ...]:
    """Say what coding a picture again cannot keep. `loss`: what its pixel format loses."""
    found = []
    if loss:
        found.append(("pixel-format", loss, "convert the film yourself if that matters"))
    if (video.width % 2 or video.height % 2) and not working_format(video.pixel_format)[0].startswith("yuv444"):
        found.append(
            ("odd-size", f"{video.width}x{video.height} was widened to even numbers by repeating the edge", "")
        )
    if _side_data(first).keys() & {"DOVI_METADATA", "DOVI_RPU_BUFFER", "DYNAMIC_HDR_PLUS"}:
        found.append(("dynamic-hdr", "dynamic HDR data is lost, the static base layer is kept", "grade the dub again"))
    return tuple(Flag(Severity.WARNING, code, "picture", what, hint) for code, what, hint in found)


def _options(params: PictureParams, first: av.VideoFrame, is_hevc: bool) -> dict[str, str]:
    options = {"preset": params.preset, "crf": f"{params.crf:g}"}
    if is_hevc:
        fixed = [f"pools={params.threads}", "frame-threads=2", "log-level=error", *_hdr10(first)]
        return options | {"x265-params": ":".join(fixed)}
    # mbtree off: with it x264 gave different files for the same input
    return options | {"x264-params": f"mbtree=0:threads={params.threads}"}


def _hdr10(first: av.VideoFrame) -> list[str]:
    """Say the source's static HDR metadata (SMPTE ST 2086, CTA-861.3) in x265's words."""
    said: list[str] = []
    for kind, content in _side_data(first).items():
        if kind == "MASTERING_DISPLAY_METADATA":
            values = struct.unpack_from("<20i2i", content)
            ratio = [Fraction(n, d) if d else Fraction(0) for n, d in zip(values[0:20:2], values[1:20:2], strict=True)]
            red, green, blue, white = (tuple(round(v * 50000) for v in ratio[i : i + 2]) for i in (0, 2, 4, 6))
            low, high = (round(v * 10000) for v in ratio[8:10])
            said += ["hdr10=1", "repeat-headers=1"]
            said.append(
                f"master-display=G({green[0]},{green[1]})B({blue[0]},{blue[1]})R({red[0]},{red[1]})"
                f"WP({white[0]},{white[1]})L({high},{low})"
            )
        elif kind == "CONTENT_LIGHT_LEVEL":
            most, mean = struct.unpack_from("<2I", content)
            said.append(f"max-cll={most},{mean}")
    return said


def _padded(frame: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
    """Widen an odd frame to even size by repeating its last column and row; chroma already covers them."""
    wide = av.VideoFrame(width, height, frame.format.name)
    for index in range(len(frame.planes)):
        old, new = planes.view(frame, index), planes.view(wide, index)
        rows, columns = new.shape
        new[:] = np.pad(old, ((0, rows - old.shape[0]), (0, columns - old.shape[1])), mode="edge")
    wide.color_primaries, wide.color_trc = frame.color_primaries, frame.color_trc
    wide.colorspace, wide.color_range = frame.colorspace, frame.color_range
    return wide
