"""Hair as strands: rooted on the skull, combed from a side parting, fallen under gravity around head and neck.

The strands are grown once; a frame turns them with the head and draws them as dense points with a depth test.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .head import SKULL_CENTRE, SKULL_RADII

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Hairdo:
    """How hair is cut and combed. Lengths in cm; `part`: where the parting lies, x."""

    strands: int = 5200
    length: float = 24.0
    part: float = 2.0
    volume: float = 0.9
    wave: float = 0.35
    seed: int = 5


STEPS = 40


def grow(style: Hairdo) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return strands (n, STEPS, 3) and for each a random tint and its depth under the outer hair (n, 2)."""
    random = np.random.default_rng(style.seed)
    roots, outward = _roots(style, random)
    count = len(roots)
    layer = random.uniform(0, 1, count)
    shell = style.volume * (0.35 + 0.65 * layer)
    side = np.sign(roots[:, 0] - style.part)
    length = style.length * random.uniform(0.86, 1.0, count)
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
        pull = np.stack([-0.06 * side * (share > 0.45), np.full(count, -0.28 - 0.25 * share), 0.0 * side], 1)
        heading = heading * 0.82 + pull + combed * (0.22 if share < 0.18 else 0.0)
        heading /= np.linalg.norm(heading, axis=1, keepdims=True)
        place = place + heading * step[:, None]
        place = _push_out(place, shell)
        heading = place - strands[:, number]
        heading /= np.linalg.norm(heading, axis=1, keepdims=True)
    strands = _clump(strands, random)
    along = np.linspace(0, 1, STEPS)[None, :]
    swing = np.sin(along * 7.0 + phase + 0.25 * strands[:, :1, 2] + 2.0 * layer[:, None]) * style.wave * along**1.2
    strands[:, :, 0] += swing * side[:, None]
    strands[:, :, 2] += 0.6 * swing
    return strands.astype(np.float32), np.stack([random.uniform(-1, 1, count), layer], 1).astype(np.float32)


def _roots(style: Hairdo, random: np.random.Generator) -> tuple[Array, Array]:
    """Scatter roots over the hairy part of the skull."""
    unit = random.normal(size=(style.strands * 6, 3))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    points = SKULL_CENTRE + unit * SKULL_RADII
    x, y, z = points.T
    hairline = 8.6 - 0.020 * x**2 + 0.25 * np.cos(x * 1.3) - np.maximum(0, -z + 0.5) * 1.9
    scalp = (y > hairline) | ((z < -3.2) & (y > -3.5 + 0.0 * x))
    scalp &= (z > -7) | (random.uniform(size=len(z)) < 0.35)
    points, unit = points[scalp][: style.strands], unit[scalp][: style.strands]
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


def _clump(strands: Array, random: np.random.Generator) -> Array:
    """Draw strands toward some of their neighbours, more toward the tips: locks."""
    from scipy.spatial import cKDTree

    guides = random.choice(len(strands), len(strands) // 28, replace=False)
    middle = STEPS // 2
    keys = np.concatenate([strands[:, 0], strands[:, middle]], 1)
    _, nearest = cKDTree(keys[guides]).query(keys)
    along = (np.linspace(0, 1, STEPS) ** 1.3)[None, :, None]
    pull = random.uniform(0.35, 0.75, len(strands))[:, None, None]
    return np.asarray(strands + (strands[guides[nearest]] - strands) * along * pull, np.float64)


def sampling(samples: int) -> NDArray[np.float32]:
    """Return the matrix (samples, STEPS) that draws strands finer, linear between their points."""
    at = np.linspace(0, STEPS - 1, samples)
    low = np.minimum(at.astype(int), STEPS - 2)
    matrix = np.zeros((samples, STEPS), np.float32)
    matrix[np.arange(samples), low] = 1 - (at - low)
    matrix[np.arange(samples), low + 1] = at - low
    return matrix
