"""From the faces of single frames to tracks: one face through one shot, without gaps, smoothed, and judged.

`Linker` joins frame by frame and keeps landmarks only. `smooth` takes the landmarks' noise out without delay.
`judge` says in which frames a face can be re-synthesised, and why not in the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from dubsync.face import geometry
from dubsync.face.geometry import Landmarks
from dubsync.face.occlusion import is_covered

BRIDGE_FRAMES = 8
"""A face that is away no longer than this is taken to have been there: blur, a passing hand, a blink of the finder."""
MIN_FRAMES = 5
_NEAR = 0.6
"""How far a face may be from where it was expected, in eye distances; more after a gap."""
_ALIKE = 1.5
_HEAD_S, _SHAPE_S = 0.28, 0.20
"""Windows of smoothing in seconds: 7 and 5 frames at 25 fps. Heads move slowly; lips close within 0.1 s, and a window
of 7 frames takes away two thirds of a movement at 6 Hz."""

MAX_YAW, MAX_PITCH = 40.0, 35.0
MAX_CHEEKS = 2.0
"""|ln(nose to left cheek / nose to right cheek)|: the mesh is as sure of a profile as of a face, its shape is not."""
MIN_EYES_PX = 14.0
_CHIN_LINE = geometry.JAW_LINE[6:-6]
_CHIN_BEYOND = 0.3
"""How far the chin may lie beyond the picture's edge, in eye distances: tight framings cut it, and lips still show."""
_STEADY = 5


class Doubt(StrEnum):
    """Why a face cannot be re-synthesised in a frame; the codes of flags."""

    PROFILE = "profile"
    SMALL = "small-face"
    CUT_OFF = "face-cut-off"
    LOST = "face-lost"
    COVERED = "mouth-covered"


@dataclass(frozen=True, slots=True)
class Sighting:
    """A face in one frame: landmarks (468, 3), how sure, and what `occlusion.appearance` saw."""

    landmarks: Landmarks
    score: float
    appearance: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Track:
    """One face in consecutive frames.

    `numbers`: (n,) int32; `landmarks`: (n, 468, 3); `score`: (n,), 0 where bridged; `appearance`: (n, PATCHES, 3).
    """

    numbers: NDArray[np.int32]
    landmarks: Landmarks
    score: NDArray[np.float32]
    appearance: NDArray[np.float32]

    def part(self, first: int, stop: int) -> Track:
        """Return the track within the frames [first, stop)."""
        inside = (self.numbers >= first) & (self.numbers < stop)
        return Track(self.numbers[inside], self.landmarks[inside], self.score[inside], self.appearance[inside])


@dataclass(eq=False)
class _Open:
    """A track that may still go on."""

    numbers: list[int] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)

    def expected(self, number: int) -> Landmarks:
        """Return where the face should be by now: as it moved last, slowing down."""
        last = self.sightings[-1].landmarks
        if len(self.numbers) < 2:
            return last
        step = (last - self.sightings[-2].landmarks) / (self.numbers[-1] - self.numbers[-2])
        move = step.mean(axis=0) * min(number - self.numbers[-1], 3)
        return np.asarray(last + move, np.float32)

    def add(self, number: int, face: Sighting) -> None:
        self.numbers.append(number)
        self.sightings.append(face)


class Linker:
    """Joins the faces of successive frames into tracks: each face to the track that expects it, the nearest first."""

    def __init__(self) -> None:
        self._open: list[_Open] = []
        self._closed: list[_Open] = []

    def add(self, number: int, faces: list[Sighting]) -> None:
        """Take the faces of the next frame."""
        gone = [track for track in self._open if number - track.numbers[-1] > BRIDGE_FRAMES + 1]
        self._open = [track for track in self._open if track not in gone]
        self._closed += gone
        pairs = self._pairs(number, faces)
        for row, column in pairs:
            self._open[row].add(number, faces[column])
        for column in sorted(set(range(len(faces))) - {column for _, column in pairs}):
            new = _Open()
            new.add(number, faces[column])
            self._open.append(new)

    def tracks(self) -> list[Track]:
        """Return all tracks of some length, in the order of their first frame, the largest first."""
        every = [track for track in self._closed + self._open if len(track.numbers) >= MIN_FRAMES]
        bridged = [_bridged(track) for track in every]
        return sorted(bridged, key=lambda track: (int(track.numbers[0]), -float(_eyes(track).mean())))

    def _pairs(self, number: int, faces: list[Sighting]) -> list[tuple[int, int]]:
        """Return (track, face) for those that belong together, as few eye distances apart in sum as can be."""
        if not self._open or not faces:
            return []
        from scipy.optimize import linear_sum_assignment  # slow to load, and planning has no use for it

        cost = np.array([[_distance(track, number, face.landmarks) for face in faces] for track in self._open])
        rows, columns = linear_sum_assignment(np.minimum(cost, 1e3))
        return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if cost[row, column] <= 1]


