"""Dense landmarks of one face whose place is known roughly: MediaPipe's attention mesh, 468 points.

The network sees a square of 192 pixels with the face upright in it. Landmarks come out finer when that square is
placed by landmarks than when a detector's box places it, so a new face is looked at twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dubsync.face import geometry
from dubsync.face.align import inverse
from dubsync.face.detect import Detection, Picture, session

_SIDE = 192
_ROOM = 1.5
"""Sides of the square, in sides of the face's own box (MediaPipe: RectTransformationCalculator, scale 1.5)."""


@dataclass(frozen=True, slots=True)
class Region:
    """An upright square for one face: middle and side in pixels, `roll` in radians, clockwise."""

    x: float
    y: float
    side: float
    roll: float

    def affine(self) -> NDArray[np.float32]:
        """Return the similarity from the picture to the network's square."""
        zoom = _SIDE / self.side
        cosine, sine = zoom * np.cos(self.roll), zoom * np.sin(self.roll)
        linear = np.array([[cosine, sine], [-sine, cosine]])
        shift = (_SIDE - 1) / 2 - linear @ (self.x, self.y)
        return np.column_stack([linear, shift]).astype(np.float32)


class Mesh:
    """The landmark network."""

    def __init__(self, model: Path, *, threads: int = 1) -> None:
        self._session = session(model, threads)

    def look(self, picture: Picture, region: Region) -> tuple[geometry.Landmarks, float]:
        """Return landmarks (468, 3) in picture pixels and how sure it is that this is a face, 0 to 1."""
        affine = region.affine()
        # Averaging what a plain warp skips (`align.crop`) costs 3 ms and takes away 4 % of the jitter: not worth it.
        square = cv2.warpAffine(
            picture, affine, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        points, score = self._session.run(["landmarks", "score"], {"picture": square[None]})
        points[:, :2] -= 0.5  # the network's pixel centres lie at halves
        return geometry.transform(inverse(affine), points), float(score[0])


def region_of_detection(found: Detection) -> Region:
    """Return where to look for the landmarks of a detected face."""
    x0, y0, x1, y1 = found.box
    (dx, dy) = found.eyes[1] - found.eyes[0]
    side = max(x1 - x0, y1 - y0) * _ROOM
    return Region((x0 + x1) / 2, (y0 + y1) / 2, side, float(np.arctan2(dy, dx)))


def region_of_landmarks(landmarks: geometry.Landmarks) -> Region:
    """Return where to look for a face (468, 3) that was there a frame ago."""
    (dx, dy) = landmarks[263, :2] - landmarks[33, :2]
    roll = float(np.arctan2(dy, dx))
    turn = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
    upright = landmarks[:, :2] @ turn.T
    low, high = upright.min(axis=0), upright.max(axis=0)
    x, y = turn.T @ ((low + high) / 2)
    return Region(float(x), float(y), float(max(high - low)) * _ROOM, roll)
