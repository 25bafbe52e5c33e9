"""What an actor's mouth looks like in a shape it has not been filmed in: a regression from shape and pose to pixels.

All their frames are warped to one shape and one light. The principal components of those pictures are predicted by
kernel ridge regression, as an active appearance model does (Cootes et al., 2001), but not linear: frames with a like
mouth count most, and what they have in common with less like ones is used too. It is solved, not trained: seconds for
900 frames. The picture is soft, and nearer to what is wanted in colour and place than any filmed frame.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dubsync.mouth import composite, retrieval, warp
from dubsync.mouth.library import Library
from dubsync.mouth.retrieval import LOOK

Array = NDArray[np.float32]
Picture = NDArray[np.uint8]

FILE = "look.npz"
_PARTS = 48
"""Principal components kept."""
_REACH = 6.0
"""How far a frame tells of others, in the unit of `retrieval.features`."""
_RIDGE = 0.03
"""How much two frames of the same shape may differ, as a share of the kernel's height."""
_COLUMNS = 8192
"""Pixel values worked on at once."""


@dataclass(frozen=True, slots=True)
class Look:
    """A learnt appearance. The window is the middle half of a crop, `s` px wide.

    `nodes`: (points, 2) the shape all pictures were warped to; `light`: (3,) theirs; `mean`: (s, s, 3); `parts`:
    (k, s * s * 3) orthonormal; `loadings`: (n, k) of the frames learnt from; `vectors`: (n, d) their shapes and poses;
    `entries`: (n,) their places in the library.
    """

    nodes: Array
    light: Array
    mean: Array
    parts: Array
    loadings: Array
    vectors: Array
    entries: NDArray[np.int64]

    def expected(self, shapes: Array, poses: Array, left_out: NDArray[np.bool_] | None = None) -> Array:
        """Return the loadings (frames, k) of shapes (frames, points, 3) in poses (frames, 3), within those filmed.

        `left_out`: (library,) entries that are not to be learnt from; with none left, it is the mean picture.
        """
        used = np.ones(len(self.entries), bool) if left_out is None else ~left_out[self.entries]
        if not used.any():
            return np.zeros((len(shapes), self.loadings.shape[1]), np.float32)
        known, filmed = self.vectors[used], self.loadings[used]
        centre = filmed.mean(axis=0)
        gram = _kernel(known, known) + _RIDGE * np.eye(len(known))
        solved = np.linalg.solve(gram, (filmed - centre).astype(np.float64))
        wanted = _kernel(retrieval.features(shapes, poses, LOOK), known)
        return np.asarray(np.clip(centre + wanted @ solved, filmed.min(axis=0), filmed.max(axis=0)), np.float32)

    def pictures(self, loadings: Array) -> NDArray[np.uint8]:
        """Return the windows (n, s, s, 3) that loadings (n, k) stand for."""
        flat = loadings @ self.parts
        flat += self.mean.reshape(-1)
        np.clip(np.rint(flat, out=flat), 0, 255, out=flat)
        return flat.astype(np.uint8).reshape(len(loadings), *self.mean.shape)

    def brought(self, window: Picture, target: warp.Target, light: Array) -> Picture:
        """Return one of these windows in another shape and light (3,); beyond its edge the edge repeats."""
        size = len(window)
        nodes = warp.placed(self.nodes, 2 * size / target.mesh.size) - np.float32(size // 2)
        return composite.lit(warp.warp_window(window, nodes, target, size), composite.gain(self.light, light))

    def save(self, folder: Path) -> None:
        """Write it into a folder."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        np.savez(folder / FILE, **arrays | {"parts": self.parts.astype(np.float16)})


def load(folder: Path) -> Look:
    """Read a look that `Look.save` wrote."""
    with np.load(folder / FILE) as arrays:
        found = {field.name: arrays[field.name] for field in fields(Look)}
    return Look(**found | {"parts": found["parts"].astype(np.float32)})


def learn(library: Library, mesh: warp.Mesh, entries: NDArray[np.int64]) -> Look:
    """Learn from these entries of a library; takes 0.15 MB for each meanwhile."""
    nodes = library.nodes[entries].mean(axis=0)
    light = library.light[entries].mean(axis=0)
    target = mesh.at(nodes)
    pictures = np.stack([library.brought(int(entry), target, light) for entry in entries])
    mean, parts, loadings = _components(pictures.reshape(len(entries), -1), _PARTS)
    vectors = retrieval.features(library.shapes[entries], library.poses[entries], LOOK)
    return Look(nodes, light, mean.reshape(pictures.shape[1:]), parts, loadings, vectors, entries)


def _components(rows: NDArray[np.uint8], most: int) -> tuple[Array, Array, Array]:
    """Return the mean (d,), at most `most` orthonormal components (k, d) and the loadings (n, k) of rows (n, d)."""
    mean = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    places = [slice(start, start + _COLUMNS) for start in range(0, rows.shape[1], _COLUMNS)]
    gram = np.zeros((len(rows), len(rows)))
    for place in places:
        part = rows[:, place] - mean[place]
        gram += part @ part.T
    values, vectors = np.linalg.eigh(gram)
    kept = np.flatnonzero(values > 1e-6 * max(values[-1], 1.0))[::-1][:most]
    lengths = np.sqrt(values[kept])
    into = (vectors[:, kept] / lengths).T.astype(np.float32)
    parts = np.concatenate([into @ (rows[:, place] - mean[place]) for place in places], axis=1)
    return mean, parts, np.asarray(vectors[:, kept] * lengths, np.float32)


def _kernel(one: Array, other: Array) -> NDArray[np.float64]:
    """Return how alike vectors are (n, m), 1 for equal ones: a Matern kernel of order 3/2."""
    distance = np.sqrt(3 * retrieval.costs(one, other).astype(np.float64)) / _REACH
    return np.asarray((1 + distance) * np.exp(-distance), np.float64)
