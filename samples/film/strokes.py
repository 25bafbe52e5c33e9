"""Brows and lashes: single hairs rooted on the landmarks of brows and lids, so that they move with the face."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

BROWS = (((107, 66, 105, 63, 70), (55, 65, 52, 53, 46)), ((336, 296, 334, 293, 300), (285, 295, 282, 283, 276)))


def brow_hairs(random: np.random.Generator) -> tuple[Array, ...]:
    """Return where each brow hair is rooted (along, across), and how far it reaches."""
    along = random.uniform(0.0, 1.0, 520)
    across = random.normal(0.48, 0.16, 520)
    along_reach = random.uniform(0.07, 0.14, 520)
    across_reach = 0.30 * (1 - along) ** 1.5 - 0.28 * (across - 0.5) + random.normal(0, 0.04, 520)
    return along, across, along_reach, across_reach


def brow_points(hairs: tuple[Array, ...], face: Array, broad: float) -> tuple[Array, Array]:
    along, across, reach, lift = hairs
    step = np.linspace(0, 1, 16)
    points, strengths = [], []
    for upper, lower in BROWS:
        s = along[:, None] + reach[:, None] * step
        taper = broad * np.interp(s, [0, 0.25, 0.7, 1.0, 1.2], [1.3, 1.55, 1.2, 0.55, 0.25])
        t = 0.46 + (across[:, None] - 0.5 + lift[:, None] * step) * taper
        t = t + np.interp(s, [0, 0.6, 1.1], [-0.06, 0.06, 0.02])
        top, bottom = _along(face, upper, s), _along(face, lower, s)
        line = bottom * (1 - t[..., None]) + top * t[..., None]
        line[..., 2] += 0.05
        points.append(line.reshape(-1, 3))
        strengths.append(
            (np.clip(s / 0.14, 0.25, 1) * np.clip((1.12 - s) / 0.25, 0, 1) * (0.95 - 0.35 * step)).reshape(-1)
        )
    return np.concatenate(points).astype(np.float32), np.concatenate(strengths).astype(np.float32)


def _along(face: Array, indices: tuple[int, ...], share: Array) -> Array:
    from scipy.interpolate import CubicSpline

    knots = np.linspace(0, 1, len(indices))
    return np.asarray(CubicSpline(knots, face[list(indices)])(np.clip(share, 0, 1.15)))


UPPER_LIDS = ((33, 246, 161, 160, 159, 158, 157, 173, 133), (263, 466, 388, 387, 386, 385, 384, 398, 362))
LOWER_LIDS = ((33, 7, 163, 144, 145, 153, 154, 155, 133), (263, 249, 390, 373, 374, 380, 381, 382, 362))


def lashes(random: np.random.Generator, long: float) -> tuple[Array, ...]:
    along = np.concatenate([np.linspace(0.02, 0.93, 74), np.linspace(0.08, 0.8, 34)])
    is_upper = np.arange(len(along)) < 74
    length = np.where(is_upper, 0.62 - 0.30 * along, 0.22) * random.uniform(0.75, 1.05, len(along)) * long
    return along, is_upper, length, random.normal(0, 0.08, len(along))


def lash_points(hairs: tuple[Array, ...], face: Array, blink: float) -> Array:
    along, is_upper, length, stray = hairs
    step = np.linspace(0, 1, 26)[None, :, None]
    out = []
    for side, upper, lower in zip((-1, 1), UPPER_LIDS, LOWER_LIDS, strict=True):
        roots = np.where(is_upper[:, None], _along(face, upper, along), _along(face, lower, along))
        roots[:, 2] += 0.03
        spread = side * (0.75 - 1.15 * along) + stray
        tilt = np.where(is_upper, 0.42 - 1.1 * max(0.0, blink), -0.45)
        first = np.stack([spread * 0.7, tilt - 0.25 * is_upper, np.full(len(along), 0.85)], 1)
        bend = np.stack([spread * 0.5, np.where(is_upper, 0.75, -0.25), np.full(len(along), -0.25)], 1)
        line = roots[:, None] + length[:, None, None] * (first[:, None] * step + bend[:, None] * step**2 * 0.6)
        out.append(line.reshape(-1, 3))
    return np.concatenate(out).astype(np.float32)
