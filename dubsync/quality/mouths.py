"""The dubbed mouths, looked at again in the finished picture: how far they open, and how still the skin around is.

Faces are found anew in the dub; a found face belongs to the track of the original whose nose is at the same place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from dubsync.backends.protocols import Face, FaceFinder, Picture
from dubsync.face import geometry
from dubsync.media.ahead import ahead
from dubsync.media.patches import PatchBook, StoredPatch
from dubsync.media.read import Upright, pictures

Landmarks = NDArray[np.float32]
Pictures = tuple[Picture, Picture]
"""The same frame of the original and of the dub, coded orientation."""
_SAME_FACE = 0.5
_PIECE = 100
"""Frames in a row that are watched where not all can be; faces are found anew in each."""


@dataclass(frozen=True, slots=True)
class Track:
    """A face of the original. `numbers`: (n,) film frames; `landmarks`: (n, 468, 3) coded pixels."""

    id: str
    speaker: str | None
    numbers: NDArray[np.int32]
    landmarks: Landmarks


@dataclass(frozen=True, slots=True)
class Watched:
    """A track in the frames whose mouth is new. `before`, `after`: (n, 468, 3) coded pixels, original and dub."""

    track: str
    speaker: str | None
    numbers: NDArray[np.int32]
    before: Landmarks
    after: Landmarks

    def openings(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the gap between the lips in both films, in eye distances."""
        return geometry.mouth_opening(self.before), geometry.mouth_opening(self.after)


class Witness(Protocol):
    """Takes in both films while they are watched, frame by frame."""

    def see(self, number: int, films: Pictures) -> None:
        """Look at a frame of both films."""

    def meet(self, number: int, films: Pictures, faces: tuple[Landmarks, Landmarks]) -> None:
        """Look at a face that was found again."""


def watch(
    films: tuple[Path, Path],
    frames: range,
    tracks: Sequence[Track],
    finder: FaceFinder,
    upright: Upright,
    witness: Witness,
) -> tuple[Watched, ...]:
    """Find the tracks' faces in a stretch of the dub; `films`: original and dub."""
    shown: dict[int, Pictures] = {}

    def dubbed() -> Iterator[Picture]:
        pairs = zip(*(pictures(film, frames.start, frames.stop) for film in films), strict=True)
        for (number, before), (_, after) in ahead(pairs):
            shown[number] = before, after
            witness.see(number, shown[number])
            yield upright.turn(after)

    known = {track.id: {int(number): row for row, number in enumerate(track.numbers)} for track in tracks}
    rows: dict[str, list[tuple[int, Landmarks, Landmarks]]] = {track.id: [] for track in tracks}
    for number, faces in zip(frames, finder.find(dubbed()), strict=True):
        found = [_in_coded_pixels(face, upright) for face in faces]
        pair = shown.pop(number)
        for track in tracks:
            row = known[track.id].get(number)
            if row is None:
                continue
            before = track.landmarks[row]
            after = _nearest(before, found)
            if after is not None:
                rows[track.id].append((number, before, after))
                witness.meet(number, pair, (before, after))
    return tuple(_watched(track, rows[track.id]) for track in tracks if rows[track.id])


def _in_coded_pixels(face: Face, upright: Upright) -> Landmarks:
    return np.concatenate([upright.to_coded(face.landmarks[:, :2]), face.landmarks[:, 2:]], axis=1)


def _nearest(wanted: Landmarks, found: Iterable[Landmarks]) -> Landmarks | None:
    reach = _SAME_FACE * float(geometry.eye_distance(wanted[None])[0])
    nose = wanted[geometry.NOSE_TIP, :2]
    apart = [(float(np.linalg.norm(each[geometry.NOSE_TIP, :2] - nose)), each) for each in found]
    distance, nearest = min(apart, key=lambda pair: pair[0], default=(np.inf, None))
    return nearest if distance < reach else None


def _watched(track: Track, rows: Sequence[tuple[int, Landmarks, Landmarks]]) -> Watched:
    numbers, before, after = zip(*rows, strict=True)
    return Watched(track.id, track.speaker, np.array(numbers, np.int32), np.stack(before), np.stack(after))


class Flicker:
    """How much the skin beside the mouth trembles from frame to frame, in both films.

    Compared in the patch's own upright frame, so that a moving head does not count: inside the mask, above the lips'
    middle (the jaw may move otherwise than it did), away from the lips.
    """

    def __init__(self, book: PatchBook, tracks: Mapping[int, Sequence[Landmarks]]) -> None:
        """`tracks`: for each frame, the original landmarks of its faces. `moved`: original and dub, grey levels."""
        self._book, self._tracks = book, tracks
        self._last: dict[int, tuple[int, tuple[Picture, Picture]]] = {}
        self.moved = np.zeros(2)

    def see(self, number: int, films: Pictures) -> None:
        """Take in a frame of both films; frames come in order."""
        for index, patch in enumerate(self._book.of(number)):
            region = self._region(number, patch)
            if region is None:
                continue
            now = (_grey(films[0], patch), _grey(films[1], patch))
            last = self._last.get(index)
            if last is not None and last[0] == number - 1 and last[1][0].shape == now[0].shape:
                self.moved += [cv2.mean(cv2.absdiff(*pair), region)[0] for pair in zip(now, last[1], strict=True)]
            self._last[index] = (number, now)

    def _region(self, number: int, patch: StoredPatch) -> NDArray[np.uint8] | None:
        to_patch = cv2.invertAffineTransform(patch.affine)
        height, width = patch.mask.shape
        for landmarks in self._tracks.get(number, ()):
            lips = geometry.transform(to_patch.astype(np.float32), landmarks[list(geometry.OUTER_LIPS), :2])
            centre = lips.mean(axis=0)
            if not (0 <= centre[0] < width and 0 <= centre[1] < height):
                continue
            region = np.where(patch.mask > 0, np.uint8(255), np.uint8(0))
            region[max(0, int(centre[1])) :] = 0
            away = np.asarray(centre + 1.4 * (lips - centre), np.int32)
            cv2.fillConvexPoly(region, cv2.convexHull(away), 0)
            return region if cv2.countNonZero(region) > 50 else None
        return None


def _grey(picture: Picture, patch: StoredPatch) -> Picture:
    """Return the patch's part of a picture, in the patch's frame."""
    height, width = patch.mask.shape
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    part = cv2.warpAffine(picture, patch.affine, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY), np.uint8)


def stretches(frames: NDArray[np.int32]) -> tuple[range, ...]:
    """Return the runs of consecutive frames.

    >>> stretches(np.array([3, 4, 5, 9, 10], np.int32))
    (range(3, 6), range(9, 11))
    """
    runs = np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1)
    return tuple(range(int(run[0]), int(run[-1]) + 1) for run in runs if len(run))


def sample(frames: NDArray[np.int32], *, most: int) -> NDArray[np.int32]:
    """Return all frames, or, of more than `most`, pieces of them that lie evenly over the film.

    >>> sample(np.arange(10_000, dtype=np.int32), most=300)[[0, 99, 100, 200, 299]]
    array([   0,   99, 5000, 9900, 9999], dtype=int32)
    """
    if len(frames) <= most:
        return frames
    pieces = [frames[start : start + _PIECE] for start in range(0, len(frames), _PIECE)]
    chosen = np.unique(np.linspace(0, len(pieces) - 1, max(1, most // _PIECE)).round().astype(int))
    return np.concatenate([pieces[index] for index in chosen])[:most]
