"""Is something in front of the mouth? The mesh is as sure of a hidden mouth, so the colours of the face are asked.

Colours at points of the lower face, less what the upper face changed by (light), vary in a few ways only while a face
speaks and turns: those are learnt from the track (principal components), and what they do not explain is compared with
what they usually do not explain. The track's own odd frames are left out of what is learnt, as long as they are fewer
than about a third.

Stripes of nearly the actor's own skin colour (a hand) are told from the mouth behind them; what stays for a large part
of a track is learnt as the actor's own and may be missed. Only drawn hands were tried, and the limit was chosen on
clips that this was looked at on.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from dubsync.face import geometry
from dubsync.face.geometry import Landmarks

_LOWER = (
    172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 164, 167, 393, 165, 391, 92, 322, 186, 410, 57,
    287, 43, 273, 106, 335, 182, 406, 83, 313, 18, 200, 201, 421, 194, 418, 204, 424, 199, 208, 428, 32, 262, 211, 431,
    202, 422, 212, 432, 214, 434, 207, 427, 216, 436, 206, 426, 210, 430, 169, 394, 170, 395, 61, 291, 0, 17, 205, 425,
    187, 411,
)  # fmt: skip
_UPPER = (6, 50, 280, 151, 118, 347, 195, 5, 108, 337, 101, 330)
PATCHES = len(_LOWER) + len(_UPPER)
_RADIUS = 0.04
"""Of a patch, in eye distances."""
_LIGHTNESS = 0.6
"""What lightness counts for beside the two colours (CIELAB)."""
_WAYS, _FRAMES_A_WAY = 8, 12
"""Components kept, and frames that each asks for."""
_LIMIT = 2.0
"""Mean over the points of what is unexplained, in its usual amounts."""
_LEAST, _MOST = 1.5, 8.0
"""Bounds of the usual amount, and of what one point can say."""
_ROUNDS, _SHORTEST = 4, 4
"""Times that what is odd is left out anew; frames that something stays before the mouth at least."""


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
    own = np.ones(len(appearances), bool)
    oddness = np.zeros(len(appearances))
    for turn in range(_ROUNDS + 1):
        oddness = _oddness(appearances, own, _WAYS if turn else 0)
        if turn == 0:
            own = oddness <= np.percentile(oddness, 60)
        elif turn < _ROUNDS:
            own = oddness <= max(_LIMIT, float(np.percentile(oddness, 50)))
    return _lasting(oddness > _LIMIT)


def _lasting(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the flags without runs shorter than `_SHORTEST`."""
    if len(flags) < _SHORTEST:
        return np.zeros(len(flags), bool)
    run = np.ones(_SHORTEST)
    return np.asarray(np.convolve(np.convolve(flags, run, "valid") == _SHORTEST, run) > 0)


def _oddness(appearances: NDArray[np.float32], own: NDArray[np.bool_], ways: int) -> NDArray[np.float64]:
    """Return (n,) how unlike itself the lower face looks, as learnt from the frames `own`."""
    change = (appearances - np.median(appearances[own], axis=0)).astype(np.float64)
    lower, upper = change[:, : len(_LOWER)], change[:, len(_LOWER) :]
    local = (lower - np.median(upper, axis=1, keepdims=True)) * (_LIGHTNESS, 1, 1)
    flat = local.reshape(len(local), -1)
    flat = flat - np.median(flat[own], axis=0)
    count = min(ways, len(flat) // _FRAMES_A_WAY)
    if count:
        _, axes = np.linalg.eigh(flat[own].T @ flat[own])
        kept = axes[:, -count:]
        flat = flat - (flat @ kept) @ kept.T
    unexplained = np.linalg.norm(flat.reshape(local.shape), axis=2)
    usual = np.maximum(np.median(unexplained[own], axis=0), _LEAST)
    return np.asarray(np.minimum(unexplained / usual, _MOST).mean(axis=1))
