"""A subtitle track of the film that is being written: plain text, in the form its container knows."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, Protocol

import av
from av.packet import Packet

from dubsync.media.write import Target
from dubsync.timing import Span, nearest

_UNIT = Fraction(1, 1000)


class ShownText(Protocol):
    """A text and when it is shown, on the film's clock (`dubsync.text.subtitles.Cue` is one)."""

    @property
    def span(self) -> Span: ...
    @property
    def text(self) -> str: ...


class CaptionTrack:
    """Writes cues as they come due. `start`: the film's clock zero, on the container's clock."""

    def __init__(self, target: Target, cues: Iterable[ShownText], start: Fraction) -> None:
        self._is_mp4 = target.path.suffix == ".mp4"
        self.stream: Any = target.container.add_stream("mov_text" if self._is_mp4 else "subrip")
        self.stream.codec_context.subtitle_header = text_header()
        self.stream.time_base = _UNIT
        self._cues, self._start = sorted(cues, key=lambda cue: cue.span, reverse=True), start

    def until(self, time: Fraction | None) -> Iterator[Packet[Any]]:
        """Yield the cues that begin before `time`; None: all that are left."""
        while self._cues and (time is None or self._cues[-1].span.start < time):
            cue = self._cues.pop()
            packet = text_packet(cue.text, is_mp4=self._is_mp4)
            packet.stream, packet.time_base = self.stream, _UNIT
            packet.pts = packet.dts = nearest((cue.span.start + self._start) / _UNIT)
            packet.duration = nearest(cue.span.duration / _UNIT)
            yield packet


def text_header() -> bytes:
    """Return the style header that FFmpeg's text subtitle encoders want."""
    with av.open(io.BytesIO(b"1\n00:00:00,000 --> 00:00:01,000\n-\n"), format="srt") as text:
        context: Any = text.streams.subtitles[0].codec_context
        context.open()
        return bytes(context.subtitle_header or b"")


def text_packet(text: str, *, is_mp4: bool) -> Packet[Any]:
    """Return a text sample: plain in Matroska, with its length before it in MP4 (3GPP TS 26.245)."""
    raw = text.encode()
    return av.Packet(len(raw).to_bytes(2, "big") + raw if is_mp4 else raw)
