"""Everything that is not skin: wet eyes, teeth and tongue, knitted wool, hair (Kajiya and Kay, 1989)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .hair import Points
from .lights import FILL, FILL_LIGHT, KEY, KEY_LIGHT, RIM, RIM_LIGHT, Shadow, ambient, dot, gloss, lambert, ramp, unit
from .skin import PORES, lookup
from .surface import Paint, Surface

Array = NDArray[Any]
TONGUE = 4
"""Material number of the tongue (see portrait.py)."""


def wool(surface: Surface, paint: Paint) -> Array:
    normal, lit = surface.normal, surface.lit
    around, along, collar = surface.traits[:, :3].T
    rib = np.cos(around * 2 * np.pi * 66)
    stitch = np.abs(((along * 2.6 + np.abs(((around * 132) % 1) - 0.5) * 1.3) % 1) - 0.5) * 2
    row = np.where(collar > 0.5, 0.5 + 0.5 * rib * 0.9 + 0.12 * stitch, 0.30 + 0.55 * stitch)
    fuzz = lookup(PORES, around * 160, along, 60) * 0.10
    weave = (0.80 + 0.50 * row + fuzz)[:, None]
    light = KEY_LIGHT * (lambert(normal, KEY, 0.25) * lit)[:, None] + FILL_LIGHT * lambert(normal, FILL, 0.3)[:, None]
    light = light + RIM_LIGHT * lambert(normal, RIM, 0.2)[:, None] * 0.8 + ambient(normal)
    facing = np.clip(dot(normal, surface.view), 0, 1)
    rim = ((1 - facing) ** 3)[:, None] * (0.05 * KEY_LIGHT * lit[:, None] + 0.06 * RIM_LIGHT)
    return np.asarray(
        (np.array(paint.wool, np.float32) * weave * light + rim * 0.35) * surface.open[:, None], np.float32
    )


def mouth(surface: Surface) -> Array:
    """Teeth, gums and tongue, darker the deeper they lie."""
    normal, lit = surface.normal, surface.lit
    depth = surface.traits[:, 2]
    tooth = np.where(surface.material == TONGUE, 0, surface.traits[:, 3])[:, None]
    enamel, flesh = np.array([0.66, 0.58, 0.47], np.float32), np.array([0.40, 0.12, 0.11], np.float32)
    albedo = flesh * (1 - tooth) + enamel * tooth
    front = np.clip((depth - 1.2) / 3.2, 0, 1)[:, None]
    light = (
        KEY_LIGHT * (lambert(normal, KEY, 0.5) * (0.20 + 0.80 * lit))[:, None] * 0.80
        + FILL_LIGHT * 0.6
        + ambient(normal) * 0.8
    )
    wet = KEY_LIGHT * (gloss(normal, surface.view, KEY, 60) * 0.05 * lit)[:, None]
    return np.asarray((albedo * light + wet) * front**1.6 * (0.25 + 0.75 * surface.open[:, None] ** 1.5), np.float32)


def eye(surface: Surface, paint: Paint, gazes: Array) -> Array:
    """Return the colour of eyeballs that look along `gazes` (2, 3), in the head's frame."""
    normal, lit = surface.normal, surface.lit
    local = surface.traits[:, :3] / np.array([1.5, 1.27, 1.27], np.float32)
    local /= np.linalg.norm(local, axis=1, keepdims=True)
    which = np.round(surface.traits[:, 3]).astype(int)
    gaze = gazes[np.clip(which, 0, 1)].astype(np.float32)
    radius = np.arccos(np.clip(dot(local, gaze), -1, 1)) / 0.52
    side = np.cross(gaze, np.array([0, 1, 0], np.float32))
    up = np.cross(side, gaze)
    angle = np.arctan2(dot(local, up), dot(local, side))
    white: Array = np.array([0.60, 0.57, 0.55], np.float32) * np.ones((len(radius), 1), np.float32)
    corner = np.clip(np.abs(local[:, 0]) * 1.25 - 0.35, 0, 1)[:, None]
    white = white * (1 + corner * (np.array([0.86, 0.80, 0.58], np.float32) - 1))
    fibre = 0.75 + 0.30 * np.sin(angle * 23 + 3 * np.sin(angle * 5)) * 0.5 + 0.20 * np.sin(angle * 61)
    ring = np.clip((radius - 0.35) / 0.6, 0, 1)
    iris = np.array(paint.iris, np.float32) * (fibre * (1.45 - 0.75 * ring))[:, None]
    inner = np.exp(-(((radius - 0.48) / 0.10) ** 2))[:, None]
    iris = iris + inner * np.array([0.09, 0.06, 0.02], np.float32) * fibre[:, None]
    caustic = np.clip(-dot(local - gaze * dot(local, gaze)[:, None], KEY) * 2.2, 0, 0.6)[:, None]
    iris = iris * (1 + 1.6 * caustic)
    iris = iris * (1 - 0.80 * ramp(0.80, 1.0, radius))[:, None]
    iris = iris * (1 - 0.985 * ramp(0.46, 0.36, radius))[:, None]
    mix = ramp(0.95, 1.06, radius)[:, None]
    albedo = iris * (1 - mix) + white * mix
    height = local[:, 1]
    lid = np.clip((0.36 - height) / 0.42, 0.0, 1)
    shadow = (0.25 + 0.75 * lid)[:, None]
    light = KEY_LIGHT * (lambert(normal, KEY, 0.55) * (0.30 + 0.70 * lit))[:, None] * 0.9
    light = light + FILL_LIGHT * 1.0 * lambert(normal, FILL, 0.5)[:, None] + ambient(normal) * 1.2
    colour = albedo * light * shadow * (0.35 + 0.65 * surface.open[:, None])
    cornea = normal + 0.55 * (np.clip(1 - radius, 0, 1)[:, None]) * (normal - _front(gaze, normal)) * 1.2
    cornea /= np.linalg.norm(cornea, axis=1, keepdims=True)
    return np.asarray(colour + _reflections(cornea, surface.view) * (0.35 + 0.65 * lid)[:, None], np.float32)


