"""Geometry of a face: which landmark is what, the head's pose, and shapes with that pose taken out.

Landmarks are MediaPipe's 468 points, (n, 468, 3) float32: x right and y down in pixels, z away from the camera in
the same unit. "Left" and "right" are the picture's. The head is taken as rigid above the mouth: a similarity is
fitted from a mean head (`HEAD`, MediaPipe's canonical face model, Apache-2.0) to the points in `STABLE`, which
speech does not move (Umeyama, "Least-squares estimation of transformation parameters", 1991). Everything else
follows from that fit: pose angles, the head-fixed frame of the mouth and the crop.

The head-fixed frame: origin between the eye centres, x right, y down, z away, unit one eye distance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Landmarks = NDArray[np.float32]

LANDMARKS = 468

OUTER_LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
"""Ring from the left corner along the lower lip to the right corner and back along the upper lip."""
INNER_LIPS = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
"""The lips' inner edge, in the order of `OUTER_LIPS`, point for point."""
JAW_LINE = (
    234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454,
)  # fmt: skip
"""From the left ear down to the chin (152) and up to the right ear."""
FACE_OVAL = (
    *JAW_LINE, 356, 389, 251, 284, 332, 297, 338, 10, 109, 67, 103, 54, 21, 162, 127,
)  # fmt: skip
"""Closed outline of the face: the jaw line, then over the forehead."""
LEFT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
"""Lids of the eye on the picture's left, a ring from the outer corner along the lower lid."""
RIGHT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
EYES = ((33, 133), (362, 263))
"""Corners of the left and the right eye; an eye's centre is the middle of its corners."""
CHIN = (152, 148, 377, 175)
LEFT_CHEEK, RIGHT_CHEEK, NOSE_TIP, NOSE_BASE = 234, 454, 4, 2

HEAD = {
    33: (-4.445859, 2.663991, 3.173422), 133: (-1.856432, 2.585245, 3.757904),
    362: (1.856432, 2.585245, 3.757904), 263: (4.445859, 2.663991, 3.173422),
    168: (0.0, 3.271027, 5.236015), 6: (0.0, 2.473255, 5.788627), 197: (0.0, 1.728369, 6.316750),
    195: (0.0, 1.059413, 6.774605), 5: (0.0, 0.365669, 7.242870), 4: (0.0, -0.463170, 7.586580),
}  # fmt: skip
"""Mean head at `STABLE`: centimetres, x right, y up, z toward the camera."""

STABLE = tuple(HEAD)
"""Points that move with the skull, not with speech."""

CROP_WIDTH = 3.0
"""Sides of the face crop, in eye distances: both ears and an open jaw fit in."""
CROP_EYE_LINE = 0.24
"""How far down the crop the eyes of a head that looks straight ahead are, as a share of its side."""
_MOUTH = (0.0, 1.10, -0.12)
"""The point the crop is held by, in the head-fixed frame: between the teeth, so that nodding keeps the mouth there."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Where heads are: `point = scale * rotation @ head_fixed + translation`, each row one face.

    `rotation`: (n, 3, 3); `scale`: (n,) pixels per eye distance; `translation`: (n, 3) pixels, between the eyes.
    """

    rotation: NDArray[np.float64]
    scale: NDArray[np.float64]
    translation: NDArray[np.float64]

    @property
    def yaw(self) -> NDArray[np.float64]:
        """Degrees the head is turned; positive: toward the picture's right."""
        return np.degrees(np.arcsin(np.clip(self.rotation[:, 2, 0], -1, 1)))

    @property
    def pitch(self) -> NDArray[np.float64]:
        """Degrees the head nods; positive: down."""
        return np.degrees(np.arctan2(-self.rotation[:, 2, 1], self.rotation[:, 2, 2]))

    @property
    def roll(self) -> NDArray[np.float64]:
        """Degrees the head leans; positive: clockwise in the picture."""
        return np.degrees(np.arctan2(self.rotation[:, 1, 0], self.rotation[:, 0, 0]))


def pose(landmarks: Landmarks) -> Pose:
    """Fit the mean head to each face (n, 468, 3)."""
    points = np.asarray(landmarks, np.float64)[:, STABLE]
    middle = points.mean(axis=1)
    model = _TEMPLATE - _TEMPLATE.mean(axis=0)
    covariance = np.einsum("nki,kj->nij", points - middle[:, None], model) / len(STABLE)
    left, stretch, right = np.linalg.svd(covariance)
    sign = np.ones_like(stretch)
    sign[:, 2] = np.sign(np.linalg.det(left) * np.linalg.det(right))
    rotation = (left * sign[:, None]) @ right
    scale = (stretch * sign).sum(axis=1) / (model**2).sum(axis=1).mean()
    translation = middle - scale[:, None] * (rotation @ _TEMPLATE.mean(axis=0))
    return Pose(rotation, scale, translation)


