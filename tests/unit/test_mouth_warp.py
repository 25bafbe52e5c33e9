"""Warping, masks and light."""

import cv2
import numpy as np
import pytest
import talking_head

from dubsync.mouth import composite, library, shape, warp


@pytest.fixture(scope="module")
def faces() -> tuple[np.ndarray, library.Geometry]:
    heads = talking_head.landmarks(np.array([-1.0, 0.0, 1.5]))
    return heads, library.measure(heads)


def test_a_picture_warped_to_its_own_shape_stays_as_it_is(faces: tuple[np.ndarray, library.Geometry]) -> None:
    _, geometry = faces
    mesh = warp.Mesh(geometry.nodes.mean(axis=0), shape.GEOMETRY_SIZE)
    picture = np.random.default_rng(0).integers(0, 255, (256, 256, 3)).astype(np.uint8)

    same = warp.warp(picture, mesh.at(geometry.nodes[1]).fetch_map(geometry.nodes[1]))

    differing = np.abs(same.astype(int) - picture)[4:-4, 4:-4]
    assert differing.max() <= 10  # at the corners of the mouth, where triangles are slivers
    assert (differing > 1).mean() < 0.001


def test_points_go_where_the_target_has_them(faces: tuple[np.ndarray, library.Geometry]) -> None:
    _, geometry = faces
    mesh = warp.Mesh(geometry.nodes.mean(axis=0), shape.GEOMETRY_SIZE)
    fetch = mesh.at(geometry.nodes[2]).fetch_map(geometry.nodes[1])
    chin = shape.MOVING.index(152)
    x, y = np.rint(geometry.nodes[2][chin]).astype(int)

    assert np.abs(fetch[y, x] - geometry.nodes[1][chin]).max() < 1.0


def test_the_window_is_the_same_as_the_middle_of_the_whole_warp(faces: tuple[np.ndarray, library.Geometry]) -> None:
    heads, geometry = faces
    mesh = warp.Mesh(geometry.nodes.mean(axis=0), shape.GEOMETRY_SIZE)
    picture = talking_head.picture(heads[1])
    target, nodes = mesh.at(geometry.nodes[2]), geometry.nodes[1]
    size = len(picture) // 2

    window = warp.warp_window(picture, warp.placed(nodes, len(picture) / shape.GEOMETRY_SIZE), target, size)

    assert np.abs(window.astype(int) - warp.window(warp.warp(picture, target.fetch_map(nodes)))).mean() < 1.0


def test_every_point_of_a_triangle_goes_where_its_affine_takes_it(faces: tuple[np.ndarray, library.Geometry]) -> None:
    _, geometry = faces
    mesh = warp.Mesh(geometry.nodes.mean(axis=0), shape.GEOMETRY_SIZE)
    target, source = geometry.nodes[2], geometry.nodes[1]
    fetch, covering = mesh.at(target).fetch_map(source), mesh.at(target).covering

    for number in np.unique(covering[covering < mesh.mouth])[::7]:
        corners = mesh.triangles[number]
        affine = cv2.getAffineTransform(target[corners], source[corners])
        y, x = np.nonzero(covering == number)
        np.testing.assert_allclose(fetch[y, x], np.stack([x, y, np.ones_like(x)], axis=1) @ affine.T, atol=2e-3)


def test_closed_lips_show_nothing_that_lies_outside_the_lips_of_an_open_mouth() -> None:
    geometry = library.measure(talking_head.landmarks(np.array([-1.0, 1.5])))
    opened = geometry.nodes[1]
    closed = geometry.nodes[0].copy()
    lower, upper = closed[warp.LOWER, 1], closed[warp.UPPER, 1]
    closed[warp.LOWER, 1] = closed[warp.UPPER, 1] = (lower + upper) / 2 + np.linspace(-0.02, 0.02, len(lower))
    mesh = warp.Mesh(geometry.nodes.mean(axis=0), shape.GEOMETRY_SIZE)

    target = mesh.at(closed)
    fetched = target.fetch_map(opened)[target.covering >= mesh.mouth]

    low, high = opened[shape.LIPS].min(axis=0), opened[shape.LIPS].max(axis=0)
    assert len(fetched) > 100
    assert (fetched >= low - 0.5).all()
    assert (fetched <= high + 0.5).all()


