"""Something in front of the mouth, on a drawn head whose landmarks are known."""

import cv2
import numpy as np
import pytest
import talking_head

from dubsync.face.occlusion import appearance, is_covered

FRAMES = 60
HAND = (186, 141, 121)


def hand(picture: np.ndarray) -> None:
    """Lay four fingers, a little darker than the face, over the mouth, with the shadows between them."""
    for place in range(4):
        start, end = (78, 122 + 15 * place), (172, 116 + 15 * place)
        cv2.line(picture, start, end, (150, 112, 98), 16, cv2.LINE_AA)
        cv2.line(picture, start, end, HAND, 12, cv2.LINE_AA)


def disc(colour: tuple[int, int, int]):  # type: ignore[no-untyped-def]
    return lambda picture: cv2.ellipse(picture, (128, 148), (30, 34), 0, 0, 360, colour, -1, cv2.LINE_AA)


def seen(cover=None, *, covered: range = range(0), dark: float = 1.0) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Return the appearance of a speaking face; `dark`: how bright its second half is."""
    opening = np.sin(np.arange(FRAMES) / 2)
    chance = np.random.default_rng(4)
    looks = []
    for number, head in enumerate(talking_head.landmarks(opening)):
        picture = talking_head.picture(head)
        if number in covered:
            cover(picture)
        light = dark if number >= FRAMES // 2 else 1.0
        picture = np.clip(picture * light + chance.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)
        looks.append(appearance(picture, head))
    return np.stack(looks)


def test_a_speaking_mouth_is_not_covered() -> None:
    assert not is_covered(seen()).any()


@pytest.mark.parametrize("cover", [hand, disc((35, 35, 40)), disc((235, 235, 230))], ids=["hand", "microphone", "cup"])
def test_what_is_before_the_mouth_is_seen_just_while_it_is_there(cover) -> None:  # type: ignore[no-untyped-def]
    assert np.array_equal(np.flatnonzero(is_covered(seen(cover, covered=range(20, 32)))), np.arange(20, 32))


def test_a_moment_is_not_taken_for_a_cover() -> None:
    assert not is_covered(seen(disc((35, 35, 40)), covered=range(20, 22))).any()


def test_light_that_falls_on_the_whole_face_covers_nothing() -> None:
    assert not is_covered(seen(dark=0.6)).any()


def test_a_few_frames_are_judged_without_ways_to_vary() -> None:
    assert not is_covered(seen()[:6]).any()


def test_patches_beyond_the_edge_are_taken_at_the_edge() -> None:
    beyond = talking_head.landmarks(np.zeros(1))[0] + np.array([400, 400, 0], np.float32)
    assert np.isfinite(appearance(talking_head.picture(beyond), beyond)).all()
