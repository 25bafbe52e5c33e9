"""Does a text fit its time: said by a voice, or read by a viewer. The measures are those that choose candidates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dubsync.text import duration
from dubsync.text.layout import reading
from dubsync.title import Line


@dataclass(frozen=True, slots=True)
class Fit:
    """`seconds` that a text takes unhurried, of `room` seconds; `most`: the share of the room it may take.

    `is_guess`: counted by syllables, as the voice has not been asked yet. `advice`: what would fit; "" where it does.
    """

    seconds: float
    room: float
    most: float
    is_guess: bool
    advice: str

    @property
    def share(self) -> float:
        return self.seconds / max(self.room, 0.001)

    @property
    def fits(self) -> bool:
        return self.share <= self.most


def measured(text: str, line: Line, language: str, *, is_read: bool) -> Fit:
    """Return how a text fits a line's time; `is_read`: it is a subtitle and not spoken."""
    room = float(line.span.duration)
    if is_read:
        speed = reading(language).speed
        return _fit(len(text) / speed, room, 1.0, lambda: f"shorten it to about {int(room * speed)} characters")
    known = next((one.seconds for one in line.candidates if one.text == text and one.seconds is not None), None)
    takes = duration.natural_seconds(text, language) if known is None else known
    return _fit(takes, room, duration.FASTEST, lambda: _shorter(text, room, language), is_guess=known is None)


def _shorter(text: str, room: float, language: str) -> str:
    count = duration.syllables_in(room * duration.FASTEST, language)
    return f"shorten it to about {count} syllables; it has {duration.syllables(text, language)}"


def _fit(seconds: float, room: float, most: float, advice: Callable[[], str], *, is_guess: bool = False) -> Fit:
    """Return a fit; `advice` is asked for only where it is needed."""
    fits = seconds <= most * room
    return Fit(seconds, room, most, is_guess, "" if fits else advice())
