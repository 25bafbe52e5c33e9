"""Working ahead changes when things are made, never what comes out."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

import numpy as np
import pytest

from dubsync.media.ahead import ahead
from dubsync.media.coding import Coding
from dubsync.stages import _finish


def counted(stop: int, seen: list[int]) -> Iterator[int]:
    try:
        for number in range(stop):
            seen.append(number)
            yield number
    finally:
        seen.append(-1)


def makers() -> int:
    return sum(thread.name == "ahead" for thread in threading.enumerate())


def test_items_come_in_order_and_all_of_them() -> None:
    assert list(ahead(iter(range(1000)))) == list(range(1000))


def test_no_more_are_made_ahead_than_asked_for() -> None:
    seen: list[int] = []
    items = ahead(counted(1000, seen), most=3)
    assert next(items) == 0
    threading.Event().wait(0.2)
    assert max(seen) <= 5
    items.close()  # type: ignore[attr-defined]


def test_one_who_stops_early_stops_the_maker() -> None:
    seen: list[int] = []
    items = ahead(counted(1_000_000, seen))
    assert next(items) == 0
    items.close()  # type: ignore[attr-defined]
    assert seen[-1] == -1
    assert makers() == 0


def test_what_the_maker_raises_is_raised_where_items_are_taken() -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise ValueError("the film is damaged here")

    items = ahead(failing())
    assert next(items) == 1
    with pytest.raises(ValueError, match="damaged"):
        next(items)
    assert makers() == 0


def test_a_coder_that_fails_ends_whoever_works_ahead_of_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(blocks: Iterable[np.ndarray], coding: Coding) -> Iterator[np.ndarray]:
        yield next(iter(blocks))
        raise ValueError("the coder failed")

    monkeypatch.setattr("dubsync.media.coding.heard", failing)
    sound = (np.zeros((10, 2), np.float32) for _ in range(1000))
    nothing = _finish.Synthetic(None, (), ())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="the coder failed") as caught:
        list(_finish._delivered(sound, coded=Coding("aac", 48000, "stereo", 128_000), synthetic=nothing))
    assert caught.value.__traceback__ is not None, "whoever holds the error holds all that failed with it"
    assert makers() == 0
