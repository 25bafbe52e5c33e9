"""How long each token lasts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubsync.audio.slots import COMFORTABLE, aim
from dubsync.backends.kokoro import graphs, pacing
from dubsync.backends.kokoro.engine import Engine


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(1, 20), min_size=1, max_size=60), st.integers(1, 1500))
def test_frames_are_whole_at_least_one_each_and_sum_exactly(natural: list[float], total: int) -> None:
    frames = pacing.allocate(np.array(natural, np.float32), total)
    assert frames.min() >= 1
    assert frames.sum() == max(total, len(natural))


def test_longer_sounds_take_the_larger_share() -> None:
    assert pacing.allocate(np.array([1, 2, 4], np.float32), 14).tolist() == [2, 4, 8]


def test_nobody_is_hurried_beyond_bearing_nor_slackened() -> None:
    assert pacing.fit(100, 50) == pytest.approx(100 / 1.2)
    assert pacing.fit(100, 200) == pytest.approx(100 / 0.85)
    assert pacing.fit(100, 110) == 110
    assert pacing.fit(100, None) == 100


def test_the_silence_around_the_words_is_cut_short_and_the_words_are_not() -> None:
    raw = np.array([18, 2, 5, 3, 15, 9], np.float32)
    assert pacing.natural(raw, tail_token=True, is_last=True).tolist() == [2, 2, 5, 3, 3, 1]
    assert pacing.natural(raw, tail_token=True, is_last=False)[-2] == 15


@settings(max_examples=200, deadline=None)
@given(st.floats(0.2, 10), st.floats(0.2, 10), st.floats(0, 3))
def test_a_line_aims_at_the_original_and_uses_the_silence_before_it_hurries(
    natural: float, own: float, silence: float
) -> None:
    asked = aim(natural, own=own, slot=own + silence)
    assert own <= asked <= own + silence + 1e-9
    if natural <= own * COMFORTABLE:
        assert asked == own
    elif natural / COMFORTABLE <= own + silence:
        assert natural / asked <= COMFORTABLE + 1e-9


class _Durations:
    """A graph that tells how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def run(self, wanted: list[str], given: dict[str, np.ndarray]) -> list[np.ndarray]:
        self.asked += 1
        return [given["tokens"] + given["style"][0, 0]]


def test_how_long_a_line_naturally_lasts_is_asked_once_for_each_style(tmp_path: Path) -> None:
    graph, engine = _Durations(), Engine(tmp_path, threads=1)
    engine._sessions[graphs.DURATIONS] = graph
    one, other = np.zeros(256, np.float32), np.ones(256, np.float32)

    found = [engine.durations((5, 6), style).tolist() for style in (one, other, one.copy())]

    assert found == [[0, 5, 6, 0], [1, 6, 7, 1], [0, 5, 6, 0]]
    assert engine.durations((7,), one).tolist() == [0, 7, 0]
    assert graph.asked == 3
