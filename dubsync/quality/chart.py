"""The mouth's opening against the voice's energy, drawn as SVG paths in a unit box that the page scales."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dubsync.quality.mouths import Watched
from dubsync.quality.timing import SpokenLine

Values = NDArray[np.float32]
ROW_S = 12.0
MOST_ROWS = 12
_HEIGHT, _WIDTH = 100.0, 1000.0
_LEAST_FULL = 0.15
"""Opening, in eye distances, that fills the chart at least: jitter should not look like speech."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A line on the time axis: left edge and width in chart units."""

    x: float
    width: float
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One stretch of the film: paths in a box of 1000 x 100. `ticks`: (x, label)."""

    start: float
    stop: float
    energy: str
    before: str
    after: str
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str], ...]


def rows(
    watched: Sequence[Watched], times: NDArray[np.float64], energy: Callable[[float, float], Values],
    lines: Sequence[SpokenLine],
) -> tuple[Row, ...]:  # fmt: skip
    """Return one row for each stretch of about `ROW_S` in which a mouth was re-synthesised, `MOST_ROWS` at most."""
    drawn = []
    full = max([_LEAST_FULL, *(float(np.max(course)) for track in watched for course in track.openings())])
    for start, stop in _windows(watched, times)[:MOST_ROWS]:
        level = energy(start, stop)
        grid = np.linspace(start, stop, len(level), endpoint=False)
        before, after = (_line(_curve(watched, times, start, stop, film), start, stop, full) for film in (0, 1))
        area = _area(grid, level, start, stop)
        drawn.append(Row(start, stop, area, before, after, _bars(lines, start, stop), _ticks(start, stop)))
    return tuple(drawn)


def _windows(watched: Sequence[Watched], times: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Return the stretches to draw: they begin with a new mouth and last `ROW_S`."""
    moments = np.unique(np.concatenate([np.zeros(0), *(times[track.numbers] for track in watched)]))
    found: list[tuple[float, float]] = []
    while len(moments):
        start = max(0.0, float(np.floor(moments[0] * 2) / 2))
        found.append((start, start + ROW_S))
        moments = moments[moments >= start + ROW_S]
    return found


def _curve(
    watched: Sequence[Watched], times: NDArray[np.float64], start: float, stop: float, film: int
) -> list[tuple[NDArray[np.float64], Values]]:
    """Return the pieces of a film's opening within a window: times and values, broken where frames are missing."""
    pieces = []
    for track in watched:
        opening = track.openings()[film]
        when = times[track.numbers]
        inside = (when >= start) & (when < stop)
        breaks = np.flatnonzero(np.diff(track.numbers[inside]) > 1) + 1
        pieces += list(zip(np.split(when[inside], breaks), np.split(opening[inside], breaks), strict=True))
    return pieces


def _x(time: float, start: float, stop: float) -> float:
    return round((time - start) / (stop - start) * _WIDTH, 1)


def _line(pieces: Sequence[tuple[NDArray[np.float64], Values]], start: float, stop: float, full: float) -> str:
    commands = []
    for times, values in pieces:
        heights = _HEIGHT * (1 - np.clip(values / full, 0, 1))
        points = [f"{_x(time, start, stop)},{height:.1f}" for time, height in zip(times, heights, strict=True)]
        if len(points) > 1:
            commands.append("M" + " L".join(points))
    return " ".join(commands)


def _area(times: NDArray[np.float64], level: Values, start: float, stop: float) -> str:
    points = [f"{_x(time, start, stop)},{_HEIGHT * (1 - value):.1f}" for time, value in zip(times, level, strict=True)]
    return f"M0,{_HEIGHT:g} L{' L'.join(points)} L{_WIDTH:g},{_HEIGHT:g} Z"


def _bars(lines: Sequence[SpokenLine], start: float, stop: float) -> tuple[Bar, ...]:
    bars = []
    for line in lines:
        if line.spoken is None or line.spoken.end <= start or line.spoken.start >= stop:
            continue
        left, right = (_x(float(end), start, stop) for end in (line.spoken.start, line.spoken.end))
        left, right = max(left, 0.0), min(right, _WIDTH)
        bars.append(Bar(left, round(right - left, 1), line.text))
    return tuple(bars)


def _ticks(start: float, stop: float) -> tuple[tuple[float, str], ...]:
    return tuple((_x(time, start, stop), clock(time)) for time in np.arange(np.ceil(start), stop, 2.0))


def clock(time: float) -> str:
    """Return minutes and seconds.

    >>> clock(75.26)
    '1:15'
    """
    return f"{int(time) // 60}:{int(time) % 60:02}"
