"""The face finder, with its real weights, on drawn faces; and on real clips where a folder of them is given."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from drawn_face import EYES, blank, draw_face

from dubsync import weights
from dubsync.backends.face_mediapipe import MAX_FACES, MediaPipeFaceFinder
from dubsync.backends.protocols import Face, FaceFinder, Picture
from dubsync.face import geometry
from dubsync.face.identity import Recogniser, similarity
from dubsync.face.prepare import SOURCE, mesh

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def finder() -> MediaPipeFaceFinder:
    return MediaPipeFaceFinder()


def only(finder: FaceFinder, picture: Picture) -> Face:
    ((face,),) = finder.find([picture])
    return face


def test_it_is_a_face_finder(finder: MediaPipeFaceFinder) -> None:
    assert isinstance(finder, FaceFinder)


@pytest.mark.parametrize(
    ("width", "height", "x", "y", "radius"),
    [(480, 480, 240, 240, 110), (224, 224, 112, 118, 105), (1920, 1080, 1500, 300, 60), (1080, 1920, 540, 700, 260),
     (1920, 1080, 400, 700, 24)],
    ids=["medium", "tight crop", "far in 1080p", "vertical", "small in 1080p"],
)  # fmt: skip
def test_a_face_is_found_where_it_is(
    finder: MediaPipeFaceFinder, width: int, height: int, x: int, y: int, radius: int
) -> None:
    face = only(finder, draw_face(blank(width, height), x, y, radius))
    eyes = [face.landmarks[list(corners), :2].mean(axis=0) for corners in geometry.EYES]
    drawn = [(x - EYES * radius, y - 0.18 * radius), (x + EYES * radius, y - 0.18 * radius)]
    assert np.abs(np.array(eyes) - drawn).max() < 0.12 * radius


def test_the_measured_opening_of_the_mouth_grows_with_the_drawn_one(finder: MediaPipeFaceFinder) -> None:
    drawn = [0.0, 0.1, 0.2, 0.3]
    faces = [only(finder, draw_face(blank(480, 480), 240, 240, 110, opening=each)) for each in drawn]
    found = geometry.mouth_opening(np.stack([face.landmarks for face in faces]))
    assert found[0] < 0.05
    assert (np.diff(found) > 0.05).all()


def test_a_moving_face_is_followed_and_one_that_leaves_is_let_go(finder: MediaPipeFaceFinder) -> None:
    def frames() -> Iterator[Picture]:
        for number in range(12):
            yield draw_face(blank(480, 360), 150 + 12 * number, 180, 70)
        for _ in range(3):
            yield blank(480, 360)

    found = list(finder.find(frames()))
    assert [len(faces) for faces in found] == [1] * 12 + [0] * 3
    noses = [faces[0].landmarks[geometry.NOSE_TIP, 0] for faces in found[:12]]
    assert np.diff(noses) == pytest.approx([12] * 11, abs=4)


def test_a_second_face_that_comes_later_is_found_and_both_keep_their_places(finder: MediaPipeFaceFinder) -> None:
    alone = draw_face(blank(800, 400), 200, 200, 80)
    both = draw_face(alone.copy(), 600, 200, 80)
    *_, last = finder.find([alone] * 3 + [both] * 16)
    assert [round(face.landmarks[geometry.NOSE_TIP, 0], -2) for face in last] == [200, 600]


def test_of_a_crowd_the_largest_faces_are_kept(finder: MediaPipeFaceFinder) -> None:
    crowd = blank(1600, 700)
    for number in range(8):
        x, y = 200 + 400 * (number % 4), 180 + 330 * (number // 4)
        crowd = draw_face(crowd, x, y, 60 if number in (2, 5) else 78)
    (faces,) = finder.find([crowd])
    assert len(faces) == MAX_FACES
    assert min(face.box[3] - face.box[1] for face in faces) > 145


def test_nothing_is_found_where_nobody_is(finder: MediaPipeFaceFinder) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (360, 480, 3)).astype(np.uint8)
    assert list(finder.find([noise, blank(480, 360), np.zeros((16, 16, 3), np.uint8)])) == [(), (), ()]


def test_landmarks_do_not_depend_on_the_frames_before_when_the_finder_starts_anew(finder: MediaPipeFaceFinder) -> None:
    picture = draw_face(blank(480, 480), 250, 230, 100)
    list(finder.find([draw_face(blank(480, 480), 100, 100, 60)]))
    assert np.array_equal(only(finder, picture).landmarks, only(finder, picture).landmarks)


def test_the_mesh_is_converted_to_the_same_bytes_each_time() -> None:
    content = (weights.resolve("face-mediapipe") / SOURCE).read_bytes()
    first, second = (mesh(content).SerializeToString(deterministic=True) for _ in range(2))
    assert first == second


def test_the_recogniser_knows_a_face_again_at_another_size(finder: MediaPipeFaceFinder) -> None:
    recogniser = Recogniser(weights.resolve("face-recogniser"))
    pictures = [draw_face(blank(480, 480), x, 240, radius) for x, radius in ((240, 110), (200, 90))]
    other = np.ascontiguousarray(pictures[0][..., ::-1])
    one, again, blue = (recogniser.embed(each, only(finder, each).landmarks) for each in (*pictures, other))
    assert similarity(one, again) > 0.97
    assert similarity(one, blue) < similarity(one, again)


def clips() -> list[Path]:
    folder = os.environ.get("DUBSYNC_TEST_DATA")
    return sorted(Path(folder).iterdir()) if folder else []


@pytest.mark.long
@pytest.mark.skipif(not clips(), reason="DUBSYNC_TEST_DATA names no folder of clips")
@pytest.mark.parametrize("clip", clips(), ids=lambda path: path.name)
def test_every_frame_of_a_real_clip_has_its_face(finder: MediaPipeFaceFinder, clip: Path) -> None:
    from dubsync.media.read import pictures

    found = list(finder.find(picture for _, picture in pictures(clip, 0, 50)))
    assert np.mean([bool(faces) for faces in found]) > 0.99
    landmarks = np.stack([faces[0].landmarks for faces in found if faces])
    assert np.abs(geometry.pose(landmarks).yaw).max() < 60
    assert 0 < geometry.mouth_width(landmarks).mean() < 1.5
