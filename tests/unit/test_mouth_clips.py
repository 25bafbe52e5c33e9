"""Clips of a face, as benches read them: what shows no face is no mouth."""

from pathlib import Path

import numpy as np
import pytest

from dubsync.backends import mouth_clips
from dubsync.backends.fakes import FakeFaceFinder, FakeMouth
from dubsync.errors import UnreadableMedia
from dubsync.mouth import bench_stage
from dubsync.mouth.rehearsal import thirds
from dubsync.testing.talking import TalkingSpec, make_talking_film


def clip_with(folder: Path, face: tuple[float, float]) -> mouth_clips.Clip:
    """Read a film of four seconds that shows its face in some of them, a plain picture in the others."""
    film = make_talking_film(folder / "film.mp4", TalkingSpec(face=face, width=320, height=240))
    return mouth_clips.read(film, FakeFaceFinder(), kept=folder / "kept")


def test_frames_without_a_face_are_left_out(tmp_path: Path) -> None:
    clip = clip_with(tmp_path, (1.0, 3.0))

    assert clip.numbers.tolist() == list(range(25, 75))
    assert len(clip.landmarks) == 50
    assert len(clip.times) == 100
    assert clip.seconds == pytest.approx(2.0)
    assert clip.shown == pytest.approx(np.arange(25, 75) / 25)
    again = mouth_clips.read(clip.path, FakeFaceFinder(), kept=tmp_path / "kept")
    assert np.array_equal(again.numbers, clip.numbers)
    assert np.array_equal(again.landmarks, clip.landmarks)


def test_a_clip_that_hardly_shows_a_face_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableMedia, match=r"film\.mp4: 25 of its 100 frames show a face") as refused:
        clip_with(tmp_path, (3.0, 9.0))

    assert "1.5 s" in refused.value.hint


def test_a_library_of_a_clip_holds_its_faces_and_no_landscape(tmp_path: Path) -> None:
    clip = clip_with(tmp_path, (1.0, 3.0))

    kept = mouth_clips.library_of(clip, 128)

    assert kept.number.tolist() == list(range(25, 75))
    assert len(kept.packed) == len(kept) == len(thirds(len(kept), 0)) == 50
    skin = [kept.picture(entry)[20, 64] for entry in range(len(kept))]
    assert np.abs(np.array(skin, int) - (225, 170, 140)).max() < 30


def test_the_stage_is_measured_where_the_face_is(tmp_path: Path) -> None:
    asked = []

    def embed(picture: np.ndarray, face: np.ndarray) -> np.ndarray:
        asked.append(face[:, :2].mean(axis=0))
        return np.ones(2, np.float32)

    clip = clip_with(tmp_path, (1.0, 3.0))
    numbers = bench_stage.stage(clip, FakeMouth(), embed=embed)

    assert numbers["identity"] == pytest.approx(1)
    assert np.abs(np.array(asked) - clip.landmarks[..., :2].mean(axis=(0, 1))).max() < 20
