"""Working ahead changes when things are made, never what comes out."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from dubsync.media.ahead import ahead


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
