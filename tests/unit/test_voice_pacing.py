"""How long each token lasts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubsync.audio.slots import COMFORTABLE, aim
from dubsync.backends.kokoro import pacing


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
