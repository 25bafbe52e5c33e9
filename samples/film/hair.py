"""Hair as strands: rooted on the skull, combed from a side parting, fallen under gravity around head and neck.

The strands are grown once; a frame turns them with the head and draws them as dense points with a depth test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .head import SKULL_CENTRE, SKULL_RADII

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Hairdo:
    """How hair is cut and combed. Lengths in cm; `part`: where the parting lies, x."""

    strands: int = 5200
    length: float = 24.0
    part: float = 2.0
    volume: float = 0.9
    wave: float = 0.55
    seed: int = 5


STEPS = 40
DENSER = 3
"""Points drawn for each sample of a strand, so that it has no gaps."""


@dataclass(frozen=True, slots=True)
class Points:
    """Points on strands. `tint`: -1 to 1; `layer`: 1 outside, 0 next to the skin."""

    place: Array
    tangent: Array
    tint: Array
    layer: Array


def grow(style: Hairdo) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return strands (n, STEPS, 3) and for each a random tint and its depth under the outer hair (n, 2)."""
    random = np.random.default_rng(style.seed)
    roots, outward = _roots(style, random)
    count = len(roots)
    layer = random.uniform(0, 1, count)
    shell = style.volume * (0.35 + 0.65 * layer)
    side = np.sign(roots[:, 0] - style.part)
    length = style.length * random.uniform(0.90, 1.0, count) * (0.80 + 0.20 * layer)
    step = length / (STEPS - 1)
    combed = np.stack([side * 1.0, np.full(count, 0.10), -0.55 + 0 * side], 1)
    heading = outward * 0.9 + combed * 1.2
    heading /= np.linalg.norm(heading, axis=1, keepdims=True)
    strands = np.empty((count, STEPS, 3))
    place = roots.copy()
    phase = random.uniform(0, 2 * np.pi)
    for number in range(STEPS):
        strands[:, number] = place
        share = number / STEPS
        inward = -0.13 * side * np.clip((share - 0.50) / 0.3, 0, 1)
        pull = np.stack([inward, np.full(count, -0.28 - 0.25 * share), -0.05 + 0.0 * side], 1)
        heading = heading * 0.82 + pull + combed * (0.22 if share < 0.18 else 0.0)
        heading /= np.linalg.norm(heading, axis=1, keepdims=True)
        place = place + heading * step[:, None]
        place = _off_the_face(_push_out(place, shell), side)
        heading = place - strands[:, number]
        heading /= np.linalg.norm(heading, axis=1, keepdims=True)
    strands, guide = _clump(strands, random)
    lock = np.random.default_rng(style.seed + 1).normal(0, 0.9, count)[guide]
    along = np.linspace(0, 1, STEPS)[None, :]
    swing = np.sin(along * 8.5 + phase + 0.30 * strands[:, :1, 2] + lock[:, None]) * style.wave * along**1.2
    strands[:, :, 0] += np.where(strands[:, :, 2] > -3, np.abs(swing), swing) * side[:, None]
    strands[:, :, 2] += 0.6 * swing
    return strands.astype(np.float32), np.stack([random.uniform(-1, 1, count), layer], 1).astype(np.float32)


def _roots(style: Hairdo, random: np.random.Generator) -> tuple[Array, Array]:
    """Scatter roots over the hairy part of the skull."""
    unit = random.normal(size=(style.strands * 6, 3))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    points = SKULL_CENTRE + unit * SKULL_RADII
    x, y, z = points.T
    hairline = (
        7.7
        - 0.020 * x**2
        + 0.25 * np.cos(x * 1.3)
        + 0.5 * random.uniform(0, 1, len(x)) ** 2
        - np.maximum(0, -z + 0.5) * 1.9
    )
    scalp = (y > hairline) | ((z < -3.2) & (y > -3.5 + 0.0 * x))
    scalp &= (z > -7) | (random.uniform(size=len(z)) < 0.35)
    points, unit = points[scalp][: style.strands], unit[scalp][: style.strands]
    points = points + unit * (0.55 * np.clip((points[:, 2:] + 2.5) / 4, 0, 1) + 0.05)
    normal = unit / SKULL_RADII
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    return points, normal


