"""What the head needs besides skin: eyeballs, teeth, tongue, neck and a roll-neck pullover; at rest, in cm."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import mesh
from .head import EYE_RADII, JAW_PIVOT
from .mesh import Mesh, Points

UPPER_TEETH = (0.43, 0.34, 0.36, 0.34, 0.36)
LOWER_TEETH = (0.28, 0.30, 0.34, 0.34, 0.36)
"""Half the width of each tooth from the middle outward."""


def eyeball(centre: NDArray[np.float64]) -> Mesh:
    """Return the front of one eyeball."""
    polar, around = np.meshgrid(
        np.linspace(0.001, 1.9, 18), np.linspace(0, 2 * np.pi, 36, endpoint=False), indexing="ij"
    )
    unit = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], -1).reshape(-1, 3)
    return Mesh((centre + unit * EYE_RADII).astype(np.float32), mesh.grid(18, 36, closed=True))


def teeth(line: float, *, upper: bool) -> tuple[Mesh, NDArray[np.float32]]:
    """Return a row of teeth whose edge is near height `line`, and how much of each point is tooth, not gum or gap."""
    widths = UPPER_TEETH if upper else LOWER_TEETH
    ends = np.cumsum([2 * width for width in widths])
    columns = np.linspace(-float(ends[-1]), float(ends[-1]), 121)
    index = np.searchsorted(ends, np.minimum(np.abs(columns), ends[-1] - 1e-6), side="right")
    start = ends[index] - 2 * np.array(widths)[index]
    inside = (np.abs(columns) - start) / (2 * np.array(widths)[index]) * 2 - 1
    bulge = 1 - np.abs(inside) ** 6
    rows = np.linspace(0, 1, 14)[:, None]
    length = np.array([1.0, 0.88, 0.98, 0.82, 0.75] if upper else [0.82, 0.84, 0.9, 0.8, 0.75])[index]
    corner = 0.10 * np.abs(inside) ** 5 + (0.05 if upper else 0.02) * (index == 1)
    height = corner + rows * (length + 0.35)
    y = line + (height if upper else -height)
    x, depth = _arch(columns, 4.72 if upper else 4.42)
    crown = np.clip(1.35 - rows * (length + 0.35) / length, 0, 1)
    z = depth + 0.14 * bulge * np.sin(np.pi * np.clip(0.15 + rows * 0.75, 0, 1)) - 0.10 * (1 - rows) ** 6 - 0.1 * rows
    points = np.stack([np.broadcast_to(x, y.shape), y, z], -1).reshape(-1, 3)
    tooth = np.broadcast_to(bulge**0.5, y.shape) * _step(0.12, 0.34, crown)
    triangles = mesh.grid(14, 121)
    return Mesh(points.astype(np.float32), triangles), tooth.reshape(-1).astype(np.float32)


def _arch(along: NDArray[np.float64], front: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lay lengths along a dental arch; return x and z."""
    x = 2.35 * np.sin(np.clip(along / 2.75, -1.5, 1.5))
    return x, front - 0.36 * x**2 - 0.05 * x**4 * (np.abs(along) > 1.0)


def tongue(line: float) -> Mesh:
    """Return a tongue resting behind the lower teeth."""
    polar, around = np.meshgrid(
        np.linspace(0.001, 2.2, 16), np.linspace(0, 2 * np.pi, 28, endpoint=False), indexing="ij"
    )
    unit = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], -1).reshape(-1, 3)
    unit[:, 1] -= 0.16 * np.exp(-((unit[:, 0] / 0.25) ** 2)) * (unit[:, 1] > 0)
    return Mesh(
        (np.array([0, line - 0.95, 2.2]) + unit * [1.55, 0.62, 1.95]).astype(np.float32), mesh.grid(16, 28, closed=True)
    )


def lift_tongue(points: Points, amount: float) -> Points:
    """Raise the tongue's tip toward the upper teeth (1: it touches)."""
    moved = points.copy()
    front = np.clip((points[:, 2] - 1.2) / 2.8, 0, 1) ** 1.5
    moved[:, 1] += 0.95 * amount * front
    moved[:, 2] += 0.30 * amount * front
    return moved


_NECK = np.array(  # height, half width, half depth, middle's z
    [
        (-1.0, 4.4, 4.2, -5.0),
        (-6.0, 4.45, 4.5, -4.8),
        (-9.5, 4.4, 4.6, -4.6),
        (-12.0, 4.7, 4.8, -4.6),
        (-15.5, 6.5, 5.6, -4.8),
    ]
)
_COLLAR = np.array(
    [(-12.2, 4.75, 4.9, -4.6), (-11.6, 4.95, 5.1, -4.5), (-11.2, 5.35, 5.5, -4.4), (-11.5, 5.85, 6.0, -4.35),
     (-12.6, 6.15, 6.25, -4.3), (-14.2, 6.25, 6.35, -4.3), (-15.0, 6.1, 6.2, -4.4), (-15.4, 6.15, 6.25, -4.4),
     (-16.0, 7.6, 6.9, -4.5), (-16.9, 10.2, 7.6, -4.7), (-18.0, 13.6, 8.4, -4.9), (-19.8, 16.6, 9.3, -5.0),
     (-22.5, 18.6, 10.2, -5.0), (-27.0, 19.8, 11.0, -5.0), (-36.0, 20.4, 11.6, -5.0)]
)  # fmt: skip


def neck() -> Mesh:
    return _tube(_NECK, 24)


def pullover() -> tuple[Mesh, NDArray[np.float32]]:
    """Return the pullover and for each point (around in turns, along in cm, share of collar) for its knit."""
    shape = _tube(_COLLAR, 64)
    rows = len(shape.points) // 96
    around = np.tile(np.linspace(0, 1, 96, endpoint=False), rows)
    points = shape.points.reshape(rows, 96, 3).astype(np.float64)
    along = np.concatenate(
        [[0], np.cumsum(np.linalg.norm(np.diff(points.mean(1) + points[:, 24] * [1, 0, 1], axis=0), axis=1))]
    )
    collar = _step(-15.9, -15.3, points[:, :, 1].mean(1))
    return shape, np.stack([around, np.repeat(along, 96), np.repeat(collar, 96)], 1).astype(np.float32)


def _tube(profile: NDArray[np.float64], rows: int) -> Mesh:
    from scipy.interpolate import PchipInterpolator

    knots = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(profile[:, :2], axis=0), axis=1))])
    height, wide, deep, middle = PchipInterpolator(knots, profile)(np.linspace(0, knots[-1], rows)).T[:, :, None]
    angle = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    power = 0.92
    x = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power
    z = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** power
    points = np.stack([wide * x, np.broadcast_to(height, (rows, 96)) * 1.0, middle + deep * z], -1)
    slope = np.clip((np.abs(points[..., 0]) - 6.5) / 12, 0, 1) ** 1.3 * _step(-15.6, -17.0, points[..., 1])
    points[..., 1] -= 2.6 * slope
    return Mesh(points.reshape(-1, 3).astype(np.float32), mesh.grid(rows, 96, closed=True)[:, ::-1].copy())


def neck_follow(points: Points, rotation: NDArray[np.float64]) -> Points:
    """Turn the neck with the head: fully at the top, not at all at the collar."""
    share = _step(-13.0, -5.0, points[:, 1].astype(np.float64))[:, None]
    turned = (points - JAW_PIVOT) @ rotation.T + JAW_PIVOT
    return np.asarray(points * (1 - share) + turned * share, np.float32)


def _step(start: float, end: float, value: NDArray[np.float64]) -> NDArray[np.float64]:
    share = np.clip((value - start) / (end - start), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float64)
