"""Crops: where pixels land, and that shrinking counts every one of them."""

import numpy as np
import pytest

from dubsync.face import align


def gradient(width: int = 200, height: int = 150) -> np.ndarray:
    """Return a picture whose first two channels say where a pixel is."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x, y, np.zeros_like(x)], axis=2).astype(np.uint8)


def similarity(zoom: float, turn: float, x: float, y: float) -> align.Affine:
    cosine, sine = zoom * np.cos(turn), zoom * np.sin(turn)
    return np.float32([[cosine, sine, x], [-sine, cosine, y]])


@pytest.mark.parametrize("zoom", [2.0, 1.0, 0.8, 0.5, 0.31])
def test_a_crop_shows_what_its_affine_says(zoom: float) -> None:
    size = 32
    affine = similarity(zoom, 0.2, 0, 0)
    affine[:, 2] = (size - 1) / 2 - affine[:, :2] @ (100, 75)
    found = align.crop(gradient(), affine, size)
    rows, columns = np.mgrid[8:24, 8:24]
    back = align.inverse(affine)
    x, y = np.einsum("ij,jnm->inm", back[:, :2], np.stack([columns, rows])) + back[:, 2, None, None]
    assert np.abs(found[8:24, 8:24, 0] - x).max() < 1.1
    assert np.abs(found[8:24, 8:24, 1] - y).max() < 1.1


def test_shrinking_averages_what_a_plain_warp_would_skip() -> None:
    fine = np.zeros((160, 160, 3), np.uint8)
    fine[:, ::2] = 255
    found = align.crop(fine, similarity(0.25, 0, -0.375, -0.375), 40)
    assert np.abs(found.astype(int) - 128).max() <= 2


def test_beyond_the_edge_the_edge_repeats() -> None:
    found = align.crop(np.full((20, 20, 3), 77, np.uint8), similarity(1, 0, 30, 30), 64)
    assert (found == 77).all()


def test_inverse_and_rescaled_agree_on_pixel_centres() -> None:
    affine = similarity(0.7, 0.4, 5, -3)
    corner = np.float32([-0.5, -0.5])
    once = align.inverse(affine)[:, :2] @ corner + align.inverse(affine)[:, 2]
    doubled = align.rescaled(affine, 2)
    twice = align.inverse(doubled)[:, :2] @ corner + align.inverse(doubled)[:, 2]
    assert once == pytest.approx(twice, abs=1e-4)
    assert align.zoom(doubled) == pytest.approx(1.4)
