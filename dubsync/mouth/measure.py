"""How good a painted mouth is beside the filmed one: error, structure, sharpness, flicker. Windows are RGB uint8."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from dubsync.mouth import shape
from dubsync.mouth.shape import GEOMETRY_SIZE

Array = NDArray[np.float32]
Picture = NDArray[np.uint8]
Box = tuple[slice, slice]

_MARGIN = 0.2


def mouth_box(nodes: Array, size: int) -> Box:
    """Return the box around the lips, a fifth of their width larger on each side, in a window of `size` px."""
    lips = (nodes[shape.OUTER] - GEOMETRY_SIZE / 4 + 0.5) * (2 * size / GEOMETRY_SIZE) - 0.5
    low, high = lips.min(axis=0), lips.max(axis=0)
    margin = _MARGIN * (high[0] - low[0])
    (left, top), (right, bottom) = np.floor(low - margin).astype(int), np.ceil(high + margin).astype(int)
    return slice(max(0, int(top)), min(size, int(bottom))), slice(max(0, int(left)), min(size, int(right)))


def psnr(one: Picture, other: Picture) -> float:
    """Return the peak signal-to-noise ratio in dB, at most 99."""
    error = float(np.mean((one.astype(np.float64) - other) ** 2))
    return 99.0 if error < 1e-5 else float(min(99.0, 10 * np.log10(255**2 / error)))


def ssim(one: Picture, other: Picture) -> float:
    """Return the structural similarity of the grey pictures (Wang et al., 2004; Gaussian window, sigma 1.5)."""
    x, y = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float64) for picture in (one, other))

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(cv2.GaussianBlur(values, (11, 11), 1.5), np.float64)

    first, second = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_x, mean_y = mean(x), mean(y)
    spread = mean(x * x) - mean_x**2 + mean(y * y) - mean_y**2
    common = mean(x * y) - mean_x * mean_y
    likeness = (2 * mean_x * mean_y + first) * (2 * common + second)
    return float((likeness / ((mean_x**2 + mean_y**2 + first) * (spread + second))).mean())


def sharpness(picture: Picture) -> float:
    """Return the variance of the Laplacian of the grey picture."""
    return float(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


def flicker(pictures: list[Picture], still: NDArray[np.bool_]) -> float:
    """Return the mean absolute change from frame to frame where `still` says that nothing moves, in grey levels."""
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) for picture in pictures]
    changes = [np.abs(after - before)[still].mean() for before, after in pairwise(grey)]
    return float(np.mean(changes)) if changes else 0.0
