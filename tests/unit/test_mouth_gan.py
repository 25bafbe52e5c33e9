"""The mouth engine from footage to patches, on a head whose mouth is known."""

import json
from pathlib import Path

import numpy as np
import pytest
import talking_head

from dubsync.backends.mouth_gan import MouthGan
from dubsync.backends.protocols import MouthSynth, Patch
from dubsync.mouth import actor as actors
from dubsync.mouth import library, shape

pytestmark = pytest.mark.weights


def nothing(share: float) -> None:
    """Progress that nobody watches."""


@pytest.fixture(scope="module")
def engine() -> MouthGan:
    return MouthGan(threads=1)


@pytest.fixture(scope="module")
def learnt(engine: MouthGan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("actor")
    speech, opening = talking_head.babble(3)
    assert engine.learn([talking_head.footage(opening, speech)], out, seconds=1.0, seed=1, progress=nothing) == ()
    return out


@pytest.fixture(scope="module")
def speaking() -> np.ndarray:
    inside = np.zeros(40, bool)
    inside[12:28] = True
    return inside


@pytest.fixture(scope="module")
def patches(engine: MouthGan, learnt: Path, speaking: np.ndarray) -> list[Patch]:
    speech, _ = talking_head.babble(1.6)
    shot = talking_head.footage(np.zeros(40), speech, speaking=speaking, first=100)
    return list(engine.perform(learnt, shot, progress=nothing))


def test_it_is_a_mouth_engine(engine: MouthGan) -> None:
    assert isinstance(engine, MouthSynth)
    assert engine.capabilities.needs_consent


def test_what_was_learnt_says_how_good_it_is_on_frames_it_has_not_seen(learnt: Path) -> None:
    facts = json.loads((learnt / "actor.json").read_text())

    assert facts["frames"] == 75
    assert facts["tested"] >= 12
    assert 15 < facts["collage_db"] <= 99
    assert facts["painted_db"] > facts["collage_db"] - 1
    assert 0 <= facts["strength"] <= 1
    assert facts["painter"].startswith("trained 4 steps, ")


def test_learning_twice_gives_the_same_bytes(engine: MouthGan, learnt: Path, tmp_path: Path) -> None:
    speech, opening = talking_head.babble(3)
    engine.learn([talking_head.footage(opening, speech)], tmp_path, seconds=1.0, seed=1, progress=nothing)

    for file in sorted(learnt.iterdir()):
        assert (tmp_path / file.name).read_bytes() == file.read_bytes(), file.name


def test_patches_lie_around_the_spoken_frames_in_order(patches: list[Patch], speaking: np.ndarray) -> None:
    numbers = [patch.frame for patch in patches]

    assert numbers == sorted(set(numbers))
    assert set(range(112, 128)) <= set(numbers)
    assert min(numbers) >= 112 - 6
    assert max(numbers) <= 127 + 6


def test_a_patch_fades_in_and_out(patches: list[Patch]) -> None:
    strength = [int(patch.mask.max()) for patch in patches]

    assert strength[0] < 100
    assert strength[-1] < 100
    assert max(strength) > 250


def test_the_patch_lies_on_the_mouth_and_ends_before_its_edge(patches: list[Patch]) -> None:
    head = talking_head.landmarks(np.zeros(1))[0]
    patch = patches[len(patches) // 2]
    rows, columns = np.nonzero(patch.mask > 128)
    middle = patch.affine[:, :2] @ (columns.mean(), rows.mean()) + patch.affine[:, 2]
    lips = head[list(shape.MOVING)][shape.OUTER, :2].mean(axis=0)

    assert np.abs(middle - lips).max() < 0.4 * talking_head.EYE_DISTANCE
    assert patch.mask[0].max() == patch.mask[-1].max() == patch.mask[:, 0].max() == patch.mask[:, -1].max() == 0


def test_patches_are_kept_at_about_the_films_own_resolution(patches: list[Patch]) -> None:
    scale = np.sqrt(abs(np.linalg.det(patches[0].affine[:, :2])))

    assert {patch.mask.shape for patch in patches} == {(160, 160)}
    assert 0.75 < scale <= 1.0


def test_frames_that_cannot_be_redrawn_keep_their_pixels(engine: MouthGan, learnt: Path) -> None:
    speech, _ = talking_head.babble(1.6)
    shot = talking_head.footage(np.zeros(40), speech)
    shot.usable[15:20] = False

    numbers = {patch.frame for patch in engine.perform(learnt, shot, progress=nothing)}

    assert numbers.isdisjoint(range(15, 20))
    assert 5 in numbers


def test_no_mask_rises_or_falls_by_more_than_a_third_from_one_frame_to_the_next(engine: MouthGan, learnt: Path) -> None:
    speech, _ = talking_head.babble(2.4)
    inside = np.zeros(60, bool)
    inside[8:52] = True
    shot = talking_head.footage(np.zeros(60), speech, speaking=inside)
    shot.usable[24:27] = False

    height = np.zeros(60)
    for patch in engine.perform(learnt, shot, progress=nothing):
        height[patch.frame] = patch.mask.max() / 255

    assert height.max() == 1
    assert (height[24:27] == 0).all()
    assert np.abs(np.diff(height)).max() <= 1 / 3


def test_nothing_happens_where_nobody_speaks_or_spoke(engine: MouthGan, learnt: Path) -> None:
    shot = talking_head.footage(np.zeros(30), np.zeros(19200), speaking=np.zeros(30, bool))

    assert list(engine.perform(learnt, shot, progress=nothing)) == []


def test_where_only_the_old_line_was_spoken_the_mouth_comes_to_rest(learnt: Path, engine: MouthGan) -> None:
    from dataclasses import replace

    _, opening = talking_head.babble(1.6)
    shot = talking_head.footage(opening, np.zeros(40 * 640), speaking=np.zeros(40, bool))
    shot = replace(shot, was_speaking=np.ones(40, bool))
    who = actors.load(learnt)

    planned = actors.perform_plan(who, engine._model, engine._ear, shot)

    assert planned is not None
    geometry, score = planned
    rest = library.nodes_of(
        shape.posed(np.broadcast_to(who.manner.rest, geometry.shapes.shape), geometry.head),
        shot.landmarks,
        geometry.affines,
    )
    assert np.abs(score.nodes[20] - rest[20]).max() < 0.5


def test_too_little_footage_is_said_and_leaves_the_mouth_as_it_was(engine: MouthGan, tmp_path: Path) -> None:
    shot = talking_head.footage(np.zeros(10), np.zeros(6400))

    flags = engine.learn([shot], tmp_path, seconds=0, seed=0, progress=nothing)

    assert [flag.code for flag in flags] == ["too-little-footage"]
    assert list(engine.perform(tmp_path, shot, progress=nothing)) == []
