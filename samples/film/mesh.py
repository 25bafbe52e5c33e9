"""Triangle meshes: loading, grids, Loop subdivision as a sparse matrix, normals.

A deformed control mesh is subdivided by one sparse product, so a face can change every frame at little cost.
Loop's scheme with boundary rules (Loop, "Smooth subdivision surfaces based on triangles", 1987).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

Points = NDArray[np.float32]
Triangles = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Mesh:
    """`points` (n, 3), `triangles` (m, 3) counter-clockwise from outside."""

    points: Points
    triangles: Triangles


def load(path: Path) -> Mesh:
    """Read `v x y z` and `f a b c` lines (0-based)."""
    rows = [line.split() for line in path.read_text().splitlines() if line and line[0] in "vf"]
    points = np.array([row[1:] for row in rows if row[0] == "v"], np.float32)
    triangles = np.array([row[1:] for row in rows if row[0] == "f"], np.int32)
    return Mesh(points, triangles)


def grid(rows: int, columns: int, *, closed: bool = False) -> Triangles:
    """Return triangles of a rows x columns net of points, row by row; `closed` joins last and first column."""
    across = columns if closed else columns - 1
    row, column = np.mgrid[0 : rows - 1, 0:across].reshape(2, -1)
    right = (column + 1) % columns
    a, b = row * columns + column, row * columns + right
    c, d = a + columns, b + columns
    return np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)]).astype(np.int32)


def strip(first: list[int], second: list[int]) -> Triangles:
    """Return triangles between two closed loops of the same length, side by side."""
    a, b = np.array(first), np.array(second)
    return np.concatenate(
        [np.stack([a, b, np.roll(a, -1)], 1), np.stack([np.roll(a, -1), b, np.roll(b, -1)], 1)]
    ).astype(np.int32)


def subdivision(points: int, triangles: Triangles, levels: int) -> tuple[csr_matrix, Triangles]:
    """Return the matrix from control points to fine points, and the fine triangles."""
    total: csr_matrix | None = None
    for _ in range(levels):
        matrix, triangles = _subdivide(points, triangles)
        points = matrix.shape[0]
        total = matrix if total is None else matrix @ total
    assert total is not None
    return total.astype(np.float32).tocsr(), triangles


def _subdivide(points: int, triangles: Triangles) -> tuple[csr_matrix, Triangles]:
    opposite: dict[tuple[int, int], list[int]] = defaultdict(list)
    for a, b, c in triangles.tolist():
        for first, second, third in ((a, b, c), (b, c, a), (c, a, b)):
            opposite[(min(first, second), max(first, second))].append(third)
    number = {edge: points + index for index, edge in enumerate(opposite)}
    entries: list[tuple[int, int, float]] = []
    around, border = defaultdict(set), defaultdict(set)
    for (a, b), thirds in opposite.items():
        around[a].add(b)
        around[b].add(a)
        if len(thirds) == 2:
            entries += [(number[a, b], a, 3 / 8), (number[a, b], b, 3 / 8)]
            entries += [(number[a, b], third, 1 / 8) for third in thirds]
        else:
            border[a].add(b)
            border[b].add(a)
            entries += [(number[a, b], a, 0.5), (number[a, b], b, 0.5)]
    for point in range(points):
        entries += _old_point(point, around[point], border[point])
    rows, columns, values = zip(*entries, strict=True)
    matrix = csr_matrix((values, (rows, columns)), shape=(points + len(opposite), points))
    fine = []
    for a, b, c in triangles.tolist():
        ab, bc, ca = (number[min(e), max(e)] for e in ((a, b), (b, c), (c, a)))
        fine += [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    return matrix, np.array(fine, np.int32)


def _old_point(point: int, around: set[int], border: set[int]) -> list[tuple[int, int, float]]:
    if len(border) >= 2:
        share = 0.25 / len(border)
        return [(point, point, 0.75), *((point, other, share) for other in sorted(border))]
    if not around:
        return [(point, point, 1.0)]
    count = len(around)
    beta = 3 / 16 if count == 3 else 3 / (8 * count)
    return [(point, point, 1 - count * beta), *((point, other, beta) for other in sorted(around))]


def normals(points: Points, triangles: Triangles) -> Points:
    """Return unit normals at the points, weighted by area."""
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    faces = np.cross(b - a, c - a)
    total = np.zeros((3, len(points)), np.float64)
    for axis in range(3):
        for corner in range(3):
            total[axis] += np.bincount(triangles[:, corner], faces[:, axis], len(points))
    result = total.T
    return np.asarray(result / (np.linalg.norm(result, axis=1, keepdims=True) + 1e-12), np.float32)
