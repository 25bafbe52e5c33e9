"""A cartoon face whose place, size and mouth are known; detectors take it for a face."""

import cv2
import numpy as np

from dubsync.backends.protocols import Picture

SKIN, HAIR = (222, 172, 145), (60, 40, 30)
EYES = 0.38
"""Distance of an eye from the middle, in radii."""


def blank(width: int, height: int) -> Picture:
    return np.full((height, width, 3), (96, 110, 120), np.uint8)


def draw_face(picture: Picture, x: float, y: float, radius: float, *, opening: float = 0.1) -> Picture:
    """Draw a face, `radius` half as wide as its head, with its middle at (x, y); `opening` of the lips in radii."""

    def disc(at: tuple[float, float], axes: tuple[float, float], colour: tuple[int, int, int], turn: float = 0) -> None:
        centre = (round(x + at[0] * radius), round(y + at[1] * radius))
        size = (max(1, round(axes[0] * radius)), max(1, round(axes[1] * radius)))
        cv2.ellipse(picture, centre, size, turn, 0, 360, colour, -1, cv2.LINE_AA)

    disc((0, 1.5), (0.5, 0.7), (190, 140, 115))
    disc((0, 2.3), (1.4, 0.8), (60, 60, 90))
    disc((0, -0.25), (1.05, 1.25), HAIR)
    disc((0, 0), (0.92, 1.25), SKIN)
    disc((0, -0.95), (0.8, 0.32), HAIR)
    for side in (-1, 1):
        disc((side * EYES, -0.18), (0.19, 0.09), (250, 250, 250))
        disc((side * EYES, -0.18), (0.085, 0.085), (70, 45, 30))
        disc((side * EYES, -0.37), (0.23, 0.045), HAIR, side * 5)
        disc((side * 0.12, 0.24), (0.07, 0.06), (205, 150, 125))
        disc((side * 0.93, 0.0), (0.1, 0.2), (210, 160, 135))
    disc((0, 0.05), (0.09, 0.3), (232, 184, 158))
    disc((0, 0.25), (0.12, 0.09), (228, 178, 150))
    for side in (-1, 1):
        disc((side * 0.07, 0.3), (0.04, 0.025), (140, 85, 75))
    disc((0, 0.58), (0.34, 0.11 + opening / 2), (185, 85, 85))
    disc((0, 0.58), (0.26, max(opening / 2, 0.012)), (60, 20, 25))
    return cv2.GaussianBlur(picture, (0, 0), max(0.4, radius / 90))
