"""A face in a shot as the mouth engine wants it, put together from the products of earlier stages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.backends.protocols import Footage, Picture
from dubsync.media.read import pictures
from dubsync.media.table import FrameTable
from dubsync.title import Phone, Shot

RATE = 16000
Spans = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Film:
    """The film's file and its frame table."""

    path: Path
    table: FrameTable

    def frames(self, first: int, stop: int) -> Callable[[], Iterator[tuple[int, Picture]]]:
        """Return what makes a fresh stream of numbered pictures."""
        return lambda: pictures(self.path, first, stop, table=self.table)


@dataclass(frozen=True, slots=True)
class Sound:
    """Mono 16 kHz speech. `start`: seconds of the film at sample 0."""

    samples: NDArray[np.float32]
    start: float


def footage(  # noqa: PLR0913 - what makes up footage
    film: Film,
    shot: Shot,
    arrays: Any,
    track: str,
    *,
    sound: Sound,
    speaking: Spans,
    was_speaking: Spans | None = None,
    phones: tuple[Phone, ...] = (),
) -> Footage:
    """Return one face track of a shot. `arrays`: the shot's open `tracks.npz`; spans are seconds of the film."""
    numbers = np.asarray(arrays[f"{track}.numbers"], np.int32)
    times = film.table.times[shot.first : shot.stop]
    shown = times[numbers - shot.first]
    return Footage(
        shot=shot.id,
        first=shot.first,
        stop=shot.stop,
        frames=film.frames(shot.first, shot.stop),
        times=times,
        numbers=numbers,
        landmarks=np.asarray(arrays[f"{track}.landmarks"], np.float32),
        usable=np.asarray(arrays[f"{track}.usable"], bool),
        speaking=within(shown, speaking),
        speech=sound.samples,
        speech_start=sound.start,
        was_speaking=None if was_speaking is None else within(shown, was_speaking),
        phones=phones,
    )


def within(times: NDArray[np.float64], spans: Iterable[tuple[float, float]]) -> NDArray[np.bool_]:
    """Return which times lie in one of the spans."""
    inside = np.zeros(len(times), bool)
    for start, end in spans:
        inside |= (times >= start) & (times < end)
    return inside
