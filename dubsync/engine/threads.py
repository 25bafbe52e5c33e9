"""How many threads the numeric libraries take: they read it from the environment, once, when they are loaded."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
Made = TypeVar("Made")


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Let the processes started inside take so many threads."""
    before = {name: os.environ.get(name) for name in _VARIABLES}
    os.environ.update(dict.fromkeys(_VARIABLES, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def alone(work: Callable[[], Made], *, threads: int = 1) -> Made:
    """Return what `work` gives in a process of its own with the threads of a worker; raise what it raises.

    `work`: picklable, as a `functools.partial` of a function that can be imported.
    """
    with limited(threads), ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as worker:
        return worker.submit(work).result()
