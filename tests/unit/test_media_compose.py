"""New pixels go where the mask says, in the right colours, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from dubsync.media import planes
from dubsync.media.colour import to_rgb
from dubsync.media.compose import compose, patch_box
from dubsync.media.patches import PatchBook
from dubsync.testing.media import FilmSpec, make_film

FORMATS = ("yuv420p", "yuvj420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le")


@dataclass(frozen=True)
class Piece:
    pixels: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    affine: NDArray[np.float32]


def grey_frame(pixel_format: str, width: int = 320, height: int = 240, matrix: int = 1) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, pixel_format)
    frame.colorspace, frame.color_range = matrix, 2 if "j" in pixel_format else 1
    rng = np.random.default_rng(1)
    step = 1 << (planes.depth(frame) - 8)
    for index in range(3):
        plane = planes.view(frame, index)
        plane[:] = (rng.integers(100, 140, plane.shape) * step).astype(plane.dtype)
    return frame


def disc(scale: float = 1.0, *, is_soft: bool = True) -> Piece:
    mask = np.zeros((96, 96), np.uint8)
    cv2.circle(mask, (48, 48), 36, 255, -1)
    if is_soft:
        mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), 3), np.uint8)
    pixels = np.zeros((96, 96, 3), np.uint8)
    pixels[:] = (200, 120, 60)
    affine = np.array([[scale, 0.1, 70.3], [-0.1, scale, 60.6]], np.float32)
    return Piece(pixels, mask, affine)


def lumas(frame: av.VideoFrame) -> list[NDArray[np.uint16]]:
    return [planes.view(frame, index).astype(np.uint16) for index in range(3)]


@pytest.mark.parametrize("pixel_format", FORMATS)
@pytest.mark.parametrize("matrix", [1, 6, 9])
def test_a_patch_shows_its_own_colour(pixel_format: str, matrix: int) -> None:
    frame, patch = grey_frame(pixel_format, matrix=matrix), disc()
    compose(frame, [patch])
    x, y = (patch.affine @ np.array([48, 48, 1])).round().astype(int)
    shown = to_rgb(frame)[y - 8 : y + 8, x - 8 : x + 8].reshape(-1, 3).mean(axis=0)
    assert np.abs(shown - (200, 120, 60)).max() < 1.5


@pytest.mark.parametrize("pixel_format", FORMATS)
@pytest.mark.parametrize("size", [(320, 240), (321, 241)])
@pytest.mark.parametrize("scale", [0.4, 1.0, 1.7])
def test_pixels_outside_the_mask_keep_their_bits(pixel_format: str, size: tuple[int, int], scale: float) -> None:
    frame, patch = grey_frame(pixel_format, *size), disc(scale, is_soft=False)
    before = lumas(frame)
    compose(frame, [patch])
    x0, y0, x1, y1 = patch_box(patch.affine, 96, 96)
    far = np.ones((size[1], size[0]), bool)
    far[max(y0, 0) : y1, max(x0, 0) : x1] = False
    covered = cv2.warpAffine(patch.mask, patch.affine.astype(np.float64), size) > 0
    outside = ~covered if scale >= 0.7 else far  # what is averaged reaches a little further
    after = lumas(frame)
    assert np.array_equal(before[0][outside], after[0][outside])
    assert (before[0] != after[0]).any()
    for index in (1, 2):
        coloured = np.kron(before[index] != after[index], np.ones(subsampling(frame), bool))
        assert not (coloured[: size[1], : size[0]] & outside).any()


def subsampling(frame: av.VideoFrame) -> tuple[int, int]:
    rows, columns = planes.view(frame, 1).shape
    return (1 if rows == frame.height else 2, 1 if columns == frame.width else 2)


def test_an_empty_mask_changes_nothing_at_all() -> None:
    frame, patch = grey_frame("yuv420p"), disc()
    before = lumas(frame)
    compose(frame, [Piece(patch.pixels, np.zeros_like(patch.mask), patch.affine)])
    assert all(np.array_equal(a, b) for a, b in zip(before, lumas(frame), strict=True))


@pytest.mark.parametrize("shift", [(-100, 0), (290, 0), (0, -110), (280, 200), (1000, 1000)])
def test_a_patch_may_hang_over_the_edge(shift: tuple[int, int]) -> None:
    frame, patch = grey_frame("yuv420p", 321, 241), disc()
    moved = patch.affine + np.array([[0, 0, shift[0]], [0, 0, shift[1]]], np.float32)
    compose(frame, [Piece(patch.pixels, patch.mask, moved)])


def test_pixels_land_where_the_affine_sends_them() -> None:
    frame = grey_frame("yuv444p")
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[10, 20] = 255
    affine = np.array([[1, 0, 100], [0, 1, 50]], np.float32)
    compose(frame, [Piece(pixels, np.full((32, 32), 255, np.uint8), affine)])
    y, x = np.unravel_index(np.argmax(planes.view(frame, 0)[50:82, 100:132]), (32, 32))
    assert (x, y) == (20, 10)


@pytest.mark.parametrize("scale", [0.69, 0.45, 0.25])
def test_a_small_face_is_as_sharp_as_if_it_had_been_filmed(scale: float) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (160, 160)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 1 / scale)
    pixels = np.asarray(20 + 210 * (soft - soft.min()) / np.ptp(soft), np.uint8)
    affine = np.array([[scale, 0.02, 40.4], [-0.02, scale, 40.3]], np.float32)
    frame = grey_frame("yuv444p")
    planes.view(frame, 0)[:] = 128
    compose(frame, [Piece(np.dstack([pixels] * 3), np.full(pixels.shape, 255, np.uint8), affine)])
    size = round(140 * scale)
    shown = to_rgb(frame)[50 : 40 + size, 50 : 40 + size, 0].astype(np.float64)
    filmed = seen_from_afar(pixels, affine)[50 : 40 + size, 50 : 40 + size]
    assert np.abs(shown - filmed).mean() < 1.2
    assert detail(shown) > 0.95 * detail(filmed)


def seen_from_afar(pixels: NDArray[np.uint8], affine: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the luma that a camera makes of a picture in the middle of 320 x 240: each pixel the mean of 64."""
    fine = affine.astype(np.float64) * 8
    fine[:, 2] += 3.5
    large = cv2.warpAffine(pixels.astype(np.float32), fine, (320 * 8, 240 * 8), flags=cv2.INTER_CUBIC)
    return np.asarray(cv2.resize(large, (320, 240), interpolation=cv2.INTER_AREA), np.float64)


