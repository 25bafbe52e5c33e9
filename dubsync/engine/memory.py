"""Memory that nobody uses goes back to the system, so that a worker's peak is that of its largest unit, not of all."""

from __future__ import annotations

import ctypes
import gc
import sys

import psutil


def give_back() -> None:
    """Collect what is unreachable and let the C library return its free pages; without glibc only the former."""
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl has not
        if trim is not None:
            trim(0)


def held() -> int:
    """Return the bytes that this process has in memory."""
    return int(psutil.Process().memory_info().rss)
