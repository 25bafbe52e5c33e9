"""A filter that changes in time does what its gains say, where they say it, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from dubsync.audio import shading
from dubsync.audio.shading import BANDS, MOMENTS, RATE


def noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(round(seconds * RATE)).astype(np.float32) * 0.1


def test_gains_of_nothing_leave_the_sound_as_it_is() -> None:
    sound = noise(0.7)
    out = shading.filtered(sound, np.zeros((70, BANDS), np.float32))
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, sound, atol=1e-5)


@pytest.mark.parametrize("band", [4, 14, 24])
def test_a_band_is_raised_by_its_gain_and_the_others_are_not(band: int) -> None:
    sound, gains = noise(2), np.zeros((200, BANDS), np.float32)
    gains[:, band - 1 : band + 2] = 6.0

    change = (shading.levels(shading.filtered(sound, gains)) - shading.levels(sound)).mean(axis=0)

    assert change[band] == pytest.approx(6, abs=0.7)
    far = np.abs(np.arange(BANDS) - band) > 3
    assert np.abs(change[far]).max() < 0.3


def test_gains_hold_for_their_moments_only_and_the_last_ones_go_on() -> None:
    sound, gains = noise(1), np.zeros((60, BANDS), np.float32)
    gains[50:] = -12.0

    change = shading.levels(shading.filtered(sound, gains)) - shading.levels(sound)

    assert np.abs(change[:44]).max() < 0.5
    assert change[56:95].mean() == pytest.approx(-12, abs=0.5)


@pytest.mark.parametrize("samples", [0, 1, 239, 1025])
def test_the_length_stays(samples: int) -> None:
    assert len(shading.filtered(np.ones(samples, np.float32), np.ones((2, BANDS), np.float32))) == samples


def test_a_tone_lies_in_its_band() -> None:
    time = np.arange(RATE) / RATE
    levels = shading.levels(np.sin(2 * np.pi * 1000 * time).astype(np.float32))
    assert len(levels) in (MOMENTS, MOMENTS + 1)
    low, high = (
        int(np.argmax(shading.levels(np.sin(2 * np.pi * hertz * time).astype(np.float32))[50])) for hertz in (200, 5000)
    )
    assert low < int(np.argmax(levels[50])) < high
