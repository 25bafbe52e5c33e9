"""Two hours at 24000/1001 frames a second and 48 kHz: every line lies where it belongs, to the sample."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from dubsync.audio import timeline, wav
from dubsync.audio.timeline import Placed
from dubsync.timing import Span, frame_time, seconds, to_frame, to_samples

FILM_RATE, RATE = Fraction(24000, 1001), 48000
FRAMES = int(7200 * FILM_RATE)


def test_every_frame_of_two_hours_begins_at_its_own_sample() -> None:
    for frame in range(0, FRAMES, 7):
        time = frame_time(frame, FILM_RATE)
        assert to_samples(time, RATE) == frame * 2002, "a frame is 2002 samples, without a rest"
        assert to_frame(time, FILM_RATE) == frame


def test_at_44100_no_line_is_ever_more_than_half_a_sample_off() -> None:
    for frame in range(0, FRAMES, 101):
        time = frame_time(frame, FILM_RATE)
        assert abs(to_samples(time, 44100) - time * 44100) <= Fraction(1, 2)


def test_a_line_begins_where_it_was_placed_however_its_time_travelled() -> None:
    for frame in (0, 1, FRAMES // 2, FRAMES - 24):
        start = frame_time(frame, FILM_RATE)
        written = seconds(round(float(start), 6))
        assert to_samples(written, RATE) == frame * 2002
        assert Span(start, start + 1).shift(-start) == Span(Fraction(0), Fraction(1))


def test_two_hours_with_a_line_in_every_ten_minutes_are_mixed_to_the_sample_in_bounded_memory() -> None:
    total = FRAMES * 2002
    starts = [to_samples(frame_time(frame, FILM_RATE), RATE) for frame in range(0, FRAMES, int(600 * FILM_RATE))]
    starts[-1] = total - RATE
    line = np.ones((RATE, 1), np.float32)
    lines = [Placed(start, lambda: line) for start in starts]
    tracemalloc.start()
    heard, length = _loud_runs(timeline.lay(timeline.silence(total, 1), lines))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert length == total
    assert heard == [(start, start + RATE) for start in starts]
    assert peak < 20 * wav.BLOCK * 4


def _loud_runs(blocks: Iterator[np.ndarray]) -> tuple[list[tuple[int, int]], int]:
    """Return from which sample to which it is not silent, and how long all is."""
    runs: list[tuple[int, int]] = []
    position = 0
    for block in blocks:
        if block.any():
            loud = np.flatnonzero(block[:, 0]) + position
            first, stop = int(loud[0]), int(loud[-1]) + 1
            if runs and runs[-1][1] == first:
                runs[-1] = (runs[-1][0], stop)
            else:
                runs.append((first, stop))
        position += len(block)
    return runs, position
