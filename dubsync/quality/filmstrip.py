"""Frames before and after, side by side, as small JPEG pictures inside the page."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dubsync.backends.protocols import Picture
from dubsync.face import geometry
from dubsync.media.read import Upright

CLOSE_UPS = 6
_CLOSE_UP_PX, _WHOLE_PX = 260, 760
_APART_S = 0.6
_MAX_BYTES = 200_000


@dataclass(frozen=True, slots=True)
class Pair:
    """The same picture in both films, as data URIs."""

    frame: int
    before: str
    after: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A frame worth showing. `change` of the mouth in eye distances; pictures as they are displayed, cut and whole."""

    frame: int
    change: float
    close_ups: tuple[Picture, Picture]
    wholes: tuple[Picture, Picture]


class Filmstrip:
    """Keeps the few moments at which mouths differ most, apart in time, while the films go by once."""

    def __init__(self, upright: Upright, rate: float, *, count: int = CLOSE_UPS) -> None:
        self._upright, self._apart, self._count = upright, _APART_S * rate, count
        self._kept: list[Moment] = []

    def consider(self, frame: int, face: NDArray[np.float32], change: float, films: tuple[Picture, Picture]) -> None:
        """Keep this frame if it shows more than what is kept. `face`: (468, 3) coded pixels of the original."""
        near = [moment for moment in self._kept if abs(moment.frame - frame) < self._apart]
        least = near or (self._kept if len(self._kept) >= self._count else [])
        if any(moment.change >= change for moment in near) or (least and min(m.change for m in least) >= change):
            return
        dropped = near or sorted(least, key=lambda moment: moment.change)[:1]
        turn = self._upright.turn
        close_ups = turn(_close_up(films[0], face)), turn(_close_up(films[1], face))
        wholes = _fit(turn(films[0])), _fit(turn(films[1]))
        kept = [moment for moment in self._kept if moment not in dropped]
        self._kept = [*kept, Moment(frame, change, close_ups, wholes)]

    def close_ups(self) -> tuple[Pair, ...]:
        """Return the faces of the kept moments, in the order of the film."""
        return tuple(_pair(moment.frame, *moment.close_ups) for moment in sorted(self._kept, key=lambda m: m.frame))

    def whole(self) -> Pair | None:
        """Return the whole frame of the greatest change."""
        best = max(self._kept, key=lambda moment: moment.change, default=None)
        return _pair(best.frame, *best.wholes) if best else None


def _close_up(picture: Picture, face: NDArray[np.float32]) -> Picture:
    """Cut a square of the coded picture around the face; it is not turned."""
    left, right = (face[list(eye), :2].mean(axis=0) for eye in geometry.EYES)
    side = 3.4 * max(float(np.linalg.norm(right - left)), 1.0)
    corner = (left + right) / 2 + 0.55 * (face[geometry.CHIN[0], :2] - (left + right) / 2) - side / 2
    zoom = _CLOSE_UP_PX / side
    affine = np.array([[zoom, 0, -zoom * corner[0]], [0, zoom, -zoom * corner[1]]], np.float32)
    method = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    size = (_CLOSE_UP_PX, _CLOSE_UP_PX)
    return np.asarray(cv2.warpAffine(picture, affine, size, flags=method, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _fit(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    zoom = min(1.0, _WHOLE_PX / max(height, width))
    size = (round(width * zoom), round(height * zoom))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _pair(frame: int, before: Picture, after: Picture) -> Pair:
    height, width = before.shape[:2]
    return Pair(frame, data_uri(before), data_uri(after), width, height)


def data_uri(picture: Picture) -> str:
    """Return an RGB picture as a JPEG data URI of at most 200 kB."""
    for quality in (88, 75, 55, 30, 10):
        _, content = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        if len(content) <= _MAX_BYTES:
            break
    return "data:image/jpeg;base64," + base64.b64encode(content.tobytes()).decode()
