"""Cuts a region out of a picture under a similarity, with every source pixel counted when it shrinks.

Affines are (2, 3) float32 from picture to crop; pixel centres lie at integers on both sides, as in OpenCV.
"""

from __future__ import annotations

from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

Affine = NDArray[np.float32]


def zoom(affine: Affine) -> float:
    """Return how many crop pixels a picture pixel is wide."""
    return float(np.sqrt(abs(np.linalg.det(affine[:, :2]))))


def crop(
    picture: NDArray[np.uint8], affine: Affine, size: int, *, interpolation: int = cv2.INTER_LINEAR
) -> NDArray[np.uint8]:
    """Return the (size, size, channels) region that `affine` maps to the crop; beyond the edge, edge pixels repeat.

    A plain warp reads four source pixels however many it should, and what it skips flickers. Here the region is
    warped at no less than its own resolution, then averaged down by a whole factor. `interpolation`: OpenCV's; linear
    takes away detail that bicubic keeps, which is seen where the crop goes back into the picture.
    """
    factor = max(1, ceil(1 / zoom(affine) - 0.01))
    fine = rescaled(affine, factor)
    side = size * factor
    warped = cv2.warpAffine(picture, fine, (side, side), flags=interpolation, borderMode=cv2.BORDER_REPLICATE)
    if factor > 1:
        warped = cv2.resize(warped, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(warped, np.uint8)


def rescaled(affine: Affine, factor: float) -> Affine:
    """Return the affine for a crop with `factor` times as many pixels on each side."""
    scaled = np.asarray(affine, np.float64) * factor
    scaled[:, 2] += (factor - 1) / 2
    return scaled.astype(np.float32)


def inverse(affine: Affine) -> Affine:
    """Return the affine from crop to picture."""
    return np.asarray(cv2.invertAffineTransform(np.asarray(affine, np.float64)), np.float32)
