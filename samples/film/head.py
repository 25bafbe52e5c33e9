"""The head: MediaPipe's canonical face, sculpted into a person, with skull, lids and lips that have an inside.

`Head.pose` bends the control points by a `Look` (jaw, lips, lids, brows) and subdivides them; the first 468 fine points
are the face landmarks, so the truth comes with the picture. Centimetres; x right, y up, z toward the camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import mesh
from .mesh import Points

UPPER_INNER = (191, 80, 81, 82, 13, 312, 311, 310, 415)
LOWER_INNER = (95, 88, 178, 87, 14, 317, 402, 318, 324)
INNER = (78, *UPPER_INNER, 308, *reversed(LOWER_INNER))
RINGS = (  # from the outer edge of the lips to the inner: corners, upper, lower
    (61, 291, (185, 40, 39, 37, 0, 267, 269, 270, 409), (146, 91, 181, 84, 17, 314, 405, 321, 375)),
    (76, 306, (184, 74, 73, 72, 11, 302, 303, 304, 408), (77, 90, 180, 85, 16, 315, 404, 320, 307)),
    (62, 292, (183, 42, 41, 38, 12, 268, 271, 272, 407), (96, 89, 179, 86, 15, 316, 403, 319, 325)),
    (78, 308, UPPER_INNER, LOWER_INNER),
)
RING_WEIGHT = (0.30, 0.62, 0.90, 1.0)
EYE_RINGS = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
)
OVAL = (
    152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454, 356, 389, 251, 284, 332, 297, 338,
    10, 109, 67, 103, 54, 21, 162, 127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148,
)  # fmt: skip
SKULL_CENTRE, SKULL_RADII = np.array([0.0, 2.9, -3.4]), np.array([7.35, 8.6, 9.4])
EYE_RADII = np.array([1.50, 1.27, 1.27])
JAW_PIVOT = np.array([0.0, 0.2, -2.6])
JAW_ANGLE = 0.17
SKULL_LOOPS = 5


@dataclass(frozen=True, slots=True)
class Look:
    """What the face does. All 0 is a face at rest with lips closed; 1 is the most of it."""

    jaw: float = 0.0
    wide: float = 0.0
    round: float = 0.0
    upper: float = 0.0
    lower: float = 0.0
    tuck: float = 0.0
    close: float = 0.0
    tongue: float = 0.0
    smile: float = 0.0
    blink: float = 0.0
    brow: float = 0.0
    worry: float = 0.0
    squint: float = 0.0
    gaze: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Character:
    """The proportions that make one person of the mean head."""

    width: float = 0.92
    jaw_width: float = 0.94
    eyes: float = 0.24
    nose_width: float = 0.74
    nose_length: float = 0.95
    soft_brow: float = 0.22
    lips: float = 0.16
    chin: float = -0.25
    chin_taper: float = 0.14
    brow_height: float = 0.15


class Head:
    """Control points, the matrix that refines them, and where each part is."""

    def __init__(self, person: Character, *, levels: int = 2) -> None:
        face = mesh.load(Path(__file__).with_name("canonical_face.txt"))
        control = sculpt(face.points.astype(np.float64), person)
        self.eyes = np.stack([_eye_centre(control, ring) for ring in EYE_RINGS])
        control, triangles = _complete(control, face.triangles)
        self.coarse = triangles
        self.matrix, self.triangles = mesh.subdivision(len(control), triangles, levels)
        for _ in range(3):  # the fine surface should pass through the points that were sculpted
            control[:468] += 0.6 * (control[:468] - (self.matrix @ control)[:468])
        self.rest = _close(control)
        self._seal()
        self._weights()
        self.region = {name: np.asarray(self.matrix @ value) for name, value in self._regions().items()}
        self.neutral = np.asarray(self.matrix @ self.rest, np.float32)

    def _seal(self) -> None:
        """Close the slit that refinement leaves between the resting lips; they overlap by a hair."""
        for _ in range(3):
            fine = self.matrix @ self.rest
            slit = fine[list(UPPER_INNER), 1] - fine[list(LOWER_INNER), 1] + 0.03
            self.rest[list(LOWER_INNER), 1] += 0.7 * slit
            self.rest[list(UPPER_INNER), 1] -= 0.3 * slit

    def _weights(self) -> None:
        x, y, z = self.rest.T
        self.upper, self.lower, self.corner = np.zeros(len(x)), np.zeros(len(x)), np.zeros(len(x))
        for (left, right, upper, lower), weight in zip(RINGS, RING_WEIGHT, strict=True):
            self.upper[list(upper)], self.lower[list(lower)] = weight, weight
            self.corner[[left, right]] = 1
        self.upper[self._inside("upper")] = 1
        self.lower[self._inside("lower")] = 1
        below = _smooth(-2.6, -5.6, y - 0.10 * np.abs(x))
        front = _smooth(-3.5, -0.5, z)
        self.jaw = below * front
        middle = np.abs(x) < 2.3
        self.jaw[middle & (y > -4.3) & (self.lower == 0)] = 0
        self.jaw[middle & (y < -5.6)] = 1
        self.jaw[self.upper > 0] = 0
        self.jaw[self.lower > 0] = 1
        for left, right, upper, lower in RINGS:
            self.jaw[[left, right]] = 0.42
            self.jaw[[upper[0], upper[-1]]] = 0.24
            self.jaw[[upper[1], upper[-2]]] = 0.07
            self.jaw[[lower[0], lower[-1]]] = 0.66
            self.jaw[[lower[1], lower[-2]]] = 0.92
        bag = slice(self.bag, self.bag + 40)
        self.jaw[bag] = np.tile(self.jaw[list(INNER)], 2)
        self.mouth = np.exp(-((x / 3.0) ** 2) - ((y + 4.4) / 1.9) ** 2) * (z > 0.5)
        self.lips = np.maximum(np.maximum(self.upper, self.lower), self.corner * 0.8)

    @property
    def bag(self) -> int:
        """Index of the first control point inside the mouth."""
        return 468 + 36 * SKULL_LOOPS + 1 + 64

    def _inside(self, lip: str) -> list[int]:
        columns = range(1, 10) if lip == "upper" else range(11, 20)
        return [self.bag + loop * 20 + column for loop in range(2) for column in columns]

    def pose(self, look: Look) -> Points:
        """Return the fine points of the face with this look, before the head turns."""
        points = self.rest.copy()
        _shape_lips(points, self, look)
        _open_jaw(points, self.jaw, look.jaw)
        _close_lips(points, self, look)
        _brows(points, self.rest, look)
        _lids(points, self.rest, self.eyes, look)
        return np.asarray(self.matrix @ points, np.float32)

    def _regions(self) -> dict[str, NDArray[np.float64]]:
        """Return what the painter wants to know of each control point: how much of it is lip, cheek, ..."""
        x = self.rest[:, 0]
        lip = np.zeros(len(x))
        for (left, right, upper, lower), weight in zip(RINGS, (0.62, 1, 1, 1), strict=True):
            lip[[*upper, *lower]] = weight
            lip[[left, right]] = weight * 0.8
        inside = np.zeros(len(x))
        inside[self.bag :] = 1
        lip[self.bag : self.bag + 20] = 0.8
        inside[self.bag : self.bag + 20] = 0.45
        lid = np.zeros(len(x))
        lid[468 + 36 * SKULL_LOOPS + 1 : self.bag] = 1
        for ring in EYE_RINGS:
            lid[list(ring)] = 0.55
        return {"lip": lip, "inside": inside, "lid": lid}


def sculpt(points: NDArray[np.float64], person: Character) -> NDArray[np.float64]:
    """Turn the mean face into a person's."""
    out = points.copy()
    x, y = points[:, 0], points[:, 1]
    out[:, 0] *= person.width * (1 + (person.jaw_width - 1) * _smooth(1.0, -6.5, y))
    out[:, 0] *= 1 - person.chin_taper * _smooth(-5.5, -9.0, y)
    nose = np.exp(-((x / 1.9) ** 4) - ((y + 0.8) / 2.6) ** 4)
    out[:, 0] *= 1 + (person.nose_width - 1) * nose
    for side in (-1, 1):
        centre = np.array([side * 3.15 * person.width, 2.62])
        offset = out[:, :2] - centre
        falloff = np.exp(-((offset[:, 0] / 2.1) ** 2) - (offset[:, 1] / 1.5) ** 2)
        out[:, 0] += person.eyes * 0.75 * falloff * offset[:, 0]
        out[:, 1] += person.eyes * 1.5 * falloff * offset[:, 1]
    tip = np.exp(-((x / 1.5) ** 2) - ((y + 0.5) / 1.7) ** 2)
    out[:, 2] -= person.nose_length * tip
    out[:, 1] += 0.45 * person.nose_length * tip
    ridge = np.exp(-(((y - 4.7) / 0.9) ** 2)) * _smooth(6.5, 4.0, np.abs(x))
    out[:, 2] -= person.soft_brow * ridge
    brow = np.exp(-(((y - 4.6) / 0.9) ** 2)) * _smooth(6.5, 4.5, np.abs(x))
    out[:, 1] += person.brow_height * brow
    for (_, _, upper, lower), weight in zip(RINGS, (1.0, 0.6, 0.25, 0), strict=True):
        out[list(upper), 1] += person.lips * weight
        out[list(lower), 1] -= person.lips * weight
        out[list(lower), 2] += person.lips * 0.8 * weight
        out[list(upper), 2] += person.lips * 0.5 * weight
    out[:, 1] -= person.chin * _smooth(-5.8, -9.0, y)
    return out


