"""Are smeared frames kept out of new mouths? A part of `dubsync bench mouth`.

Of each clip every third stretch of five frames is smeared, as a head that turns is; the others are cast anew.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from dubsync.mouth import performance
from dubsync.mouth.library import Library

Picture = NDArray[np.uint8]

_STRETCH, _EVERY = 5, 15
_LENGTH = 13
"""Pixels of a crop of 256 over which a smeared frame moved."""


def measured(library: Library) -> dict[str, float]:
    """Return the share of frames whose new mouth would be made of smeared ones (by chance 1/3).

    `smeared_lent`: as they are borrowed from; `smeared_lent_blind`: if nothing were known of how sharp frames are.
    """
    bad = np.arange(len(library)) % _EVERY < _STRETCH
    part = smeared(library, bad)
    blind = replace(part, sharp=np.ones_like(part.sharp))
    return {"smeared_lent": _lent(part, bad), "smeared_lent_blind": _lent(blind, bad)}


def _lent(library: Library, bad: NDArray[np.bool_]) -> float:
    rows = np.flatnonzero(~bad)
    chosen = performance.cast(library.shapes[rows], library.poses[rows], library, banned=library.beside(rows))
    return round(float(np.mean([any(bad[entry] for entry, _ in mix) for mix in chosen.skin])), 3)


def smeared(library: Library, bad: NDArray[np.bool_]) -> Library:
    """Return the library with these entries smeared along a line, each in a direction of its own."""
    chance = np.random.default_rng(0)
    part = replace(library, packed=[], sharp=library.sharp[:0], light=library.light[:0], _warm=OrderedDict())
    for entry in range(len(library)):
        picture = library.picture(entry)
        part.add(_smeared(picture, chance.uniform(0, np.pi)) if bad[entry] else picture)
    return part


def _smeared(picture: Picture, angle: float) -> Picture:
    middle = _LENGTH // 2
    steps = np.linspace(-middle, middle, 8 * _LENGTH)
    line = np.zeros((_LENGTH, _LENGTH), np.float32)
    line[np.rint(middle + steps * np.sin(angle)).astype(int), np.rint(middle + steps * np.cos(angle)).astype(int)] = 1
    return np.asarray(cv2.filter2D(picture, -1, line / line.sum()), np.uint8)
