"""Exact time: Fraction seconds, half-open spans, the one place where seconds become frames, samples or timecode."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open stretch of time `[start, end)` in seconds.

    >>> Span(Fraction(1), Fraction(3)).overlap(Span(Fraction(2), Fraction(5)))
    Fraction(1, 1)
    """

    start: Fraction
    end: Fraction

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"a span ends before it starts: {self.start} > {self.end}")

    @property
    def duration(self) -> Fraction:
        return self.end - self.start

    def overlap(self, other: Span) -> Fraction:
        """Seconds that both cover."""
        return max(Fraction(0), min(self.end, other.end) - max(self.start, other.start))

    def shift(self, seconds: Fraction) -> Span:
        return Span(self.start + seconds, self.end + seconds)

    def __contains__(self, time: Fraction) -> bool:
        return self.start <= time < self.end


def seconds(value: float | str | Fraction, *, denominator: int = 1_000_000) -> Fraction:
    """Return exact seconds; a float, which a model measured, is rounded to a microsecond first."""
    return Fraction(value).limit_denominator(denominator) if isinstance(value, float) else Fraction(value)


def nearest(value: Fraction) -> int:
    """Round to the nearest integer, halves up (`round` goes to even and would alternate)."""
    return floor(value + Fraction(1, 2))


def to_samples(time: Fraction, sample_rate: int) -> int:
    """Return the index of the sample nearest to `time`."""
    return nearest(time * sample_rate)


def to_frame(time: Fraction, frame_rate: Fraction) -> int:
    """Return the 0-based index of the constant-rate frame that is on screen at `time`."""
    return floor(time * frame_rate)


def frame_time(frame: int, frame_rate: Fraction) -> Fraction:
    """Return when the 0-based constant-rate frame begins."""
    return Fraction(frame) / frame_rate


def union(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Merge overlapping and touching spans, in order."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return tuple(merged)


SAME_PLACE = Fraction(1, 2)
"""Share of the shorter of two spans that both must cover to be taken for the same place."""


def same_place(spans: Sequence[Span], at: Span) -> int | None:
    """Return the index of the span that most covers `at`, if they share half of the shorter one; else None."""
    if not spans:
        return None
    best = max(range(len(spans)), key=lambda index: spans[index].overlap(at))
    shorter = min(spans[best].duration, at.duration)
    return best if shorter > 0 and spans[best].overlap(at) >= SAME_PLACE * shorter else None


def timecode(time: Fraction, frame_rate: Fraction) -> str:
    """Return SMPTE timecode; drop-frame (`;`) at 30000/1001 and 60000/1001 (SMPTE ST 12-1).

    >>> timecode(Fraction(60060, 1000), Fraction(30000, 1001))
    '00:01:00;02'
    """
    frame = to_frame(time, frame_rate)
    base = nearest(frame_rate)
    is_drop = frame_rate.denominator == 1001 and base % 30 == 0
    if is_drop:
        frame += _dropped(frame, base)
    rest, frames = divmod(frame, base)
    rest, secs = divmod(rest, 60)
    hours, minutes = divmod(rest, 60)
    return f"{hours:02}:{minutes:02}:{secs:02}{';' if is_drop else ':'}{frames:02}"


def from_timecode(text: str, frame_rate: Fraction) -> Fraction:
    """Return the seconds since midnight that an SMPTE timecode names; `;` (or `.`) before the frames: drop-frame.

    Raises ValueError for what is no timecode.

    >>> from_timecode("00:01:00;02", Fraction(30000, 1001)) == Fraction(1800 * 1001, 30000)
    True
    """
    hours, minutes, secs, frames = (int(part) for part in text.replace(";", ":").replace(".", ":").split(":"))
    base = nearest(frame_rate)
    number = ((hours * 60 + minutes) * 60 + secs) * base + frames
    if ";" in text or "." in text:
        all_minutes = hours * 60 + minutes
        number -= base // 15 * (all_minutes - all_minutes // 10)
    return Fraction(number) / frame_rate


def _dropped(frame: int, base: int) -> int:
    """Frame numbers that drop-frame counting has skipped before `frame`: 2 (or 4) each minute but the tenth."""
    skip = base // 15
    per_minute, per_ten = base * 60 - skip, base * 600 - 9 * skip
    tens, rest = divmod(frame, per_ten)
    return tens * 9 * skip + (skip * ((rest - skip) // per_minute) if rest > skip else 0)


def clock(time: Fraction | float) -> str:
    """Return `h:mm:ss.mmm` for people."""
    milliseconds = nearest(Fraction(time) * 1000)
    rest, thousandths = divmod(milliseconds, 1000)
    rest, secs = divmod(rest, 60)
    hours, minutes = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{secs:02}.{thousandths:03}"
