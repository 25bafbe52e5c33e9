"""Draws the speaking person: meshes and strands to a picture in linear light with an opacity.

`Stage` gathers all triangles of a frame, `Portrait.draw` rasterises them at twice the size, finds the shadow of the key
light, shades (shading.py) and scales down.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from . import hair, mesh, parts, raster, shading
from .head import Character, Head, Look, jaw_turn
from .shading import Surface

Array = NDArray[np.float32]
DENSER = 3
"""Points drawn for each sample of a strand, so that it has no gaps."""
SKIN, EYE, TOOTH_UP, TOOTH_LOW, TONGUE, NECK, KNIT = range(7)
CLOSED = (SKIN, KNIT)
"""What has a far side that is never seen."""


@dataclass(frozen=True, slots=True)
class Turn:
    """How the head is held: yaw, pitch, roll in degrees, and where it is (cm)."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    place: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def matrix(self) -> NDArray[np.float64]:
        yaw, pitch, roll = np.radians([self.yaw, self.pitch, self.roll])
        c, s = np.cos, np.sin
        around_y = np.array([[c(yaw), 0, s(yaw)], [0, 1, 0], [-s(yaw), 0, c(yaw)]])
        around_x = np.array([[1, 0, 0], [0, c(pitch), -s(pitch)], [0, s(pitch), c(pitch)]])
        around_z = np.array([[c(roll), -s(roll), 0], [s(roll), c(roll), 0], [0, 0, 1]])
        return np.asarray(around_z @ around_y @ around_x)


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera at `distance` on the z axis. `focal` in pixels of the final picture; `centre`: where the axis meets it."""

    width: int = 960
    height: int = 540
    focal: float = 1240.0
    distance: float = 86.0
    centre: tuple[float, float] = (500.0, 236.0)

    def project(self, points: Array, scale: int = 1) -> tuple[Array, Array]:
        """Return pixel positions (n, 2) and depths (n,)."""
        depth = self.distance - points[:, 2]
        zoom = self.focal * scale / depth
        half = (scale - 1) / 2
        x = self.centre[0] * scale + half + zoom * points[:, 0]
        y = self.centre[1] * scale + half - zoom * points[:, 1]
        return np.stack([x, y], 1).astype(np.float32), depth.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Person:
    """All that makes one person look like herself."""

    shape: Character = Character()
    hairdo: hair.Hairdo = hair.Hairdo()
    paint: shading.Paint = shading.Paint()


@dataclass(slots=True)
class _Scene:
    points: list[Array] = field(default_factory=list)
    triangles: list[NDArray[np.int32]] = field(default_factory=list)
    traits: list[Array] = field(default_factory=list)
    material: list[int] = field(default_factory=list)
    count: int = 0

    def add(self, points: Array, triangles: NDArray[np.int32], traits: Array, material: int) -> None:
        self.points.append(points)
        self.triangles.append(triangles + self.count)
        self.traits.append(traits)
        self.material.append(material)
        self.count += len(points)


class Portrait:
    """A person before a camera."""

    def __init__(self, person: Person, camera: Camera, *, scale: int = 2) -> None:
        self.person, self.camera, self.scale = person, camera, scale
        self.head = Head(person.shape)
        line = float(self.head.rest[13, 1] + self.head.rest[14, 1]) / 2
        self.line = line
        self.eyeballs = [parts.eyeball(centre) for centre in self.head.eyes]
        self.upper_teeth, self.upper_tooth = parts.teeth(line - 0.10, upper=True)
        self.lower_teeth, self.lower_tooth = parts.teeth(line - 0.12, upper=False)
        self.tongue = parts.tongue(line)
        self.neck = parts.neck()
        self.pullover, self.knit = parts.pullover()
        self.strands, self.strand_traits = hair.grow(person.hairdo)
        self.sampling = hair.sampling(190)
        self.brows = _brow_hairs(np.random.default_rng(3))
        self.lashes = _lashes(np.random.default_rng(4))
        self.skin_traits = self._skin_traits()

    def draw(self, look: Look, turn: Turn) -> tuple[Array, Array, Array]:
        """Return the picture (h, w, 3) in linear light, its opacity (h, w), and the 468 landmarks in pixels."""
        rotation = turn.matrix()
        pivot = np.array([0.0, -3.0, -4.0])
        shift = np.array(turn.place)

        def move(points: Array) -> Array:
            return np.asarray((points - pivot) @ rotation.T + pivot + shift, np.float32)

        face = self.head.pose(look)
        scene = self._gather(face, look, move, rotation, shift)
        points, triangles = np.concatenate(scene.points), np.concatenate(scene.triangles)
        normals = np.concatenate(
            [mesh.normals(p, t - t.min()) for p, t in zip(scene.points, scene.triangles, strict=True)]
        )
        xy, depth = self.camera.project(points, self.scale)
        size = self.camera.height * self.scale, self.camera.width * self.scale
        owner = np.repeat(scene.material, [len(t) for t in scene.triangles])
        facing = raster.faces_up(xy, triangles) | ~np.isin(owner, CLOSED)
        shown, owner = triangles[facing], owner[facing]
        seen = raster.rasterise(xy, depth, shown, size)
        corners = shown[seen.triangle]
        material = owner[seen.triangle]
        mixed = np.concatenate([points, normals, np.concatenate(scene.traits)], 1)
        values = np.einsum("kcf,kc->kf", mixed[corners], seen.weights)
        strands = move(self.strands.reshape(-1, 3)).reshape(self.strands.shape)
        hairs = np.matmul(self.sampling, strands).reshape(-1, 3)
        surface = Surface(seen.pixel, seen.depth, material, values[:, :3], values[:, 3:6], values[:, 6:], size)
        light = shading.shadow_map(points, triangles, hairs[::7])
        gazes = self._gaze(look, rotation)
        eyes = move(self.head.eyes.astype(np.float32))
        colour, filled, nearest = shading.shade(surface, light, self.person.paint, eyes, gazes, self.camera.distance)
        self._strokes(colour, filled, nearest, face, look, move, hairs, light)
        landmarks, _ = self.camera.project(move(face[:468]))
        return *self._down(colour, filled), landmarks

    def _gather(self, face: Array, look: Look, move, rotation, shift) -> _Scene:  # type: ignore[no-untyped-def]
        scene = _Scene()
        head = self.head
        scene.add(move(face), head.triangles, self.skin_traits, SKIN)
        for number, ball in enumerate(self.eyeballs):
            traits = np.zeros((len(ball.points), 6), np.float32)
            traits[:, :3] = ball.points - head.eyes[number]
            traits[:, 3] = number
            scene.add(move(ball.points), ball.triangles, traits, EYE)
        scene.add(move(self.upper_teeth.points), self.upper_teeth.triangles, _traits(self.upper_teeth.points, self.upper_tooth), TOOTH_UP)
        lower = jaw_turn(self.lower_teeth.points, look.jaw)
        scene.add(move(lower), self.lower_teeth.triangles, _traits(self.lower_teeth.points, self.lower_tooth), TOOTH_LOW)
        tongue = jaw_turn(parts.lift_tongue(self.tongue.points, look.tongue), look.jaw * 0.9)
        scene.add(move(tongue), self.tongue.triangles, _traits(self.tongue.points, None), TONGUE)
        neck = parts.neck_follow(self.neck.points, rotation) + shift.astype(np.float32)
        scene.add(neck.astype(np.float32), self.neck.triangles, _traits(self.neck.points, None), NECK)
        body = (self.pullover.points + 0.4 * shift).astype(np.float32)
        scene.add(body, self.pullover.triangles, np.concatenate([self.knit, np.zeros_like(self.knit)], 1), KNIT)
        return scene

    def _skin_traits(self) -> Array:
        neutral, region = self.head.neutral, self.head.region
        columns = [neutral[:, 0], neutral[:, 1], neutral[:, 2], region["lip"], region["inside"], region["lid"]]
        return np.stack(columns, 1).astype(np.float32)

    def _gaze(self, look: Look, rotation: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the directions of both eyes in the head's own frame; (0, 0) looks into the camera."""
        to_camera = rotation.T @ np.array([0.0, 0.0, 1.0])
        yaw = np.arctan2(to_camera[0], to_camera[2]) * 0.9 + look.gaze[0]
        pitch = np.arcsin(to_camera[1]) * 0.9 + look.gaze[1]
        directions = []
        for inward in (0.035, -0.035):
            angle = yaw + inward
            directions.append([np.sin(angle) * np.cos(pitch), np.sin(pitch), np.cos(angle) * np.cos(pitch)])
        return np.array(directions)

    def _strokes(self, colour, filled, nearest, face, look, move, hairs, light) -> None:  # type: ignore[no-untyped-def]
        """Draw hair, brows and lashes over the shaded surface."""
        paint = self.person.paint
        strands = len(self.strands)
        paths = hairs.reshape(strands, -1, 3)
        tint, layer = self.strand_traits.T

        def hair_colour(index: NDArray[np.int64]) -> Array:
            strand, sample = np.divmod(index, paths.shape[1])
            before = paths[strand, np.maximum(sample - 3, 0)]
            after = paths[strand, np.minimum(sample + 3, paths.shape[1] - 1)]
            return shading.hair_colour(hairs[index], after - before, tint[strand], layer[strand], paint, light)

        self._hair(colour, filled, nearest, paths, hair_colour)
        brows, strength = _brow_points(self.brows, face)
        self._splat(colour, filled, nearest, self._project(move(brows)), paint.brow, strength, 2)
        lashes = _lash_points(self.lashes, face, self.head, look)
        self._splat(colour, filled, nearest, self._project(move(lashes)), (0.006, 0.005, 0.005), 0.85, 1)

    def _project(self, points: Array) -> Array:
        """Return points as (column, row, depth) at the size that is drawn."""
        xy, depth = self.camera.project(points, self.scale)
        return np.concatenate([xy, depth[:, None]], 1)

    def _hair(self, colour, filled, nearest, paths, shade) -> None:  # type: ignore[no-untyped-def]
        """Draw strands (n, samples, 3) as dense points, two pixels wide; pass by pass, so that little is held."""
        height, width = nearest.shape
        drawn = self._project(paths.reshape(-1, 3))
        drawn[:, 2] -= 0.10
        move = np.zeros_like(drawn)
        move[:-1] = (drawn[1:] - drawn[:-1]) / DENSER
        move[paths.shape[1] - 1 :: paths.shape[1]] = 0
        column, row, depth = np.ascontiguousarray(drawn.T)
        right, down, back = np.ascontiguousarray(move.T)
        flat, owner = nearest.reshape(-1), np.full(height * width, -1, np.int32)
        for part in range(DENSER):
            if part:
                column, row, depth = column + right, row + down, depth + back
            first = np.rint(row).astype(np.int32) * width + np.rint(column).astype(np.int32)
            inside = np.nonzero((column > 0) & (column < width - 3) & (row > 0) & (row < height - 2))[0].astype(np.int32)
            first, near = first[inside], depth[inside]
            for offset in range(2):
                pixel = first + offset
                ahead = near < flat[pixel]
                pixel, z, index = pixel[ahead], near[ahead], inside[ahead]
                np.minimum.at(flat, pixel, z)
                best = z == flat[pixel]
                owner[pixel[best]] = index[best]
        shown = np.nonzero(owner >= 0)[0]
        colour.reshape(-1, 3)[shown] = shade(owner[shown])
        filled.reshape(-1)[shown] = 1

    def _splat(self, colour, filled, nearest, points, tone, strength, wide) -> None:  # type: ignore[no-untyped-def]
        """Draw projected points of one colour over what is there, the nearest in each pixel."""
        height, width = nearest.shape
        column, row = np.round(points[:, :2]).astype(np.int64).T
        index = np.nonzero((column >= 0) & (column < width - wide) & (row >= 0) & (row < height))[0]
        pixel, z = (row * width + column)[index], points[index, 2] - 0.10
        picture, opacity = colour.reshape(-1, 3), filled.reshape(-1)
        pixel = np.concatenate([pixel + offset for offset in range(wide)])
        z, index = np.tile(z, wide), np.tile(index, wide)
        visible = z < nearest.reshape(-1)[pixel]
        pixel, z, index = pixel[visible], z[visible], index[visible]
        best = np.full(height * width, np.inf, np.float32)
        np.minimum.at(best, pixel, z)
        winner = z == best[pixel]
        pixel, index = pixel[winner], index[winner]
        share = np.broadcast_to(np.asarray(strength, np.float32), (len(points),))[index][:, None]
        picture[pixel] = picture[pixel] * (1 - share) + np.array(tone, np.float32) * share
        opacity[pixel] = np.maximum(opacity[pixel], share[:, 0])

    def _down(self, colour: Array, filled: Array) -> tuple[Array, Array]:
        size = self.camera.width, self.camera.height
        soft = np.minimum(colour, 2.5)
        return cv2.resize(soft, size, interpolation=cv2.INTER_AREA), cv2.resize(filled, size, interpolation=cv2.INTER_AREA)


