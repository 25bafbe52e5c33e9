"""New pixels that sit in the film's frame: mask, light and grain taken from the frame that is there.

Everything works on crops of one size, RGB uint8; masks are uint8, 0 keeps the film.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from dubsync.mouth import shape, warp
from dubsync.mouth.shape import GEOMETRY_SIZE

Array = NDArray[np.float32]
Picture = NDArray[np.uint8]
Mask = NDArray[np.uint8]

_GROW, _FEATHER = 0.035, 0.03
"""How far the mask reaches beyond the jaw, and the width of its soft edge, as shares of the crop."""
_ROOM = np.float32(3.0)
"""How far below the chin the mask reaches, in ways of the chin: with less, skin is drawn out to twice and more."""
_SHOWS_FROM, _SHOWS_ALL = 0.1, 0.4
_FOLLOWS_FROM, _FOLLOWS_ALL = 0.3, 0.9
"""Of the soft mask: where the patch begins to show and shows wholly, and where skin begins to follow the new shape and
follows wholly. Where both pictures show, they are the same: an edge that lay in two places would be seen twice."""
_MAX_GAIN, _MAX_TINT = 4.0, 1.3
"""How much brighter or darker borrowed pixels may be made, and how much each colour beside that."""
_TONE_SIZE, _TONE_REACH = 32, 4.0
_ZONE = (164, 167, 165, 216, 212, 202, 204, 201, 200, 421, 424, 422, 432, 436, 391, 393)
_ZONE_NODES = [shape.MOVING.index(point) for point in _ZONE]
"""Ring around the lips, from under the nose to the middle of the chin: what is painted anew lies inside."""
_ZONE_GROW, _ZONE_FEATHER = 0.015, 0.022


def soft_mask(old: Array, new: Array, size: int) -> Mask:
    """Return the soft mask over an old and a new lower face (mesh nodes in a crop of `size`).

    The further the chins are apart, the further it reaches below them, so that the skin there has room to follow:
    without it a beard or neck is folded, or drawn out to several times its length, where a wide open mouth is shut.
    """
    hard = np.zeros((size, size), np.uint8)
    for nodes in (old, new, _with_room(old, new)):
        moving, anchors = split(nodes)
        hard = np.maximum(hard, warp.lower_face_mask(moving, anchors, size, grow=_GROW))
    blurred = cv2.GaussianBlur(hard, (0, 0), _FEATHER * size)
    return np.asarray(cv2.multiply(blurred, _edge(size), scale=1 / 255), np.uint8)


def _with_room(old: Array, new: Array) -> Array:
    """Return the new lower face with its chin below both chins, by `_ROOM` times what one is below the other."""
    roomy = new.copy()
    lower, upper = np.maximum(old[shape.JAW, 1], new[shape.JAW, 1]), np.minimum(old[shape.JAW, 1], new[shape.JAW, 1])
    roomy[shape.JAW, 1] = lower + _ROOM * (lower - upper)
    return roomy


def shown(mask: Mask) -> Mask:
    """Return how much of the patch shows, from its soft mask."""
    return np.asarray(cv2.LUT(mask, np.rint(255 * _ramp(_SHOWS_FROM, _SHOWS_ALL)).astype(np.uint8)), np.uint8)


def following(fetch: Array, mask: Mask) -> Array:
    """Return a fetch map (size, size, 2) that leaves everything in its place where the soft mask ends."""
    still = _still(len(mask))
    moved = fetch - still
    moved *= cv2.LUT(mask, _ramp(_FOLLOWS_FROM, _FOLLOWS_ALL))[..., None]
    moved += still
    return moved


@lru_cache(maxsize=4)
def _still(size: int) -> Array:
    """Return the fetch map that leaves everything in its place."""
    grid = np.arange(size, dtype=np.float32)
    return np.stack(np.meshgrid(grid, grid), axis=-1)


@lru_cache(maxsize=4)
def _ramp(low: float, high: float) -> Array:
    """Return (256,) from 0 at the mask's share `low` to 1 at `high`, smooth at both ends."""
    share = np.clip((np.arange(256) / 255 - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


@dataclass(frozen=True, slots=True)
class MouthMasks:
    """Masks of a window. `zone`: what is painted anew, softly; `lips`: lips and what is between; `hole`: only that."""

    zone: Mask
    lips: Mask
    hole: Mask
    soft_hole: Mask


def mouth_masks(nodes: Array, size: int) -> MouthMasks:
    """Return the masks for a window of `size` px. `nodes`: in the crop of `GEOMETRY_SIZE`."""
    placed = (nodes - GEOMETRY_SIZE / 4 + 0.5) * np.float32(2 * size / GEOMETRY_SIZE) - 0.5
    ring = warp.grown(warp.polygon(placed[_ZONE_NODES], size), 2 * _ZONE_GROW)
    zone = cv2.multiply(cv2.GaussianBlur(ring, (0, 0), 2 * _ZONE_FEATHER * size), _edge(size), scale=1 / 255)
    hole = warp.polygon(placed[shape.INNER], size)
    soft = cv2.GaussianBlur(hole, (0, 0), 0.012 * size)
    lips = warp.polygon(placed[shape.OUTER], size)
    return MouthMasks(np.asarray(zone, np.uint8), lips, hole, np.asarray(soft, np.uint8))


def split(nodes: Array) -> tuple[Array, Array]:
    """Part mesh nodes into moving points and anchors."""
    count = len(shape.MOVING)
    return nodes[:count], nodes[count : count + len(shape.ANCHORS)]


@lru_cache(maxsize=8)
def _edge(size: int) -> Mask:
    """Return a mask that falls to 0 at the edge of the crop, so that nothing ends in a straight line."""
    margin = max(2, round(0.06 * size))
    ramp = np.clip(np.minimum(np.arange(size), np.arange(size)[::-1]) / margin, 0, 1)
    return np.asarray(255 * np.minimum.outer(ramp, ramp), np.uint8)


def ring_mask(nodes: Array, size: int) -> Mask:
    """Return where light is compared: cheeks and nose above the mouth, which both pictures show alike."""
    moving, anchors = split(nodes)
    mask = np.zeros((size, size), np.uint8)
    outline = cv2.convexHull(np.rint(anchors[3:16]).astype(np.int32))
    cv2.fillConvexPoly(mask, outline, 255)
    mask[warp.lower_face_mask(moving, anchors, size) > 0] = 0
    return mask


def ring_light(picture: Picture, nodes: Array) -> Array:
    """Return the mean colour (3,) of cheeks and nose in a crop whose lower face lies at `nodes`."""
    small = cv2.resize(picture, (GEOMETRY_SIZE, GEOMETRY_SIZE), interpolation=cv2.INTER_AREA)
    return np.array(cv2.mean(small, ring_mask(nodes, GEOMETRY_SIZE))[:3], np.float32)


def gain(source: Array, target: Array) -> Array:
    """Return (3,) factors that bring pixels from one light to another."""
    factors = (target + 4) / (source + 4)
    level = np.exp(np.log(factors).mean())
    tint = np.clip(factors / level, 1 / _MAX_TINT, _MAX_TINT)
    return np.asarray(np.clip(level, 1 / _MAX_GAIN, _MAX_GAIN) * tint, np.float32)


def lit(picture: Picture, gain: Array) -> Picture:
    """Return the picture with its channels multiplied by `gain` (3,)."""
    if np.abs(gain - 1).max() < 0.004:
        return picture
    steps = np.arange(256, dtype=np.float32)
    table = np.clip(np.rint(steps[None, :, None] * gain), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(picture, table), np.uint8)


class Tone:
    """Matches slow colour changes of new windows to the film's where the zone ends.

    The difference along the zone's border is spread inward smoothly, as a membrane would be (after Poisson blending,
    Perez et al., 2003, in one blur instead of a solver). `around`: the film's own window.
    """

    def __init__(self, around: Picture, zone: Mask) -> None:
        inside = _small(zone)
        border = (inside < 200) & (cv2.dilate(inside, np.ones((7, 7), np.uint8)) > 30)
        self._border = border.astype(np.float32)[..., None]
        self._weight = cv2.GaussianBlur(self._border, (0, 0), _TONE_REACH)[..., None] + 1e-3
        self._here = _small(around).astype(np.float32)

    def __call__(self, new: Picture) -> Picture:
        """Return a new window so matched."""
        apart = (self._here - _small(new)) * self._border
        spread = cv2.GaussianBlur(apart, (0, 0), _TONE_REACH) / self._weight
        tone = cv2.resize(spread, new.shape[:2], interpolation=cv2.INTER_LINEAR)
        return np.asarray(cv2.add(new, np.rint(tone).astype(np.int16), dtype=cv2.CV_8U), np.uint8)


def _small(picture: Picture) -> Picture:
    return np.asarray(cv2.resize(picture, (_TONE_SIZE, _TONE_SIZE), interpolation=cv2.INTER_AREA), np.uint8)


def blended(new: Picture, old: Picture, mask: Mask) -> Picture:
    """Return `new` where the mask is 255, `old` where it is 0, a mixture between."""
    alpha = mask.astype(np.float32) * np.float32(1 / 255)
    return np.asarray(cv2.blendLinear(new, old, alpha, 1 - alpha), np.uint8)
