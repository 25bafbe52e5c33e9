"""Subtitles laid out to be read: rows of bounded length, two rows a screen, long enough, a gap between them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from dubsync.text.subtitles import Cue
from dubsync.timing import Span

WIDTH = 42
"""Characters in a row: what broadcasters and streaming services ask for Latin script."""
ROWS = 2

_GAP = Fraction(1, 12)
_SHORTEST = Fraction(5, 6)


def lay_out(cues: Iterable[Cue], *, end: Fraction) -> tuple[Cue, ...]:
    """Return cues that can be read, in order of time; nothing is shown after `end`, the film's.

    A text too long for one screen is shared out over several, in proportion to its length; no word is left out.
    """
    split = [part for cue in sorted(cues, key=lambda cue: cue.span) for part in _shared_out(cue)]
    return tuple(_apart(split, end))


def _shared_out(cue: Cue) -> Iterator[Cue]:
    rows = _rows(" ".join(cue.text.split()))
    screens = [rows[first : first + ROWS] for first in range(0, len(rows), ROWS)]
    total = sum(map(len, rows))
    begin, done = cue.span.start, 0
    for screen in screens:
        done += sum(map(len, screen))
        until = cue.span.start + cue.span.duration * Fraction(done, total)
        yield replace(cue, span=Span(begin, until), text="\n".join(screen))
        begin = until


def _rows(text: str) -> list[str]:
    """Break a text into rows; one that needs two gets rows of about the same length."""
    rows = textwrap.wrap(text, WIDTH)
    if len(rows) != ROWS:
        return rows
    for width in range(len(text) // ROWS, WIDTH):
        even = textwrap.wrap(text, width, break_long_words=False)
        if len(even) <= ROWS and max(map(len, even)) <= WIDTH:
            return even
    return rows


def _apart(cues: Sequence[Cue], end: Fraction) -> Iterator[Cue]:
    """Let cues last long enough to be seen where there is room, and keep a gap before the next."""
    for index, cue in enumerate(cues):
        start = cue.span.start
        free_until = cues[index + 1].span.start - _GAP if index + 1 < len(cues) else end
        wanted = max(cue.span.end, start + _SHORTEST)
        until = max(min(wanted, free_until, end), start + _GAP)
        yield replace(cue, span=Span(start, until))