def _distance(track: _Open, number: int, face: Landmarks) -> float:
    """Return how ill the face fits the track: up to 1 it may be the same."""
    expected = track.expected(number)
    before, now = geometry.eye_distance(np.stack([expected, face]))
    if max(before, now) > _ALIKE * min(before, now):
        return np.inf
    stable = list(geometry.STABLE)
    apart = np.linalg.norm(expected[stable, :2] - face[stable, :2], axis=1).mean() / max(before, now)
    return float(apart / (_NEAR * (1 + 0.25 * (number - track.numbers[-1] - 1))))


def _bridged(track: _Open) -> Track:
    """Fill the gaps of a track, straight from one side to the other, with score 0."""
    known = np.array(track.numbers)
    numbers = np.arange(known[0], known[-1] + 1, dtype=np.int32)
    later = np.clip(np.searchsorted(known, numbers), 1, len(known) - 1)
    share = (numbers - known[later - 1]) / (known[later] - known[later - 1])

    def filled(values: NDArray[np.float32]) -> NDArray[np.float32]:
        before, after = values[later - 1], values[later]
        return np.asarray(before + share[:, None, None] * (after - before), np.float32)

    score = np.zeros(len(numbers), np.float32)
    score[known - known[0]] = [face.score for face in track.sightings]
    landmarks = filled(np.stack([face.landmarks for face in track.sightings]))
    return Track(numbers, landmarks, score, filled(np.stack([face.appearance for face in track.sightings])))


def smooth(track: Track, fps: float) -> Track:
    """Return the track with less noise: the head's movement and the shape of the face smoothed apart, without delay.

    Savitzky and Golay's filter (1964), second order, over a window centred on each frame.
    """
    head = geometry.pose(track.landmarks)
    shape = _filtered(geometry.head_fixed(track.landmarks), _SHAPE_S * fps)
    left, _, right = np.linalg.svd(_filtered(head.rotation, _HEAD_S * fps))
    scale = np.exp(_filtered(np.log(head.scale), _HEAD_S * fps))
    place = _filtered(head.translation, _HEAD_S * fps)
    turned = shape @ (left @ right).transpose(0, 2, 1)
    landmarks = turned * scale[:, None, None] + place[:, None]
    return replace(track, landmarks=landmarks.astype(np.float32))


def _filtered(values: NDArray[np.floating], frames: float) -> NDArray[np.float64]:
    """Smooth along the first axis over about so many frames, fewer where there are not as many."""
    from scipy.signal import savgol_filter  # slow to load, and planning has no use for it

    window = min(2 * round((frames - 1) / 2) + 1, len(values) - 1 + len(values) % 2)
    if window < 5:
        return np.asarray(values, np.float64)
    return np.asarray(savgol_filter(values.astype(np.float64), window, 2, axis=0))


def _eyes(track: Track) -> NDArray[np.float32]:
    return geometry.eye_distance(track.landmarks)


def judge(track: Track, width: int, height: int) -> dict[Doubt, NDArray[np.bool_]]:
    """Return for each doubt the frames (n,) it holds in; `width`, `height`: of the picture the landmarks lie in."""
    head = geometry.pose(track.landmarks)
    ends = [geometry.LEFT_CHEEK, geometry.RIGHT_CHEEK]
    points = track.landmarks[..., :2]
    left, right = np.linalg.norm(points[:, ends] - points[:, [geometry.NOSE_TIP]], axis=2).T
    cheeks = np.abs(np.log(np.maximum(left, 1e-3) / np.maximum(right, 1e-3)))
    room = np.concatenate([np.zeros(len(geometry.OUTER_LIPS)), np.full(len(_CHIN_LINE), _CHIN_BEYOND)])
    lower = points[:, [*geometry.OUTER_LIPS, *_CHIN_LINE]]
    beyond = np.maximum(-lower, lower - (width - 1, height - 1)).max(axis=2)
    outside = (beyond > room * _eyes(track)[:, None]).any(axis=1)
    return {
        Doubt.PROFILE: (np.abs(head.yaw) > MAX_YAW) | (np.abs(head.pitch) > MAX_PITCH) | (cheeks > MAX_CHEEKS),
        Doubt.SMALL: _eyes(track) < MIN_EYES_PX,
        Doubt.CUT_OFF: outside,
        Doubt.LOST: track.score == 0,
        Doubt.COVERED: is_covered(track.appearance),
    }


def usable(doubts: dict[Doubt, NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Return the frames without a doubt, less stretches too short to enter and leave."""
    fit = np.asarray(~np.any(list(doubts.values()), axis=0))
    for start, stop in runs(fit):
        if stop - start < min(_STEADY, len(fit)):
            fit[start:stop] = False
    return fit


def runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the stretches [start, stop) in which the flags hold.

    >>> runs(np.array([True, False, True, True]))
    [(0, 1), (2, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]
