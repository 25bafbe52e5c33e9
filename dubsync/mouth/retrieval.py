"""Which of the actor's own frames lends its pixels to which new frame.

Cost of a frame: how far its shape and pose are from what is wanted. Jumping to another frame has a price, going on in
the film's own order has none, and the cheapest way through the whole stretch is found by dynamic programming, so the
choice does not flicker.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dubsync.mouth import shape

Array = NDArray[np.float32]

_FAR = np.float32(1e9)


@dataclass(frozen=True, slots=True)
class Weights:
    """What counts in a match. `outer`, `inner`, `jaw`: per point; `pose`: per degree; `depth`: of points."""

    outer: float = 3.0
    inner: float = 4.0
    jaw: float = 1.0
    pose: float = 0.15
    depth: float = 0.0


SKIN = Weights()
INNER = Weights(outer=0.5, inner=4.0, jaw=0.0, pose=0.1)
LOOK = Weights(pose=0.1, depth=0.5)
"""For `appearance`."""


def features(shapes: Array, poses: Array, weights: Weights) -> Array:
    """Return (n, d) vectors whose squared distance is the cost of a match, about 1 for a clearly different mouth."""
    per_point = np.full(shapes.shape[1], weights.jaw, np.float32)
    per_point[shape.OUTER], per_point[shape.INNER] = weights.outer, weights.inner
    scale = per_point / np.sqrt((per_point**2).sum()) * 100 / 3
    axes = np.array([1, 1, weights.depth][: 3 if weights.depth else 2], np.float32)
    flat = (shapes[..., : len(axes)] * axes * scale[None, :, None]).reshape(len(shapes), -1)
    return np.concatenate([flat, poses * np.float32(weights.pose)], axis=1)


def costs(wanted: Array, library: Array) -> Array:
    """Return (frames, library) squared distances of the vectors that `features` gives."""
    crossed = wanted @ library.T
    squares = (wanted**2).sum(axis=1)[:, None] - 2 * crossed + (library**2).sum(axis=1)[None]
    return np.asarray(np.maximum(squares, 0), np.float32)


def choose(cost: Array, follows: NDArray[np.bool_], *, jump: float) -> NDArray[np.int32]:
    """Return the cheapest sequence (frames,) of library indices.

    `follows`: (library,) true where entry j shows the film's frame after entry j - 1. Staying or going one entry on
    or back costs nothing, any other change costs `jump`.
    """
    frames, entries = cost.shape
    came = np.empty((frames, entries), np.int32)
    total = cost[0].copy()
    own = np.arange(entries, dtype=np.int32)
    for frame in range(1, frames):
        best, came[frame] = total, own
        ahead = np.where(follows[1:], total[:-1], _FAR)
        back = np.where(follows[1:], total[1:], _FAR)
        best, came[frame, 1:] = _cheaper(best[1:], came[frame, 1:], ahead, own[:-1], best[:1])
        best_back, came[frame, :-1] = _cheaper(best[:-1], came[frame, :-1], back, own[1:])
        best = np.append(best_back, best[-1:])
        cheapest = int(np.argmin(total))
        jumped = total[cheapest] + jump < best
        came[frame, jumped] = cheapest
        total = np.where(jumped, total[cheapest] + np.float32(jump), best) + cost[frame]
    path = np.empty(frames, np.int32)
    path[-1] = int(np.argmin(total))
    for frame in range(frames - 1, 0, -1):
        path[frame - 1] = came[frame, path[frame]]
    return path


def _cheaper(
    best: Array, source: NDArray[np.int32], other: Array, origin: NDArray[np.int32], head: Array | None = None
) -> tuple[Array, NDArray[np.int32]]:
    """Return costs and origins with `other` taken where it is cheaper; `head` is put before the costs."""
    better = other < best
    merged = np.where(better, other, best)
    if head is not None:
        merged = np.concatenate([head, merged])
    return merged, np.where(better, origin, source)


def diverse(vectors: Array, count: int) -> NDArray[np.int64]:
    """Return at most `count` indices that cover the vectors (n, d): each is the farthest from those before it."""
    if len(vectors) <= count:
        return np.arange(len(vectors))
    chosen = [int(np.argmin(((vectors - vectors.mean(axis=0)) ** 2).sum(axis=1)))]
    distance = ((vectors - vectors[chosen[0]]) ** 2).sum(axis=1)
    while len(chosen) < count and distance.max() > 0:  # footage that repeats has fewer different vectors than asked
        chosen.append(int(np.argmax(distance)))
        distance = np.minimum(distance, ((vectors - vectors[chosen[-1]]) ** 2).sum(axis=1))
    return np.sort(np.array(chosen, np.int64))


def crossfade(path: NDArray[np.int32], *, reach: int) -> list[list[tuple[int, float]]]:
    """Return for each frame the library entries to mix with their shares: around a jump old and new overlap.

    `reach`: frames to both sides of one that are mixed into it. Steps to a neighbouring entry need no mixing.
    """
    mixed: list[dict[int, float]] = []
    kernel = np.hanning(2 * reach + 3)[1:-1]
    for frame in range(len(path)):
        shares: dict[int, float] = {}
        for offset, weight in zip(range(-reach, reach + 1), kernel, strict=True):
            at = int(path[min(max(frame + offset, 0), len(path) - 1)])
            near = next((entry for entry in shares if abs(entry - at) <= reach), at)
            shares[near] = shares.get(near, 0.0) + float(weight)
        mixed.append(_own_first(shares, int(path[frame]), reach))
    return [[(entry, share / sum(found.values())) for entry, share in found.items()] for found in mixed]


def _own_first(shares: dict[int, float], own: int, reach: int) -> dict[int, float]:
    """Let the entry chosen for this very frame stand for its neighbours, and keep at most the two heaviest."""
    named = {(own if abs(entry - own) <= reach else entry): share for entry, share in shares.items()}
    heaviest = sorted(named.items(), key=lambda item: -item[1])[:2]
    return dict(heaviest)
