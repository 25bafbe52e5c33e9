"""Subtitle tracks of a film as texts with their times."""

from __future__ import annotations

from typing import Any

from dubsync.media.probe import Film
from dubsync.media.table import opened
from dubsync.timing import Span

_PLAIN = ("subrip", "srt", "text", "webvtt")
_ASS_FIELDS = 8
"""Commas before the text of a line of ASS in Matroska."""


def shown_texts(film: Film, number: int) -> tuple[tuple[Span, str], ...] | None:
    """Return what a subtitle track shows, on the film's clock, with its markup; None where it is no text."""
    with opened(film.path) as container:
        stream = container.streams.subtitles[number]
        codec = stream.codec_context.codec.canonical_name if stream.codec_context is not None else ""
        if codec not in (*_PLAIN, "mov_text", "ass", "ssa"):
            return None
        found = []
        for packet in container.demux(stream):
            if packet.size and packet.pts is not None:
                text = _text(packet, codec)
                start = packet.pts * packet.time_base - film.table.start
                span = Span(start, start + (packet.duration or 0) * packet.time_base)
                found.append((span, text))
    return tuple((span, text) for span, text in found if text.strip() and span.end > 0)


def _text(packet: Any, codec: str) -> str:
    raw = bytes(packet)
    if codec == "mov_text":
        raw = raw[2 : 2 + int.from_bytes(raw[:2], "big")]
    text = raw.decode("utf-8", "replace")
    if codec in ("ass", "ssa"):
        text = text.split(",", _ASS_FIELDS)[-1].replace("\\N", "\n").replace("\\n", "\n")
    return text
