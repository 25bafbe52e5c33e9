"""Draws the speaking person: meshes and strands to a picture in linear light with an opacity.

All triangles of a frame are rasterised at `scale` times the size, shaded (shading.py), covered with hair, brows and
lashes, and scaled down.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from . import hair, lights, materials, mesh, parts, raster, shading, strokes
from .camera import Camera, Turn
from .head import Character, Head, Look, jaw_turn
from .shading import EYE, KNIT, NECK, SKIN, TONGUE, TOOTH_LOW, TOOTH_UP
from .surface import Paint, Surface

Array = NDArray[Any]
Move = Callable[[Array], Array]

CLOSED = (SKIN, KNIT)
"""What has a far side that is never seen."""
PIVOT = np.array([0.0, -3.0, -4.0])
"""The point about which the head turns."""


@dataclass(frozen=True, slots=True)
class Person:
    """All that makes one person look like herself. `brows`: how broad; `lashes`: how long; 1 is Mara's."""

    shape: Character = field(default_factory=Character)
    hairdo: hair.Hairdo = field(default_factory=hair.Hairdo)
    paint: Paint = field(default_factory=Paint)
    brows: float = 1.0
    lashes: float = 1.0


@dataclass(slots=True)
class _Scene:
    """The triangles of a frame, part by part. Traits are six numbers a point that its material understands."""

    points: list[Array] = field(default_factory=list)
    normals: list[Array] = field(default_factory=list)
    triangles: list[Array] = field(default_factory=list)
    traits: list[Array] = field(default_factory=list)
    owner: list[Array] = field(default_factory=list)
    count: int = 0

    def add(self, points: Array, triangles: Array, traits: Array, material: int) -> None:
        self.points.append(points.astype(np.float32))
        self.normals.append(mesh.normals(points, triangles))
        self.triangles.append(triangles + self.count)
        self.traits.append(traits)
        self.owner.append(np.full(len(triangles), material))
        self.count += len(points)


@dataclass(frozen=True, slots=True)
class _Canvas:
    """A picture while it is drawn: colour (h, w, 3), opacity (h, w), depth (h, w)."""

    colour: Array
    filled: Array
    nearest: Array


