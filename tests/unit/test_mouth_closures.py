"""Lips that must meet: in the actor's own way, in time, without a jump, and never wider open than before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import talking_head
from hypothesis import given, settings
from hypothesis import strategies as st

from dubsync.backends.mouth_gan import MouthGan
from dubsync.mouth import actor, closures, performance, shape, warp
from dubsync.timing import Span, seconds
from dubsync.title import Phone

INNER = range(shape.INNER.start, shape.INNER.stop)
LOWER = [shape.MOVING.index(point) for point in (95, 88, 178, 87, 14, 317, 402, 318, 324)]
UPPER = [shape.MOVING.index(point) for point in (191, 80, 81, 82, 13, 312, 311, 310, 415)]


def mouths(gaps: np.ndarray) -> np.ndarray:
    """Return head-fixed shapes (n, points, 3) whose lower lip is so far from the upper one; the jaw follows half."""
    out = np.zeros((len(gaps), len(shape.MOVING), 3), np.float32)
    across = np.linspace(-0.4, 0.4, len(LOWER))
    for lip in (LOWER, UPPER):
        out[:, lip, 0] = across
    out[:, [shape.MOVING.index(61), shape.MOVING.index(291)], 0] = (-0.5, 0.5)
    out[:, LOWER, 1] = gaps[:, None] * np.cos(across * 2)
    out[:, shape.JAW, 1] = 0.8 + gaps[:, None] / 2
    return out


FOOTAGE = mouths(np.linspace(0.0, 0.3, 60))
LIPS = closures.lips_of(FOOTAGE)


def phone(symbol: str, start: float, end: float) -> Phone:
    return Phone(symbol, Span(seconds(start), seconds(end)))


def clock(count: int, rate: float) -> np.ndarray:
    return np.arange(count) / rate


def test_an_actors_lips_close_as_their_footage_shows() -> None:
    assert 0 <= LIPS.closed < 0.01
    assert LIPS.open == pytest.approx(0.285, abs=0.01)
    assert shape.opening(LIPS.course[None])[0] == pytest.approx(1)
    assert shape.jaw(LIPS.course[None])[0] == pytest.approx(0.5 / np.cos(0.2), abs=0.05)


@pytest.mark.parametrize("rate", [24, 25, 30, 50, 60])
@pytest.mark.parametrize("start", [0.401, 0.413, 0.425, 0.437])
@pytest.mark.parametrize("length", [0.01, 0.025, 0.05])
@pytest.mark.parametrize("symbol", ["p", "b", "m"])
def test_however_short_a_closure_is_one_frame_shows_it(symbol: str, length: float, start: float, rate: float) -> None:
    times = clock(40, rate)
    closed = closures.close(mouths(np.full(40, 0.2)), times, [phone(symbol, start, start + length)], LIPS)
    shut = closures.centres(times)[shape.opening(closed) <= LIPS.closed + 1e-4]
    assert len(shut) >= 1
    assert np.abs(shut - (start + length / 2)).max() <= max(length, 1 / rate)


def test_a_long_m_keeps_the_lips_together_all_along() -> None:
    times = clock(30, 25)
    gaps = shape.opening(closures.close(mouths(np.full(30, 0.2)), times, [phone("m", 0.4, 0.56)], LIPS))
    middles = closures.centres(times)
    assert middles == pytest.approx(times + 0.02)
    assert (gaps[(middles >= 0.4) & (middles <= 0.56)] <= LIPS.closed + 1e-4).all()


def test_f_and_v_bring_the_lip_to_the_teeth_and_vowels_do_nothing() -> None:
    times, wide = clock(30, 25), mouths(np.full(30, 0.2))
    bitten = shape.opening(closures.close(wide, times, [phone("f", 0.4, 0.48)], LIPS)).min()
    assert LIPS.closed + 0.02 < bitten < LIPS.opening(0.15)
    assert closures.close(wide, times, [phone("a", 0.4, 0.48), phone("k", 0.6, 0.7)], LIPS) is wide


def test_without_phones_or_with_phones_elsewhere_nothing_changes() -> None:
    wide = mouths(np.full(20, 0.2))
    for phones in ((), (phone("p", 5.0, 5.05),), (phone("p", -1.0, -0.9),)):
        np.testing.assert_array_equal(closures.close(wide, clock(20, 25), phones, LIPS), wide)
    still = closures.lips_of(mouths(np.full(60, 0.1)))
    np.testing.assert_array_equal(closures.close(wide, clock(20, 25), (phone("p", 0.2, 0.3),), still), wide)


def test_frames_away_from_a_closure_and_the_width_of_the_lips_stay_as_they_were() -> None:
    times, wide = clock(30, 25), mouths(np.full(30, 0.2))
    closed = closures.close(wide, times, [phone("b", 0.4, 0.45)], LIPS)
    middles = closures.centres(times)
    away = (middles < 0.4 - closures.RAMP_S) | (middles > 0.45 + closures.RAMP_S)
    np.testing.assert_array_equal(closed[away], wide[away])
    np.testing.assert_allclose(shape.width(closed), shape.width(wide), atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    gaps=st.lists(st.floats(-0.02, 0.35), min_size=2, max_size=40),
    rate=st.sampled_from([24, 25, 30, 50]),
    said=st.lists(st.tuples(st.sampled_from("pbmfvβas"), st.floats(0, 1.5), st.floats(0.005, 0.2)), max_size=8),
)
def test_it_never_opens_a_mouth_never_crosses_lips_and_keeps_every_frame(
    gaps: list[float], rate: int, said: list[tuple[str, float, float]]
) -> None:
    before = mouths(np.array(gaps, np.float32))
    phones = [phone(symbol, start, start + length) for symbol, start, length in said]
    after = closures.close(before, clock(len(gaps), rate), phones, LIPS)
    assert after.shape == before.shape
    assert after.dtype == np.float32
    assert (shape.opening(after) <= shape.opening(before) + 1e-6).all()
    was, now = (each[:, LOWER, 1] - each[:, UPPER, 1] for each in (before, after))
    assert (now >= np.minimum(was, 0) - 1e-6).all()


@settings(max_examples=60, deadline=None)
@given(start=st.floats(0.2, 1.0), length=st.floats(0.005, 0.2))
def test_lips_come_together_over_frames_and_not_at_once(start: float, length: float) -> None:
    times = clock(1500, 1000)
    gaps = shape.opening(closures.close(mouths(np.full(1500, 0.3)), times, [phone("p", start, start + length)], LIPS))
    assert np.abs(np.diff(gaps)).max() <= 0.3 * np.pi / 2 * 0.001 / closures.RAMP_S * 1.05
    assert gaps.min() <= LIPS.closed + 1e-4


def test_what_is_seen_closed_is_told_by_the_actors_own_range() -> None:
    times = clock(20, 25)
    phones = [
        phone("p", 0.2, 0.24),
        phone("m", 0.4, 0.44),
        phone("f", 0.6, 0.64),
        phone("b", 9.0, 9.1),
        phone("", 0.7, 0.74),
    ]
    gaps = np.full(20, 0.2, np.float32)
    gaps[5] = LIPS.opening(0.1)
    assert closures.seen_closed(gaps, times, phones, LIPS).tolist() == [True, False]


def test_open_mouths_cost_where_lips_were_brought_together_and_nowhere_else() -> None:
    times, wide = clock(20, 25), mouths(np.full(20, 0.2))
    closed = closures.close(wide, times, [phone("p", 0.4, 0.42)], LIPS)
    price = closures.price(wide, closed, FOOTAGE, LIPS)
    assert price is not None
    assert price.shape == (20, 60)
    assert price[10, 0] < 0.1
    assert price[10, -1] > 2 * performance.JUMP
    assert not price[[0, 5, 15, 19]].any()
    assert closures.price(wide, wide, FOOTAGE, LIPS) is None
    assert closures.price(FOOTAGE, FOOTAGE, FOOTAGE, LIPS) is None


def placed(head: np.ndarray, *, is_shut: bool) -> np.ndarray:
    """Return the mesh nodes of a head (468, 3) in a crop of 128 px; `is_shut`: inner lips on one line."""
    moving, anchors = (
        (head[list(each), :2] - talking_head._MIDDLE) / 2.2 + 40 for each in (shape.MOVING, shape.ANCHORS)
    )
    if is_shut:
        moving[UPPER] = moving[LOWER] = (moving[UPPER] + moving[LOWER]) / 2
    return warp.nodes(moving[None], anchors[None], 128)[0].astype(np.float32)


@pytest.mark.weights
def test_nothing_is_seen_between_lips_that_touch() -> None:
    wide, narrow = talking_head.landmarks(np.array([1.5, -1.5], np.float32))
    parted, shut = placed(wide, is_shut=False), placed(narrow, is_shut=True)
    mesh = warp.Mesh((parted + shut) / 2, 128)
    inner = np.flatnonzero(np.isin(mesh.triangles, INNER).all(axis=1))
    assert np.isin(mesh.at(parted).covering, inner).any()
    assert not np.isin(mesh.at(shut).covering, inner).any()


@pytest.mark.weights
def test_an_actor_closes_on_a_p_that_the_footage_names_and_does_the_same_without_one(tmp_path: Path) -> None:
    speech, opening = talking_head.babble(3.0)
    engine = MouthGan(threads=1)
    shot = talking_head.footage(opening, speech)
    engine.learn([shot], tmp_path, seconds=0.0, seed=1, progress=lambda share: None)
    who = actor.load(tmp_path)
    lips = closures.lips_of(who.stock.library.shapes)

    def gaps(phones: tuple[Phone, ...]) -> np.ndarray:
        planned = actor.perform_plan(who, engine._model, engine._ear, replace(shot, phones=phones))
        assert planned is not None
        nodes = planned[1].nodes
        return (nodes[:, LOWER, 1] - nodes[:, UPPER, 1])[:, 3:6].mean(axis=1)

    plain = gaps(())
    at = int(np.argmax(plain[15:60])) + 15
    said = gaps((phone("p", at / 25 - 0.02, at / 25 + 0.02), phone("a", 0.5, 0.6)))
    per_eyes = 128 / shape.CROP_WIDTH
    assert plain[at] > (lips.opening(closures.SEEN_CLOSED) + 0.03) * per_eyes
    assert said[at] < lips.opening(closures.SEEN_CLOSED) * per_eyes
    far = np.abs(np.arange(len(plain)) - at) > 4
    np.testing.assert_allclose(said[far], plain[far], atol=1e-4)
