"""Where the camera stands and how the head is held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """How the head is held: yaw, pitch, roll in degrees, and where it is (cm)."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    place: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def matrix(self) -> Array:
        yaw, pitch, roll = np.radians([self.yaw, self.pitch, self.roll])
        c, s = np.cos, np.sin
        around_y = np.array([[c(yaw), 0, s(yaw)], [0, 1, 0], [-s(yaw), 0, c(yaw)]])
        around_x = np.array([[1, 0, 0], [0, c(pitch), -s(pitch)], [0, s(pitch), c(pitch)]])
        around_z = np.array([[c(roll), -s(roll), 0], [s(roll), c(roll), 0], [0, 0, 1]])
        return np.asarray(around_z @ around_y @ around_x)


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera at `distance` on the z axis. `focal`: in pixels of the final picture; `centre`: the axis in it."""

    width: int = 960
    height: int = 540
    focal: float = 1420.0
    distance: float = 86.0
    centre: tuple[float, float] = (455.0, 250.0)

    def project(self, points: Array, scale: int = 1) -> tuple[Array, Array]:
        """Return pixel positions (n, 2) and depths (n,)."""
        depth = self.distance - points[:, 2]
        zoom = self.focal * scale / depth
        half = (scale - 1) / 2
        x = self.centre[0] * scale + half + zoom * points[:, 0]
        y = self.centre[1] * scale + half - zoom * points[:, 1]
        return np.stack([x, y], 1).astype(np.float32), depth.astype(np.float32)
