"""A talking head of numbers and flat colours: landmarks whose mouth follows a known course, and pictures of them."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from dubsync.backends.protocols import Footage
from dubsync.face import geometry
from dubsync.mouth import articulation, library, performance, shape
from dubsync.weights import resolve

EYE_DISTANCE = 60.0
SIZE = 256
_MIDDLE = (128.0, 80.0)
_ANCHORS = {
    2: (0, 0.73, -0.39), 98: (-0.27, 0.71, -0.26), 327: (0.28, 0.7, -0.27), 1: (0, 0.62, -0.64),
    129: (-0.33, 0.59, -0.2), 358: (0.34, 0.59, -0.21), 203: (-0.41, 0.69, -0.18), 423: (0.41, 0.68, -0.18),
    205: (-0.62, 0.68, -0.13), 425: (0.62, 0.67, -0.14), 50: (-0.75, 0.54, -0.05), 280: (0.75, 0.54, -0.06),
    187: (-0.82, 0.78, 0.05), 411: (0.82, 0.78, 0.04), 147: (-0.94, 0.73, 0.25), 376: (0.95, 0.73, 0.24),
    123: (-0.96, 0.51, 0.22), 352: (0.97, 0.51, 0.21), 58: (-0.93, 1.12, 0.76), 288: (0.95, 1.11, 0.76),
    132: (-1.01, 0.85, 0.86), 361: (1.02, 0.84, 0.86),
}  # fmt: skip


def model() -> articulation.Articulation:
    return articulation.load(resolve("articulation"))


def landmarks(opening: np.ndarray) -> np.ndarray:
    """Return heads (n, 468, 3) that look straight ahead and open their mouths along the main component."""
    weights = model()
    course = np.zeros((len(opening), len(weights.basis)), np.float32)
    one = weights.decode(np.eye(len(weights.basis), dtype=np.float32)[:1], weights.mean_shape)
    widens = shape.opening(one)[0] > shape.opening(weights.mean_shape[None])[0]
    course[:, 0] = opening if widens else -opening
    heads = np.zeros((len(opening), 468, 3), np.float32)
    head = np.array([geometry.HEAD[number] for number in geometry.STABLE]) * (1, -1, -1)
    eyes = np.array([np.mean([geometry.HEAD[corner] for corner in eye], axis=0) for eye in geometry.EYES]) * (1, -1, -1)
    heads[:, geometry.STABLE] = (head - eyes.mean(axis=0)) / np.linalg.norm(eyes[1] - eyes[0])
    heads[:, list(_ANCHORS)] = np.array(list(_ANCHORS.values()))
    heads[:, shape.MOVING] = weights.decode(course, weights.mean_shape)
    heads *= EYE_DISTANCE
    heads[..., :2] += _MIDDLE
    return heads


def picture(head: np.ndarray) -> np.ndarray:
    """Draw one head (468, 3): skin with a little grain, lips, and a dark mouth with teeth."""
    grain = np.random.default_rng(5).integers(-4, 5, (SIZE, SIZE, 1))
    drawn = np.full((SIZE, SIZE, 3), (90, 100, 120), np.uint8)
    points = np.rint(head[:, :2] * 8).astype(np.int32)
    outline = np.concatenate([points[list(geometry.JAW_LINE[3:-3])], [[8 * 190, 8 * 40], [8 * 66, 8 * 40]]])
    for ring, colour in (
        (outline, (205, 160, 140)),
        (points[list(geometry.OUTER_LIPS)], (180, 80, 85)),
        (points[list(geometry.INNER_LIPS)], (50, 20, 25)),
    ):
        cv2.fillPoly(drawn, [ring], colour, cv2.LINE_AA, 3)
    return np.clip(drawn + grain, 0, 255).astype(np.uint8)


def footage(opening: np.ndarray, speech: np.ndarray, *, speaking: np.ndarray | None = None, first: int = 0) -> Footage:
    """Return footage at 25 fps of a head that opens its mouth so, with the sound over it."""
    heads = landmarks(opening)
    count = len(heads)

    def frames() -> Iterator[tuple[int, np.ndarray]]:
        for number in range(count):
            yield first + number, picture(heads[number])

    return Footage(
        shot="shot-1",
        first=first,
        stop=first + count,
        frames=frames,
        times=np.arange(first, first + count) / 25,
        numbers=np.arange(first, first + count, dtype=np.int32),
        landmarks=heads,
        usable=np.ones(count, bool),
        speaking=np.ones(count, bool) if speaking is None else speaking,
        speech=speech.astype(np.float32),
        speech_start=first / 25,
    )


def babble(seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a voice-like sound at 16 kHz, and how open a mouth is at each 25 fps frame: loud is open."""
    chance = np.random.default_rng(3)
    count = round(seconds * 25)
    opening = np.clip(np.convolve(chance.normal(size=count + 8), np.hanning(9), "same")[4:-4], -1.5, 1.5)
    loud = np.interp(np.arange(round(seconds * 16000)) / 640, np.arange(count), np.clip(opening + 1.6, 0.05, 4))
    tone = sum(np.sin(2 * np.pi * 140 * k * np.arange(len(loud)) / 16000) / k for k in range(1, 20))
    return (0.05 * loud * tone).astype(np.float32), opening


def filmed(seconds: float) -> library.Library:
    """Return a library of every frame of some babble."""
    _, opening = babble(seconds)
    shot = footage(opening, np.zeros(1, np.float32))
    found = library.measure(shot.landmarks)
    kept = library.Library(
        size=128,
        rate=25,
        shapes=found.shapes,
        poses=found.poses,
        nodes=found.nodes,
        shot=np.zeros(len(found), np.int32),
        number=shot.numbers,
    )
    for number, picture in shot.frames():
        kept.add(performance.crop_of(picture, found.affines[number], 128)[0])
    return kept
