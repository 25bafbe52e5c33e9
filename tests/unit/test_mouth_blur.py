"""Frames that are smeared lend no pixels to new mouths, unless there are no others."""

from pathlib import Path

import numpy as np
import pytest
import talking_head

from dubsync.mouth import bench_blur, blur, library, performance


@pytest.fixture(scope="module")
def bad() -> np.ndarray:
    return np.arange(150) % 15 < 5


@pytest.fixture(scope="module")
def smeared(bad: np.ndarray) -> library.Library:
    return bench_blur.smeared(talking_head.filmed(6), bad)


def test_smeared_frames_are_softer_than_their_like_and_others_are_not(
    smeared: library.Library, bad: np.ndarray
) -> None:
    soft = blur.softness(smeared)

    assert np.mean(soft[bad] > 0) > 0.9
    assert np.mean(soft[~bad] > 0) < 0.1


def test_new_mouths_are_not_made_of_smeared_frames(smeared: library.Library, bad: np.ndarray) -> None:
    rows = np.flatnonzero(bad)

    chosen = performance.cast(smeared.shapes[rows], smeared.poses[rows], smeared)

    for mixes in (chosen.skin, chosen.inner):
        assert np.mean([bad[entry] for mix in mixes for entry, _ in mix]) < 0.1


def test_the_bench_sees_what_knowing_the_sharpness_is_worth() -> None:
    figures = bench_blur.measured(talking_head.filmed(6))

    assert figures["smeared_lent"] < 0.1 < 0.2 < figures["smeared_lent_blind"]


def test_a_frame_that_has_none_to_be_held_against_is_not_called_soft(smeared: library.Library) -> None:
    moment = smeared.part(np.arange(2, 10))

    assert not blur.softness(moment).any()


def test_how_sharp_frames_are_is_kept(smeared: library.Library, tmp_path: Path) -> None:
    smeared.save(tmp_path)

    assert np.array_equal(library.load(tmp_path).sharp, smeared.sharp)
    assert np.array_equal(smeared.part(np.array([3, 7])).sharp, smeared.sharp[[3, 7]])