def _push_out(place: Array, shell: Array) -> Array:
    """Keep strands outside skull, face sides, neck and shoulders."""
    bodies = (
        (SKULL_CENTRE, SKULL_RADII + 0.15, 1.0),
        (np.array([0.0, -3.0, -1.8]), np.array([6.45, 8.5, 6.3]), 0.8),
        (np.array([0.0, -13.0, -4.6]), np.array([6.3, 5.5, 6.2]), 0.6),
        (np.array([0.0, -24.5, -5.0]), np.array([21.0, 7.5, 9.5]), 0.5),
    )
    for centre, radii, share in bodies:
        size = radii + shell[:, None] * share
        unit = (place - centre) / size
        length = np.linalg.norm(unit, axis=1, keepdims=True)
        place = np.where(length < 1, centre + unit / np.maximum(length, 1e-6) * size, place)
    return place


def _off_the_face(place: Array, side: Array) -> Array:
    """Keep strands beside the face: whoever fell in front of it is drawn aside."""
    x, y, z = place.T
    edge = 6.3 - 0.9 * np.clip((-2 - y) / 7, 0, 1) - 16.0 * np.clip((y - 4.2) / 4.0, 0, 1) ** 2.2
    before = np.clip((z + 3.0) / 2.5, 0, 1) * (y > -13)
    held = np.maximum(side * x, edge * before - 99 * (before == 0))
    return np.stack([side * held, y, z], 1)


def _clump(strands: Array, random: np.random.Generator) -> tuple[Array, NDArray[np.int64]]:
    """Draw strands toward some of their neighbours, more toward the tips: locks."""
    from scipy.spatial import cKDTree

    guides = random.choice(len(strands), len(strands) // 28, replace=False)
    middle = STEPS // 2
    keys = np.concatenate([strands[:, 0], strands[:, middle]], 1)
    _, nearest = cKDTree(keys[guides]).query(keys)
    along = (np.linspace(0, 1, STEPS) ** 1.3)[None, :, None]
    pull = random.uniform(0.35, 0.75, len(strands))[:, None, None]
    guide = guides[nearest]
    return strands + (strands[guide] - strands) * along * pull, guide


def sampling(samples: int) -> NDArray[np.float32]:
    """Return the matrix (samples, STEPS) that draws strands finer, linear between their points."""
    at = np.linspace(0, STEPS - 1, samples)
    low = np.minimum(at.astype(int), STEPS - 2)
    matrix = np.zeros((samples, STEPS), np.float32)
    matrix[np.arange(samples), low] = 1 - (at - low)
    matrix[np.arange(samples), low + 1] = at - low
    return matrix


def scan(drawn: Array, samples: int, nearest: Array, *, wide: int) -> NDArray[np.int32]:
    """Return for each pixel which point of `drawn` (column, row, depth) it shows, -1 for none, and lower `nearest`.

    Points follow each other along strands of `samples`; the gaps are filled in pass by pass, so that little is held.
    """
    height, width = nearest.shape
    step = np.zeros_like(drawn)
    step[:-1] = (drawn[1:] - drawn[:-1]) / DENSER
    step[samples - 1 :: samples] = 0
    column, row, depth = np.ascontiguousarray(drawn.T)
    flat, owner = nearest.reshape(-1), np.full(height * width, -1, np.int32)
    for part in range(DENSER):
        if part:
            column, row, depth = column + step[:, 0], row + step[:, 1], depth + step[:, 2]
        first = np.rint(row).astype(np.int32) * width + np.rint(column).astype(np.int32)
        inside = np.nonzero((column > 0) & (column < width - 3) & (row > 0) & (row < height - 2))[0].astype(np.int32)
        first, near = first[inside], depth[inside]
        for offset in range(wide):
            pixel = first + offset
            ahead = near < flat[pixel]
            pixel, z, index = pixel[ahead], near[ahead], inside[ahead]
            np.minimum.at(flat, pixel, z)
            best = z == flat[pixel]
            owner[pixel[best]] = index[best]
    return owner