def _eye_centre(points: NDArray[np.float64], ring: tuple[int, ...]) -> NDArray[np.float64]:
    rim = points[list(ring)]
    x = (rim[0, 0] + rim[8, 0]) / 2
    y = (rim[4, 1] + rim[12, 1]) / 2
    front = min(rim[4, 2], rim[12, 2]) - 0.10
    return np.array([x, y, front - np.sqrt(EYE_RADII[2] ** 2 - 0.4**2)])


def _complete(points: NDArray[np.float64], triangles: mesh.Triangles) -> tuple[NDArray[np.float64], mesh.Triangles]:
    """Add skull and under-jaw, the inner rims of the lids and the bag of the mouth."""
    added, faces = [points], [triangles]
    count = len(points)
    loop = list(OVAL)
    for step in range(1, SKULL_LOOPS + 1):
        added.append(_skull_loop(points[list(OVAL)], step / (SKULL_LOOPS + 1)))
        new = list(range(count, count + 36))
        faces.append(_sew(faces, loop, new))
        loop, count = new, count + 36
    added.append(np.array([[0.0, -1.0, -11.5]]))
    faces.append(_sew(faces, loop, [count] * 36))
    count += 1
    for ring in EYE_RINGS:
        rim = points[list(ring)]
        centre = _eye_centre(points, ring)
        loop = list(ring)
        for depth, spread in ((0.16, 1.0), (0.7, 1.12)):
            inner = centre + (rim - centre) * [spread, spread, 1] - [0, 0, depth]
            added.append(inner)
            new = list(range(count, count + 16))
            faces.append(_sew(faces, loop, new))
            loop, count = new, count + 16
    loop = list(INNER)
    rim = points[loop]
    for depth, tall, broad in ((0.55, 1.15, 1.0), (1.7, 3.0, 0.95)):
        middle = rim.mean(0)
        added.append(middle + (rim - middle) * [broad, tall, 1] - [0, 0, depth])
        new = list(range(count, count + 20))
        faces.append(_sew(faces, loop, new))
        loop, count = new, count + 20
    return np.concatenate(added), np.concatenate(faces).astype(np.int32)