def test_an_open_mouth_keeps_its_size() -> None:
    opened = library.measure(talking_head.landmarks(np.array([2.0]))).nodes[0]
    mesh = warp.Mesh(opened, shape.GEOMETRY_SIZE)

    covering = mesh.at(opened).covering
    between = ((covering >= mesh.mouth) & (covering < mesh.lips)).sum()

    area = cv2.contourArea(opened[shape.INNER])
    assert area > 50
    assert abs(between - area) < 0.1 * area


def test_lips_that_cross_are_made_to_meet() -> None:
    heads = talking_head.landmarks(np.array([-1.0]))
    lower, upper = shape.MOVING.index(14), shape.MOVING.index(13)
    heads[0, [14, 13], 1] = heads[0, [13, 14], 1] + (-2, 2)

    nodes = library.measure(heads).nodes[0]

    assert nodes[lower, 1] == pytest.approx(nodes[upper, 1])


def test_head_fixed_shapes_posed_on_their_heads_give_the_landmarks_back(
    faces: tuple[np.ndarray, library.Geometry],
) -> None:
    heads, geometry = faces

    assert np.abs(shape.posed(geometry.shapes, geometry.head) - heads[:, shape.MOVING]).max() < 0.01


def test_an_open_mouth_measures_as_open(faces: tuple[np.ndarray, library.Geometry]) -> None:
    _, geometry = faces

    gaps = shape.opening(geometry.shapes)

    assert gaps[0] < gaps[1] < gaps[2]


def test_the_mask_covers_the_old_chin_and_the_new_one(faces: tuple[np.ndarray, library.Geometry]) -> None:
    _, geometry = faces
    both = composite.soft_mask(geometry.nodes[0], geometry.nodes[2], 128)
    chin = shape.MOVING.index(152)

    for nodes in (geometry.nodes[0], geometry.nodes[2]):
        x, y = np.rint(nodes[chin]).astype(int)
        assert both[y - 1, x] > 100
    assert both[0].max() == both[:, 0].max() == both[:, -1].max() == 0


def test_shutting_an_open_mouth_draws_no_skin_out_below_the_chin(faces: tuple[np.ndarray, library.Geometry]) -> None:
    _, geometry = faces
    opened, closed = geometry.nodes[2], geometry.nodes[0].copy()
    closed[shape.JAW, 1] = opened[shape.JAW, 1] - 6
    target = warp.Mesh(geometry.nodes.mean(axis=0), 128).at(closed)

    fetch = composite.following(target.fetch_map(opened), composite.soft_mask(opened, closed, 128))

    x, y = np.rint(closed[shape.MOVING.index(152)]).astype(int)
    steps = np.diff(fetch[y:, x, 1])
    assert 0.5 < steps.min() < 1  # of the film, from one pixel to the next; negative where it is folded


def test_where_film_and_patch_both_show_skin_has_hardly_moved() -> None:
    mask = np.tile(np.arange(256, dtype=np.uint8), (256, 1))
    grid = np.arange(256, dtype=np.float32)
    still = np.stack(np.meshgrid(grid, grid), axis=-1)

    moved = np.abs(composite.following(still + 8, mask) - still)[..., 0]

    shown = composite.shown(mask)
    assert moved[(shown > 0) & (shown < 255)].max() < 0.1 * 8
    assert moved[mask == 255].min() == pytest.approx(8)
    assert shown[mask < 0.05 * 255].max() == 0


def test_light_is_brought_to_the_films() -> None:
    gain = composite.gain(np.array([100, 100, 100], np.float32), np.array([120, 100, 80], np.float32))
    lit = composite.lit(np.full((8, 8, 3), 100, np.uint8), gain)

    assert np.abs(lit[0, 0].astype(int) - (120, 100, 80)).max() <= 2


def test_toning_takes_a_colour_cast_away_at_the_border() -> None:
    around = np.full((128, 128, 3), 120, np.uint8)
    zone = np.zeros((128, 128), np.uint8)
    zone[40:90, 40:90] = 255

    toned = composite.Tone(around, zone)(np.full((128, 128, 3), 100, np.uint8))

    assert abs(int(toned[38, 64, 0]) - 120) <= 2
    assert abs(int(toned[64, 64, 0]) - 120) <= 6
