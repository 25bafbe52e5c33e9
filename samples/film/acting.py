"""What the rest of the face and the head do while the lines are said: nods on stresses, blinks, looks, brows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from . import articulation
from .camera import Turn
from .head import Look
from .voice import Phone

Curve = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Direction:
    """A director's notes. Times are seconds of the film. `looks`: (time, right, up) in radians off the camera."""

    phones: tuple[Phone, ...]
    blinks: tuple[float, ...]
    looks: tuple[tuple[float, float, float], ...]
    brows: tuple[tuple[float, float, float], ...]
    pose: tuple[float, float, float] = (-9.0, 2.0, 2.0)
    seed: int = 1
    ease: float = 1.0


def act(direction: Direction, times: Curve) -> list[tuple[Look, Turn]]:
    """Return look and turn of the head at each of the times."""
    mouth = articulation.controls(list(direction.phones), times)
    stress = _stresses(direction.phones, times)
    yaw, pitch, roll = (_drift(times, direction.seed * 7 + axis) for axis in range(3))
    gaze_x, gaze_y = _gaze(direction.looks, times)
    blink = np.clip(sum(_blink(times - at) for at in direction.blinks), 0, 1) if direction.blinks else 0 * times
    raised, worried = _bumps(direction.brows, times)
    speaking = mouth[:, 0]
    base_yaw, base_pitch, base_roll = direction.pose
    acted = []
    for i in range(len(times)):
        values = {name: float(mouth[i, k]) for k, name in enumerate(articulation.CONTROLS)}
        values["jaw"] = float(np.clip(values["jaw"], 0, 1) * direction.ease)
        look = Look(
            **values,
            smile=0.10 + 0.04 * float(raised[i]),
            blink=float(-0.20 * (1 - blink[i]) + blink[i]),
            brow=float(0.18 * stress[i] + raised[i]),
            worry=float(worried[i]),
            squint=float(0.15 + 0.15 * speaking[i]),
            gaze=(float(gaze_x[i]), float(gaze_y[i])),
        )
        turn = Turn(
            yaw=base_yaw + 2.6 * float(yaw[i]) + 9 * float(gaze_x[i]),
            pitch=base_pitch + 1.5 * float(pitch[i]) + 2.6 * float(stress[i]) - 8 * float(gaze_y[i]),
            roll=base_roll + 1.4 * float(roll[i]),
            place=(0.25 * float(yaw[i]), 0.10 * float(np.sin(times[i] * 1.5)), 0.30 * float(pitch[i])),
        )
        acted.append((look, turn))
    return acted


def _drift(times: Curve, seed: int) -> Curve:
    """Return a slow wandering of about unit size, the same for the same seed."""
    random = np.random.default_rng(seed)
    total = np.zeros_like(times)
    for rate, size in ((0.11, 0.6), (0.23, 0.5), (0.47, 0.3), (0.9, 0.10)):
        total += size * np.sin(2 * np.pi * rate * times * random.uniform(0.85, 1.15) + random.uniform(0, 6.28))
    return total


def _stresses(phones: tuple[Phone, ...], times: Curve) -> Curve:
    """Return a soft bump at each stressed vowel: where heads nod and brows rise."""
    total = np.zeros_like(times)
    for mark, vowel in pairwise(phones):
        if mark.symbol == "ˈ":
            total += np.exp(-(((times - (vowel.start + vowel.end) / 2) / 0.13) ** 2))
    return np.clip(total, 0, 1.2) * 0.8


def _blink(since: Curve) -> Curve:
    """Return how closed the eye is, seconds after a blink began: 80 ms down, 130 ms up."""
    return np.interp(since, [0, 0.08, 0.11, 0.24], [0, 1, 1, 0])


def _gaze(looks: tuple[tuple[float, float, float], ...], times: Curve) -> tuple[Curve, Curve]:
    """Move the eyes from look to look in 60 ms jumps."""
    x, y = np.zeros_like(times), np.zeros_like(times)
    before = (0.0, 0.0)
    for at, right, up in looks:
        share = np.clip((times - at) / 0.06, 0, 1)
        share = share * share * (3 - 2 * share)
        x += share * (right - before[0])
        y += share * (up - before[1])
        before = (right, up)
    tremor = 0.004 * np.sign(np.sin(times * 5.1 + 1) + np.sin(times * 8.3))
    return x + tremor, y


def _bumps(brows: tuple[tuple[float, float, float], ...], times: Curve) -> tuple[Curve, Curve]:
    """Return raised and worried brows from (time, raise, worry) notes, eased between."""
    if not brows:
        return 0 * times, 0 * times
    at, raised, worried = np.array(brows).T
    return np.interp(times, at, raised), np.interp(times, at, worried)