def _traits(points: Array, first: Array | None) -> Array:
    traits = np.zeros((len(points), 6), np.float32)
    traits[:, :3] = points
    if first is not None:
        traits[:, 3] = first
    return traits


BROWS = (((107, 66, 105, 63, 70), (55, 65, 52, 53, 46)), ((336, 296, 334, 293, 300), (285, 295, 282, 283, 276)))


def _brow_hairs(random: np.random.Generator) -> tuple[NDArray[np.float64], ...]:
    """Return where each brow hair is rooted (along, across), and how far it reaches."""
    along = random.uniform(0.0, 1.0, 420)
    across = random.normal(0.48, 0.16, 420)
    along_reach = random.uniform(0.07, 0.14, 420)
    across_reach = 0.30 * (1 - along) ** 1.5 - 0.28 * (across - 0.5) + random.normal(0, 0.04, 420)
    return along, across, along_reach, across_reach


def _brow_points(hairs: tuple[NDArray[np.float64], ...], face: Array) -> tuple[Array, Array]:
    along, across, reach, lift = hairs
    step = np.linspace(0, 1, 16)
    points, strengths = [], []
    for upper, lower in BROWS:
        s = along[:, None] + reach[:, None] * step
        taper = np.interp(s, [0, 0.25, 0.7, 1.0, 1.2], [1.15, 1.35, 1.0, 0.45, 0.2])
        t = 0.46 + (across[:, None] - 0.5 + lift[:, None] * step) * taper
        t = t + np.interp(s, [0, 0.6, 1.1], [-0.06, 0.06, 0.02])
        top, bottom = _along(face, upper, s), _along(face, lower, s)
        line = bottom * (1 - t[..., None]) + top * t[..., None]
        line[..., 2] += 0.05
        points.append(line.reshape(-1, 3))
        strengths.append((np.clip(s / 0.14, 0.25, 1) * np.clip((1.12 - s) / 0.25, 0, 1) * (0.85 - 0.40 * step)).reshape(-1))
    return np.concatenate(points).astype(np.float32), np.concatenate(strengths).astype(np.float32)


