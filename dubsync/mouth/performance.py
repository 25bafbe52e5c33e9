"""One shot performed anew: what the mouth does in each frame, whose pixels it is made of, and the patches.

plan     speech and measured faces -> a score: target shapes, how far each frame goes over to the new mouth
render   score and pictures, one frame at a time -> patches
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from dubsync.face import align
from dubsync.mouth import articulation, composite, retrieval, shape, warp
from dubsync.mouth.library import GEOMETRY_SIZE, Geometry, Library, nodes_of

Array = NDArray[np.float32]
Picture = NDArray[np.uint8]
Mask = NDArray[np.uint8]

BLEND_FRAMES = 5
"""Frames over which a face goes over to its new mouth and back."""
JUMP = 1.5
"""Price of taking another library frame, in the unit of `retrieval.features`."""
_FADE = 3
_POSE_SCALE = np.float32(1.0)


@dataclass(frozen=True, slots=True)
class Score:
    """What a shot's mouth shall do. Rows are the frames with a face.

    `share`: (n,) 0 the film's own mouth, 1 the new one; `shapes`: (n, points, 3); `nodes`: mesh nodes of the target.
    `skin`: library entries with shares for lips and chin; `inner`: for what is between the lips.
    """

    share: Array
    shapes: Array
    nodes: Array
    skin: list[list[tuple[int, float]]]
    inner: list[list[tuple[int, float]]]


@dataclass(frozen=True, slots=True)
class Ingredients:
    """All a frame is made of, in crops of one size, warped to the new geometry except `film`.

    `film`: as it was shot; `own`: the same; `skin`, `inner`: one or two library pictures with their shares.
    """

    film: Picture
    own: Picture
    skin: list[tuple[Picture, float]]
    inner: list[tuple[Picture, float]]
    old_nodes: Array
    new_nodes: Array


class Painter(Protocol):
    """Makes the final lower face from its ingredients."""

    def paint(self, ingredients: Ingredients) -> Picture:
        """Return the crop with a new lower face, before it is masked."""


class Collage:
    """The painter without a network: warped skin, warped inner mouth, light matched."""

    def paint(self, ingredients: Ingredients) -> Picture:
        size = ingredients.film.shape[0]
        factor = size / GEOMETRY_SIZE
        skin = mixed(ingredients.skin)
        inner = mixed(ingredients.inner)
        lips = (ingredients.new_nodes[shape.INNER] + 0.5) * factor - 0.5
        hole = cv2.GaussianBlur(warp.polygon(lips, size), (0, 0), 0.006 * size)
        return composite.blended(inner, skin, np.asarray(hole, np.uint8))


def mixed(pictures: list[tuple[Picture, float]]) -> Picture:
    """Return the weighted mean of one or two pictures."""
    if len(pictures) == 1:
        return pictures[0][0]
    (first, share), (second, other) = pictures
    return np.asarray(cv2.addWeighted(first, share, second, other, 0), np.uint8)


def shares(numbers: NDArray[np.int32], wanted: NDArray[np.bool_], usable: NDArray[np.bool_]) -> Array:
    """Return (n,) how far each frame goes over: 1 where wanted, soft before and after, 0 wherever it is not usable."""
    if len(numbers) == 0:
        return np.zeros(0, np.float32)
    away_from_wanted = _distance(numbers, wanted & usable)
    away_from_bad = _distance_to_gap(numbers, ~usable)
    enter = 1 - away_from_wanted / (BLEND_FRAMES + 1)
    leave = away_from_bad / (BLEND_FRAMES + 1)
    share = np.clip(np.minimum(enter, leave), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def _distance(numbers: NDArray[np.int32], marked: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return each frame's distance in frames to the nearest marked one; infinite if there is none."""
    at = numbers[marked].astype(np.float64)
    if len(at) == 0:
        return np.full(len(numbers), np.inf)
    place = np.searchsorted(at, numbers)
    before = np.abs(numbers - at[np.clip(place - 1, 0, len(at) - 1)])
    return np.asarray(np.minimum(before, np.abs(numbers - at[np.clip(place, 0, len(at) - 1)])))