def _sew(faces: list[mesh.Triangles], loop: list[int], new: list[int]) -> mesh.Triangles:
    """Return a strip from `loop` to `new` that faces the same way as the triangles it is sewn to."""
    first, second = loop[0], loop[1]
    rows = np.concatenate(faces)
    runs_along = any(((rows[:, k] == first) & (rows[:, (k + 1) % 3] == second)).any() for k in range(3))
    if len(set(new)) == 1:
        pairs = list(zip(loop, [*loop[1:], loop[0]], strict=True))
        return np.array([(b, a, new[0]) if runs_along else (a, b, new[0]) for a, b in pairs], np.int32)
    return mesh.strip(loop, new) if runs_along else mesh.strip(new, loop)


def _skull_loop(oval: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Return the outline of the face moved `share` of the way to the back of the head."""
    unit = (oval - SKULL_CENTRE) / SKULL_RADII
    length = np.linalg.norm(unit, axis=1, keepdims=True)
    back = np.array([0.0, -0.25, -1.0]) / np.linalg.norm([0.25, 1.0])
    direction = unit / length * (1 - share) + back * share
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    reach = length + (1 - length) * min(1, share * 2.5)
    skull = SKULL_CENTRE + direction * reach * SKULL_RADII
    inward = oval * [1 - 0.75 * share, 1, 1] + np.array([0, 0, -1.0]) * 9.5 * share
    under = 0.3 + 0.7 * _smooth(-2.5, -6.0, oval[:, 1])
    inward[:, 1] += under * (3.4 * share**0.9 - 0.9 * np.sin(np.pi * min(1, share * 2)))
    low = _smooth(-0.5, -4.5, oval[:, 1])[:, None]
    return np.asarray(skull * (1 - low) + inward * low, np.float64)


def _close(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the face with its lips just touching; the canonical mouth is a little open."""
    out = points.copy()
    gap = points[list(UPPER_INNER), 1] - points[list(LOWER_INNER), 1]
    for (_, _, upper, lower), weight in zip(RINGS, (0.45, 0.7, 0.92, 1), strict=True):
        out[list(upper), 1] -= 0.42 * gap * weight
        out[list(lower), 1] += 0.62 * gap * weight
    bag = len(points) - 40
    for loop in range(2):
        start = bag + loop * 20
        out[start + 1 : start + 10, 1] -= 0.42 * gap
        out[start + 11 : start + 20, 1] += 0.62 * gap[::-1]
    return out


def _shape_lips(points: NDArray[np.float64], head: Head, look: Look) -> None:
    x, y, _ = head.rest.T
    stretch = 0.10 * look.wide - 0.30 * look.round + 0.10 * look.smile
    points[:, 0] += x * stretch * head.mouth
    points[:, 2] += (0.62 * look.round - 0.12 * look.wide) * head.lips * np.exp(-((x / 2.2) ** 2))
    points[:, 1] += 0.42 * look.smile * np.exp(-(((np.abs(x) - 2.6) / 1.1) ** 2) - ((y + 4.1) / 1.2) ** 2)
    profile = np.exp(-((x / 1.9) ** 4))
    points[:, 1] += 0.30 * look.upper * head.upper * profile
    points[:, 1] += 0.08 * look.upper * np.exp(-((x / 2.2) ** 2) - ((y + 2.6) / 0.8) ** 2)
    points[:, 1] -= 0.34 * look.lower * head.lower * profile
    points[:, 1] -= 0.10 * look.round * head.lower * profile * look.jaw
    points[:, 2] -= 0.32 * look.tuck * head.lower * profile
    points[:, 1] += 0.10 * look.tuck * head.lower * profile


def _open_jaw(points: NDArray[np.float64], weight: NDArray[np.float64], jaw: float) -> None:
    angle = JAW_ANGLE * jaw * weight
    sine, cosine = np.sin(angle), np.cos(angle)
    y, z = points[:, 1] - JAW_PIVOT[1], points[:, 2] - JAW_PIVOT[2]
    points[:, 1] = JAW_PIVOT[1] + cosine * y - sine * z
    points[:, 2] = JAW_PIVOT[2] + sine * y + cosine * z
    points[:, 0] *= 1 - 0.035 * jaw * weight * (np.abs(points[:, 0]) > 2.4)


def jaw_turn(points: Points, jaw: float) -> Points:
    """Return points that move with the jaw bone, such as the lower teeth."""
    moved = points.astype(np.float64)
    _open_jaw(moved, np.ones(len(points)), jaw)
    return moved.astype(np.float32)


def _close_lips(points: NDArray[np.float64], head: Head, look: Look) -> None:
    """Bring the lips together by the share `close` of the gap that the rest has left."""
    upper, lower = list(UPPER_INNER), list(LOWER_INNER)
    share = np.clip(look.close + 0.8 * look.tuck, 0, 1)
    gap = points[upper, 1] - points[lower, 1] - (head.rest[upper, 1] - head.rest[lower, 1])
    for (_, _, above, below), weight in zip(RINGS, (0.5, 0.75, 0.95, 1), strict=True):
        points[list(above), 1] -= 0.25 * share * gap * weight
        points[list(below), 1] += 0.75 * share * gap * weight
    for loop in range(2):
        start = head.bag + loop * 20
        points[start + 1 : start + 10, 1] -= 0.25 * share * gap
        points[start + 11 : start + 20, 1] += 0.75 * share * gap[::-1]
    points[:, 2] -= 0.10 * look.close * head.lips
    chin = np.exp(-((points[:, 0] / 2.0) ** 2) - ((head.rest[:, 1] + 6.3) / 1.0) ** 2)
    points[:, 1] += 0.22 * share * float(gap[4]) * chin


def _brows(points: NDArray[np.float64], rest: NDArray[np.float64], look: Look) -> None:
    x, y, _ = rest.T
    band = np.exp(-(((y - 5.0) / 1.0) ** 2)) * _smooth(7.0, 5.0, np.abs(x))
    points[:, 1] += 0.55 * look.brow * band
    inner = np.exp(-(((np.abs(x) - 1.3) / 1.2) ** 2) - ((y - 4.9) / 0.9) ** 2)
    points[:, 1] += 0.40 * look.worry * inner
    points[:, 0] -= 0.25 * look.worry * np.sign(x) * inner


def _lids(points: NDArray[np.float64], rest: NDArray[np.float64], eyes: NDArray[np.float64], look: Look) -> None:
    """Turn the lids about the eyeballs; the upper one follows the gaze, and falls when the eye blinks."""
    for centre, ring in zip(eyes, EYE_RINGS, strict=True):
        rim = rest[list(ring)]
        inner, outer = rim[8], rim[0]
        along = np.clip((rest[:, 0] - outer[0]) / (inner[0] - outer[0]), 0, 1)
        line = outer[1] + (inner[1] - outer[1]) * along
        height = rest[:, 1] - line
        inside = np.sin(np.pi * along) ** 0.6 * (np.abs(rest[:, 0] - centre[0]) < 2.2) * (rest[:, 2] > 1.5)
        upper = inside * (height > 0.03) * np.exp(-(np.maximum(0, height - 0.55) ** 2) / 0.18)
        lower = inside * (height <= 0.03) * np.exp(-(np.maximum(0, -height - 0.30) ** 2) / 0.12)
        top, bottom = rim[4, 1] - centre[1], rim[12, 1] - centre[1]
        radius = rim[4, 2] - centre[2]
        full = np.arctan2(top, radius) - np.arctan2(bottom, radius)
        fall = full * (1.00 * look.blink + 0.10 * look.squint) - 0.55 * look.gaze[1]
        rise = full * (0.09 * look.blink + 0.14 * look.squint)
        _turn(points, centre, upper * np.minimum(fall, full * 1.05))
        _turn(points, centre, -lower * rise)


def _turn(points: NDArray[np.float64], centre: NDArray[np.float64], angle: NDArray[np.float64]) -> None:
    y, z = points[:, 1] - centre[1], points[:, 2] - centre[2]
    moved = np.abs(angle) > 0
    points[moved, 1] = (centre[1] + np.cos(angle) * y - np.sin(angle) * z)[moved]
    points[moved, 2] = (centre[2] + np.sin(angle) * y + np.cos(angle) * z)[moved]


def _smooth(start: float, end: float, value: NDArray[np.float64]) -> NDArray[np.float64]:
    share = np.clip((value - start) / (end - start), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float64)
