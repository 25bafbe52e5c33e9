"""How much landmarks tremble."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dubsync.face import geometry
from dubsync.face.geometry import Landmarks


def jitter(landmarks: Landmarks, points: tuple[int, ...] = geometry.STABLE) -> float:
    """Return the noise of points over consecutive frames (n, 468, 3), as a share of the eye distance.

    The second difference over time of a smooth movement is small and that of white noise of deviation s is s times
    the root of 6; the median makes it robust against real jerks. For the mouth alone, pass head-fixed landmarks.
    """
    moves = np.diff(np.asarray(landmarks, np.float64)[:, list(points), :2], n=2, axis=0)
    if not len(moves):
        return 0.0
    return float(_deviation(moves) / np.sqrt(6) / np.median(geometry.eye_distance(landmarks)))


def _deviation(moves: NDArray[np.float64]) -> float:
    """Return the median over points and axes of the standard deviation over time, from the median of magnitudes."""
    return float(np.median(np.median(np.abs(moves), axis=0) / 0.6745))
