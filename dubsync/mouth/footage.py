"""What this room needs to know of footage; `dubsync.backends.protocols.Footage` is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dubsync.title import Phone

Progress = Callable[[float], None]


class Footage(Protocol):
    """A face in one shot, frame by frame, with the sound over it (fields as in the backends' protocols)."""

    @property
    def first(self) -> int: ...
    @property
    def frames(self) -> Callable[[], Iterator[tuple[int, NDArray[np.uint8]]]]: ...
    @property
    def times(self) -> NDArray[np.float64]: ...
    @property
    def numbers(self) -> NDArray[np.int32]: ...
    @property
    def landmarks(self) -> NDArray[np.float32]: ...
    @property
    def usable(self) -> NDArray[np.bool_]: ...
    @property
    def speaking(self) -> NDArray[np.bool_]: ...
    @property
    def was_speaking(self) -> NDArray[np.bool_] | None: ...
    @property
    def speech(self) -> NDArray[np.float32]: ...
    @property
    def speech_start(self) -> float: ...
    @property
    def phones(self) -> tuple[Phone, ...]: ...


def rate_of(times: NDArray[np.float64]) -> float:
    """Return frames a second by the usual step between the times of frames; 1 for a lone frame, which is no movement.

    >>> rate_of(np.arange(4) / 50)
    50.0
    """
    return float(1 / np.median(np.diff(times))) if len(times) > 1 else 1.0


def seconds_of(footage: Footage, rows: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
    """Return when the frames of these rows (all by default) are shown, in seconds after the first sample of speech."""
    numbers = footage.numbers if rows is None else footage.numbers[rows]
    return np.asarray(footage.times[numbers - footage.first] - footage.speech_start, np.float64)
