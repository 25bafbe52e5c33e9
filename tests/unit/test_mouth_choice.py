"""Which frames lend their pixels, and when a face goes over to its new mouth."""

import itertools

import numpy as np
import pytest
import talking_head

from dubsync.mouth import performance, retrieval, shape
from dubsync.mouth.footage import rate_of
from dubsync.mouth.performance import BLEND_S, shares


def test_the_nearest_entry_is_chosen_when_jumps_are_free() -> None:
    cost = np.array([[0, 5, 5], [5, 0, 5], [5, 5, 0]], np.float32)

    assert retrieval.choose(cost, np.zeros(3, bool), jump=0.0).tolist() == [0, 1, 2]


def test_a_jump_that_costs_more_than_it_gains_is_not_made() -> None:
    cost = np.array([[0, 2], [1, 0], [0, 2]], np.float32)

    assert retrieval.choose(cost, np.zeros(2, bool), jump=5.0).tolist() == [0, 0, 0]


def test_going_on_in_the_films_order_is_free_both_ways() -> None:
    cost = np.full((4, 4), 9, np.float32)
    for frame, entry in enumerate((1, 2, 3, 2)):
        cost[frame, entry] = 0

    assert retrieval.choose(cost, np.array([False, True, True, True]), jump=100.0).tolist() == [1, 2, 3, 2]


def test_the_choice_is_the_cheapest_of_all() -> None:
    chance = np.random.default_rng(0)
    cost = chance.random((5, 4)).astype(np.float32)
    follows = np.array([False, True, False, True])

    def price(path: tuple[int, ...]) -> float:
        total = sum(float(cost[frame, entry]) for frame, entry in enumerate(path))
        for before, after in itertools.pairwise(path):
            low, high = sorted((before, after))
            is_free = low == high or (high - low == 1 and follows[high])
            total += 0.0 if is_free else 0.3
        return total

    found = tuple(retrieval.choose(cost, follows, jump=0.3).tolist())
    every = np.stack(np.meshgrid(*[range(4)] * 5), axis=-1).reshape(-1, 5)

    assert abs(price(found) - min(price(tuple(path)) for path in every)) < 1e-5


def test_a_crossfade_mixes_at_most_two_and_sums_to_one() -> None:
    mixed = retrieval.crossfade(np.array([0, 0, 9, 9, 20, 20], np.int32), reach=1)

    assert all(len(shares) <= 2 and abs(sum(part for _, part in shares) - 1) < 1e-6 for shares in mixed)
    assert mixed[0] == [(0, 1.0)]
    assert {entry for entry, _ in mixed[2]} == {0, 9}


def test_diverse_frames_hold_the_extremes() -> None:
    vectors = np.array([[0.0], [0.1], [0.2], [5.0], [-5.0]], np.float32)

    assert set(retrieval.diverse(vectors, 3).tolist()) >= {3, 4}


def test_a_face_goes_over_softly_and_stays_as_filmed_where_it_cannot_be_redrawn() -> None:
    numbers = np.arange(40, dtype=np.int32)
    wanted = (numbers >= 10) & (numbers < 30)
    usable = numbers != 20

    share = shares(numbers, wanted, usable, rate=25)

    assert share[20] == 0
    assert share[13] == 1
    assert (np.abs(np.diff(share)) < 0.35).all()
    assert (share[: 10 - round(25 * BLEND_S)] == 0).all()
    assert np.count_nonzero(share[:10]) == 6


@pytest.mark.parametrize(("rate", "frames"), [(24, 6), (25, 6), (30, 7), (50, 12), (60, 14)])
def test_a_face_goes_over_in_the_same_time_at_any_rate(rate: int, frames: int) -> None:
    numbers = np.arange(6 * rate, dtype=np.int32)
    wanted = (numbers >= 2 * rate) & (numbers < 4 * rate)

    share = shares(numbers, wanted, numbers != 3 * rate, rate=rate)

    assert np.count_nonzero((share > 0) & (share < 1)) == 4 * frames
    assert share[3 * rate] == 0
    assert rate_of(numbers / rate) == pytest.approx(rate)


@pytest.mark.parametrize(("rate", "mixed"), [(25, 2), (50, 4), (60, 4)])
def test_a_jump_to_another_frame_is_faded_over_as_long_at_any_rate(rate: int, mixed: int) -> None:
    library = talking_head.filmed(2.4)
    library.rate, library.number = rate, 10 * library.number  # no entry follows another
    opening = shape.opening(library.shapes)
    jump = [int(opening.argmin())] * 20 + [int(opening.argmax())] * 20

    chosen = performance.cast(library.shapes[jump], library.poses[jump], library)

    assert sum(len(mix) == 2 for mix in chosen.skin) == mixed


@pytest.mark.parametrize(("rate", "frames"), [(24, 8), (25, 8), (50, 16), (60, 19)])
def test_a_frame_does_not_borrow_from_what_was_filmed_within_a_third_of_a_second(rate: int, frames: int) -> None:
    library = talking_head.filmed(2.4)
    library.rate = rate

    assert np.flatnonzero(library.beside(np.array([30]))[0]).tolist() == list(range(30 - frames, 30 + frames + 1))


@pytest.mark.parametrize("rate", [24, 25, 30, 50])
def test_where_film_and_new_mouth_are_both_seen_they_have_one_shape(rate: int) -> None:
    numbers = np.arange(4 * rate, dtype=np.int32)
    share = shares(numbers, numbers >= 2 * rate, np.ones(len(numbers), bool), rate=rate)
    reach = np.full((128, 128), 255, np.uint8)

    shown = np.array([performance.patch_mask(reach, 128, float(one)).max() for one in share]) / 255
    shape_of_new = performance.moved(share)

    assert shape_of_new[(shown > 0) & (shown < 1)].max() < 0.2
    assert (np.diff(shown) <= 1 / 3).all()
    assert (np.diff(shape_of_new) <= 1 / 3).all()


def test_missing_frames_count_as_not_usable() -> None:
    numbers = np.array([0, 1, 2, 3, 4, 9, 10, 11, 12, 13], np.int32)

    share = shares(numbers, np.ones(10, bool), np.ones(10, bool), rate=25)

    assert share[4] < 0.2
    assert share[0] > 0.7


def test_footage_that_repeats_is_chosen_from_once() -> None:
    vectors = np.tile(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]], np.float32), (10, 1))
    chosen = retrieval.diverse(vectors, 12)
    assert len(chosen) == len(set(chosen.tolist())) == 3
