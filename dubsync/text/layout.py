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
from dubsync.text.shot_changes import APART, GAP_FRAMES, closed, in_time, out_time
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


def readable(language: str, time: Fraction) -> int:
    """Return the most characters that can be shown for so many seconds without being `too_fast`.

    >>> readable("es", Fraction(2)), round(35 / 2)
    (34, 18)
    """
    limit = (reading(language).speed + Fraction(1, 2)) * time
    return max(0, math.ceil(limit) - 1)


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

    A text too long for one screen is shared out over several, in proportion to its length; no word is left out. A text
    that is spoken faster than it can be read stays on into the silence after it; where there is none, it is joined
    with the speaker's next one if both are read more easily so. What stays too fast, `too_fast` tells.
    """
    limits = reading(language)
    ordered = _joined(sorted((cue for cue in cues if cue.text.strip()), key=lambda cue: cue.span), picture, language)
    following = [*(cue.span.start - picture.gap for cue in ordered[1:]), picture.end]
    split = [
        part
        for cue, latest in zip(ordered, following, strict=True)
        for part in _shared_out(cue, latest, limits, language)
    ]
    return tuple(_apart(split, picture, limits))


def too_fast(cues: Iterable[Cue], language: str) -> tuple[Cue, ...]:
    """Return the cues that ask for more characters a second than readers of the language can take, to the nearest."""
    return tuple(cue for cue in cues if round(reading_speed(cue)) > reading(language).speed)


def _joined(cues: Sequence[Cue], picture: Picture, language: str) -> list[Cue]:
    """Join two cues of one speaker that stand side by side, where both on one screen are read more easily."""
    made: list[Cue] = []
    for index, cue in enumerate(cues):
        latest = cues[index + 1].span.start - picture.gap if index + 1 < len(cues) else picture.end
        both = _both(made[-1], cue, picture, language) if made else None
        if both and _pace(both, latest) < max(_pace(made[-1], cue.span.start - picture.gap), _pace(cue, latest)):
            made[-1] = both
        else:
            made.append(cue)
    return made


def _both(one: Cue, other: Cue, picture: Picture, language: str) -> Cue | None:
    """Return two cues as one; None where neither is too fast, or one screen may not hold both."""
    limits = reading(language)
    rooms = (other.span.start - picture.gap, other.span.end)
    is_hurried = any(_pace(cue, room) > limits.speed for cue, room in zip((one, other), rooms, strict=True))
    is_near = one.speaker == other.speaker and other.span.start - one.span.end < APART
    is_cut = any(one.span.start < cut <= other.span.start for cut in picture.cuts)
    span = Span(one.span.start, max(one.span.end, other.span.end))
    text = joiner(language).join((one.text, other.text))
    if not is_hurried or not is_near or is_cut or span.duration > _LONGEST:
        return None
    return replace(one, span=span, text=text) if len(_screens(text, limits.width, language)) == 1 else None


def _pace(cue: Cue, latest: Fraction) -> float:
    """Return the characters a second of a cue that may stay until `latest`."""
    return len(cue.text) / max(float(max(cue.span.end, latest) - cue.span.start), 0.001)


def _shared_out(cue: Cue, latest: Fraction, limits: Reading, language: str) -> Iterator[Cue]:
    """Yield the screens of a cue: as few as hold its text, parted where the sense parts, the last until `latest`."""
    screens = _screens(" ".join(cue.text.split()), limits.width, language)
    total, done, begin = sum(map(len, screens)), 0, cue.span.start
    needed = min(Fraction(total, limits.speed), max(latest - cue.span.start, Fraction(0)))
    length = max(cue.span.duration, needed) if len(screens) > 1 else cue.span.duration
    for screen in screens:
        done += len(screen)
        until = cue.span.start + length * Fraction(done, total)
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
        legible = max(_SHORTEST, min(time, wanted - start))
        until = out_time((start, wanted), cuts, latest=latest, gap=gap, shortest=legible)
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
