"""Work ahead: an iterator is run in a thread of its own, a few items ahead of whoever takes them.

Decoding, networks and encoders leave the interpreter's lock, so that two of them in a row become two side by side.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from contextlib import closing
from queue import Queue
from typing import TypeVar

Item = TypeVar("Item")

_END = object()


def ahead(items: Iterable[Item], *, most: int = 4) -> Generator[Item, None, None]:
    """Yield the items in their order, made up to `most` ahead; what making them raises is raised here.

    When the taker stops early, so does the maker, and the items' iterator is closed.
    """
    made: Queue[object] = Queue(most)
    is_over = threading.Event()

    caught = _Caught()

    def make() -> None:
        with caught, closing(_Closable(items)):
            for item in items:
                made.put(item)
                if is_over.is_set():
                    return
        made.put(_END)

    maker = threading.Thread(target=make, daemon=True, name="ahead")
    maker.start()
    try:
        while (item := made.get()) is not _END:
            yield item  # type: ignore[misc]
        if caught.error is not None:
            raise caught.error
    finally:
        is_over.set()
        while maker.is_alive():  # a maker that waits for room finds it
            while not made.empty():
                made.get_nowait()
            maker.join(0.01)


class _Closable:
    """Lets an iterable be closed, if it can be."""

    def __init__(self, items: Iterable[object]) -> None:
        self.close = getattr(items, "close", lambda: None)


class _Caught:
    """Keeps whatever is raised within, to be raised where the items are taken."""

    error: BaseException | None = None

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        self.error = error
        return True
