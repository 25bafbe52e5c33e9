"""Geometry on heads whose pose is known."""

import numpy as np
import pytest

from dubsync.face import geometry


def head(opening: float = 0.0) -> geometry.Landmarks:
    """Return a made-up head in the head-fixed frame: the mean head's stable points, a mouth, a chin, else noise."""
    generator = np.random.default_rng(7)
    points = generator.normal((0, 0.8, 0), 0.5, (geometry.LANDMARKS, 3))
    points[list(geometry.STABLE)] = geometry._TEMPLATE
    points[[82, 13, 312]] = [(-0.1, 1.0, -0.3), (0, 1.0, -0.3), (0.1, 1.0, -0.3)]
    points[[87, 14, 317]] = points[[82, 13, 312]] + (0, opening, 0)
    points[[61, 291]] = [(-0.4, 1.05, -0.2), (0.4, 1.05, -0.2)]
    points[list(geometry.CHIN)] = (0, 1.9 + 0.8 * opening, -0.1)
    return points.astype(np.float32)


def turned(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Return the rotation of a head: pitch first, then yaw, then roll, in the module's signs."""
    (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in np.radians([yaw, pitch, roll]))
    about_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def placed(shape: geometry.Landmarks, yaw: float, pitch: float, roll: float, size: float = 80) -> geometry.Landmarks:
    return (size * shape @ turned(yaw, pitch, roll).T + (410, 300, 12)).astype(np.float32)


POSES = [(0, 0, 0), (30, 0, 0), (-45, 10, 5), (0, -25, 0), (5, 5, 90), (10, -10, 170), (20, 20, -90)]


@pytest.mark.parametrize(("yaw", "pitch", "roll"), POSES)
def test_pose_angles_come_back(yaw: float, pitch: float, roll: float) -> None:
    found = geometry.pose(placed(head(), yaw, pitch, roll)[None])
    assert np.allclose([found.yaw[0], found.pitch[0], found.roll[0]], [yaw, pitch, roll], atol=0.01)
    assert np.allclose(found.scale, 80, rtol=1e-4)


@pytest.mark.parametrize(("yaw", "pitch", "roll"), POSES)
def test_head_fixed_shape_does_not_depend_on_pose_place_or_size(yaw: float, pitch: float, roll: float) -> None:
    shape = head(0.2)
    found = geometry.head_fixed(placed(shape, yaw, pitch, roll, size=33)[None])[0]
    assert np.abs(found - shape).max() < 1e-4


def test_head_fixed_of_a_head_fixed_shape_is_itself() -> None:
    shape = head(0.1)
    assert np.abs(geometry.head_fixed(shape[None])[0] - shape).max() < 1e-5


def test_a_mirrored_face_is_never_fitted_by_a_reflection() -> None:
    mirrored = placed(head(), 10, 0, 0) * np.float32([-1, 1, 1])
    assert np.allclose(np.linalg.det(geometry.pose(mirrored[None]).rotation), 1)


def test_mouth_measures_are_shares_of_the_eye_distance_in_any_pose() -> None:
    faces = np.stack([placed(head(0.25), 25, -15, 8, size) for size in (40, 200)])
    assert np.allclose(geometry.mouth_opening(faces), 0.25, atol=1e-3)
    assert np.allclose(geometry.mouth_width(faces), 0.8, atol=1e-3)
    assert np.allclose(geometry.jaw(faces), 2.1, atol=1e-3)


def test_eye_distance_survives_turning_the_head() -> None:
    faces = np.stack([placed(head(), yaw, 0, 0, size=60) for yaw in (0, 20, 60)])
    assert np.allclose(geometry.eye_distance(faces), 60, rtol=1e-3)


def test_crop_does_not_move_with_the_mouth() -> None:
    closed, opened = (geometry.crop_affine(placed(head(opening), 12, 5, 3), 128) for opening in (0.0, 0.5))
    assert np.array_equal(closed, opened)


def test_crop_of_a_straight_head_puts_the_eyes_level_at_the_eye_line() -> None:
    face = placed(head(), 0, 0, 37)
    in_crop = geometry.transform(geometry.crop_affine(face, 100), face)
    left, right = (in_crop[list(eye)].mean(axis=0) for eye in geometry.EYES)
    middle = (left + right) / 2
    assert np.allclose(middle[:2], [49.5, 100 * geometry.CROP_EYE_LINE - 0.5], atol=0.05)
    assert left[1] == pytest.approx(right[1], abs=0.01)
    assert right[0] - left[0] == pytest.approx(100 / geometry.CROP_WIDTH, abs=0.01)


def test_nodding_and_turning_keep_the_teeth_in_place_in_the_crop() -> None:
    teeth = head()
    teeth[0] = geometry._MOUTH
    for yaw, pitch in ((0, 0), (30, 0), (0, 25), (-20, -20)):
        face = placed(teeth, yaw, pitch, 11)
        assert np.allclose(
            geometry.transform(geometry.crop_affine(face, 128), face)[0, :2],
            [63.5, 128 * (geometry.CROP_EYE_LINE + geometry._MOUTH[1] / geometry.CROP_WIDTH) - 0.5],
            atol=0.05,
        )


def test_rings_are_rings_of_distinct_points_in_step() -> None:
    assert len(geometry.OUTER_LIPS) == len(geometry.INNER_LIPS) == len(set(geometry.INNER_LIPS)) == 20
    assert not set(geometry.OUTER_LIPS) & set(geometry.INNER_LIPS)
    assert len(set(geometry.FACE_OVAL)) == len(geometry.FACE_OVAL) == 36
