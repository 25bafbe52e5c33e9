"""New pixels into a film's frame: only where the mask says so, everything else keeps its bits.

A patch is warped to where it belongs, converted to the frame's own YUV, given the grain of the pixels it covers, and
blended plane by plane. A chroma sample is touched only if every pixel it colours lies inside the mask, so that no pixel
outside changes, not even in colour.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any, Protocol

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from dubsync.media import grain, planes
from dubsync.media.colour import Encoding

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in coded pixels, half-open."""

_FINE_FROM = 0.7
"""Below this scale bicubic warping aliases, so the patch is warped to a finer grid and that is averaged."""

_MOSTLY = 0.5
"""Share of the mask's height from which a pixel tells the patch's grain."""


class PatchPixels(Protocol):
    """What `compose` needs of a patch (`dubsync.backends.protocols.Patch` is one)."""

    @property
    def pixels(self) -> NDArray[np.uint8]: ...
    @property
    def mask(self) -> NDArray[np.uint8]: ...
    @property
    def affine(self) -> NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class _Warped:
    """A patch laid over the frame. `x`, `y`: even corner in the frame. `rgb`: (h, w, 3); `alpha`: (h, w) 0..1."""

    x: int
    y: int
    rgb: NDArray[np.uint8]
    alpha: NDArray[np.float32]


def compose(frame: av.VideoFrame, patches: Iterable[PatchPixels]) -> None:
    """Blend patches into a planar YUV frame of 8 to 16 bits, in place."""
    encoding = Encoding.of(frame)
    is_writable = False
    for patch in patches:
        warped = _warp(patch, frame.width, frame.height)
        if warped is None:
            continue
        if not is_writable:
            frame.make_writable()
            is_writable = True
        _blend(frame, warped, encoding)


def patch_box(affine: NDArray[Any], height: int, width: int) -> Box:
    """Return the box of coded pixels that a patch of this size can touch; it may reach beyond the frame."""
    corners = np.array([[-0.5, -0.5], [width - 0.5, -0.5], [width - 0.5, height - 0.5], [-0.5, height - 0.5]])
    placed = corners @ np.asarray(affine[:, :2], np.float64).T + affine[:, 2]
    low, high = np.floor(placed.min(axis=0)).astype(int), np.ceil(placed.max(axis=0)).astype(int)
    return int(low[0]) - 1, int(low[1]) - 1, int(high[0]) + 2, int(high[1]) + 2


def _warp(patch: PatchPixels, width: int, height: int) -> _Warped | None:
    """Bring a patch into the frame's coordinates; None if its mask shows nowhere in the frame."""
    affine = np.asarray(patch.affine, np.float64)
    x0, y0, x1, y1 = patch_box(affine, *patch.mask.shape)
    x0, y0 = max(x0, 0) & ~1, max(y0, 0) & ~1  # even, for the chroma grid
    x1, y1 = min(x1, width) + 1 & ~1, min(y1, height) + 1 & ~1
    if x1 <= x0 or y1 <= y0:
        return None
    local = affine.copy()
    local[:, 2] -= (x0, y0)
    size = (x1 - x0, y1 - y0)
    alpha = _laid(patch.mask, local, size, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT)
    if not alpha.any():
        return None
    rgb = _laid(patch.pixels, local, size, cv2.INTER_CUBIC, cv2.BORDER_REPLICATE)
    return _Warped(x0, y0, rgb, alpha.astype(np.float32) / np.float32(255))


def _laid(picture: NDArray[np.uint8], affine: NDArray[Any], size: tuple[int, int], way: int, edge: int) -> Any:
    """Return a picture warped to `size` (width, height); where it becomes much smaller, each pixel is a mean."""
    scale = float(np.sqrt(abs(np.linalg.det(affine[:, :2]))))
    finer = max(1, int(np.ceil(_FINE_FROM / scale)))
    if finer == 1:
        return cv2.warpAffine(picture, affine, size, flags=way, borderMode=edge)
    fine = affine * finer
    fine[:, 2] += (finer - 1) / 2
    warped = cv2.warpAffine(picture, fine, (size[0] * finer, size[1] * finer), flags=way, borderMode=edge)
    return cv2.resize(warped, size, interpolation=cv2.INTER_AREA)


def _blend(frame: av.VideoFrame, warped: _Warped, encoding: Encoding) -> None:
    top = (1 << encoding.bits) - 1
    new = np.asarray(cv2.transform(warped.rgb.astype(np.float32), encoding.from_rgb()), np.float32)
    luma = _grained(planes.view(frame, 0), new[..., 0], warped)
    _blend_plane(planes.view(frame, 0), luma, warped.alpha, (warped.x, warped.y), top)
    if len(frame.format.components) == 1:
        return
    across = 1 if planes.view(frame, 1).shape[1] == frame.width else 2
    down = 1 if planes.view(frame, 1).shape[0] == frame.height else 2
    corner = (warped.x // across, warped.y // down)
    alpha = _thinned(warped.alpha, across, down)
    for index in (1, 2):
        small = _averaged(new[..., index], across, down)
        _blend_plane(planes.view(frame, index), small, alpha, corner, top)


def _grained(plane: NDArray[Any], new: NDArray[np.float32], warped: _Warped) -> NDArray[np.float32]:
    """Return the new luma with the grain that the film has there."""
    rows, columns = new.shape
    old = plane[warped.y : warped.y + rows, warped.x : warped.x + columns].astype(np.float32)
    rows, columns = old.shape
    inside = warped.alpha[:rows, :columns] > _MOSTLY * float(warped.alpha.max())
    out = new.copy()
    out[:rows, :columns] = grain.matched(new[:rows, :columns], old, inside)
    return out


def _blend_plane(
    plane: NDArray[Any], new: NDArray[np.float32], alpha: NDArray[np.float32], corner: tuple[int, int], top: int
) -> None:
    """Mix `new` into the plane by `alpha`; the warped piece may overhang an odd frame by one row or column."""
    x, y = corner
    area = plane[y : y + new.shape[0], x : x + new.shape[1]]
    rows, columns = area.shape
    new, alpha = new[:rows, :columns], alpha[:rows, :columns]
    old = area.astype(np.float32)
    mixed = np.clip(np.rint(old + (new - old) * alpha), 0, top)
    np.copyto(area, mixed.astype(plane.dtype), where=alpha > 0)


def _averaged(values: NDArray[np.float32], across: int, down: int) -> NDArray[np.float32]:
    parts = _phases(values, across, down)
    return np.asarray(reduce(np.add, parts) * np.float32(1 / len(parts)), np.float32)


def _thinned(alpha: NDArray[np.float32], across: int, down: int) -> NDArray[np.float32]:
    """Bring the mask to the chroma grid: the mean of its pixels, but nothing where one of them lies outside."""
    least = reduce(np.minimum, _phases(alpha, across, down))
    return np.where(least > 0, _averaged(alpha, across, down), np.float32(0))


def _phases(values: NDArray[np.float32], across: int, down: int) -> list[NDArray[np.float32]]:
    """Return the planes of first, second, ... pixels of every block: five times as fast as reducing over its axes."""
    return [values[row::down, column::across] for row in range(down) for column in range(across)]
