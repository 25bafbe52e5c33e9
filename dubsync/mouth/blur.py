"""Which of an actor's frames are too soft to lend their pixels: a head that turned, a focus that hunted, a dissolve.

How many edges a mouth has depends on what it does, so each frame is held against the actor's other frames with a like
mouth. Those right before and after it do not count: what blurs a frame blurs its neighbours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dubsync.mouth import retrieval
from dubsync.mouth.library import Library

Array = NDArray[np.float32]

_USUAL = 0.4
"""How much softer than like ones a frame may be, as a natural logarithm of sharpness."""
_PRICE = 4.0
"""Of borrowing a frame that is softer by a factor of e than is usual, in the unit of `retrieval.features`."""


def softness(library: Library) -> Array:
    """Return (n,) how much softer frames are than is usual for such mouths, a natural logarithm; 0 for most."""
    edges = np.log1p(library.sharp.astype(np.float64))
    vectors = retrieval.features(library.shapes, library.poses, retrieval.SKIN)
    alike = np.exp(-retrieval.costs(vectors, vectors).astype(np.float64) / 2)
    alike[library.beside(np.arange(len(library)))] = 0
    known = alike.sum(axis=1)
    expected = np.where(known > 1e-9, alike @ edges / np.maximum(known, 1e-9), edges)
    return np.asarray(np.maximum(expected - edges - _USUAL, 0), np.float32)


def price(library: Library) -> Array:
    """Return (n,) what it costs to borrow a frame for its softness."""
    return np.float32(_PRICE) * softness(library)
