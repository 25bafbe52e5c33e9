"""Heads whose lips are open by a known amount."""

from __future__ import annotations

import numpy as np

from dubsync.face import geometry


def faces(openings: list[float]) -> np.ndarray:
    """Return heads that look straight ahead, 100 px between the eyes, whose lips are so far open (eye distances)."""
    heads = np.zeros((len(openings), 468, 3), np.float32)
    unit = 100 / 6.302
    for number, (x, y, z) in geometry.HEAD.items():
        heads[:, number] = (300 + unit * x, 200 - unit * y, -unit * z)
    for upper, lower in zip((82, 13, 312), (87, 14, 317), strict=True):
        heads[:, upper, :2] = (300, 260)
        heads[:, lower, 0] = 300
        heads[:, lower, 1] = 260 + 100 * np.array(openings)
    return heads
