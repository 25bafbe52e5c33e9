"""Subtitles laid out to be read: rows of bounded length, two rows a screen, long enough to read, a gap between them.

The figures per language are those of the Netflix Timed Text Style Guides, one guide a language (adult programmes, as
published in 2024); languages that are not in the table get those of Spanish, French, Portuguese and most others. The
shortest and longest time on screen are those of the General Requirements; what cuts ask for is in `shot_changes.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from dubsync.text.cue import Cue
from dubsync.text.language import base
from dubsync.text.sentences import deal, joiner, unease
from dubsync.text.shot_changes import GAP_FRAMES, closed, in_time, out_time
from dubsync.timing import Span

ROWS = 2
MOST_SCREENS = 8
"""A text that needs more than these is no line of a film; it is filled in row after row."""
_SHORTEST, _LONGEST = Fraction(5, 6), Fraction(7)


@dataclass(frozen=True, slots=True)
class Reading:
    """How fast people read (characters a second) and how wide a row may be (characters)."""

    speed: int
    width: int


_USUAL = Reading(17, 42)
_READINGS = {
    "en": Reading(20, 42),
    "ar": Reading(20, 42),
    "hi": Reading(22, 42),
    "ru": Reading(17, 39),
    "th": Reading(17, 35),
    "ko": Reading(12, 16),
    "zh": Reading(9, 16),
    "ja": Reading(4, 13),
}


def reading(language: str) -> Reading:
    """Return what readers of a language can take."""
    return _READINGS.get(base(language), _USUAL)


def reading_speed(cue: Cue) -> float:
    """Return the characters a second a reader must take in; rows count as one text."""
    return len(" ".join(cue.text.split())) / max(float(cue.span.duration), 0.001)


@dataclass(frozen=True, slots=True)
class Picture:
    """What of the picture subtitles heed: `end` and `cuts` in seconds, in order, `rate` in frames a second."""

    end: Fraction
    cuts: tuple[Fraction, ...] = ()
    rate: Fraction = Fraction(24)

    @property
    def gap(self) -> Fraction:
        return GAP_FRAMES / self.rate


def lay_out(cues: Iterable[Cue], picture: Picture, *, language: str = "und") -> tuple[Cue, ...]:
    """Return cues that can be read, in order of time; nothing is shown after the film's end nor hangs over a cut.

    A text too long for one screen is shared out over several, in proportion to its length; no word is left out.
    """
    limits = reading(language)
    ordered = sorted((cue for cue in cues if cue.text.strip()), key=lambda cue: cue.span)
    split = [part for cue in ordered for part in _shared_out(cue, limits, language)]
    return tuple(_apart(split, picture, limits))


def _shared_out(cue: Cue, limits: Reading, language: str) -> Iterator[Cue]:
    """Yield the screens of a cue: as few as hold its text, parted where the sense parts."""
    screens = _screens(" ".join(cue.text.split()), limits.width, language)
    total, done, begin = sum(map(len, screens)), 0, cue.span.start
    for screen in screens:
        done += len(screen)
        until = cue.span.start + cue.span.duration * Fraction(done, total)
        yield replace(cue, span=Span(begin, until), text=screen)
        begin = until


def _screens(text: str, width: int, language: str) -> list[str]:
    words = _words(text, width, language)
    glue = joiner(language)
    if len(text) > MOST_SCREENS * ROWS * width:
        rows = _filled(words, width, glue)
        return ["\n".join(rows[first : first + ROWS]) for first in range(0, len(rows), ROWS)]
    for count in range(max(1, math.ceil(len(text) / (ROWS * width))), len(words) + 1):
        parts = deal(glue.join(words), [1] * count, language)
        screens = [_rows(part, width, language) for part in parts or ()]
        if screens and all(screen is not None for screen in screens):
            return ["\n".join(screen or ()) for screen in screens]
    return words


def _filled(words: Sequence[str], width: int, glue: str) -> list[str]:
    """Fill one row after another."""
    rows = [""]
    for word in words:
        longer = f"{rows[-1]}{glue}{word}" if rows[-1] else word
        if len(longer) <= width:
            rows[-1] = longer
        else:
            rows.append(word)
    return rows


def _words(text: str, width: int, language: str) -> list[str]:
    """Return the words, those wider than a row in pieces."""
    words = text.split() if joiner(language) else list(text.replace(" ", ""))
    return [word[start : start + width] for word in words for start in range(0, len(word), width)]


def _rows(text: str, width: int, language: str) -> list[str] | None:
    """Return one row, or two of about the same length parted where the sense parts; None if two do not hold it."""
    if len(text) <= width:
        return [text]
    glue = joiner(language)
    words = text.split() if glue else list(text)
    best: list[str] | None = None
    least = math.inf
    for cut in range(1, len(words)):
        upper, lower = glue.join(words[:cut]), glue.join(words[cut:])
        cost = abs(len(upper) - len(lower)) / 2 + unease(words, cut)
        if max(len(upper), len(lower)) <= width and cost < least:
            best, least = [upper, lower], cost
    return best


def _apart(cues: Sequence[Cue], picture: Picture, limits: Reading) -> Iterator[Cue]:
    """Let cues last as long as reading takes where there is room, keep a gap before the next, and heed the cuts."""
    gap, cuts = picture.gap, picture.cuts
    starts = _starts(cues, cuts)
    for index, (cue, start) in enumerate(zip(cues, starts, strict=True)):
        latest = min(starts[index + 1] - gap, picture.end) if index + 1 < len(cues) else picture.end
        time = min(max(_SHORTEST, Fraction(len(cue.text), limits.speed)), _LONGEST)
        wanted = min(max(cue.span.end, start + time), latest)
        until = out_time((start, wanted), cuts, latest=latest, gap=gap, shortest=_SHORTEST)
        if index + 1 < len(cues):
            until = closed(until, starts[index + 1], cuts, gap)
        yield replace(cue, span=Span(start, max(until, start + gap)))


def _starts(cues: Sequence[Cue], cuts: Sequence[Fraction]) -> list[Fraction]:
    """Return when each cue appears; one that would come with or before the one before it stays where it was."""
    starts: list[Fraction] = []
    for cue in cues:
        start = in_time(cue.span.start, cuts)
        starts.append(cue.span.start if starts and start <= starts[-1] else start)
    return starts
