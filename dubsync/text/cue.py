"""A subtitle on its way between files and lines."""

from __future__ import annotations

from dataclasses import dataclass

from dubsync.timing import Span


@dataclass(frozen=True, slots=True)
class Cue:
    """A text and when it is shown. `id`: of the line it came from. `text` may hold line breaks."""

    span: Span
    text: str
    id: str | None = None
    speaker: str | None = None
    note: str = ""
