"""The establishing shot, without any face: a harbour at dusk whose lights go out, a lighthouse, moving water."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
HORIZON = 0.60


class Harbour:
    """A view that is drawn frame by frame; everything that does not move is drawn once."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.line = round(height * HORIZON)
        random = np.random.default_rng(31)
        self.land = self._land(random)
        self.lamps = self._lamps(random)
        y, x = np.mgrid[0 : height - self.line, 0:width].astype(np.float32)
        self.below, self.across = y, x

    def draw(self, second: float, seconds: float) -> Array:
        """Return the picture (h, w, 3) in linear light at a time of the shot."""
        sky = self.land.copy()
        self._add_lamps(sky, second, seconds)
        self._add_beam(sky, second)
        picture = np.concatenate([sky[: self.line], self._water(sky[: self.line], second)])
        zoom = 1.02 + 0.035 * second / seconds
        frame = cv2.getRotationMatrix2D((self.width * 0.56, self.height * 0.56), 0, zoom)
        return np.asarray(
            cv2.warpAffine(picture, frame, (self.width, self.height), flags=cv2.INTER_CUBIC), np.float32
        ).clip(0)

    def _land(self, random: np.random.Generator) -> Array:
        height, width = self.height, self.width
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        v, u = y / self.line, x / width
        stops = np.array([0.0, 0.45, 0.75, 0.92, 1.0])
        tones = np.array(
            [[0.012, 0.030, 0.085], [0.035, 0.085, 0.19], [0.17, 0.17, 0.24], [0.55, 0.30, 0.19], [0.75, 0.40, 0.20]]
        )
        sky = np.stack([np.interp(v, stops, tones[:, channel]) for channel in range(3)], -1).astype(np.float32)
        sky *= (0.75 + 0.6 * np.exp(-(((u - 0.30) / 0.40) ** 2)))[..., None]
        sky = _clouds(sky, v, u, random)
        for _ in range(90):
            row, column = int(random.uniform(0, 0.5) * self.line), int(random.uniform(0, width))
            sky[row, column] += random.uniform(0.05, 0.35)
        for base, tall, tone, rough in (
            (0.945, 0.085, (0.115, 0.105, 0.145), 5),
            (0.985, 0.075, (0.045, 0.048, 0.072), 8),
        ):
            ridge = base - tall * _ridge(width, rough, random)
            inside = np.clip((v - ridge[None]) * self.line / 1.5, 0, 1)[..., None]
            sky = sky * (1 - inside) + np.array(tone, np.float32) * inside
        return self._headland(sky, v, u, random)

    def _headland(self, sky: Array, v: Array, u: Array, random: np.random.Generator) -> Array:
        """Add the dark rock on the right with the lighthouse on it."""
        rise = np.clip((u - 0.63) / 0.16, 0, 1)
        top = (
            1.005
            - 0.20 * rise**0.6 * (1 - 0.25 * np.clip((u - 0.80) / 0.2, 0, 1))
            - 0.018 * _ridge(self.width, 22, random)[None]
        )
        rock = np.clip((v - top) * self.line / 1.2, 0, 1) * (u > 0.625)
        sky = sky * (1 - rock[..., None]) + np.array([0.012, 0.013, 0.020], np.float32) * rock[..., None]
        centre, wide = 0.795, 0.0115
        taper = wide * (1.0 - 0.42 * np.clip((0.86 - v) / 0.34, 0, 1))
        tower = ((np.abs(u - centre) < taper) & (v > 0.50) & (v < 0.86)).astype(np.float32)
        tower += ((np.abs(u - centre) < wide * 0.80) & (v > 0.488) & (v < 0.502)).astype(np.float32)
        tower += ((np.abs(u - centre) < wide * 0.42) & (v > 0.425) & (v < 0.49)).astype(np.float32)
        tower += ((np.abs(u - centre) < wide * 0.55 * np.clip((v - 0.395) / 0.032, 0, 1)) & (v < 0.428)).astype(
            np.float32
        )
        tower = cv2.GaussianBlur(np.clip(tower, 0, 1), (0, 0), 0.7)[..., None]
        band = np.where(((v - 0.5) / 0.09).astype(int) % 2 == 0, 1.0, 0.35)[..., None]
        side = (0.6 + 1.1 * np.clip((centre - u) / wide, -0.5, 1))[..., None]
        body = np.array([0.115, 0.085, 0.085], np.float32) * band * side
        return np.asarray(sky * (1 - tower) + body * tower, np.float32)

    def _lamps(self, random: np.random.Generator) -> list[tuple[float, float, float, Array, float]]:
        """Return the harbour's lamps: x, y, size, colour, and when each goes out (share of the shot)."""
        lamps = []
        for index in range(34):
            x = 0.06 + 0.53 * (index + random.uniform(0, 0.9)) / 34
            warm = np.array([1.0, 0.60, 0.24]) * random.uniform(0.6, 1.4)
            if random.uniform() < 0.15:
                warm = np.array([0.7, 0.95, 1.0])
            out = 0.16 + 0.74 * (1 - x / 0.6) + random.uniform(-0.06, 0.06)
            lamps.append((x, random.uniform(0.957, 0.990), random.uniform(0.8, 1.7), warm.astype(np.float32), out))
        return lamps

    def _add_lamps(self, sky: Array, second: float, seconds: float) -> None:
        scale = self.height / 540
        for x, y, size, colour, out in self.lamps:
            since = second / seconds - out
            level = 1.0 if since < 0 else float(np.exp(-since * 60))
            if level < 0.02:
                continue
            column, row, reach = round(x * self.width), round(y * self.line), round(16 * scale)
            top, left = max(0, row - reach), max(0, column - reach)
            patch = sky[top : row + reach, left : column + reach]
            j, i = np.mgrid[top : top + patch.shape[0], left : left + patch.shape[1]]
            distance = np.hypot(j - row, i - column) / scale
            glow = 3.2 * np.exp(-((distance / size) ** 2)) + 0.22 * np.exp(-distance / (3.2 * size))
            patch += glow[..., None].astype(np.float32) * colour * level

    def _add_beam(self, sky: Array, second: float) -> None:
        """Add the turning light: a narrow cone that sweeps, and a flash when it meets the camera."""
        height, width = sky.shape[:2]
        angle = 2 * np.pi * second / 4.2 + 2.0
        source = 0.795 * width, 0.457 * self.line
        y, x = np.mgrid[0:height:2, 0:width:2].astype(np.float32)
        dx, dy = (x - source[0]) / height, (y - source[1]) / height
        toward, across = np.sin(angle), np.cos(angle)
        flash = max(0.0, toward) ** 24
        light = np.zeros(x.shape, np.float32)
        for side in (1, -1):
            reach = dx * side * np.sign(across)
            spread = 0.012 + 0.055 * np.abs(reach)
            strength = abs(across) ** 1.5 * (1.0 if side > 0 else 0.35)
            light += (
                strength * np.exp(-(((dy + 0.02 * reach) / spread) ** 2)) * (reach > 0) * np.exp(-2.3 * reach) * 0.34
            )
        distance = np.hypot(dx, dy)
        light += (0.9 + 5 * flash) * np.exp(-((distance / 0.006) ** 2)) + (0.10 + 0.8 * flash) * np.exp(
            -distance / 0.035
        )
        glow = cv2.resize(light, (width, height), interpolation=cv2.INTER_LINEAR)
        sky += glow[..., None] * np.array([1.0, 0.90, 0.70], np.float32)

    def _water(self, sky: Array, second: float) -> Array:
        """Mirror the land in moving water, broken up more the nearer it is."""
        rows = len(self.below)
        near = (self.below + 1) / rows
        distance = 1 / (near + 0.035)
        unit = self.height / 540
        wave = np.zeros_like(self.below)
        slope = np.zeros_like(self.below)
        for rate, along, across, size in (
            (1.1, 9, 0.5, 1.0),
            (1.7, 17, -1.1, 0.7),
            (2.6, 33, 2.3, 0.5),
            (4.1, 71, -4.7, 0.35),
        ):
            phase = along * distance + across * (self.across / self.width - 0.5) * 8 * (0.4 + near) + rate * second
            wave += size * np.sin(phase + 1.3 * np.sin(phase * 0.31 + across))
            slope += size * np.cos(phase * 1.07 + across * self.across / self.width * 9)
        y = self.line - 1 - self.below * 0.92 + wave * (1.5 + 16 * near) * unit
        x = self.across + slope * (0.6 + 9 * near) * unit
        mirror = cv2.remap(sky, x, np.clip(y, 0, self.line - 1), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        mirror = cv2.GaussianBlur(mirror, (0, 0), sigmaX=0.8 * unit, sigmaY=2.2 * unit)
        deep = np.array([0.010, 0.022, 0.042], np.float32)
        share = (0.80 - 0.38 * near + 0.07 * wave * near)[..., None]
        return np.asarray(mirror * share + deep * (1 - share), np.float32)


def _ridge(width: int, rough: int, random: np.random.Generator) -> Array:
    total = np.zeros(width)
    for octave in range(5):
        count = rough * 2**octave
        total += (
            np.interp(np.linspace(0, count, width), np.arange(count + 1), random.uniform(0, 1, count + 1))
            * 0.55**octave
        )
    return np.asarray((total - total.min()) / (total.max() - total.min()), np.float32)


def _clouds(sky: Array, v: Array, u: Array, random: np.random.Generator) -> Array:
    """Add long thin clouds, lit from below near the horizon."""
    height, width = v.shape
    total = np.zeros((height, width), np.float32)
    for octave, cells in enumerate(((9, 3), (20, 6), (44, 12), (90, 26))):
        coarse = random.normal(size=cells).astype(np.float32)
        total += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) * 0.6**octave
    cover = np.clip(total * 0.5 - 0.12, 0, 1) * np.exp(-(((v - 0.62) / 0.30) ** 2))
    lit = np.array([0.62, 0.25, 0.16], np.float32) * np.exp(-(((u - 0.3) / 0.45) ** 2))[..., None] + 0.03
    return np.asarray(sky * (1 - 0.55 * cover[..., None]) + lit * cover[..., None] * 0.55, np.float32)