def _distance_to_gap(numbers: NDArray[np.int32], bad: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return each frame's distance to the nearest bad frame or to the nearest frame without a face inside the shot."""
    missing = np.setdiff1d(np.arange(numbers[0], numbers[-1] + 1), numbers[~bad]).astype(np.int32)
    if len(missing) == 0:
        return np.full(len(numbers), np.inf)
    place = np.searchsorted(missing, numbers)
    before = np.abs(numbers - missing[np.clip(place - 1, 0, len(missing) - 1)])
    after = np.abs(numbers - missing[np.clip(place, 0, len(missing) - 1)])
    return np.asarray(np.minimum(before, after), np.float64)


def score(
    geometry: Geometry,
    landmarks: Array,
    spoken: Array,
    share: Array,
    library: Library,
    *,
    banned: NDArray[np.bool_] | None = None,
) -> Score:
    """Decide each frame's target and whose pixels it takes.

    `spoken`: (n, points, 3) what the new speech wants. `banned`: (n, library) entries a frame must not use.
    """
    eased = geometry.shapes + share[:, None, None] * (spoken - geometry.shapes)
    nodes = nodes_of(shape.posed(eased, geometry.head), landmarks, geometry.affines)
    skin = _path(eased, geometry.poses, library, retrieval.SKIN, banned)
    inner = _path(eased, geometry.poses, library, retrieval.INNER, banned)
    return Score(share, eased, nodes, retrieval.crossfade(skin, _FADE), retrieval.crossfade(inner, _FADE))


def _path(
    shapes: Array, poses: Array, library: Library, weights: retrieval.Weights, banned: NDArray[np.bool_] | None
) -> NDArray[np.int32]:
    wanted = retrieval.features(shapes, poses, weights)
    cost = retrieval.costs(wanted, retrieval.features(library.shapes, library.poses, weights))
    if banned is not None:
        cost = np.where(banned, np.float32(1e6), cost)
    return retrieval.choose(cost, library.follows, jump=JUMP)


def ingredients(
    film: Picture, old_nodes: Array, plan: Score, row: int, library: Library, mesh: warp.Mesh
) -> Ingredients:
    """Warp what a frame is made of. `film`: the frame's own crop, of the library's size."""
    ring = cv2.resize(composite.ring_mask(old_nodes, GEOMETRY_SIZE), film.shape[:2], interpolation=cv2.INTER_NEAREST)
    fetched: dict[int, Picture] = {}
    for entry, _ in (*plan.skin[row], *plan.inner[row]):
        if entry not in fetched:
            new = warp.warp(library.picture(entry), mesh.fetch_map(library.nodes[entry], plan.nodes[row]))
            fetched[entry] = composite.lit(new, composite.light_gain(new, film, np.asarray(ring, np.uint8)))
    return Ingredients(
        film=film,
        own=warp.warp(film, mesh.fetch_map(old_nodes, plan.nodes[row])),
        skin=[(fetched[entry], part) for entry, part in plan.skin[row]],
        inner=[(fetched[entry], part) for entry, part in plan.inner[row]],
        old_nodes=old_nodes,
        new_nodes=plan.nodes[row],
    )


def finished(painted: Picture, parts: Ingredients) -> Picture:
    """Return the painted mouth set into the film's own skin, which follows the new shape."""
    size = parts.film.shape[0]
    zone = cv2.resize(composite.zone_mask(parts.new_nodes, GEOMETRY_SIZE), (size, size))
    return composite.blended(painted, parts.own, np.asarray(zone, np.uint8))


def patch_mask(parts: Ingredients, share: float) -> Mask:
    """Return the patch's soft mask: the old and the new lower face, fading with `share`."""
    size = parts.film.shape[0]
    small = composite.soft_mask([parts.old_nodes, parts.new_nodes], GEOMETRY_SIZE)
    mask = cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.convertScaleAbs(mask, alpha=min(1.0, 2 * share)), np.uint8)


def crop_of(picture: Picture, affine: Array, size: int) -> tuple[Picture, Array]:
    """Return a frame's crop of `size` px and the affine (2, 3) from crop to picture. `affine`: of `GEOMETRY_SIZE`."""
    to_crop = align.rescaled(affine, size / GEOMETRY_SIZE)
    return align.crop(picture, to_crop, size), align.inverse(to_crop)


def stretches(share: Array) -> Iterator[slice]:
    """Yield the runs of rows with a share above 0."""
    active = np.flatnonzero(share > 0)
    if len(active) == 0:
        return
    breaks = np.flatnonzero(np.diff(active) > 1)
    for first, last in zip([0, *(breaks + 1)], [*breaks, len(active) - 1], strict=True):
        yield slice(int(active[first]), int(active[last]) + 1)


def spoken_shapes(
    model: articulation.Articulation,
    manner: articulation.Manner,
    features: Array,
    samples: Array,
    seconds: NDArray[np.float64],
) -> Array:
    """Return the shapes (n, points, 3) the speech wants at `seconds` after its first sample."""
    from dubsync.mouth.hearing import at_times

    shapes = articulation.perform(model, manner, features, samples)
    flat = at_times(shapes.reshape(len(shapes), -1), seconds)
    return np.asarray(flat.reshape(len(flat), *shapes.shape[1:]), np.float32)
