"""Carries pixels of one face crop onto the geometry of another: piecewise affine, with triangles fixed beforehand.

The lips and what is between them have the same triangles on every face; the rest is triangulated once, on a mean shape.
For each picture the triangles are rasterised at the target and every pixel is fetched through the place it has in its
triangle (a few milliseconds at 128 px). Maps are made at one resolution and enlarged for pictures of a higher one.

Closed lips leave nothing between them: triangles there are slivers, and a sliver's affine reaches far beyond it. So
they are drawn before the lips, no pixel is fetched from outside its triangle, and lips that cross are made to meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dubsync.mouth import shape

Array = NDArray[np.float32]
Picture = NDArray[np.uint8]

_QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)
_BORDER = tuple((x, y) for x in _QUARTERS for y in _QUARTERS if x in (0, 1) or y in (0, 1))
"""Points on the edge of the crop that stay in place, as shares of its side."""
_SHIFT_BITS = 4
_FINER = 4
"""Triangles are drawn this much larger: a drawn triangle is half a pixel too large on every side."""
_FLAT = 1e-3
"""Twice the area, in square pixels, under which a triangle has no inside."""
_OUTSIDE = 0.1
"""Barycentric: how far outside its triangle a pixel may be, as those are that its drawn outline touches."""
_LIP_TRIANGLES = 2 * (shape.INNER.stop - shape.INNER.start)
_PAIRS = range(1, (shape.INNER.stop - shape.INNER.start) // 2)
LOWER = [shape.INNER.start + k for k in _PAIRS]
UPPER = [shape.INNER.stop - k for k in _PAIRS]
"""Points of the inner lips that meet when the mouth closes; the corners are neither."""


class Mesh:
    """Triangles over a lower face. `mean`: (points, 2) in a crop of `size` px, points as `nodes` returns them.

    From `mouth` on they lie between the inner lips, from `lips` on on the lips.
    """

    def __init__(self, mean: Array, size: int) -> None:
        self.size = size
        around, mouth = _around(np.asarray(mean, np.float64)), _mouth()
        self.triangles = np.concatenate([around, mouth])
        self.mouth, self.lips = len(around), len(self.triangles) - _LIP_TRIANGLES
        grid = np.arange(size, dtype=np.float32)
        self.x, self.y = np.meshgrid(grid, grid)

    def at(self, target: Array) -> Target:
        """Return what fetches pictures to the shape `target` (points, 2)."""
        covering = self._rasterised(target)
        shares = _shares(target[self.triangles], covering, self.x, self.y)
        mouth = np.nonzero(covering >= self.mouth)
        shares[mouth] = _inside(shares[mouth])
        return Target(self, target, covering, shares)

    def _rasterised(self, target: Array) -> NDArray[np.int16]:
        """Return which triangle covers each pixel; the last drawn wins where a fold covers others."""
        ids = np.zeros((self.size * _FINER, self.size * _FINER), np.int16)
        corners = np.rint(target[self.triangles] * (_FINER << _SHIFT_BITS)).astype(np.int32)
        for number, corner in enumerate(corners):
            cv2.fillConvexPoly(ids, corner, number, cv2.LINE_8, _SHIFT_BITS)
        return ids[::_FINER, ::_FINER]


@dataclass(frozen=True, eq=False)
class Target:
    """A shape that pictures are fetched to.

    `covering`: (size, size) the triangle over each pixel; `shares`: (size, size, 3) the pixel's place in it, as shares
    of its corners; in the mouth never outside it.
    """

    mesh: Mesh
    nodes: Array
    covering: NDArray[np.int16]
    shares: Array

    def fetch_map(self, source: Array) -> Array:
        """Return (size, size, 2) float32: where in a picture of the shape `source` each pixel comes from."""
        return np.asarray(self._whole @ source, np.float32).reshape(*self.covering.shape, 2)

    def window_map(self, source: Array) -> Array:
        """Return (size / 2, size / 2, 2): the same for the window alone."""
        side = self.mesh.size // 2
        return np.asarray(self._window @ source, np.float32).reshape(side, side, 2)

    @cached_property
    def _whole(self) -> Any:
        return self._mixing(self.covering, self.shares)

    @cached_property
    def _window(self) -> Any:
        return self._mixing(window(self.covering), window(self.shares))

    def _mixing(self, covering: NDArray[np.int16], shares: Array) -> Any:
        """Return the sparse (pixels, points) matrix that makes pixels' places from those of the points."""
        from scipy.sparse import csr_array  # slow to load, and planning has no use for it

        corners = np.take(self.mesh.triangles, covering.reshape(-1), axis=0)
        starts = np.arange(0, corners.size + 1, 3, dtype=np.int32)
        return csr_array((shares.reshape(-1), corners.reshape(-1), starts), shape=(covering.size, len(self.nodes)))


def nodes(moving: Array, anchors: Array, size: int) -> Array:
    """Return mesh nodes (n, points, 2) of lower faces in crops of `size` px, the crop's edge added, lips uncrossed."""
    border = np.array(_BORDER, np.float32) * (size - 1)
    every = np.concatenate([moving, anchors, np.broadcast_to(border, (len(moving), *border.shape))], axis=1)
    lower, upper = every[:, LOWER, 1], every[:, UPPER, 1]
    middle = (lower + upper) / 2
    every[:, LOWER, 1], every[:, UPPER, 1] = np.maximum(lower, middle), np.minimum(upper, middle)
    return every


def warp(picture: Picture, fetch: Array) -> Picture:
    """Return the picture fetched through a map made for a crop of the same or a smaller size."""
    return _fetched(picture, enlarged(fetch, picture.shape[0]))


