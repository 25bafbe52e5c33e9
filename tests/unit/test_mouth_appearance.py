"""What a mouth is expected to look like: learnt from an actor's frames, asked for shapes that were not filmed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import talking_head

from dubsync.mouth import appearance, measure, performance
from dubsync.mouth.performance import Stock

HIDDEN = slice(24, 36)


@pytest.fixture(scope="module")
def stock() -> Stock:
    kept = talking_head.filmed(2.4)
    hidden = np.zeros(len(kept), bool)
    hidden[HIDDEN] = True
    return performance.stock_of(kept, hidden)


def seen(stock: Stock, loadings: np.ndarray, entry: int) -> float:
    """Return the dB of what loadings stand for beside an entry as it was filmed, both in the common shape."""
    kept, look = stock.library, stock.look
    filmed = kept.brought(entry, stock.mesh.at(look.nodes), look.light)
    box = measure.mouth_box(look.nodes, len(filmed))
    return measure.psnr(look.pictures(loadings[None])[0][box], filmed[box])


def test_mouths_that_were_not_learnt_from_are_met_better_than_by_the_mean_picture(stock: Stock) -> None:
    rows = range(*HIDDEN.indices(60))
    expected = stock.look.expected(stock.library.shapes[HIDDEN], stock.library.poses[HIDDEN])

    met = [seen(stock, one, row) for one, row in zip(expected, rows, strict=True)]
    mean = [seen(stock, np.zeros_like(one), row) for one, row in zip(expected, rows, strict=True)]

    assert np.median(met) > np.median(mean) + 3


def test_what_is_left_out_has_no_say(stock: Stock) -> None:
    look, kept = stock.look, stock.library
    left_out = np.zeros(len(kept), bool)
    left_out[:10] = True
    wrong = look.loadings.copy()
    wrong[look.entries < 10] += 100

    first = look.expected(kept.shapes[:5], kept.poses[:5], left_out)
    other = replace(look, loadings=wrong).expected(kept.shapes[:5], kept.poses[:5], left_out)

    np.testing.assert_array_equal(first, other)


def test_with_nothing_left_to_learn_from_it_is_the_mean_picture(stock: Stock) -> None:
    look, kept = stock.look, stock.library

    expected = look.expected(kept.shapes[:2], kept.poses[:2], np.ones(len(kept), bool))

    np.testing.assert_array_equal(look.pictures(expected)[0], np.rint(look.mean).astype(np.uint8))


def test_a_shape_far_from_all_is_not_painted_beyond_what_was_filmed(stock: Stock) -> None:
    look, kept = stock.look, stock.library
    far = kept.shapes[:1] + 3 * (kept.shapes[:1] - kept.shapes.mean(axis=0))

    expected = look.expected(far, kept.poses[:1])

    assert (expected >= look.loadings.min(axis=0) - 1e-3).all()
    assert (expected <= look.loadings.max(axis=0) + 1e-3).all()


def test_a_look_comes_back_from_disk(stock: Stock, tmp_path: Path) -> None:
    kept = stock.library
    stock.look.save(tmp_path)
    found = appearance.load(tmp_path)

    expected = found.expected(kept.shapes[:3], kept.poses[:3])

    np.testing.assert_array_equal(expected, stock.look.expected(kept.shapes[:3], kept.poses[:3]))
    assert np.abs(found.pictures(expected).astype(int) - stock.look.pictures(expected)).max() <= 1


def test_a_look_brought_to_its_own_shape_and_light_stays_as_it_is(stock: Stock) -> None:
    look = stock.look
    (picture,) = look.pictures(look.loadings[:1])

    brought = look.brought(picture, stock.mesh.at(look.nodes), look.light)

    inner = slice(4, -4)
    assert np.abs(brought.astype(int) - picture)[inner, inner].mean() < 1.0
