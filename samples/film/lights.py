"""Lamps, shadows and the few formulas that all materials share. Linear light, camera space.

Key: a warm lamp high on the left. Fill: the cool evening from a window on the right. Rim: the window behind her.
Shadows: variance shadow maps (Donnelly and Lauritzen, 2006).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from . import raster

Array = NDArray[Any]


def unit(*value: float) -> NDArray[np.float32]:
    vector = np.array(value, np.float32)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


KEY, KEY_LIGHT = unit(-0.78, 0.50, 0.52), np.array([1.90, 1.50, 1.14], np.float32)
FILL, FILL_LIGHT = unit(0.85, 0.10, 0.55), np.array([0.15, 0.20, 0.29], np.float32)
RIM, RIM_LIGHT = unit(0.72, 0.38, -0.50), np.array([0.95, 1.15, 1.45], np.float32)
SKY, GROUND = np.array([0.105, 0.115, 0.145], np.float32), np.array([0.085, 0.060, 0.048], np.float32)

SHADOW = 400
_SHADOW_ZOOM = 8.2
_LIGHT_X = unit(KEY[2], 0.0, -KEY[0])
_LIGHT_Y = np.cross(KEY, _LIGHT_X)


@dataclass(frozen=True, slots=True)
class Shadow:
    """Depth toward the key light and its square, blurred."""

    first: Array
    second: Array

    def light(self, points: Array) -> Array:
        """Return how much of the key light reaches the points (n,), 0 to 1."""
        column, row, depth = _from_light(points)
        column, row = np.clip(column, 0, SHADOW - 1.001), np.clip(row, 0, SHADOW - 1.001)
        mean, square = _bilinear(self.first, column, row), _bilinear(self.second, column, row)
        variance = np.maximum(square - mean * mean, 0.06)
        behind = np.maximum(depth - mean - 0.25, 0)
        reached = variance / (variance + behind * behind)
        return np.asarray(np.clip((reached - 0.22) / 0.78, 0, 1), np.float32)


def shadow_map(points: Array, triangles: NDArray[np.int32], hairs: Array) -> Shadow:
    """Look at the scene from the key light."""
    column, row, depth = _from_light(points)
    xy = np.stack([column, row], 1).astype(np.float32)
    lit = triangles[raster.faces_up(xy, triangles)]
    seen = raster.rasterise(xy, depth, lit, (SHADOW, SHADOW))
    nearest: Array = np.full(SHADOW * SHADOW, 60.0, np.float32)
    nearest[seen.pixel] = seen.depth
    column, row, depth = _from_light(hairs)
    x, y = np.round(column).astype(np.int64), np.round(row).astype(np.int64)
    inside = (x >= 0) & (x < SHADOW) & (y >= 0) & (y < SHADOW)
    np.minimum.at(nearest, (y * SHADOW + x)[inside], depth[inside])
    nearest = nearest.reshape(SHADOW, SHADOW)
    blur = (0, 0), 3.6
    return Shadow(cv2.GaussianBlur(nearest, *blur), cv2.GaussianBlur(nearest * nearest, *blur))


def _from_light(points: Array) -> tuple[Array, Array, Array]:
    column = SHADOW / 2 + _SHADOW_ZOOM * (points @ _LIGHT_X)
    row = SHADOW * 0.42 - _SHADOW_ZOOM * (points @ _LIGHT_Y)
    return column, row, np.asarray(30 - points @ KEY, np.float32)


def _bilinear(picture: Array, column: Array, row: Array) -> Array:
    """Look a picture up at many places; OpenCV wants them laid out as a picture themselves."""
    wide = 1024
    padding = -len(column) % wide
    x, y = (np.pad(axis.astype(np.float32), (0, padding)).reshape(-1, wide) for axis in (column, row))
    parts = [cv2.remap(picture, x[i : i + 8192], y[i : i + 8192], cv2.INTER_LINEAR) for i in range(0, len(x), 8192)]
    return np.asarray(np.concatenate(parts).reshape(-1)[: len(column)], np.float32)


def occlusion(nearest: Array) -> Array:
    """Return how open each pixel is to the surroundings: darker where it lies behind what is around it."""
    open_sky = ~np.isfinite(nearest)
    depth = np.where(open_sky, 100.0, nearest).astype(np.float32)
    total = np.ones(depth.shape, np.float32)
    small = cv2.resize(depth, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    for sigma, strength, reach in ((3.0, 0.42, 0.6), (10.0, 0.40, 2.2), (26.0, 0.35, 5.0)):
        blurred = cv2.GaussianBlur(np.minimum(small, 92), (0, 0), sigma)
        behind = cv2.resize(
            np.clip((small - blurred) / reach, 0, 1.4), depth.shape[::-1], interpolation=cv2.INTER_LINEAR
        )
        total *= 1 - strength * np.minimum(behind, 1)
    return np.asarray(total.reshape(-1), np.float32)


def dot(a: Array, b: Array) -> Array:
    return np.asarray((a * b).sum(-1), np.float32)


def lambert(normal: Array, direction: Array, wrap: float) -> Array:
    return np.clip((normal @ direction + wrap) / (1 + wrap), 0, 1)


def ambient(normal: Array) -> Array:
    up = (0.5 + 0.5 * normal[:, 1])[:, None]
    return np.asarray(GROUND * (1 - up) + SKY * up, np.float32)


def gloss(normal: Array, view: Array, light: Array, power: float) -> Array:
    half = view + light
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    return np.asarray(np.clip(dot(normal, half), 0, 1) ** power * (power + 8) / 25, np.float32)


def ramp(start: float, end: float, value: Array) -> Array:
    share = np.clip((value - start) / (end - start), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)
