"""What a picture shows at each covered pixel, and the colours of a person."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Paint:
    """The colours of a person, linear."""

    skin: tuple[float, float, float] = (0.56, 0.315, 0.215)
    lip: tuple[float, float, float] = (0.42, 0.135, 0.125)
    blush: tuple[float, float, float] = (1.02, 0.86, 0.84)
    iris: tuple[float, float, float] = (0.10, 0.20, 0.22)
    hair: tuple[float, float, float] = (0.125, 0.047, 0.019)
    brow: tuple[float, float, float] = (0.030, 0.014, 0.008)
    stubble: float = 0.0
    liner: float = 1.0
    wool: tuple[float, float, float] = (0.030, 0.085, 0.105)


@dataclass(frozen=True, slots=True)
class Surface:
    """Covered pixels, one row each. `traits`: see `Portrait`; `lit`: share of the key light; `open`: to what is around.

    `size`: height and width of the picture that `pixel` counts through.
    """

    pixel: NDArray[np.int64]
    material: NDArray[np.int64]
    position: Array
    normal: Array
    view: Array
    traits: Array
    lit: Array
    open: Array
    size: tuple[int, int]

    def where(self, kept: NDArray[np.bool_]) -> Surface:
        """Return only the pixels that are kept."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return Surface(**{name: value if name == "size" else value[kept] for name, value in values.items()})
