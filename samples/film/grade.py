"""From linear light to the screen: bloom, filmic curve, vignette, grain; and the blurred room behind the person."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def develop(linear: Array, *, exposure: float, grain: Array) -> NDArray[np.uint8]:
    """Return the picture (h, w, 3) as 8-bit sRGB-like values."""
    height, width = linear.shape[:2]
    bright = np.maximum(linear - 0.85, 0)
    small = cv2.resize(bright, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    glow = cv2.resize(cv2.GaussianBlur(small, (0, 0), width / 160), (width, height), interpolation=cv2.INTER_LINEAR)
    light = (linear + 0.35 * glow) * exposure * _vignette(height, width)
    # Narkowicz, "ACES filmic tone mapping curve", 2015
    mapped = light * (2.51 * light + 0.03) / (light * (2.43 * light + 0.59) + 0.14)
    encoded = np.clip(mapped, 0, 1) ** (1 / 2.2)
    encoded = encoded + grain[..., None] * (0.25 + encoded * (1 - encoded) * 3)
    return np.asarray(np.clip(encoded * 255 + 0.5, 0, 255), np.uint8)


def grain(height: int, width: int, random: np.random.Generator, *, amount: float = 0.004) -> Array:
    """Return film grain: noise a little larger than a pixel."""
    noise: Array = random.normal(size=(height, width)).astype(np.float32)
    noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), 0.7), np.float32)
    return np.asarray(noise / noise.std() * amount, np.float32)


def _vignette(height: int, width: int) -> Array:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    radius = ((x / width - 0.5) * 1.15) ** 2 + ((y / height - 0.48) * 0.95) ** 2
    return np.asarray((1 - 0.85 * radius)[..., None], np.float32)


def room(height: int, width: int, *, mirrored: bool = False) -> Array:
    """Return a room at dusk, far out of focus: a wall, a blue window, lamps as soft discs."""
    random = np.random.default_rng(21)
    unit = height / 540
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / height
    wall = np.array([0.060, 0.042, 0.030], np.float32) * (1.3 - 0.5 * x - 0.25 * y)[..., None]
    picture = wall.copy()
    left, right, top, bottom = 1.12, 1.62, 0.05, 0.66
    pane = _box(x, y, left, right, top, bottom)
    sky = np.array([0.055, 0.12, 0.21], np.float32) + (y - top)[..., None] * np.array([0.40, 0.26, 0.14], np.float32)
    picture = picture * (1 - pane[..., None]) + sky * pane[..., None]
    for bar in (1.285, 1.455):
        picture *= (1 - 0.85 * _box(x, y, bar - 0.012, bar + 0.012, top, bottom))[..., None]
    picture *= (1 - 0.85 * _box(x, y, left, right, 0.335, 0.36))[..., None]
    shelf = _box(x, y, 0.0, 0.52, 0.40, 0.43)
    picture = picture * (1 - 0.6 * shelf[..., None])
    for column in np.arange(0.02, 0.5, 0.055):
        tall = random.uniform(0.10, 0.19)
        book = _box(x, y, column, column + random.uniform(0.03, 0.05), 0.40 - tall, 0.40)
        tone = np.array([0.10, 0.05, 0.03]) * random.uniform(0.4, 1.5) + random.uniform(0, 0.03, 3)
        picture = picture * (1 - book[..., None]) + tone.astype(np.float32) * book[..., None]
    picture = cv2.GaussianBlur(picture, (0, 0), 13 * unit)
    glow = np.exp(-(((x - 0.22) / 0.30) ** 2) - ((y - 0.62) / 0.30) ** 2)[..., None]
    picture = picture + glow * np.array([0.34, 0.19, 0.08], np.float32)
    shade = _box(x, y, 0.10, 0.34, 0.20, 0.42) * np.clip(1.0 - np.abs(x - 0.22) / (0.06 + 0.30 * (y - 0.15)), 0, 1)
    shade = cv2.GaussianBlur(shade, (0, 0), 9 * unit)[..., None]
    picture = picture + shade * np.array([1.5, 0.88, 0.42], np.float32)
    picture = picture + _bokeh(x, y, unit, random)
    return np.ascontiguousarray(picture[:, ::-1] if mirrored else picture, np.float32)


def _bokeh(x: Array, y: Array, unit: float, random: np.random.Generator) -> Array:
    total = np.zeros((*x.shape, 3), np.float32)
    for _ in range(15):
        at = random.uniform(1.14, 1.60), random.uniform(0.42, 0.62)
        size = random.uniform(0.012, 0.026)
        warm = np.array([1.0, 0.62, 0.26]) if random.uniform() < 0.75 else np.array([0.5, 0.75, 1.0])
        distance = np.hypot(x - at[0], y - at[1])
        disc = np.clip((size - distance) / 0.004, 0, 1) * (0.75 + 0.35 * np.clip(distance / size, 0, 1) ** 3)
        total += disc[..., None] * (warm * random.uniform(0.08, 0.30)).astype(np.float32)
    return cv2.GaussianBlur(total, (0, 0), 1.6 * unit)


def _box(x: Array, y: Array, left: float, right: float, top: float, bottom: float) -> Array:
    return np.asarray(((x > left) & (x < right) & (y > top) & (y < bottom)).astype(np.float32))
