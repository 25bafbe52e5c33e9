"""Subtitles and cuts: no cue hangs over a cut by a few frames, gaps hold, and no word is lost for it."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubsync.text.cue import Cue
from dubsync.text.layout import Picture, lay_out
from dubsync.text.shot_changes import APART, NEAR
from dubsync.timing import Span

RATE = Fraction(24000, 1001)
GAP = 2 / RATE


def shown(*times: tuple[float, float], cuts: tuple[float, ...] = (10.0,)) -> list[Span]:
    cues = [Cue(Span(Fraction(start), Fraction(end)), f"Línea {n}.") for n, (start, end) in enumerate(times)]
    picture = Picture(Fraction(60), tuple(Fraction(cut) for cut in cuts), RATE)
    return [cue.span for cue in lay_out(cues, picture, language="es")]


@pytest.mark.parametrize(
    ("start", "begins"),
    [(9.75, 10), (10.25, 10), (9.625, 9.5), (10.375, 10.5), (9.25, 9.25), (10.75, 10.75), (10, 10)],
)
def test_a_cue_begins_at_the_cut_or_half_a_second_from_it(start: float, begins: float) -> None:
    (span,) = shown((start, 13))
    assert span.start == Fraction(begins)


@pytest.mark.parametrize(
    ("end", "ends"),
    [(9.75, 10 - GAP), (10, 10 - GAP), (10.25, 10 - GAP), (10.375, Fraction(21, 2)), (10.75, Fraction(43, 4))],
)
def test_a_cue_ends_two_frames_before_the_cut_or_half_a_second_after_it(end: float, ends: Fraction) -> None:
    (span,) = shown((7, end))
    assert span.end == ends


def test_a_cue_that_would_be_too_short_before_the_cut_lasts_well_beyond_it() -> None:
    (span,) = shown((9.375, 10.125))
    assert span.end >= 10 + APART


def test_a_short_silence_between_two_cues_is_closed_to_two_frames_unless_a_cut_lies_in_it() -> None:
    first, second = shown((1, 3), (3.25, 5), cuts=())
    assert second.start - first.end == GAP
    first, second = shown((7, 9.875), (10.25, 12))
    assert (first.end, second.start) == (10 - GAP, 10)


def test_cues_that_would_meet_at_a_cut_both_keep_their_start() -> None:
    first, second = shown((9.875, 10.0625), (10.125, 12))
    assert first.start < second.start


TIMES = st.lists(st.tuples(st.integers(0, 90), st.integers(20, 80)), min_size=1, max_size=12)
CUTS = st.lists(st.integers(48, 240), max_size=12)


@settings(max_examples=200, deadline=None)
@given(TIMES, CUTS)
def test_whatever_the_film_cues_keep_clear_of_cuts_and_of_each_other(
    times: list[tuple[int, int]], steps: list[int]
) -> None:
    at, cues = Fraction(0), []
    for number, (pause, length) in enumerate(times):
        start = at + Fraction(pause, 24)
        at = start + Fraction(length, 24) + Fraction(1, 4)
        cues.append(Cue(Span(start, at - Fraction(1, 4)), f"Palabra {number}."))
    cuts = tuple(Fraction(sum(steps[: n + 1]), 24) for n in range(len(steps)))
    picture = Picture(at + 5, cuts, RATE)

    found = lay_out(cues, picture, language="es")

    assert [cue.text for cue in found] == [cue.text for cue in cues]
    for cue, made in zip(cues, found, strict=True):
        assert abs(made.span.start - cue.span.start) <= APART
        for cut in cuts:
            assert made.span.start == cut or abs(made.span.start - cut) > NEAR or made.span.start == cue.span.start
    for one, other in pairwise(found):
        assert other.span.start - one.span.end >= min(GAP, other.span.start - one.span.start - GAP)
    alone = [
        (made, cut)
        for made, following in zip(found, [*found[1:], None], strict=True)
        for cut in cuts
        if made.span.start < cut - Fraction(5, 6) - GAP
        and made.span.end < (following.span.start if following else picture.end) - APART
    ]
    for made, cut in alone:
        assert made.span.end <= cut - GAP or made.span.end >= cut + APART
