"""Memory that nobody uses goes back to the system, so that a worker's peak is that of its largest unit, not of all."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

_MMAP_THRESHOLD, _SMALL, _LARGE = -3, 2 << 20, 32 << 20
"""glibc's number of the setting, and bytes: by itself it grows to 32 MiB."""


def give_back() -> None:
    """Collect what is unreachable and let the C library return its free pages; without glibc only the former."""
    gc.unfreeze()
    gc.collect()
    _trim()


def tidy() -> None:
    """Do the same for what a unit left behind; what outlives it, as libraries and engines do, is not looked at again.

    Engines that are closed later need `give_back`.
    """
    gc.collect()
    gc.freeze()
    _trim()


def _trim() -> None:
    if (library := _glibc()) is not None:
        library.malloc_trim(0)


@contextmanager
def at_once() -> Iterator[None]:
    """Return large arrays to the system as soon as they are free, as far as the C library can be told to.

    glibc keeps freed megabytes for what may come. Where many sizes follow each other, as in a gradient through a deep
    network, that doubles the peak; elsewhere it saves time.
    """
    library = _glibc()
    if library is None:
        yield
        return
    give_back()
    library.mallopt(_MMAP_THRESHOLD, _SMALL)
    try:
        yield
    finally:
        library.mallopt(_MMAP_THRESHOLD, _LARGE)
        give_back()


def _glibc() -> Any:
    """Return the C library where it is glibc (musl has no such calls), else None."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None


def held() -> int:
    """Return the bytes that this process alone has in memory, without the code of libraries, which workers share."""
    facts = psutil.Process().memory_info()
    return int(facts.rss - getattr(facts, "shared", 0))  # only Linux tells