def head_fixed(landmarks: Landmarks) -> Landmarks:
    """Return the faces (n, 468, 3) as seen from straight ahead at one size: see the module's head-fixed frame."""
    head = pose(landmarks)
    moved = np.asarray(landmarks, np.float64) - head.translation[:, None]
    return np.asarray((moved @ head.rotation) / head.scale[:, None, None], np.float32)


def eye_distance(landmarks: Landmarks) -> NDArray[np.float32]:
    """Return the distance of the eye centres of each face (n, 468, 3), in its unit; turning the head keeps it."""
    left, right = (np.asarray(landmarks)[:, list(eye)].mean(axis=1) for eye in EYES)
    return np.asarray(np.linalg.norm(right - left, axis=1), np.float32)


def crop_affine(landmarks: Landmarks, size: int) -> NDArray[np.float32]:
    """Return the (2, 3) similarity from frame pixels to a square face crop of one face (468, 3).

    The crop is upright, `CROP_WIDTH` eye distances wide and held at the teeth as the skull carries them: it does not
    move with lips and jaw. Pixel centres lie at integers on both sides.
    """
    return np.asarray(crop_affines(np.asarray(landmarks)[None], size)[0], np.float32)


def crop_affines(landmarks: Landmarks, size: int) -> NDArray[np.float32]:
    """Return `crop_affine` of each face (n, 468, 3), as (n, 2, 3)."""
    head = pose(landmarks)
    anchor = head.scale[:, None] * (head.rotation @ np.array(_MOUTH)) + head.translation
    zoom = size / (CROP_WIDTH * head.scale)
    roll = np.radians(head.roll)
    cosine, sine = zoom * np.cos(roll), zoom * np.sin(roll)
    linear = np.stack([np.stack([cosine, sine], axis=1), np.stack([-sine, cosine], axis=1)], axis=1)
    goal = size * np.array([0.5, CROP_EYE_LINE + _MOUTH[1] / CROP_WIDTH]) - 0.5
    shift = goal - np.einsum("nij,nj->ni", linear, anchor[:, :2])
    return np.asarray(np.concatenate([linear, shift[:, :, None]], axis=2), np.float32)


def transform(affine: NDArray[np.float32], points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Apply an affine (2, 3) to points (..., 2 or 3); a third coordinate is scaled along."""
    flat = np.asarray(points[..., :2] @ affine[:, :2].T + affine[:, 2], np.float32)
    if points.shape[-1] == 2:
        return flat
    zoom = np.sqrt(abs(np.linalg.det(affine[:, :2])))
    return np.asarray(np.concatenate([flat, points[..., 2:] * zoom], axis=-1), np.float32)


def mouth_opening(landmarks: Landmarks) -> NDArray[np.float32]:
    """Return the gap between the lips of each face (n, 468, 3), in eye distances; near 0 when closed."""
    shape = head_fixed(landmarks)
    return np.asarray((shape[:, (87, 14, 317), 1] - shape[:, (82, 13, 312), 1]).mean(axis=1), np.float32)


def mouth_width(landmarks: Landmarks) -> NDArray[np.float32]:
    """Return the distance of the outer lip corners of each face (n, 468, 3), in eye distances."""
    shape = head_fixed(landmarks)
    return np.asarray(np.linalg.norm(shape[:, 291, :2] - shape[:, 61, :2], axis=1), np.float32)


def jaw(landmarks: Landmarks) -> NDArray[np.float32]:
    """Return how far below the eyes the chin of each face (n, 468, 3) is, in eye distances."""
    return np.asarray(head_fixed(landmarks)[:, CHIN, 1].mean(axis=1), np.float32)


def _template() -> NDArray[np.float64]:
    """Return the mean head's stable points in the head-fixed frame, (len(STABLE), 3)."""
    points = np.array(list(HEAD.values())) * (1, -1, -1)
    left, right = (np.mean([points[STABLE.index(corner)] for corner in eye], axis=0) for eye in EYES)
    return np.asarray((points - (left + right) / 2) / np.linalg.norm(right - left))


_TEMPLATE = _template()