def _along(face: Array, indices: tuple[int, ...], share: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.interpolate import CubicSpline

    knots = np.linspace(0, 1, len(indices))
    return np.asarray(CubicSpline(knots, face[list(indices)])(np.clip(share, 0, 1.15)))


UPPER_LIDS = ((33, 246, 161, 160, 159, 158, 157, 173, 133), (263, 466, 388, 387, 386, 385, 384, 398, 362))
LOWER_LIDS = ((33, 7, 163, 144, 145, 153, 154, 155, 133), (263, 249, 390, 373, 374, 380, 381, 382, 362))


def _lashes(random: np.random.Generator) -> tuple[NDArray[np.float64], ...]:
    along = np.concatenate([np.linspace(0.02, 0.93, 74), np.linspace(0.08, 0.8, 34)])
    is_upper = np.arange(len(along)) < 74
    length = np.where(is_upper, 0.62 - 0.30 * along, 0.22) * random.uniform(0.75, 1.05, len(along))
    return along, is_upper, length, random.normal(0, 0.08, len(along))


def _lash_points(lashes: tuple[NDArray[np.float64], ...], face: Array, head: Head, look: Look) -> Array:
    along, is_upper, length, stray = lashes
    step = np.linspace(0, 1, 26)[None, :, None]
    out = []
    for side, upper, lower in zip((-1, 1), UPPER_LIDS, LOWER_LIDS, strict=True):
        roots = np.where(is_upper[:, None], _along(face, upper, along), _along(face, lower, along))
        roots[:, 2] += 0.03
        spread = side * (0.75 - 1.15 * along) + stray
        tilt = np.where(is_upper, 0.42 - 1.1 * max(0.0, look.blink), -0.45)
        first = np.stack([spread * 0.7, tilt - 0.25 * is_upper, np.full(len(along), 0.85)], 1)
        bend = np.stack([spread * 0.5, np.where(is_upper, 0.75, -0.25), np.full(len(along), -0.25)], 1)
        line = roots[:, None] + length[:, None, None] * (first[:, None] * step + bend[:, None] * step**2 * 0.6)
        out.append(line.reshape(-1, 3))
    return np.concatenate(out).astype(np.float32)
