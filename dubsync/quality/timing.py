"""When lines are spoken, against when they were: overlap of the two speeches, pace, a row for each line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from dubsync.timing import Span, union


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """A line as it came out. `slot`: where the original is spoken; `spoken`: where the dub is.

    `natural_seconds`: what the voice would take unhurried. `heard`: what a recogniser understood.
    """

    line: str
    speaker: str | None
    original: str
    text: str
    slot: Span
    spoken: Span | None
    natural_seconds: float | None = None
    heard: str | None = None

    @property
    def rate(self) -> float | None:
        """Return how much faster than naturally it is spoken; below 1 it is slower."""
        if self.spoken is None or self.natural_seconds is None or self.spoken.duration == 0:
            return None
        return self.natural_seconds / float(self.spoken.duration)

    def row(self) -> dict[str, object]:
        """Return the line as the report tells it; times in seconds."""
        return {
            "line": self.line,
            "speaker": self.speaker,
            "original": self.original,
            "text": self.text,
            "slot": _seconds(self.slot),
            "spoken": _seconds(self.spoken) if self.spoken else None,
            "natural_s": _rounded(self.natural_seconds),
            "rate": _rounded(self.rate),
            "heard": self.heard,
        }


def _seconds(span: Span) -> list[float]:
    return [round(float(span.start), 3), round(float(span.end), 3)]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def speech_overlap(original: Iterable[Span], dubbed: Iterable[Span]) -> float | None:
    """Return how much the two speeches share: twice the common time over the time of both (Dice), 0 to 1.

    None when neither speaks.

    >>> from fractions import Fraction as F
    >>> speech_overlap([Span(F(0), F(4))], [Span(F(1), F(4))])
    0.8571428571428571
    """
    first, second = union(original), union(dubbed)
    total = _total(first) + _total(second)
    if total == 0:
        return None
    shared = sum((one.overlap(other) for one in first for other in _near(second, one)), start=Fraction(0))
    return float(2 * shared / total)


def _near(spans: Sequence[Span], span: Span) -> Iterable[Span]:
    return (other for other in spans if other.start < span.end and span.start < other.end)


def _total(spans: Sequence[Span]) -> Fraction:
    return sum((span.duration for span in spans), start=Fraction(0))


def speech_rate_max(lines: Iterable[SpokenLine]) -> float | None:
    """Return the highest rate of any line."""
    rates = [line.rate for line in lines if line.rate is not None]
    return max(rates) if rates else None
