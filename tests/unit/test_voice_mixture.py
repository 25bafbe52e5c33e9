"""A voice is a mixture of published ones that keeps within reach of them."""

from __future__ import annotations

import numpy as np
import pytest

from dubsync.backends.kokoro import mixture

PRINTS = (4 * np.random.default_rng(4).standard_normal((5, 64))).astype(np.float32)


def test_whoever_sounds_like_one_voice_gets_that_voice() -> None:
    np.testing.assert_allclose(mixture.solve(PRINTS, 2, PRINTS[2]), np.eye(5)[2], atol=1e-6)


def test_a_mixture_lies_on_the_side_of_the_voices_that_are_asked_for() -> None:
    found = mixture.solve(PRINTS, 2, (np.array([-0.4, 0.0, 1.2, 0.0, 0.2]) @ PRINTS).astype(np.float32))
    assert found[0] < -0.1
    assert found[4] > 0.1
    np.testing.assert_allclose(found[[1, 3]], 0, atol=0.02)


def test_weights_sum_to_one_and_reach_no_further_than_they_may() -> None:
    far = (PRINTS[2] + 20 * (PRINTS[2] - PRINTS[0])).astype(np.float32)
    found = mixture.solve(PRINTS, 2, far)
    assert found.sum() == pytest.approx(1)
    assert np.abs(found).sum() <= mixture.REACH
    assert found[2] > 1, "it goes beyond the voice on the side that was asked for"


def test_weights_that_would_sum_below_zero_do_not_turn_the_mixture_round() -> None:
    prints = np.array([[1.0, 0.0], [0.9, 0.1], [0.9, -0.1]], np.float32)
    aim = np.array([1.4, 0.0], np.float32)  # away from both others: they are taken away more than the nearest is there
    found = mixture.solve(prints, 0, aim)
    assert found[0] > 0
    assert found.sum() == pytest.approx(1)
