"""One shot performed anew: what the mouth does in each frame, and whose pixels it is made of.

shares    how far each frame goes over to the new mouth, softly at both ends
cast      which of the actor's own frames lend skin, inner mouth and a mean of several
gather    what one frame is made of, warped to the target and lit like the film
finished  the painted mouth set into the film's own skin
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from dubsync.face import align
from dubsync.mouth import appearance, blur, composite, retrieval, shape, warp
from dubsync.mouth.appearance import Look
from dubsync.mouth.library import Geometry, Library, nodes_of
from dubsync.mouth.shape import GEOMETRY_SIZE

Array = NDArray[np.float32]
Picture = NDArray[np.uint8]
Mask = NDArray[np.uint8]
Shares = list[tuple[int, float]]
"""Library entries with the share each has in a picture."""

BLEND_S = 0.24
"""Seconds over which a face goes over to its new mouth and back."""
_SHOWN_AT, _MOVES_FROM = 0.5, 0.3
"""Of the way over: first the mask comes up, then the mouth moves. While both pictures show, their mouths have one
shape, or two would be seen. A mask that grows by more than a third in one frame is seen as a jump."""
JUMP = 1.5
"""Price of taking another library frame, in the unit of `retrieval.features`."""
_FADE_S = 0.04
"""Seconds to both sides of a jump over which the library's frames before and after it are mixed."""
_SMALLEST, _STEP, _SPARE = 96, 32, 1.15
"""Least side of a stored patch, steps of its side, and what it has over the film's own resolution."""
_BAN = np.float32(1e5)


@dataclass(frozen=True, slots=True)
class Stock:
    """What new mouths of an actor are made of: their frames, the triangles over them, and their expected look."""

    library: Library
    mesh: warp.Mesh
    look: Look


@dataclass(frozen=True, slots=True)
class Cast:
    """Whose pixels each frame takes: `skin` for lips and chin, `inner` between them."""

    skin: list[Shares]
    inner: list[Shares]


@dataclass(frozen=True, slots=True)
class Score:
    """What a shot's mouth shall do. Rows are the frames with a face.

    `share`: (n,) of the way from the film's own mouth (0) to the new one (1); `nodes`: (n, nodes, 2) mesh nodes of the
    target; `expected`: (n, k) loadings of the actor's look.
    """

    share: Array
    nodes: Array
    cast: Cast
    expected: Array


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What one frame is made of. `film`, `own`: its crop as it was shot, and warped to the target.

    `reach`: soft mask over the old and the new lower face, of `GEOMETRY_SIZE`.

    In windows (the middle half of the crop): `collage`: filmed pixels; `second`: the look that is expected; `zone`,
    `lips`, `hole`: masks of what is painted, of the lips and of what is between them.
    """

    film: Picture
    own: Picture
    reach: Mask
    collage: Picture
    second: Picture
    zone: Mask
    lips: Mask
    hole: Mask


def mesh_of(library: Library) -> warp.Mesh:
    """Return an actor's mesh, triangulated on their mean."""
    return warp.Mesh(library.nodes.mean(axis=0), GEOMETRY_SIZE)


def stock_of(library: Library, hidden: NDArray[np.bool_] | None = None) -> Stock:
    """Return what an actor is painted from. `hidden`: (library,) entries from which their look is not learnt."""
    mesh = mesh_of(library)
    entries = np.arange(len(library)) if hidden is None else np.flatnonzero(~hidden)
    return Stock(library, mesh, appearance.learn(library, mesh, entries))


class Painter(Protocol):
    """Makes mouths from their ingredients."""

    def paint(self, frames: Sequence[Ingredients]) -> list[Picture]:
        """Return the window of each frame with its new mouth."""


def shares(numbers: NDArray[np.int32], wanted: NDArray[np.bool_], usable: NDArray[np.bool_], *, rate: float) -> Array:
    """Return (n,) how far each frame is on its way to the new mouth: 1 where wanted, 0 wherever it is not usable.

    In between it rises and falls evenly. `rate`: frames a second.
    """
    good = wanted & usable
    if not good.any():
        return np.zeros(len(numbers), np.float32)
    missing = np.setdiff1d(np.arange(numbers[0], numbers[-1] + 1), numbers[usable])
    blend = round(BLEND_S * rate) + 1
    enter = 1 - _distance(numbers, numbers[good]) / blend
    leave = _distance(numbers, missing) / blend
    return np.asarray(np.clip(np.minimum(enter, leave), 0, 1), np.float32)


def moved(share: Array) -> Array:
    """Return how much of the new mouth's shape there is so far on the way, smooth at both ends."""
    part = np.clip((share - _MOVES_FROM) / (1 - _MOVES_FROM), 0, 1)
    return np.asarray(part * part * (3 - 2 * part), np.float32)


