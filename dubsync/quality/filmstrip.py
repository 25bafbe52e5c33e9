"""Frames before and after, side by side, as small JPEG pictures inside the page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dubsync.backends.protocols import Picture
from dubsync.face import geometry
from dubsync.media.read import Upright, pictures
from dubsync.quality.mouths import Watched

CLOSE_UPS = 6
_CLOSE_UP_PX, _WHOLE_PX = 260, 760
_APART_S = 0.6
_MAX_BYTES = 200_000


@dataclass(frozen=True, slots=True)
class Moment:
    """A frame worth showing. `face`: (468, 3) coded pixels of the original. `change`: in eye distances."""

    frame: int
    face: NDArray[np.float32]
    change: float


@dataclass(frozen=True, slots=True)
class Pair:
    """The same picture in both films, as data URIs."""

    frame: int
    before: str
    after: str
    width: int
    height: int


def choose(watched: Sequence[Watched], rate: float, *, count: int = CLOSE_UPS) -> tuple[Moment, ...]:
    """Return the moments at which a mouth differs most, apart in time, in the order of the film."""
    moments: list[Moment] = []
    for track in watched:
        before, after = track.openings()
        change = np.abs(after - before)
        moments += [
            Moment(int(track.numbers[row]), track.before[row], float(change[row]))
            for row in np.argsort(change)[::-1][: 20 * count]
        ]
    kept: list[Moment] = []
    for moment in sorted(moments, key=lambda moment: -moment.change):
        if all(abs(moment.frame - other.frame) > _APART_S * rate for other in kept):
            kept.append(moment)
        if len(kept) == count:
            break
    return tuple(sorted(kept, key=lambda moment: moment.frame))


def close_ups(films: tuple[Path, Path], moments: Sequence[Moment], upright: Upright) -> tuple[Pair, ...]:
    """Cut the face out of both films at each moment."""
    pairs = []
    for moment in moments:
        before, after = (upright.turn(_close_up(_frame(film, moment.frame), moment.face)) for film in films)
        pairs.append(_pair(moment.frame, before, after))
    return tuple(pairs)


def whole(films: tuple[Path, Path], frame: int, upright: Upright) -> Pair:
    """Return a whole frame of both films, made small enough for a page."""
    before, after = (_fit(upright.turn(_frame(film, frame))) for film in films)
    return _pair(frame, before, after)


def _frame(film: Path, number: int) -> Picture:
    return next(picture for _, picture in pictures(film, number, number + 1))


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
