"""The shape of a speaking lower face: which points move with speech, the head-fixed shape, and its crop.

`MOVING` are the landmarks that articulation sets; `ANCHORS` belong to the skull and stay where the film has them.
Shapes are (n, len(MOVING), 3) float32 in the head-fixed frame of `dubsync.face.geometry` (unit: one eye distance).
The crop is a square of `CROP_WIDTH` eye distances around the mouth, from the nose to below an open jaw; it follows the
skull, never lips or jaw.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from dubsync.face import geometry
from dubsync.face.geometry import INNER_LIPS, OUTER_LIPS, Landmarks, Pose

Array = NDArray[np.float32]

_CHIN_LINE = (172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397)
_AROUND = (
    164, 167, 393, 165, 391, 92, 322, 186, 410, 57, 287, 43, 273, 106, 335, 182, 406, 83, 313, 18,
    200, 201, 421, 194, 418, 204, 424, 199, 208, 428, 32, 262, 211, 431, 202, 422, 212, 432, 214, 434,
    207, 427, 216, 436, 206, 426, 210, 430, 169, 394, 170, 395,
)  # fmt: skip
MOVING = (*OUTER_LIPS, *INNER_LIPS, *_CHIN_LINE, *_AROUND)
"""Lips outside and inside, the jaw line from angle to angle, and the skin between."""
ANCHORS = (2, 98, 327, 1, 129, 358, 203, 423, 205, 425, 50, 280, 187, 411, 147, 376, 123, 352, 58, 288, 132, 361)
"""Nose, cheek bones and the jaw's hinges."""
OUTER = slice(0, len(OUTER_LIPS))
INNER = slice(len(OUTER_LIPS), len(OUTER_LIPS) + len(INNER_LIPS))
LIPS = slice(0, INNER.stop)
JAW = slice(INNER.stop, INNER.stop + len(_CHIN_LINE))

CROP_WIDTH = 2.2
GEOMETRY_SIZE = 128
"""Side of the crop that nodes, masks and warps are computed for, in pixels; pictures may be larger."""
_CENTRE = (0.0, 1.2, -0.1)
"""What the middle of the crop looks at, in the head-fixed frame: the lower lip of an open mouth."""


def moving(landmarks: Landmarks) -> Array:
    """Return the head-fixed shapes of faces (n, 468, 3)."""
    return geometry.head_fixed(landmarks)[:, MOVING]


def posed(shapes: Array, head: Pose) -> Array:
    """Put head-fixed shapes (n, points, 3) onto heads: the inverse of `moving`, in the picture's pixels."""
    turned = np.einsum("nij,npj->npi", head.rotation, shapes)
    return np.asarray(turned * head.scale[:, None, None] + head.translation[:, None], np.float32)


def crop_affines(head: Pose, size: int) -> Array:
    """Return the similarities (n, 2, 3) from picture to crops of `size` pixels; pixel centres at integers."""
    centre = head.scale[:, None] * (head.rotation @ np.array(_CENTRE)) + head.translation
    zoom = size / (CROP_WIDTH * head.scale)
    roll = np.radians(head.roll)
    cosine, sine = zoom * np.cos(roll), zoom * np.sin(roll)
    linear = np.stack([np.stack([cosine, sine], axis=1), np.stack([-sine, cosine], axis=1)], axis=1)
    shift = size / 2 - 0.5 - np.einsum("nij,nj->ni", linear, centre[:, :2])
    return np.asarray(np.concatenate([linear, shift[:, :, None]], axis=2), np.float32)


def transformed(affines: Array, points: Array) -> Array:
    """Apply affines (n, 2, 3) to the x and y of points (n, p, 2 or 3); return (n, p, 2)."""
    return np.asarray(
        np.einsum("nij,npj->npi", affines[:, :, :2], points[..., :2]) + affines[:, None, :, 2], np.float32
    )


def opening(shapes: Array) -> Array:
    """Return the gap between the inner lips of shapes (n, points, 3), in eye distances."""
    return np.asarray(_middle(shapes, (87, 14, 317)) - _middle(shapes, (82, 13, 312)), np.float32)


def width(shapes: Array) -> Array:
    """Return the distance of the lip corners, in eye distances."""
    left, right = MOVING.index(61), MOVING.index(291)
    return np.asarray(np.linalg.norm(shapes[:, right, :2] - shapes[:, left, :2], axis=1), np.float32)


def jaw(shapes: Array) -> Array:
    """Return how far below the eyes the chin is, in eye distances."""
    return np.asarray(_middle(shapes, (152, 148, 377)), np.float32)


def measures(shapes: Array) -> Array:
    """Return opening, width and jaw as (n, 3)."""
    return np.stack([opening(shapes), width(shapes), jaw(shapes)], axis=1)


def _middle(shapes: Array, points: Iterable[int]) -> Array:
    return np.asarray(shapes[:, [MOVING.index(point) for point in points], 1].mean(axis=1), np.float32)
