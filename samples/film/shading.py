"""From covered pixels to colours: shadow and openness first, then each material."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import materials, skin
from .lights import Shadow, occlusion
from .surface import Paint, Surface

Array = NDArray[Any]
SKIN, EYE, TOOTH_UP, TOOTH_LOW, TONGUE, NECK, KNIT = range(7)
"""Materials, by number."""


def shade(surface: Surface, depth: Array, shadow: Shadow, paint: Paint, gazes: Array) -> tuple[Array, Array, Array]:
    """Return colour (h, w, 3), opacity (h, w) and depth (h, w). `depth`: of the covered pixels."""
    height, width = surface.size
    nearest: Array = np.full(height * width, np.inf, np.float32)
    nearest[surface.pixel] = depth
    nearest = nearest.reshape(height, width)
    surface = replace(surface, lit=shadow.light(surface.position), open=occlusion(nearest)[surface.pixel])
    kinds = (
        ((SKIN, NECK), lambda part: skin.skin(part, paint)),
        ((KNIT,), lambda part: materials.wool(part, paint)),
        ((EYE,), lambda part: materials.eye(part, paint, gazes)),
        ((TOOTH_UP, TOOTH_LOW, TONGUE), materials.mouth),
    )
    picture = np.zeros((height * width, 3), np.float32)
    for numbers, colour in kinds:
        part = surface.where(np.isin(surface.material, numbers))
        picture[part.pixel] = colour(part)
    filled = np.isfinite(nearest).astype(np.float32)
    return picture.reshape(height, width, 3), filled, nearest
