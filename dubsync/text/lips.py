"""Whether a text suits the mouth that is seen: lips that meet (p b m) and that open wide (a), at the same moments.

It goes by letters and their place in the line, which is near enough to choose between ways to say a line, and needs no
sound of them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from dubsync.timing import Span
from dubsync.title import Word

NEAR_S = 0.12
"""Seconds by which a closing may miss the actor's before the eye minds (three frames at 25 a second)."""
CLOSED, WIDE = frozenset("pbmпбм"), frozenset("aа")
_CLOSED_WEIGHT = 0.7


@dataclass(frozen=True, slots=True)
class Mouth:
    """Seconds from the line's start at which the lips meet, and at which they are wide open."""

    closed: tuple[float, ...]
    wide: tuple[float, ...]


def of_words(words: Sequence[Word], span: Span) -> Mouth:
    """Return what the actor's mouth does, from the words of the original and their times."""
    closed: list[float] = []
    wide: list[float] = []
    for word in words:
        start, length = float(word.span.start - span.start), float(word.span.duration)
        found = of_text(word.text, length)
        closed += [start + at for at in found.closed]
        wide += [start + at for at in found.wide]
    return Mouth(tuple(closed), tuple(wide))


def of_text(text: str, seconds: float) -> Mouth:
    """Return what a mouth does that says a text in this time, each letter taking as long as the next.

    >>> of_text("ba", 1.0)
    Mouth(closed=(0.25,), wide=(0.75,))
    """
    letters = [letter for letter in unicodedata.normalize("NFD", text.casefold()) if letter.isalpha()]
    step = seconds / max(len(letters), 1)
    places = [(letter, (number + 0.5) * step) for number, letter in enumerate(letters)]
    return Mouth(
        tuple(at for letter, at in places if letter in CLOSED), tuple(at for letter, at in places if letter in WIDE)
    )


def agreement(seen: Mouth, said: Mouth) -> float:
    """Return how far two mouths do the same, 0 to 1; where neither closes nor opens wide they agree."""
    closed, wide = _matched(seen.closed, said.closed), _matched(seen.wide, said.wide)
    return _CLOSED_WEIGHT * closed + (1 - _CLOSED_WEIGHT) * wide


def _matched(seen: Sequence[float], said: Sequence[float]) -> float:
    """Return the share of moments that have a partner in the other list (F1), each used once, in order of time."""
    if not seen and not said:
        return 1.0
    pairs, first = 0, 0
    for moment in sorted(seen):
        for index in range(first, len(said)):
            if abs(said[index] - moment) <= NEAR_S:
                pairs, first = pairs + 1, index + 1
                break
    return 2 * pairs / (len(seen) + len(said))
