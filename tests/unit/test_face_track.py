"""Tracks from scripted detections: who is who, gaps, noise, and what a face is fit for."""

import numpy as np
import pytest
from jitter_stand import jitter
from test_face_geometry import head, placed

from dubsync.face import geometry
from dubsync.face.occlusion import PATCHES
from dubsync.face.track import BRIDGE_FRAMES, MIN_FRAMES, Doubt, Linker, Sighting, Track, judge, runs, smooth, usable

CALM = np.full((PATCHES, 3), 60, np.float32)


def track_of(landmarks: np.ndarray) -> Track:
    count = len(landmarks)
    return Track(np.arange(count, dtype=np.int32), landmarks, np.ones(count, np.float32), np.stack([CALM] * count))


def at(x: float, y: float = 200, size: float = 40, yaw: float = 0, pitch: float = 0) -> geometry.Landmarks:
    return placed(head(), yaw, pitch, 0, size) + np.float32([x - 410, y - 300, 0])


def linked(frames: list[list[geometry.Landmarks]]) -> list[Track]:
    linker = Linker()
    for number, faces in enumerate(frames):
        linker.add(number, [Sighting(face, 0.9, CALM) for face in faces])
    return linker.tracks()


def nose_x(track: Track) -> np.ndarray:
    return track.landmarks[:, geometry.NOSE_TIP, 0]


def still(frames: int, **pose: float) -> Track:
    landmarks = np.stack([at(400, **pose)] * frames)
    return track_of(landmarks)


def test_two_faces_that_stay_make_two_tracks_whatever_order_they_are_found_in() -> None:
    frames = [[at(100), at(300)] if number % 2 else [at(300), at(100)] for number in range(20)]
    tracks = linked(frames)
    assert len(tracks) == 2
    assert sorted(round(float(np.ptp(nose_x(track))), 3) for track in tracks) == [0, 0]


def test_faces_that_cross_keep_their_identity() -> None:
    frames = [[at(100 + 12 * number, 200), at(400 - 12 * number, 215)] for number in range(25)]
    tracks = linked(frames)
    assert len(tracks) == 2
    for track in tracks:
        steps = np.diff(nose_x(track))
        assert (steps > 0).all() or (steps < 0).all()


def test_a_face_hidden_behind_another_while_they_cross_keeps_its_identity() -> None:
    frames = [[at(100 + 12 * number), at(400 - 12 * number)] for number in range(25)]
    for number in range(11, 15):
        del frames[number][1]
    tracks = linked(frames)
    assert len(tracks) == 2
    assert all(len(track.numbers) == 25 for track in tracks)
    assert all(len(set(np.sign(np.diff(nose_x(track))))) == 1 for track in tracks)


def test_a_short_gap_is_bridged_straight_and_marked() -> None:
    frames = [[at(100 + 2 * number)] if not 8 <= number < 8 + BRIDGE_FRAMES else [] for number in range(30)]
    (track,) = linked(frames)
    assert np.array_equal(np.flatnonzero(track.score == 0), np.arange(8, 8 + BRIDGE_FRAMES))
    assert np.allclose(np.diff(nose_x(track)), 2, atol=1e-3)


def test_a_long_absence_ends_the_track() -> None:
    frames = [[at(100)] if number < 10 or number > 11 + BRIDGE_FRAMES else [] for number in range(40)]
    assert [len(track.numbers) for track in linked(frames)] == [10, 40 - 12 - BRIDGE_FRAMES]


def test_a_face_of_another_size_in_the_same_place_is_another_face() -> None:
    frames = [[at(200, size=40 if number < 10 else 90)] for number in range(20)]
    assert len(linked(frames)) == 2


def test_a_face_seen_for_a_moment_is_dropped() -> None:
    frames = [[at(100), at(300)] if number < MIN_FRAMES - 1 else [at(100)] for number in range(20)]
    assert len(linked(frames)) == 1


def test_smoothing_keeps_a_steady_movement_exactly() -> None:
    landmarks = np.stack([at(100 + 3 * n, 200 + n) for n in range(30)])
    track = track_of(landmarks)
    assert np.abs(smooth(track, 25).landmarks - landmarks).max() < 0.01


def test_smoothing_takes_noise_out_of_head_and_shape() -> None:
    generator = np.random.default_rng(1)
    landmarks = (still(80).landmarks + generator.normal(0, 0.4, (80, 468, 3))).astype(np.float32)
    noisy = track_of(landmarks)
    calm = smooth(noisy, 25)
    assert jitter(noisy.landmarks) == pytest.approx(0.4 / 40, rel=0.2)
    assert jitter(calm.landmarks) < 0.6 * jitter(noisy.landmarks)


def test_smoothing_does_not_delay_and_keeps_a_quick_closing_of_the_lips() -> None:
    opening = np.full(41, 0.3)
    opening[19:22] = (0.1, 0.0, 0.1)
    landmarks = np.stack([placed(head(value), 0, 0, 0, 40) for value in opening])
    track = track_of(landmarks)
    found = geometry.mouth_opening(smooth(track, 25).landmarks)
    assert int(np.argmin(found)) == 20
    assert found[20] < 0.1


def test_a_track_shorter_than_the_window_is_left_as_it_is() -> None:
    track = still(3)
    assert np.abs(smooth(track, 25).landmarks - track.landmarks).max() < 1e-3


@pytest.mark.parametrize(
    ("pose", "doubt"),
    [({"yaw": 50.0}, Doubt.PROFILE), ({"yaw": -50.0}, Doubt.PROFILE), ({"pitch": 45.0}, Doubt.PROFILE),
     ({"size": 10.0}, Doubt.SMALL), ({"y": 440.0}, Doubt.CUT_OFF)],
)  # fmt: skip
def test_a_face_that_cannot_be_redrawn_is_doubted_for_the_right_reason(pose: dict[str, float], doubt: Doubt) -> None:
    doubts = judge(still(10, **pose), 800, 480)
    assert doubts[doubt].all()
    assert not usable(doubts).any()


def test_a_chin_that_just_leaves_the_picture_does_not_take_the_mouth_along() -> None:
    track = still(10)
    bottom = track.landmarks[0, 152, 1]
    assert usable(judge(track, 800, int(bottom - 0.2 * 40))).all()
    assert not usable(judge(track, 800, int(bottom - 0.5 * 40))).any()


def test_a_face_that_looks_ahead_is_usable_but_for_bridged_frames() -> None:
    track = still(20, yaw=20.0)
    track.score[12:14] = 0
    doubts = judge(track, 800, 480)
    assert np.array_equal(np.flatnonzero(~usable(doubts)), [12, 13])


def test_stretches_too_short_to_enter_and_leave_are_not_usable() -> None:
    fit = np.array([True] * 3 + [False] + [True] * 8)
    assert runs(usable({Doubt.LOST: ~fit})) == [(4, 12)]


def test_jitter_is_blind_to_smooth_movement() -> None:
    assert jitter(np.stack([at(100 + 5 * n) for n in range(40)])) < 1e-4
    assert jitter(still(2).landmarks) == 0
