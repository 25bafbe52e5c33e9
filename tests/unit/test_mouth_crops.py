"""A crop of a face on its way out of the film and back, through a warp: how much detail is left."""

import cv2
import numpy as np
from numpy.typing import NDArray

from dubsync.mouth import performance, warp

SIDE, CROP = 128, 160


def film() -> NDArray[np.uint8]:
    """Return a picture with detail as fine as a camera's."""
    noise = np.random.default_rng(0).normal(128, 20, (SIDE, SIDE, 1)).clip(0, 255).astype(np.uint8)
    return cv2.GaussianBlur(np.repeat(noise, 3, axis=2), (0, 0), 0.7)


def edges(picture: NDArray[np.uint8]) -> float:
    return float(cv2.Laplacian(picture[32:96, 32:96], cv2.CV_64F).var())


def test_a_crop_laid_back_is_as_sharp_as_the_film() -> None:
    affine = np.float32([[1.03, 0.1, 2], [-0.1, 1.03, 3]])  # of a crop of GEOMETRY_SIZE
    crop, back = performance.crop_of(film(), affine, CROP)
    again = cv2.warpAffine(crop, back, (SIDE, SIDE), flags=cv2.INTER_CUBIC)
    assert edges(again) > 0.85 * edges(film())


def test_a_warp_by_half_a_pixel_keeps_the_detail() -> None:
    grid = np.arange(SIDE, dtype=np.float32)
    half = np.stack(np.meshgrid(grid, grid), axis=-1) + np.float32(0.25)
    assert edges(warp.warp(film(), half)) > 0.8 * edges(film())
