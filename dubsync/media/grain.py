"""Film grain for new pixels: warping and averaging take it out, so the film's own is put back.

By as much as the new pixels are smoother than the filmed ones they cover, the filmed ones are smoothed; what that takes
away is their finest detail, and it is added to the new ones. Edges, where it is more than grain, are left out. So the
grain has the spectrum and the course of the shot's, and where a patch changes nothing it gives the film back.

Smoothness is measured by a difference that edges and slopes hardly touch (Immerkaer, "Fast noise variance estimation",
1996), here by its median.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

_DIFFERENCE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_GAIN, _MEDIAN = 6.0, 0.6745
"""Deviation of the difference for white noise of deviation 1; median of the magnitude of such noise."""
_FEWEST = 64
_EVERY, _PART = 3, 80
"""Medians are taken of every third pixel, measures in a part so many pixels wide: enough, and twice as fast."""
_BLURS = (0.35, 0.45, 0.55, 0.7, 0.9, 1.2)
"""Blurs tried, in pixels."""
_STRENGTHS = (0.8, 1.0, 1.2, 1.4, 1.6)
"""The detail is taken so many times: where patch and film are not alike, their grains do not add up to the film's."""
_EDGE_FROM, _EDGE_TO = 1.6, 2.4
"""Detail whose deviation nearby is so many times the grain's is an edge: it fades out between the two."""


def matched(new: Plane, old: Plane, inside: NDArray[np.bool_]) -> Plane:
    """Return `new` with the grain of `old`; both (h, w). `inside`: where they are compared."""
    if np.count_nonzero(inside) < _FEWEST:
        return new
    part = _middle(inside)
    blur, strength = _wanted(new[part], old[part], inside[part])
    if strength == 0:
        return new
    return np.asarray(new + np.float32(strength) * _detail(old, blur, inside), np.float32)


def _wanted(new: Plane, old: Plane, inside: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the blur that makes the film as smooth as the patch, and how many times its detail is to be added."""
    there, wanted = deviation(new, inside), deviation(old, inside)
    if there >= wanted:
        return _BLURS[0], 0.0
    blur = _nearest(_BLURS, lambda each: -deviation(_smooth(old, each), inside), -there)
    detail = _detail(old, blur, inside)
    return blur, _nearest(_STRENGTHS, lambda each: deviation(new + np.float32(each) * detail, inside), wanted)


def _nearest(choices: Sequence[float], rises: Callable[[float], float], wanted: float) -> float:
    """Return the choice at which a function that rises with them comes nearest to what is wanted; few are tried."""
    measured = cache(rises)
    above = min(max(bisect_left(choices, wanted, key=measured), 1), len(choices) - 1)
    return min(choices[above - 1 : above + 1], key=lambda each: abs(measured(each) - wanted))


def _middle(inside: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return a part of the picture, at most `_PART` wide and high, around the middle of what is inside."""
    spans = []
    for axis in (1, 0):
        (places,) = np.nonzero(inside.any(axis=axis))
        start = max(0, int(places[0] + places[-1]) // 2 - _PART // 2)
        spans.append(slice(start, start + _PART))
    return spans[0], spans[1]


def _smooth(plane: Plane, blur: float) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), blur), np.float32)


def deviation(plane: Plane, inside: NDArray[np.bool_]) -> float:
    """Return the standard deviation of the noise of a plane where `inside` holds."""
    difference = np.abs(
        cv2.filter2D(np.ascontiguousarray(plane), cv2.CV_32F, _DIFFERENCE, borderType=cv2.BORDER_REFLECT)
    )
    return float(np.median(difference[inside][::_EVERY])) / (_GAIN * _MEDIAN)


def _detail(plane: Plane, blur: float, inside: NDArray[np.bool_]) -> Plane:
    """Return what a blur takes away, without edges."""
    detail = plane - _smooth(plane, blur)
    grain = float(np.median(np.abs(detail[inside][::_EVERY]))) / _MEDIAN + 1e-6
    nearby = cv2.sqrt(cv2.blur(detail * detail, (5, 5))) / np.float32(grain)
    share = np.clip((_EDGE_TO - nearby) / (_EDGE_TO - _EDGE_FROM), 0, 1)
    return np.asarray(detail * share, np.float32)