def window(picture: NDArray[Any]) -> NDArray[Any]:
    """Return a view of the middle half of a square crop: the mouth with what is around it."""
    quarter = picture.shape[0] // 4
    return picture[quarter : 3 * quarter, quarter : 3 * quarter]


def warp_window(picture: Picture, nodes: Array, target: Target, size: int) -> Picture:
    """Return the window (size, size, 3) of a picture brought to a target's shape.

    `nodes`: (points, 2) the shape that the picture shows, in its own pixels.
    """
    fetch = cv2.resize(target.window_map(nodes), (size, size), interpolation=cv2.INTER_LINEAR)
    return _fetched(picture, fetch)


def _fetched(picture: Picture, fetch: NDArray[Any]) -> Picture:
    nothing: Any = None  # the map has both coordinates
    return np.asarray(cv2.remap(picture, fetch, nothing, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def enlarged(fetch: Array, size: int) -> Array:
    """Return a fetch map for crops of another size."""
    factor = size / fetch.shape[0]
    if factor == 1:
        return fetch
    larger = np.asarray(cv2.resize(fetch, (size, size), interpolation=cv2.INTER_LINEAR), np.float32)
    return placed(larger, factor)


def placed(points: Array, factor: float) -> Array:
    """Return points (..., 2) of a picture in one `factor` times as large; pixel centres lie at integers in both."""
    return (points + np.float32(0.5)) * np.float32(factor) - np.float32(0.5)


def _around(mean: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return Delaunay triangles (m, 3) of all but the inner lips: they go on below the mouth, which is drawn later."""
    from scipy.spatial import Delaunay

    points = np.setdiff1d(np.arange(len(mean)), np.arange(shape.INNER.start, shape.INNER.stop))
    return np.asarray(points[Delaunay(mean[points]).simplices], np.int32)


@lru_cache(maxsize=1)
def _mouth() -> NDArray[np.int32]:
    """Return the triangles (m, 3) between the inner lips, then those of both lips."""
    ring, first, count = shape.INNER.start, 0, shape.INNER.stop - shape.INNER.start
    half = count // 2
    hole = [
        (ring + a, ring + b, ring + c)
        for k in range(half)
        for a, b, c in ((k, k + 1, (count - k) % count), (k + 1, (count - k) % count, count - k - 1))
        if len({a, b, c}) == 3
    ]
    lips = [
        corners
        for k in range(count)
        for after in [(k + 1) % count]
        for corners in ((first + k, first + after, ring + k), (first + after, ring + k, ring + after))
    ]
    return np.array(hole + lips, np.int32)


def _shares(triangles: Array, covering: NDArray[np.int16], x: Array, y: Array) -> Array:
    """Return (*covering, 3) barycentric coordinates of pixels in their triangles (m, 3, 2); thirds where it is flat."""
    corner = triangles[:, 0].astype(np.float64)
    one, other = triangles[:, 1] - corner, triangles[:, 2] - corner
    area = one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
    flat = np.abs(area) < _FLAT
    area[flat] = 1
    table = np.stack([*corner.T, other[:, 1] / area, -other[:, 0] / area, -one[:, 1] / area, one[:, 0] / area])
    left, top, along_x, along_y, across_x, across_y = np.take(table.astype(np.float32), covering, axis=1)
    right, down = x - left, y - top
    shares = np.empty((*covering.shape, 3), np.float32)
    shares[..., 1] = along_x * right + along_y * down
    shares[..., 2] = across_x * right + across_y * down
    shares[..., 0] = 1 - shares[..., 1] - shares[..., 2]
    if flat.any():
        shares[flat[covering]] = 1 / 3
    return shares


def _inside(shares: Array) -> Array:
    """Return barycentric coordinates (n, 3); of pixels well outside their triangle, those of its edge."""
    far = shares.min(axis=1) < -_OUTSIDE
    within = np.maximum(shares[far], 0)
    shares[far] = within / within.sum(axis=1, keepdims=True)
    return shares


@lru_cache(maxsize=4)
def _kernel(width: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)), np.uint8)


def lower_face_mask(moving: Array, anchors: Array, size: int, *, grow: float = 0.0) -> NDArray[np.uint8]:
    """Return (size, size) 0 or 255: from below the nose down to the jaw. `grow`: share of the crop added around it."""
    mask = np.zeros((size, size), np.uint8)
    chin = moving[shape.JAW]
    nose = anchors[:3].mean(axis=0)
    top = np.array([[chin[0, 0], nose[1]], [chin[-1, 0], nose[1]]], np.float32)
    outline = np.concatenate([top[:1], chin, top[1:]])
    cv2.fillPoly(mask, [np.rint(outline * (1 << _SHIFT_BITS)).astype(np.int32)], 255, cv2.LINE_AA, _SHIFT_BITS)
    return grown(mask, grow) if grow > 0 else mask


def grown(mask: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    """Return the mask reaching further by a share of its side."""
    return np.asarray(cv2.dilate(mask, _kernel(2 * max(1, round(share * len(mask))) + 1)), np.uint8)


def polygon(points: Array, size: int) -> NDArray[np.uint8]:
    """Return (size, size) with 255 inside the closed outline (points, 2), its edge smooth."""
    drawn = np.zeros((size, size), np.uint8)
    cv2.fillPoly(drawn, [np.rint(points * (1 << _SHIFT_BITS)).astype(np.int32)], 255, cv2.LINE_AA, _SHIFT_BITS)
    return drawn