def detail(picture: NDArray[np.float64]) -> float:
    return float(cv2.Laplacian(picture, cv2.CV_64F).var())


def test_decoding_goes_on_undisturbed_after_a_frame_was_changed(tmp_path: Path) -> None:
    path = make_film(tmp_path / "film.mp4", FilmSpec(frames=12, options=(("g", "12"), ("bf", "0"))))
    clean = [planes.view(frame, 0).copy() for frame in one_by_one(path)]
    seen = []
    for number, frame in enumerate(one_by_one(path)):
        if number % 2 == 0:
            compose(frame, [disc()])
        seen.append(planes.view(frame, 0).copy())
    assert all(np.array_equal(clean[number], seen[number]) for number in range(1, 12, 2))
    assert not np.array_equal(clean[2], seen[2])


def one_by_one(path: Path) -> Iterator[av.VideoFrame]:
    """Decode without threads, so that each frame is given out before the next one is predicted from it."""
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "NONE"
        yield from container.decode(video=0)


def chunk(path: Path, numbers: list[int], shade: int) -> Path:
    n = len(numbers)
    np.savez(
        path,
        frame=np.array(numbers, np.int32),
        pixels=np.full((n, 8, 6, 3), shade, np.uint8),
        mask=np.full((n, 8, 6), 255, np.uint8),
        affine=np.repeat(np.array([[[1, 0, 5], [0, 1, 7]]], np.float32), n, axis=0),
    )
    return path


def test_a_book_finds_the_patches_of_a_frame_among_many_chunks(tmp_path: Path) -> None:
    files = [chunk(tmp_path / f"{k}.npz", list(range(10 * k, 10 * k + 10)), k) for k in range(8)]
    book = PatchBook([*files, chunk(tmp_path / "other.npz", [3, 4], 99)])
    assert [int(patch.pixels[0, 0, 0]) for patch in book.of(3)] == [0, 99]
    assert [int(patch.pixels[0, 0, 0]) for patch in book.of(75)] == [7]
    assert book.of(80) == ()
    assert len(book) == 82
    assert book.frames.tolist() == list(range(80))


def test_a_book_tells_the_boxes_its_patches_can_touch(tmp_path: Path) -> None:
    boxes = PatchBook([chunk(tmp_path / "a.npz", [2], 1)]).boxes()
    (x0, y0, x1, y1) = boxes[2][0]
    assert list(boxes) == [2]
    assert (x0, y0) <= (5, 7)
    assert (x1, y1) >= (11, 15)
    assert x1 - x0 < 12
    assert y1 - y0 < 14


def test_a_book_of_no_files_is_empty() -> None:
    assert len(PatchBook([])) == 0
    assert PatchBook([]).of(0) == ()
