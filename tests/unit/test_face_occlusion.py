"""Something in front of the mouth, on drawn faces whose landmarks are taken as known."""

import cv2
import numpy as np
from drawn_face import blank, draw_face
from test_face_geometry import head, placed

from dubsync.face.occlusion import appearance, is_covered

PLACES = {
    0: (0, 0.45), 17: (0, 0.72), 164: (0, 0.38), 199: (0, 1.0), 205: (-0.4, 0.4), 425: (0.4, 0.4),
    212: (-0.45, 0.65), 432: (0.45, 0.65), 18: (0, 0.8), 57: (-0.38, 0.58), 287: (0.38, 0.58),
    6: (0, -0.1), 50: (-0.5, 0.2), 280: (0.5, 0.2), 151: (0, -0.55), 118: (-0.4, 0.0), 347: (0.4, 0.0),
}  # fmt: skip
"""Where patches lie on the drawn face, in its radii."""
FRAMES = 20


def seen(*, covered: range = range(0), light: float = 1.0) -> np.ndarray:
    """Return the appearance of a speaking face over `FRAMES` frames; `light`: how bright its second half is."""
    looks = []
    for number in range(FRAMES):
        picture = draw_face(blank(480, 480), 240, 240, 110, opening=0.1 + 0.1 * np.sin(number))
        if number in covered:
            cv2.ellipse(picture, (240, 310), (70, 60), 0, 0, 360, (35, 35, 40), -1)
        if number >= FRAMES // 2:
            picture = cv2.convertScaleAbs(picture, alpha=light)
        looks.append(appearance(np.asarray(picture, np.uint8), landmarks()))
    return np.stack(looks)


def landmarks() -> np.ndarray:
    points = placed(head(), 0, 0, 0, 84)
    for number, (x, y) in PLACES.items():
        points[number, :2] = 240 + 110 * x, 240 + 110 * y
    return points


def test_a_speaking_mouth_is_not_covered() -> None:
    assert not is_covered(seen()).any()


def test_a_microphone_before_the_mouth_is_seen_just_while_it_is_there() -> None:
    assert np.array_equal(np.flatnonzero(is_covered(seen(covered=range(5, 9)))), [5, 6, 7, 8])


def test_light_that_falls_on_the_whole_face_covers_nothing() -> None:
    assert not is_covered(seen(light=0.6)).any()


def test_patches_beyond_the_edge_are_taken_at_the_edge() -> None:
    beyond = landmarks() + np.float32([400, 400, 0])
    assert np.isfinite(appearance(blank(480, 480), beyond)).all()
