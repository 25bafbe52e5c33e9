"""Light and material: skin with light under it, wet eyes, teeth, knitted wool, hair. All in linear light.

Key: a warm lamp high on the left. Fill: the cool evening from a window on the right. Rim: the window behind her.
Light under the skin is made by blurring the diffuse light, most in red (as in Jimenez, "Screen-space perceptual
rendering of human skin", 2009). Shadows: variance shadow maps (Donnelly and Lauritzen, 2006). Hair: Kajiya-Kay, 1989.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from . import raster

Array = NDArray[np.float32]


def _unit(*value: float) -> NDArray[np.float32]:
    vector = np.array(value, np.float32)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


KEY, KEY_LIGHT = _unit(-0.78, 0.50, 0.52), np.array([1.90, 1.50, 1.14], np.float32)
FILL, FILL_LIGHT = _unit(0.85, 0.10, 0.55), np.array([0.15, 0.20, 0.29], np.float32)
RIM, RIM_LIGHT = _unit(0.72, 0.38, -0.50), np.array([0.95, 1.15, 1.45], np.float32)
SKY, GROUND = np.array([0.105, 0.115, 0.145], np.float32), np.array([0.085, 0.060, 0.048], np.float32)


@dataclass(frozen=True, slots=True)
class Paint:
    """The colours of a person, linear."""

    skin: tuple[float, float, float] = (0.56, 0.315, 0.215)
    lip: tuple[float, float, float] = (0.42, 0.135, 0.125)
    blush: tuple[float, float, float] = (1.02, 0.86, 0.84)
    iris: tuple[float, float, float] = (0.10, 0.20, 0.22)
    hair: tuple[float, float, float] = (0.150, 0.060, 0.026)
    brow: tuple[float, float, float] = (0.030, 0.014, 0.008)
    wool: tuple[float, float, float] = (0.030, 0.085, 0.105)


@dataclass(frozen=True, slots=True)
class Surface:
    """What each covered pixel shows. `traits`: see `Portrait`. `size`: height, width."""

    pixel: NDArray[np.int64]
    depth: Array
    material: NDArray[np.int64]
    position: Array
    normal: Array
    traits: Array
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Shadow:
    """Depth toward the key light and its square, blurred."""

    first: Array
    second: Array

    def light(self, points: Array) -> Array:
        """Return how much of the key light reaches the points (n,), 0 to 1."""
        column, row, depth = _from_light(points)
        column, row = np.clip(column, 0, SHADOW - 1.001), np.clip(row, 0, SHADOW - 1.001)
        mean, square = _bilinear(self.first, column, row), _bilinear(self.second, column, row)
        variance = np.maximum(square - mean * mean, 0.06)
        behind = np.maximum(depth - mean - 0.25, 0)
        reached = variance / (variance + behind * behind)
        return np.asarray(np.clip((reached - 0.22) / 0.78, 0, 1), np.float32)


SHADOW = 400
_SHADOW_ZOOM = 8.2
_LIGHT_X = _unit(KEY[2], 0.0, -KEY[0])
_LIGHT_Y = np.cross(KEY, _LIGHT_X)


def shadow_map(points: Array, triangles: NDArray[np.int32], hairs: Array) -> Shadow:
    """Look at the scene from the key light."""
    column, row, depth = _from_light(points)
    xy = np.stack([column, row], 1).astype(np.float32)
    lit = triangles[raster.faces_up(xy, triangles)]
    seen = raster.rasterise(xy, depth, lit, (SHADOW, SHADOW))
    nearest = np.full(SHADOW * SHADOW, 60.0, np.float32)
    nearest[seen.pixel] = seen.depth
    column, row, depth = _from_light(hairs)
    x, y = np.round(column).astype(np.int64), np.round(row).astype(np.int64)
    inside = (x >= 0) & (x < SHADOW) & (y >= 0) & (y < SHADOW)
    np.minimum.at(nearest, (y * SHADOW + x)[inside], depth[inside])
    nearest = nearest.reshape(SHADOW, SHADOW)
    blur = (0, 0), 3.6
    return Shadow(cv2.GaussianBlur(nearest, *blur), cv2.GaussianBlur(nearest * nearest, *blur))


def _from_light(points: Array) -> tuple[Array, Array, Array]:
    column = SHADOW / 2 + _SHADOW_ZOOM * (points @ _LIGHT_X)
    row = SHADOW * 0.42 - _SHADOW_ZOOM * (points @ _LIGHT_Y)
    return column, row, np.asarray(30 - points @ KEY, np.float32)


def _bilinear(picture: Array, column: Array, row: Array) -> Array:
    """Look a picture up at many places; OpenCV wants them laid out as a picture themselves."""
    wide = 1024
    padding = -len(column) % wide
    x, y = (np.pad(axis.astype(np.float32), (0, padding)).reshape(-1, wide) for axis in (column, row))
    parts = [cv2.remap(picture, x[i : i + 8192], y[i : i + 8192], cv2.INTER_LINEAR) for i in range(0, len(x), 8192)]
    return np.asarray(np.concatenate(parts).reshape(-1)[: len(column)], np.float32)


def shade(
    surface: Surface, shadow: Shadow, paint: Paint, eyes: Array, gazes: NDArray[np.float64], distance: float
) -> tuple[Array, Array, Array]:
    """Return colour (h, w, 3), opacity (h, w) and depth (h, w) of the surface."""
    height, width = surface.size
    normal = surface.normal / (np.linalg.norm(surface.normal, axis=1, keepdims=True) + 1e-9)
    view = np.array([0, 0, distance], np.float32) - surface.position
    view /= np.linalg.norm(view, axis=1, keepdims=True)
    nearest = np.full(height * width, np.inf, np.float32)
    nearest[surface.pixel] = surface.depth
    nearest = nearest.reshape(height, width)
    lit = shadow.light(surface.position)
    ambient = _occlusion(nearest)[surface.pixel]
    colour = np.zeros((len(surface.pixel), 3), np.float32)
    is_skin = (surface.material == 0) | (surface.material == 5)
    is_knit = surface.material == 6
    is_eye = surface.material == 1
    is_mouth = ~(is_skin | is_knit | is_eye)
    args = surface, normal, view, lit, ambient
    colour[is_skin] = _skin(*(_take(value, is_skin) for value in args), paint)
    colour[is_knit] = _wool(*(_take(value, is_knit) for value in args), paint)
    colour[is_eye] = _eye(*(_take(value, is_eye) for value in args), paint, eyes, gazes)
    colour[is_mouth] = _mouth(*(_take(value, is_mouth) for value in args))
    picture = np.zeros((height * width, 3), np.float32)
    picture[surface.pixel] = colour
    filled = np.zeros(height * width, np.float32)
    filled[surface.pixel] = 1
    return picture.reshape(height, width, 3), filled.reshape(height, width), nearest


def _take(value, kept):  # type: ignore[no-untyped-def]
    if isinstance(value, Surface):
        return Surface(
            value.pixel[kept], value.depth[kept], value.material[kept], value.position[kept], value.normal[kept],
            value.traits[kept], value.size,
        )  # fmt: skip
    return value[kept]


def _occlusion(nearest: Array) -> Array:
    """Return how open each pixel is to the surroundings: darker where it lies behind what is around it."""
    open_sky = ~np.isfinite(nearest)
    depth = np.where(open_sky, 100.0, nearest).astype(np.float32)
    total = np.ones(depth.shape, np.float32)
    small = cv2.resize(depth, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    for sigma, strength, reach in ((3.0, 0.42, 0.6), (10.0, 0.40, 2.2), (26.0, 0.35, 5.0)):
        blurred = cv2.GaussianBlur(np.minimum(small, 92), (0, 0), sigma)
        behind = cv2.resize(np.clip((small - blurred) / reach, 0, 1.4), depth.shape[::-1], interpolation=cv2.INTER_LINEAR)
        total *= 1 - strength * np.minimum(behind, 1)
    return np.asarray(total.reshape(-1), np.float32)


def _dot(a: Array, b: Array) -> Array:
    return np.asarray((a * b).sum(-1), np.float32)


def _lambert(normal: Array, direction: Array, wrap: float) -> Array:
    return np.clip((normal @ direction + wrap) / (1 + wrap), 0, 1)


def _ambient(normal: Array) -> Array:
    up = (0.5 + 0.5 * normal[:, 1])[:, None]
    return np.asarray(GROUND * (1 - up) + SKY * up, np.float32)


def _gloss(normal: Array, view: Array, light: Array, power: float) -> Array:
    half = view + light
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    return np.asarray(np.clip(_dot(normal, half), 0, 1) ** power * (power + 8) / 25, np.float32)


def _noise(size: int, octaves: tuple[int, ...], seed: int) -> Array:
    random = np.random.default_rng(seed)
    total = np.zeros((size, size), np.float32)
    for cells in octaves:
        coarse = random.normal(size=(cells, cells)).astype(np.float32)
        coarse = np.pad(coarse, ((0, 1), (0, 1)), mode="wrap")
        total += cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.asarray(total / total.std(), np.float32)


_PORES = _noise(1024, (230, 380), 11)
_BLOTCH = _noise(512, (9, 17, 34), 12)
_PORES_X, _PORES_Y = np.gradient(cv2.GaussianBlur(_PORES, (0, 0), 0.8))[::-1]


def _lookup(texture: Array, x: Array, y: Array, per_cm: float) -> Array:
    size = texture.shape[0]
    column = (x * per_cm).astype(np.int64) % size
    row = (y * per_cm).astype(np.int64) % size
    return texture[row, column]


def _skin(surface: Surface, normal: Array, view: Array, lit: Array, ambient: Array, paint: Paint) -> Array:
    x, y, z = surface.traits[:, :3].T
    lip, inside, lid = surface.traits[:, 3:6].T
    is_neck = surface.material == 5
    lip = np.where(is_neck, 0, np.clip((lip - 0.30) / 0.32, 0, 1))
    lip = lip * lip * (3 - 2 * lip)
    inside, lid = np.where(is_neck, 0, inside), np.where(is_neck, 0, lid)
    bump = np.stack([_lookup(_PORES_X, x, y, 60), -_lookup(_PORES_Y, x, y, 60), 0 * x], 1)
    fine = normal + bump * (0.16 + 0.10 * lip)[:, None]
    fine /= np.linalg.norm(fine, axis=1, keepdims=True)
    albedo = _skin_colour(x, y, lip, inside, lid, is_neck, paint)
    facing = np.clip(_dot(normal, view), 0, 1)
    soft = np.stack([_lambert(normal, KEY, wrap) for wrap in (0.32, 0.21, 0.16)], 1)
    diffuse = KEY_LIGHT * soft * lit[:, None]
    diffuse = _scatter(diffuse, surface)
    diffuse = diffuse + FILL_LIGHT * _lambert(normal, FILL, 0.35)[:, None]
    diffuse = diffuse + RIM_LIGHT * 0.55 * _lambert(normal, RIM, 0.12)[:, None]
    diffuse = diffuse + _ambient(normal)
    tint = ambient[:, None] ** np.array([0.75, 1.0, 1.1], np.float32)
    colour = albedo * diffuse * tint
    fresnel = 0.028 + 0.55 * (1 - facing) ** 5
    shine = np.where(lip > 0.5, 1.6, 1.0) * (1 + 0.5 * np.exp(-((x / 1.2) ** 2) - ((y - 0.3) / 1.6) ** 2))
    sheen = (_gloss(fine, view, KEY, 22) * 0.5 + _gloss(fine, view, KEY, 75) * 0.38) * shine * lit
    edge = _gloss(fine, view, RIM, 14) * 0.5
    lamp = KEY_LIGHT * (sheen * fresnel * 3.2)[:, None] + FILL_LIGHT * (_gloss(fine, view, FILL, 18) * fresnel * 3)[:, None]
    colour = colour + (lamp + RIM_LIGHT * (edge * fresnel * 4)[:, None]) * ambient[:, None]
    return np.asarray(colour * (1 - 0.93 * np.clip(inside, 0, 1))[:, None], np.float32)


def _skin_colour(  # noqa: PLR0913 - each is a map over the same pixels
    x: Array, y: Array, lip: Array, inside: Array, lid: Array, is_neck: NDArray[np.bool_], paint: Paint
) -> Array:
    skin = np.array(paint.skin, np.float32) * (1 + 0.035 * _lookup(_BLOTCH, x, y, 14))[:, None]
    skin = skin * (1 + 0.02 * _lookup(_PORES, x, y, 60))[:, None]
    cheek = np.exp(-(((np.abs(x) - 4.2) / 1.7) ** 2) - ((y + 0.9) / 1.5) ** 2)
    nose = 0.7 * np.exp(-((x / 1.0) ** 2) - ((y + 0.6) / 0.9) ** 2)
    flush = np.where(is_neck, 0.15, np.clip(cheek + nose + 0.2 * np.exp(-((x / 2) ** 2) - ((y + 8) / 1) ** 2), 0, 1))
    skin = skin * (1 + flush[:, None] * (np.array(paint.blush, np.float32) - 1))
    socket = np.exp(-(((np.abs(x) - 3.0) / 1.7) ** 2) - ((y - 3.35) / 0.62) ** 2)
    under = 0.5 * np.exp(-(((np.abs(x) - 2.9) / 1.3) ** 2) - ((y - 1.45) / 0.5) ** 2)
    shadow = np.where(is_neck, 0, np.clip(0.60 * socket + under, 0, 1))
    skin = skin * (1 + shadow[:, None] * (np.array([0.74, 0.64, 0.66], np.float32) - 1))
    liner = np.clip((lid - 0.18) / 0.45, 0, 1)[:, None]
    skin = skin * (1 - liner) + np.array([0.10, 0.040, 0.032], np.float32) * liner
    line = np.cos(x * 26 + 2.0 * np.sin(y * 4)) * 0.06 + 0.94
    lips = np.array(paint.lip, np.float32) * line[:, None]
    return np.asarray(skin * (1 - lip[:, None]) + lips * lip[:, None], np.float32)


def _scatter(diffuse: Array, surface: Surface) -> Array:
    """Let light travel under the skin: blur it over the picture, most in red."""
    height, width = surface.size
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
        total = 0
        for sigma in (narrow, wide):
            share = cv2.GaussianBlur(mask, (0, 0), sigma)
            total = total + 0.5 * cv2.GaussianBlur(picture, (0, 0), sigma) / np.maximum(share, 1e-3)
        out[:, channel] = total[rows - top, columns - left]
    return out


def _wool(surface: Surface, normal: Array, view: Array, lit: Array, ambient: Array, paint: Paint) -> Array:
    around, along, collar = surface.traits[:, :3].T
    rib = np.cos(around * 2 * np.pi * 66)
    stitch = np.abs(((along * 2.6 + np.abs(((around * 132) % 1) - 0.5) * 1.3) % 1) - 0.5) * 2
    row = np.where(collar > 0.5, 0.5 + 0.5 * rib * 0.9 + 0.12 * stitch, 0.30 + 0.55 * stitch)
    fuzz = _lookup(_PORES, around * 160, along, 60) * 0.10
    weave = (0.62 + 0.50 * row + fuzz)[:, None]
    light = KEY_LIGHT * (_lambert(normal, KEY, 0.25) * lit)[:, None] + FILL_LIGHT * _lambert(normal, FILL, 0.3)[:, None]
    light = light + RIM_LIGHT * _lambert(normal, RIM, 0.2)[:, None] * 0.8 + _ambient(normal)
    facing = np.clip(_dot(normal, view), 0, 1)
    rim = ((1 - facing) ** 3)[:, None] * (0.05 * KEY_LIGHT * lit[:, None] + 0.06 * RIM_LIGHT)
    return np.asarray((np.array(paint.wool, np.float32) * weave * light + rim * 0.35) * ambient[:, None], np.float32)


def _mouth(surface: Surface, normal: Array, view: Array, lit: Array, ambient: Array) -> Array:
    """Teeth, gums and tongue, darker the deeper they lie."""
    depth = surface.traits[:, 2]
    tooth = np.where(surface.material == 4, 0, surface.traits[:, 3])[:, None]
    enamel, flesh = np.array([0.66, 0.58, 0.47], np.float32), np.array([0.40, 0.12, 0.11], np.float32)
    albedo = flesh * (1 - tooth) + enamel * tooth
    front = np.clip((depth - 1.2) / 3.2, 0, 1)[:, None]
    light = KEY_LIGHT * (_lambert(normal, KEY, 0.5) * (0.20 + 0.80 * lit))[:, None] * 0.62 + FILL_LIGHT * 0.6 + _ambient(normal) * 0.8
    gloss = KEY_LIGHT * (_gloss(normal, view, KEY, 60) * 0.05 * lit)[:, None]
    return np.asarray((albedo * light + gloss) * front**1.6 * (0.25 + 0.75 * ambient[:, None] ** 1.5), np.float32)


def _eye(
    surface: Surface, normal: Array, view: Array, lit: Array, ambient: Array, paint: Paint, eyes: Array,
    gazes: NDArray[np.float64],
) -> Array:  # fmt: skip
    local = surface.traits[:, :3] / np.array([1.5, 1.27, 1.27], np.float32)
    local /= np.linalg.norm(local, axis=1, keepdims=True)
    which = np.round(surface.traits[:, 3]).astype(int)
    gaze = gazes[np.clip(which, 0, 1)].astype(np.float32)
    radius = np.arccos(np.clip(_dot(local, gaze), -1, 1)) / 0.52
    side = np.cross(gaze, np.array([0, 1, 0], np.float32))
    up = np.cross(side, gaze)
    angle = np.arctan2(_dot(local, up), _dot(local, side))
    white = np.array([0.60, 0.57, 0.55], np.float32) * np.ones((len(radius), 1), np.float32)
    corner = np.clip(np.abs(local[:, 0]) * 1.25 - 0.35, 0, 1)[:, None]
    white = white * (1 + corner * (np.array([0.86, 0.62, 0.58], np.float32) - 1))
    fibre = 0.75 + 0.30 * np.sin(angle * 23 + 3 * np.sin(angle * 5)) * 0.5 + 0.20 * np.sin(angle * 61)
    ring = np.clip((radius - 0.35) / 0.6, 0, 1)
    iris = np.array(paint.iris, np.float32) * (fibre * (1.45 - 0.75 * ring))[:, None]
    inner = np.exp(-(((radius - 0.48) / 0.10) ** 2))[:, None]
    iris = iris + inner * np.array([0.09, 0.06, 0.02], np.float32) * fibre[:, None]
    caustic = np.clip(-_dot(local - gaze * _dot(local, gaze)[:, None], KEY) * 2.2, 0, 0.6)[:, None]
    iris = iris * (1 + 1.6 * caustic)
    iris = iris * (1 - 0.80 * _ramp(0.80, 1.0, radius))[:, None]
    iris = iris * (1 - 0.985 * _ramp(0.46, 0.36, radius))[:, None]
    mix = _ramp(0.95, 1.06, radius)[:, None]
    albedo = iris * (1 - mix) + white * mix
    height = local[:, 1]
    lid = np.clip((0.36 - height) / 0.42, 0.0, 1)
    shadow = (0.25 + 0.75 * lid)[:, None]
    light = KEY_LIGHT * (_lambert(normal, KEY, 0.55) * (0.30 + 0.70 * lit))[:, None] * 0.9
    light = light + FILL_LIGHT * 1.0 * _lambert(normal, FILL, 0.5)[:, None] + _ambient(normal) * 1.2
    colour = albedo * light * shadow * (0.35 + 0.65 * ambient[:, None])
    cornea = normal + 0.55 * (np.clip(1 - radius, 0, 1)[:, None]) * (normal - _front(gaze, normal)) * 1.2
    cornea /= np.linalg.norm(cornea, axis=1, keepdims=True)
    return np.asarray(colour + _reflections(cornea, view) * (0.35 + 0.65 * lid)[:, None], np.float32)


def _front(gaze: Array, normal: Array) -> Array:
    return gaze * _dot(gaze, normal)[:, None]


def _reflections(normal: Array, view: Array) -> Array:
    """Return what the wet eye mirrors: a soft box to the left and a dim window to the right."""
    mirrored = 2 * _dot(normal, view)[:, None] * normal - view
    box = _window(mirrored, _unit(-0.46, 0.46, 0.72), 0.17, 0.22)[:, None] * np.array([4.2, 3.7, 3.1], np.float32)
    pane = _window(mirrored, _unit(0.60, 0.22, 0.75), 0.10, 0.16)[:, None] * np.array([0.35, 0.5, 0.7], np.float32)
    return np.asarray(box * 0.55 + pane * 0.5 + 0.012, np.float32)


def _window(direction: Array, centre: Array, wide: float, tall: float) -> Array:
    side = np.cross(np.array([0, 1, 0], np.float32), centre)
    side /= np.linalg.norm(side)
    up = np.cross(centre, side)
    x, y = direction @ side, direction @ up
    inside = _ramp(wide + 0.05, wide - 0.05, np.abs(x)) * _ramp(tall + 0.05, tall - 0.05, np.abs(y))
    return np.asarray(inside * (direction @ centre > 0), np.float32)


def hair_colour(points: Array, tangent: Array, tint: Array, layer: Array, paint: Paint, shadow: Shadow) -> Array:
    """Return the colour of points on strands. `layer`: 1 outside, 0 next to the skin."""
    tangent = tangent / (np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-9)
    lit = shadow.light(points)
    view = np.array([0, 0, 1], np.float32)
    base = np.array(paint.hair, np.float32) * (1 + 0.28 * tint)[:, None]
    deep = (0.22 + 0.78 * layer)[:, None]
    total = base * _ambient(np.stack([0 * tint, 0.6 * layer, 0 * tint], 1)) * 1.3
    for direction, light, share in ((KEY, KEY_LIGHT, lit), (FILL, FILL_LIGHT, 1.0), (RIM, RIM_LIGHT, layer**2)):
        along = tangent @ direction
        diffuse = np.sqrt(np.clip(1 - along * along, 0, 1)) * share
        half = direction + view
        half = half / np.linalg.norm(half)
        across = tangent @ half
        wet = np.clip(1 - (across + 0.10) ** 2, 0, 1) ** 40
        warm = np.clip(1 - (across - 0.12 + 0.05 * tint) ** 2, 0, 1) ** 14
        total = total + light * (base * (0.55 * diffuse + 1.0 * (warm * share))[:, None] + 0.055 * (wet * share)[:, None])
    return np.asarray(total * deep, np.float32)


def _ramp(start: float, end: float, value: Array) -> Array:
    share = np.clip((value - start) / (end - start), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)