def _distance(numbers: NDArray[np.int32], marked: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return each frame's distance to the nearest of the ascending `marked`; infinite if there is none."""
    if len(marked) == 0:
        return np.full(len(numbers), np.inf)
    place = np.searchsorted(marked, numbers)
    before = np.abs(numbers - marked[np.clip(place - 1, 0, len(marked) - 1)])
    after = np.abs(numbers - marked[np.clip(place, 0, len(marked) - 1)])
    return np.asarray(np.minimum(before, after), np.float64)


def plan(
    geometry: Geometry,
    landmarks: Array,
    spoken: Array,
    share: Array,
    stock: Stock,
    *,
    price: Array | None = None,
) -> Score:
    """Decide each frame's target and its cast. `spoken`: (n, points, 3) what speech wants; `price`: see `cast`."""
    eased = geometry.shapes + moved(share)[:, None, None] * (spoken - geometry.shapes)
    nodes = nodes_of(shape.posed(eased, geometry.head), landmarks, geometry.affines)
    chosen = cast(eased, geometry.poses, stock.library, price=price)
    return Score(share, nodes, chosen, stock.look.expected(eased, geometry.poses))


def cast(
    shapes: Array,
    poses: Array,
    library: Library,
    *,
    banned: NDArray[np.bool_] | None = None,
    price: Array | None = None,
) -> Cast:
    """Choose library entries for targets (n, points, 3) and poses (n, 3).

    `banned`: (n, library) not to be used; `price`: (n, library) of using an entry, in the unit of `JUMP`.
    """
    soft = blur.price(library)[None]
    more = np.asarray(soft if price is None else soft + price, np.float32)
    if banned is not None:
        more = np.asarray(more + _BAN * banned, np.float32)
    skin = retrieval.choose(_cost(shapes, poses, library, retrieval.SKIN, more), library.follows, jump=JUMP)
    inner = retrieval.choose(_cost(shapes, poses, library, retrieval.INNER, more), library.follows, jump=JUMP)
    teeth: list[Shares] = [[(int(entry), 1.0)] for entry in inner]  # mixed teeth are ghosts
    return Cast(retrieval.crossfade(skin, reach=round(_FADE_S * library.rate)), teeth)


def _cost(shapes: Array, poses: Array, library: Library, weights: retrieval.Weights, more: Array) -> Array:
    wanted = retrieval.features(shapes, poses, weights)
    cost = retrieval.costs(wanted, retrieval.features(library.shapes, library.poses, weights))
    return np.asarray(cost + more, np.float32)


def gather(film: Picture, old_nodes: Array, score: Score, row: int, stock: Stock, expected: Picture) -> Ingredients:
    """Warp and light what frame `row` is made of.

    `film`: the frame's own crop, of the library's size; `expected`: the window that the look lets expect.
    """
    new_nodes = score.nodes[row]
    light = composite.ring_light(film, old_nodes)
    target = stock.mesh.at(new_nodes)
    warped: dict[int, Picture] = {}

    def borrowed(mix: Shares) -> Picture:
        for entry, _ in mix:
            if entry not in warped:
                warped[entry] = stock.library.brought(entry, target, light)
        return _mixed([(warped[entry], part) for entry, part in mix])

    masks = composite.mouth_masks(new_nodes, film.shape[0] // 2)
    reach = composite.soft_mask(old_nodes, new_nodes, GEOMETRY_SIZE)
    own = film if np.array_equal(new_nodes, old_nodes) else _following(film, old_nodes, target, reach)
    collage = composite.blended(borrowed(score.cast.inner[row]), borrowed(score.cast.skin[row]), masks.soft_hole)
    toned = composite.Tone(warp.window(own), masks.zone)
    return Ingredients(
        film=film,
        own=own,
        reach=reach,
        collage=toned(collage),
        second=toned(stock.look.brought(expected, target, light)),
        zone=masks.zone,
        lips=masks.lips,
        hole=masks.hole,
    )


def _following(film: Picture, old_nodes: Array, target: warp.Target, reach: Mask) -> Picture:
    """Return the film's own crop in the new shape, inside the patch's mask."""
    return warp.warp(film, composite.following(target.fetch_map(old_nodes), reach))


def _mixed(pictures: list[tuple[Picture, float]]) -> Picture:
    """Return the weighted mean of one picture or two."""
    if len(pictures) == 1:
        return pictures[0][0]
    (first, share), (second, other) = pictures
    return np.asarray(cv2.addWeighted(first, share, second, other, 0), np.uint8)


def finished(painted: Picture, parts: Ingredients) -> Picture:
    """Return the crop with the painted mouth set into the film's own skin, which follows the new shape."""
    out = parts.own.copy()
    window = warp.window(out)
    window[:] = composite.blended(painted, window, parts.zone)
    return out


def patch_mask(reach: Mask, size: int, share: float) -> Mask:
    """Return the patch's soft mask of `size` px, `share` of the way over. `reach`: see `Ingredients`."""
    small = composite.shown(reach)
    mask = cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.convertScaleAbs(mask, alpha=min(1.0, share / _SHOWN_AT)), np.uint8)


def crop_of(picture: Picture, affine: Array, size: int) -> tuple[Picture, Array]:
    """Return a frame's crop of `size` px and the affine (2, 3) from crop to picture. `affine`: of `GEOMETRY_SIZE`."""
    to_crop = align.rescaled(affine, size / GEOMETRY_SIZE)
    return align.crop(picture, to_crop, size, interpolation=cv2.INTER_CUBIC), align.inverse(to_crop)


def stored_size(geometry: Geometry, size: int) -> int:
    """Return the side in pixels that patches of a shot are kept at: the film's own resolution, at most `size`."""
    native = shape.CROP_WIDTH * float(np.percentile(geometry.head.scale, 90))
    return int(min(size, max(_SMALLEST, np.ceil(native * _SPARE / _STEP) * _STEP)))


def shrunk(pixels: Picture, mask: Mask, affine: Array, size: int) -> tuple[Picture, Mask, Array]:
    """Return a patch averaged down to `size` px; `affine` from patch to picture follows."""
    if size >= pixels.shape[0]:
        return pixels, mask, affine
    factor = pixels.shape[0] / size
    smaller = (cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA) for picture in (pixels, mask))
    grown = np.array([[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2], [0, 0, 1]])
    first, second = (np.asarray(picture, np.uint8) for picture in smaller)
    return first, second, np.asarray(affine @ grown, np.float32)
