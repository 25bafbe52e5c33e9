"""Work ahead: an iterator is run in a thread of its own, a few items ahead of whoever takes them.

Decoding, networks and encoders leave the interpreter's lock, so that two of them in a row become two side by side.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from queue import Queue
from typing import TypeVar

Item = TypeVar("Item")

_END = object()


def ahead(items: Iterable[Item], *, most: int = 4) -> Iterator[Item]:
    """Yield the items in their order, made up to `most` ahead; what making them raises is raised here.

    When the taker stops early, so does the maker, and the items' iterator is closed.
    """
    made: Queue[object] = Queue(most)
    is_over = threading.Event()

    def make() -> None:
        try:
            for item in items:
                made.put(item)
                if is_over.is_set():
                    return
            made.put(_END)
        except BaseException as error:  # not lost: it is raised where the items are taken
            made.put(_Failure(error))
        finally:
            close = getattr(items, "close", None)
            if close:
                close()

    maker = threading.Thread(target=make, daemon=True, name="ahead")
    maker.start()
    try:
        while (item := made.get()) is not _END:
            if isinstance(item, _Failure):
                raise item.error
            yield item  # type: ignore[misc]
    finally:
        is_over.set()
        while maker.is_alive():  # a maker that waits for room finds it
            while not made.empty():
                made.get_nowait()
            maker.join(0.01)


class _Failure:
    def __init__(self, error: BaseException) -> None:
        self.error = error
