"""Goes through the re-synthesised stretches of a finished dub once, next to the original, shot by shot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dubsync.backends.protocols import FaceFinder
from dubsync.face import geometry
from dubsync.media.patches import PatchBook
from dubsync.media.read import Upright
from dubsync.quality.filmstrip import Filmstrip
from dubsync.quality.mouths import Flicker, Landmarks, Pictures, Track, Watched, sample, stretches, watch
from dubsync.title import FaceTrack


@dataclass(frozen=True, slots=True)
class ShotFaces:
    """The faces of one shot of the original: `file` is its tracks.npz."""

    tracks: tuple[FaceTrack, ...]
    file: Path


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen. `share`: of the new frames that were looked at."""

    watched: tuple[Watched, ...]
    filmstrip: Filmstrip
    flicker: float | None
    share: float


@dataclass(frozen=True, slots=True)
class _Eyes:
    """What is taken in at each frame."""

    flicker: Flicker
    filmstrip: Filmstrip

    def see(self, number: int, films: Pictures) -> None:
        self.flicker.see(number, films)

    def meet(self, number: int, films: Pictures, faces: tuple[Landmarks, Landmarks]) -> None:
        before, after = geometry.mouth_opening(np.stack(faces))
        self.filmstrip.consider(number, faces[0], float(abs(after - before)), films)


def look(  # noqa: PLR0913 - what is looked at, and with what
    films: tuple[Path, Path],
    faces: Sequence[ShotFaces],
    owners: Mapping[str, str],
    book: PatchBook,
    finder: FaceFinder,
    *,
    filmstrip: Filmstrip,
    upright: Upright,
    most: int,
) -> Look:
    """Find the speaking faces again in the dub, in about `most` frames at most; `owners`: track to speaker."""
    watched: list[Watched] = []
    moved, seen = np.zeros(2), 0
    chosen = sample(book.frames, most=most)
    for shot in faces:
        if not shot.tracks:
            continue
        first, stop = min(track.first for track in shot.tracks), max(track.stop for track in shot.tracks)
        new = chosen[(chosen >= first) & (chosen < stop)]
        tracks = tuple(_speaking(shot, owners)) if len(new) else ()
        for frames in stretches(new):
            flicker = Flicker(book, _by_frame(tracks, frames))
            watched += watch(films, frames, tracks, finder, upright, _Eyes(flicker, filmstrip))
            moved += flicker.moved
            seen += len(frames)
    ratio = float(moved[1] / moved[0]) if moved[0] > 0 else None
    return Look(tuple(watched), filmstrip, ratio, seen / len(book.frames) if len(book.frames) else 1.0)


def _speaking(shot: ShotFaces, owners: Mapping[str, str]) -> Iterator[Track]:
    with np.load(shot.file) as numbers:
        for track in shot.tracks:
            if track.id in owners:
                seen, landmarks = numbers[f"{track.id}.numbers"], numbers[f"{track.id}.landmarks"]
                yield Track(track.id, owners[track.id], seen, landmarks)


def _by_frame(tracks: Sequence[Track], frames: range) -> dict[int, list[Landmarks]]:
    found: dict[int, list[Landmarks]] = {}
    for track in tracks:
        inside: NDArray[np.bool_] = (track.numbers >= frames.start) & (track.numbers < frames.stop)
        for number, landmarks in zip(track.numbers[inside], track.landmarks[inside], strict=True):
            found.setdefault(int(number), []).append(landmarks)
    return found
