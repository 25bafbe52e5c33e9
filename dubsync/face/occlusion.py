"""Is something in front of the mouth? Colours tell; the mesh does not, it is as sure of a hidden mouth.

Small patches around the mouth are compared with what they mostly look like in the same track, less what the upper
face changed by (light). Seen on ten clips: bare faces that speak and turn stay under 11, a microphone or a sheet of
grey before the mouth gives 20 and more. A bare hand looks like a face (3 to 14) and is not told from it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from dubsync.face import geometry
from dubsync.face.geometry import Landmarks

_LOWER = (0, 17, 164, 199, 205, 425, 212, 432, 18, 57, 287)
_UPPER = (6, 50, 280, 151, 118, 347)
PATCHES = len(_LOWER) + len(_UPPER)
_RADIUS = 0.05
"""Of a patch, in eye distances."""
_AT_LEAST, _DIFFERENCE = 3, 16.0
"""So many patches must differ by so much (CIELAB, lightness counted 0.6)."""
_LIGHTNESS = 0.6


def appearance(picture: NDArray[np.uint8], landmarks: Landmarks) -> NDArray[np.float32]:
    """Return the mean colours (PATCHES, 3) of patches of one face (468, 3), CIELAB."""
    height, width = picture.shape[:2]
    radius = max(1, round(_RADIUS * float(geometry.eye_distance(landmarks[None])[0])))
    colours = np.zeros((1, PATCHES, 3), np.float32)
    points = np.rint(landmarks[[*_LOWER, *_UPPER], :2]).astype(int)
    for number, (x, y) in enumerate(np.clip(points, 0, (width - 1, height - 1))):
        patch = picture[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
        colours[0, number] = cv2.mean(patch)[:3]
    return np.asarray(cv2.cvtColor(colours / 255, cv2.COLOR_RGB2Lab)[0], np.float32)


def is_covered(appearances: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the frames (n,) of one track, (n, PATCHES, 3), in which the mouth looks unlike itself."""
    change = appearances - np.median(appearances, axis=0)
    lower, upper = change[:, : len(_LOWER)], change[:, len(_LOWER) :]
    local = lower - np.median(upper, axis=1, keepdims=True)
    difference = np.linalg.norm(local * (_LIGHTNESS, 1, 1), axis=2)
    return np.asarray(np.sort(difference, axis=1)[:, -_AT_LEAST] > _DIFFERENCE)
