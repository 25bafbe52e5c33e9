"""Subtitles of a dub: lines of text laid out to be read, as SRT and VTT files and as a track in the film."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pysubs2
from av.packet import Packet

from dubsync.media.write import Target
from dubsync.timing import Span, nearest

WIDTH = 42
"""Characters in a row, and rows in a cue: what broadcasters and streaming services ask for Latin script."""
ROWS = 2
_GAP = Fraction(1, 12)
_SHORTEST = Fraction(5, 6)
_TRACK_UNIT = Fraction(1, 1000)


@dataclass(frozen=True, slots=True)
class Cue:
    """A text and when it is shown, on the film's clock."""

    span: Span
    text: str


def lay_out(cues: Iterable[Cue], *, end: Fraction) -> tuple[Cue, ...]:
    """Return cues that can be read: rows of at most 42 characters, two rows each, a gap between them.

    A text too long for one cue is shared out over several, in proportion to its length; none is left out. Nothing is
    shown after `end`, the film's.
    """
    split = [part for cue in sorted(cues, key=lambda cue: cue.span) for part in _shared_out(cue)]
    return tuple(_apart(split, end))


def save(cues: Iterable[Cue], *paths: Path) -> None:
    """Write subtitle files; the suffixes (.srt, .vtt) say of which kind."""
    document = pysubs2.SSAFile()
    for cue in cues:
        start, end = nearest(cue.span.start * 1000), nearest(cue.span.end * 1000)
        document.append(pysubs2.SSAEvent(start=start, end=end, text=cue.text.replace("\n", r"\N")))
    for path in paths:
        path.write_text(document.to_string(path.suffix.lstrip(".")), encoding="utf-8")


def text_header() -> bytes:
    """Return the style header that FFmpeg's text subtitle encoders want."""
    with av.open(io.BytesIO(b"1\n00:00:00,000 --> 00:00:01,000\n-\n"), format="srt") as text:
        context: Any = text.streams.subtitles[0].codec_context
        context.open()
        return bytes(context.subtitle_header or b"")


class CaptionTrack:
    """A subtitle track of the film that is being written. `start`: the film's clock zero, on the container's."""

    def __init__(self, target: Target, cues: Iterable[Cue], start: Fraction) -> None:
        self._is_mp4 = target.path.suffix == ".mp4"
        self.stream: Any = target.container.add_stream("mov_text" if self._is_mp4 else "subrip")
        self.stream.codec_context.subtitle_header = text_header()
        self.stream.time_base = _TRACK_UNIT
        self._cues, self._start = list(cues), start

    def until(self, time: Fraction | None) -> Iterator[Packet[Any]]:
        """Yield the cues that begin before `time`; None: all that are left."""
        while self._cues and (time is None or self._cues[0].span.start < time):
            cue = self._cues.pop(0)
            packet = text_packet(cue.text, is_mp4=self._is_mp4)
            packet.stream, packet.time_base = self.stream, _TRACK_UNIT
            packet.pts = packet.dts = nearest((cue.span.start + self._start) / _TRACK_UNIT)
            packet.duration = nearest(cue.span.duration / _TRACK_UNIT)
            yield packet


def text_packet(text: str, *, is_mp4: bool) -> Packet[Any]:
    """Return a text sample: plain in Matroska, with its length before it in MP4 (3GPP TS 26.245)."""
    raw = text.encode()
    return av.Packet(len(raw).to_bytes(2, "big") + raw if is_mp4 else raw)


def _shared_out(cue: Cue) -> Iterator[Cue]:
    rows = _rows(" ".join(cue.text.split()))
    if not rows:
        return
    screens = [rows[i : i + ROWS] for i in range(0, len(rows), ROWS)]
    weights = [sum(len(row) for row in screen) for screen in screens]
    begin, done = cue.span.start, 0
    for screen, weight in zip(screens, weights, strict=True):
        done += weight
        until = cue.span.start + cue.span.duration * Fraction(done, sum(weights))
        yield Cue(Span(begin, until), "\n".join(screen))
        begin = until


def _rows(text: str) -> list[str]:
    """Break a text into rows; one that needs two gets rows of about the same length."""
    rows = textwrap.wrap(text, WIDTH)
    if len(rows) != ROWS:
        return rows
    for width in range(max(len(text) // 2, 1), WIDTH):
        even = textwrap.wrap(text, width, break_long_words=False)
        if len(even) <= ROWS and max(map(len, even)) <= WIDTH:
            return even
    return rows


def _apart(cues: list[Cue], end: Fraction) -> Iterator[Cue]:
    """Make cues last long enough to be seen where there is room, and keep a gap before the next."""
    for index, cue in enumerate(cues):
        following = cues[index + 1].span.start - _GAP if index + 1 < len(cues) else end
        until = min(max(cue.span.end, cue.span.start + _SHORTEST), max(following, cue.span.start + _GAP))
        until = min(until, end) if end > cue.span.start else until
        yield replace(cue, span=Span(cue.span.start, until))