def _front(gaze: Array, normal: Array) -> Array:
    return gaze * dot(gaze, normal)[:, None]


def _reflections(normal: Array, view: Array) -> Array:
    """Return what the wet eye mirrors: a soft box to the left and a dim window to the right."""
    mirrored = 2 * dot(normal, view)[:, None] * normal - view
    box = _window(mirrored, unit(-0.46, 0.46, 0.72), 0.17, 0.22)[:, None] * np.array([4.2, 3.7, 3.1], np.float32)
    pane = _window(mirrored, unit(0.60, 0.22, 0.75), 0.10, 0.16)[:, None] * np.array([0.35, 0.5, 0.7], np.float32)
    return np.asarray(box * 0.55 + pane * 0.5 + 0.012, np.float32)


def _window(direction: Array, centre: Array, wide: float, tall: float) -> Array:
    side = np.cross(np.array([0, 1, 0], np.float32), centre)
    side /= np.linalg.norm(side)
    up = np.cross(centre, side)
    x, y = direction @ side, direction @ up
    inside = ramp(wide + 0.05, wide - 0.05, np.abs(x)) * ramp(tall + 0.05, tall - 0.05, np.abs(y))
    return np.asarray(inside * (direction @ centre > 0), np.float32)


def hair(points: Points, paint: Paint, shadow: Shadow) -> Array:
    """Return the colour of points on strands."""
    tint, layer = points.tint, points.layer
    tangent = points.tangent / (np.linalg.norm(points.tangent, axis=1, keepdims=True) + 1e-9)
    lit = shadow.light(points.place)
    view = np.array([0, 0, 1], np.float32)
    base = np.array(paint.hair, np.float32) * (1 + 0.28 * tint)[:, None]
    deep = (0.22 + 0.78 * layer)[:, None]
    total = base * ambient(np.stack([0 * tint, 0.6 * layer, 0 * tint], 1)) * 1.3
    for direction, light, share in ((KEY, KEY_LIGHT, lit), (FILL, FILL_LIGHT, 1.0), (RIM, RIM_LIGHT, layer**2)):
        along = tangent @ direction
        diffuse = np.sqrt(np.clip(1 - along * along, 0, 1)) * share
        half = direction + view
        half = half / np.linalg.norm(half)
        across = tangent @ half
        wet = np.clip(1 - (across + 0.10) ** 2, 0, 1) ** 40
        warm = np.clip(1 - (across - 0.12 + 0.05 * tint) ** 2, 0, 1) ** 14
        total = total + light * (
            base * (0.42 * diffuse + 1.35 * (warm * share))[:, None] + 0.085 * (wet * share)[:, None]
        )
    return np.asarray(total * deep, np.float32)