class Portrait:
    """A person before a camera."""

    def __init__(self, person: Person, camera: Camera, *, scale: int = 2) -> None:
        self.person, self.camera, self.scale = person, camera, scale
        self.head = Head(person.shape)
        line = float(self.head.rest[13, 1] + self.head.rest[14, 1]) / 2
        self.eyeballs = [parts.eyeball(centre) for centre in self.head.eyes]
        self.upper_teeth, self.upper_tooth = parts.teeth(line - 0.22, upper=True)
        self.lower_teeth, self.lower_tooth = parts.teeth(line - 0.12, upper=False)
        self.tongue = parts.tongue(line)
        self.neck = parts.neck()
        self.pullover, self.knit = parts.pullover()
        self.strands, self.strand_traits = hair.grow(person.hairdo)
        self.sampling = hair.sampling(190)
        self.brows = strokes.brow_hairs(np.random.default_rng(3))
        self.lashes = strokes.lashes(np.random.default_rng(4), person.lashes)

    def draw(self, look: Look, turn: Turn) -> tuple[Array, Array, Array]:
        """Return the picture (h, w, 3) in linear light, its opacity (h, w), and the 468 landmarks in pixels."""
        rotation, shift = turn.matrix(), np.array(turn.place)

        def move(points: Array) -> Array:
            return np.asarray((points - PIVOT) @ rotation.T + PIVOT + shift, np.float32)

        face = self.head.pose(look)
        scene = self._gather(face, look, move, turn)
        paths = np.matmul(self.sampling, move(self.strands.reshape(-1, 3)).reshape(self.strands.shape))
        shadow = lights.shadow_map(
            np.concatenate(scene.points), np.concatenate(scene.triangles), paths.reshape(-1, 3)[::7]
        )
        surface, depth = self._see(scene)
        gazes = self._gazes(look, rotation)
        canvas = _Canvas(*shading.shade(surface, depth, shadow, self.person.paint, gazes))
        self._hair(canvas, paths, shadow)
        points, strength = strokes.brow_points(self.brows, face, self.person.brows)
        self._splat(canvas, move(points), self.person.paint.brow, strength, wide=self.scale)
        points = strokes.lash_points(self.lashes, face, look.blink)
        self._splat(canvas, move(points), (0.006, 0.005, 0.005), np.full(len(points), 0.85), wide=1)
        size = self.camera.width, self.camera.height
        small = [
            cv2.resize(v, size, interpolation=cv2.INTER_AREA) for v in (np.minimum(canvas.colour, 2.5), canvas.filled)
        ]
        return small[0], small[1], self.camera.project(move(face[:468]))[0]

    def _gather(self, face: Array, look: Look, move: Move, turn: Turn) -> _Scene:
        """Pose every part and say what its material wants to know: mostly where a point is at rest."""
        scene, head = _Scene(), self.head
        region = head.region
        painted = np.column_stack([head.neutral, region["lip"], region["inside"], region["lid"]])
        scene.add(move(face), head.triangles, painted, SKIN)
        for number, ball in enumerate(self.eyeballs):
            traits = _traits(ball.points - head.eyes[number], np.full(len(ball.points), number))
            scene.add(move(ball.points), ball.triangles, traits, EYE)
        upper, lower = self.upper_teeth, self.lower_teeth
        scene.add(move(upper.points), upper.triangles, _traits(upper.points, self.upper_tooth), TOOTH_UP)
        bitten = move(jaw_turn(lower.points, look.jaw))
        scene.add(bitten, lower.triangles, _traits(lower.points, self.lower_tooth), TOOTH_LOW)
        tongue = move(jaw_turn(parts.lift_tongue(self.tongue.points, look.tongue), look.jaw * 0.9))
        scene.add(tongue, self.tongue.triangles, _traits(self.tongue.points), TONGUE)
        neck = parts.neck_follow(self.neck.points, turn.matrix()) + turn.place
        scene.add(neck, self.neck.triangles, _traits(self.neck.points), NECK)
        body = self.pullover.points + 0.4 * np.array(turn.place)
        scene.add(body, self.pullover.triangles, _traits(self.knit), KNIT)
        return scene

    def _see(self, scene: _Scene) -> tuple[Surface, Array]:
        """Rasterise the scene; return what each covered pixel shows, still without light, and its depth."""
        points, triangles, owner = (np.concatenate(v) for v in (scene.points, scene.triangles, scene.owner))
        xy, depth = self.camera.project(points, self.scale)
        shown = raster.faces_up(xy, triangles) | ~np.isin(owner, CLOSED)
        triangles, owner = triangles[shown], owner[shown]
        size = self.camera.height * self.scale, self.camera.width * self.scale
        seen = raster.rasterise(xy, depth, triangles, size)
        mixed = np.concatenate([points, np.concatenate(scene.normals), np.concatenate(scene.traits)], 1).astype(
            np.float32
        )
        values = np.einsum("kcf,kc->kf", mixed[triangles[seen.triangle]], seen.weights)
        position, normal = values[:, :3], _unit(values[:, 3:6])
        view = _unit(np.array([0, 0, self.camera.distance], np.float32) - position)
        dark = np.zeros(len(position), np.float32)
        material = owner[seen.triangle]
        return Surface(seen.pixel, material, position, normal, view, values[:, 6:], dark, dark, size), seen.depth

    def _gazes(self, look: Look, rotation: Array) -> Array:
        """Return the directions of both eyes in the head's own frame; a gaze of (0, 0) is into the camera."""
        to_camera = rotation.T @ np.array([0.0, 0.0, 1.0])
        yaw = np.arctan2(to_camera[0], to_camera[2]) * 0.9 + look.gaze[0] + np.array([0.035, -0.035])
        pitch = np.arcsin(to_camera[1]) * 0.9 + look.gaze[1]
        return np.stack([np.sin(yaw) * np.cos(pitch), np.full(2, np.sin(pitch)), np.cos(yaw) * np.cos(pitch)], 1)

    def _project(self, points: Array) -> Array:
        """Return points as (column, row, depth) at the size that is drawn, a little nearer than what they lie on."""
        xy, depth = self.camera.project(points, self.scale)
        return np.column_stack([xy, depth - np.float32(0.10)])

    def _hair(self, canvas: _Canvas, paths: Array, shadow: lights.Shadow) -> None:
        """Draw strands (n, samples, 3) as points so dense that they leave no gaps; colour what is seen of them."""
        samples = paths.shape[1]
        drawn = self._project(paths.reshape(-1, 3))
        owner = hair.scan(drawn, samples, canvas.nearest, wide=self.scale)
        shown = np.nonzero(owner >= 0)[0]
        strand, sample = np.divmod(owner[shown], samples)
        before, after = paths[strand, np.maximum(sample - 3, 0)], paths[strand, np.minimum(sample + 3, samples - 1)]
        traits = self.strand_traits[strand]
        points = hair.Points(paths[strand, sample], after - before, traits[:, 0], traits[:, 1])
        canvas.colour.reshape(-1, 3)[shown] = materials.hair(points, self.person.paint, shadow)
        canvas.filled.reshape(-1)[shown] = 1

    def _splat(
        self, canvas: _Canvas, points: Array, tone: tuple[float, float, float], strength: Array, *, wide: int
    ) -> None:
        """Draw points of one colour over what is there, the nearest in each pixel."""
        height, width = canvas.nearest.shape
        drawn = self._project(points)
        column, row = np.rint(drawn[:, :2]).astype(np.int64).T
        index = np.nonzero((column >= 0) & (column < width - wide) & (row >= 0) & (row < height))[0]
        pixel = np.concatenate([(row * width + column)[index] + offset for offset in range(wide)])
        index = np.tile(index, wide)
        depth = drawn[index, 2]
        visible = depth < canvas.nearest.reshape(-1)[pixel]
        pixel, index, depth = pixel[visible], index[visible], depth[visible]
        best = np.full(height * width, np.inf, np.float32)
        np.minimum.at(best, pixel, depth)
        winner = depth == best[pixel]
        pixel, share = pixel[winner], strength[index[winner]][:, None]
        colour, filled = canvas.colour.reshape(-1, 3), canvas.filled.reshape(-1)
        colour[pixel] = colour[pixel] * (1 - share) + np.array(tone, np.float32) * share
        filled[pixel] = np.maximum(filled[pixel], share[:, 0])


def _traits(first: Array, fourth: Array | None = None) -> Array:
    """Return traits (n, 6): three numbers, a fourth when there is one, and zeros."""
    traits = np.zeros((len(first), 6), np.float32)
    traits[:, :3] = first
    if fourth is not None:
        traits[:, 3] = fourth
    return traits


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9), np.float32)
