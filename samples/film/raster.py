"""A small software rasteriser: triangles to the one that is nearest in each pixel, with its weights.

All triangles of a frame are scan-converted at once in numpy: rows of every triangle, then pixels of every row, then a
depth test by `minimum.at`. Pixel centres are at integers; larger depth is farther.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a picture shows: flat `pixel` (k,), `triangle` (k,), `weights` of its corners (k, 3), `depth` (k,)."""

    pixel: NDArray[np.int64]
    triangle: NDArray[np.int64]
    weights: Floats
    depth: Floats


def rasterise(xy: Floats, depth: Floats, triangles: NDArray[np.int32], size: tuple[int, int]) -> Coverage:
    """Return the nearest triangle at each covered pixel of a (height, width) picture; both sides are drawn."""
    height, width = size
    corners = xy[triangles].astype(np.float64)
    area = _cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    kept = np.abs(area) > 1e-9
    corners, area, index = corners[kept], area[kept], np.nonzero(kept)[0]
    flip = area < 0
    corners[flip] = corners[flip][:, [0, 2, 1]]
    owner, row, left, right = _rows(corners, height, width)
    count = np.maximum(right - left + 1, 0)
    fragment = np.repeat(np.arange(len(owner)), count)
    start = np.cumsum(count) - count
    x = left[fragment] + np.arange(len(fragment)) - start[fragment]
    owner, y = owner[fragment], row[fragment]
    weights = _weights(corners, np.abs(area), owner, x, y)
    swapped = flip[owner]
    weights[swapped] = weights[swapped][:, [0, 2, 1]]
    z = (depth[triangles[index[owner]]] * weights).sum(1).astype(np.float32)
    pixel = y * width + x
    nearest = np.full(height * width, np.inf, np.float32)
    np.minimum.at(nearest, pixel, z)
    seen = np.nonzero(z == nearest[pixel])[0]
    last = np.full(height * width, -1, np.int64)
    last[pixel[seen]] = seen
    chosen = last[last >= 0]
    return Coverage(pixel[chosen], index[owner[chosen]], weights[chosen].astype(np.float32), z[chosen])


def faces_up(xy: Floats, triangles: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Tell which triangles show their outer side (rows grow downward, so theirs run clockwise)."""
    a, b, c = (xy[triangles[:, corner]].astype(np.float64) for corner in range(3))
    return np.asarray(_cross(b - a, c - a) <= 0)


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0], np.float64)


def _rows(corners: NDArray[np.float64], height: int, width: int) -> tuple[NDArray[np.int64], ...]:
    """Return each triangle's pixel rows: whose, which row, first and last column."""
    top = np.clip(np.ceil(corners[:, :, 1].min(1)), 0, height).astype(np.int64)
    bottom = np.clip(np.floor(corners[:, :, 1].max(1)), -1, height - 1).astype(np.int64)
    count = np.maximum(bottom - top + 1, 0)
    owner = np.repeat(np.arange(len(corners)), count)
    row = top[owner] + np.arange(len(owner)) - (np.cumsum(count) - count)[owner]
    low, high = np.full(len(owner), -np.inf), np.full(len(owner), np.inf)
    for first in range(3):
        a, b = corners[:, first], corners[:, (first + 1) % 3]
        slope, rise = (a - b)[:, 1], (b - a)[:, 0]
        offset = -(slope * a[:, 0] + rise * a[:, 1])
        at = offset[owner] + rise[owner] * row
        inclination = slope[owner]
        with np.errstate(divide="ignore", invalid="ignore"):
            bound = -at / inclination
        low = np.where(inclination > 0, np.maximum(low, bound), low)
        high = np.where(inclination < 0, np.minimum(high, bound), high)
        high = np.where((inclination == 0) & (at < 0), -np.inf, high)
    left = np.ceil(np.clip(low, 0, width)).astype(np.int64)
    right = np.floor(np.clip(high, -1, width - 1)).astype(np.int64)
    return owner, row, left, right


def _weights(
    corners: NDArray[np.float64],
    area: NDArray[np.float64],
    owner: NDArray[np.int64],
    x: NDArray[np.int64],
    y: NDArray[np.int64],
) -> NDArray[np.float64]:
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    second_x, second_y = (c - a)[:, 1] / area, (a - c)[:, 0] / area
    third_x, third_y = (a - b)[:, 1] / area, (b - a)[:, 0] / area
    dx, dy = x - a[owner, 0], y - a[owner, 1]
    second = second_x[owner] * dx + second_y[owner] * dy
    third = third_x[owner] * dx + third_y[owner] * dy
    return np.stack([1 - second - third, second, third], 1)
