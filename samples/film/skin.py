"""Skin: freckles, flush and lips by place, light that travels under it, and a thin oily shine.

Light under the skin is made by blurring the diffuse light over the picture, most in red (after Jimenez, "Screen-space
perceptual rendering of human skin", 2009).
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .lights import FILL, FILL_LIGHT, KEY, KEY_LIGHT, RIM, RIM_LIGHT, ambient, dot, gloss, lambert, ramp
from .surface import Paint, Surface

Array = NDArray[Any]
NECK = 5
"""Material number of the neck, which has skin but no face (see portrait.py)."""


def _noise(size: int, octaves: tuple[int, ...], seed: int) -> Array:
    random = np.random.default_rng(seed)
    total = np.zeros((size, size), np.float32)
    for cells in octaves:
        coarse = random.normal(size=(cells, cells)).astype(np.float32)
        coarse = np.pad(coarse, ((0, 1), (0, 1)), mode="wrap")
        total += cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.asarray(total / total.std(), np.float32)


PORES = _noise(1024, (230, 380), 11)
_BLOTCH = _noise(512, (9, 17, 34), 12)
_BUMP_X, _BUMP_Y = np.gradient(cv2.GaussianBlur(PORES, (0, 0), 0.8))[::-1]


def skin(surface: Surface, paint: Paint) -> Array:
    normal, view, lit = surface.normal, surface.view, surface.lit
    x, y, _ = surface.traits[:, :3].T
    lip, inside, lid = surface.traits[:, 3:6].T
    is_neck = surface.material == NECK
    lip = np.where(is_neck, 0, np.clip((lip - 0.30) / 0.32, 0, 1))
    lip = lip * lip * (3 - 2 * lip)
    inside, lid = np.where(is_neck, 0, inside), np.where(is_neck, 0, lid)
    bump = np.stack([lookup(_BUMP_X, x, y, 60), -lookup(_BUMP_Y, x, y, 60), 0 * x], 1)
    fine = normal + bump * (0.16 + 0.10 * lip)[:, None]
    fine /= np.linalg.norm(fine, axis=1, keepdims=True)
    albedo = _skin_colour(x, y, lip, lid, is_neck, paint)
    facing = np.clip(dot(normal, view), 0, 1)
    soft = np.stack([lambert(normal, KEY, wrap) for wrap in (0.28, 0.21, 0.17)], 1)
    diffuse = KEY_LIGHT * soft * lit[:, None]
    diffuse = _scatter(diffuse, surface)
    diffuse = diffuse + FILL_LIGHT * lambert(normal, FILL, 0.35)[:, None]
    diffuse = diffuse + RIM_LIGHT * 0.55 * lambert(normal, RIM, 0.12)[:, None]
    diffuse = diffuse + ambient(normal)
    tint = surface.open[:, None] ** np.array([0.75, 1.0, 1.1], np.float32)
    colour = albedo * diffuse * tint
    fresnel = 0.028 + 0.55 * (1 - facing) ** 5
    shine = np.where(lip > 0.5, 1.6, 1.0) * (1 + 0.5 * np.exp(-((x / 1.2) ** 2) - ((y - 0.3) / 1.6) ** 2))
    sheen = (gloss(fine, view, KEY, 22) * 0.5 + gloss(fine, view, KEY, 75) * 0.38) * shine * lit
    edge = gloss(fine, view, RIM, 14) * 0.5
    lamp = (
        KEY_LIGHT * (sheen * fresnel * 3.2)[:, None] + FILL_LIGHT * (gloss(fine, view, FILL, 18) * fresnel * 3)[:, None]
    )
    colour = colour + (lamp + RIM_LIGHT * (edge * fresnel * 4)[:, None]) * surface.open[:, None]
    return np.asarray(colour * (1 - 0.93 * np.clip(inside, 0, 1))[:, None], np.float32)


def _skin_colour(x: Array, y: Array, lip: Array, lid: Array, is_neck: NDArray[np.bool_], paint: Paint) -> Array:
    skin = np.array(paint.skin, np.float32) * (1 + 0.035 * lookup(_BLOTCH, x, y, 14))[:, None]
    skin = skin * (1 + 0.02 * lookup(PORES, x, y, 60))[:, None]
    cheek = np.exp(-(((np.abs(x) - 4.2) / 1.7) ** 2) - ((y + 0.9) / 1.5) ** 2)
    nose = 0.7 * np.exp(-((x / 1.0) ** 2) - ((y + 0.6) / 0.9) ** 2)
    flush = np.where(is_neck, 0.15, np.clip(cheek + nose + 0.2 * np.exp(-((x / 2) ** 2) - ((y + 8) / 1) ** 2), 0, 1))
    skin = skin * (1 + flush[:, None] * (np.array(paint.blush, np.float32) - 1))
    socket = np.exp(-(((np.abs(x) - 3.0) / 1.7) ** 2) - ((y - 3.35) / 0.62) ** 2)
    under = 0.5 * np.exp(-(((np.abs(x) - 2.9) / 1.3) ** 2) - ((y - 1.45) / 0.5) ** 2)
    shadow = np.where(is_neck, 0, np.clip(0.60 * socket + under, 0, 1))
    skin = skin * (1 + shadow[:, None] * (np.array([0.74, 0.64, 0.66], np.float32) - 1))
    freckle = np.clip(lookup(PORES, x * 0.37, y * 0.37, 60) - 1.35, 0, 1) * np.exp(
        -((x / 4.6) ** 2) - ((y - 0.2) / 1.5) ** 2
    )
    skin = skin * (1 - 0.30 * np.where(is_neck, 0, freckle)[:, None] * np.array([0.5, 1, 1.1], np.float32))
    beard = _beard(x, y) * np.where(is_neck, 0, paint.stubble) * (0.8 + 0.2 * lookup(PORES, x, y, 60))
    skin = skin * (1 - beard[:, None] * np.array([0.55, 0.42, 0.34], np.float32))
    liner = (paint.liner * np.clip((lid - 0.18) / 0.45, 0, 1))[:, None]
    skin = skin * (1 - liner) + np.array([0.10, 0.040, 0.032], np.float32) * liner
    line = np.cos(x * 26 + 2.0 * np.sin(y * 4)) * 0.06 + 0.94
    lips = np.array(paint.lip, np.float32) * line[:, None]
    scalp = np.where(is_neck, 0, ramp(7.8, 8.9, y + 0.05 * np.abs(x) + 0.1 * lookup(_BLOTCH, x, y, 14)))[:, None]
    skin = skin * (1 - 0.9 * scalp) + np.array(paint.hair, np.float32) * 0.6 * scalp
    return np.asarray(skin * (1 - lip[:, None]) + lips * lip[:, None], np.float32)


def _beard(x: Array, y: Array) -> Array:
    """Return where a beard grows: chin, jaw and above the lip."""
    jaw = ramp(-2.2, -4.4, y - 0.32 * np.maximum(np.abs(x) - 2.2, 0))
    lip = np.exp(-((x / 2.4) ** 4) - ((y + 2.9) / 0.55) ** 2)
    return np.asarray(
        np.clip(jaw * ramp(1.2, 2.6, np.hypot(x, (y + 5.6) * 0.8)) + 0.8 * jaw * ramp(-6.3, -6.9, y) + lip, 0, 1)
    )


def _scatter(diffuse: Array, surface: Surface) -> Array:
    """Let light travel under the skin: blur it over the picture, most in red."""
    width = surface.size[1]
    rows, columns = np.divmod(surface.pixel, width)
    if not len(rows):
        return diffuse
    top, left = rows.min(), columns.min()
    shape = rows.max() - top + 1, columns.max() - left + 1
    mask = np.zeros(shape, np.float32)
    mask[rows - top, columns - left] = 1
    out = np.empty_like(diffuse)
    for channel, (narrow, wide) in enumerate(((3.0, 9.0), (2.0, 5.5), (1.4, 4.0))):
        picture = np.zeros(shape, np.float32)
        picture[rows - top, columns - left] = diffuse[:, channel]
        total = np.zeros(shape, np.float32)
        for sigma in (narrow, wide):
            share = cv2.GaussianBlur(mask, (0, 0), sigma)
            total = total + 0.5 * cv2.GaussianBlur(picture, (0, 0), sigma) / np.maximum(share, 1e-3)
        out[:, channel] = total[rows - top, columns - left]
    return out


def lookup(texture: Array, x: Array, y: Array, per_cm: float) -> Array:
    size = texture.shape[0]
    column = (x * per_cm).astype(np.int64) % size
    row = (y * per_cm).astype(np.int64) % size
    return np.asarray(texture[row, column])
