"""A film of two kinds, progressive and interlaced: what is coded again keeps its fields, and the rest is told."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from media_stand import clicks

from dubsync.media.fields import Fields, are_woven
from dubsync.media.mux import Additions, mux
from dubsync.media.patches import PatchBook
from dubsync.media.probe import Film, examine
from dubsync.media.read import frames
from dubsync.testing.media import FilmSpec, make_film

HALF = FilmSpec(frames=36, start=Fraction(1))
WHOLE = replace(HALF, frames=72)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    """Return a transport stream, which may change its kind on the way: a progressive head, then fields."""
    folder = tmp_path_factory.mktemp("films")
    head = make_film(folder / "head.ts", HALF)
    tail = make_film(folder / "tail.ts", replace(HALF, fields="tff", start=HALF.start + HALF.duration, has_sound=False))
    joined = folder / "joined.ts"
    joined.write_bytes(head.read_bytes() + tail.read_bytes())
    assert [frame.interlaced_frame for _, frame in frames(joined)] == [False] * 36 + [True] * 36
    return Film(joined, *examine(joined))


def test_fields_after_a_progressive_head_are_kept_and_the_head_is_told(film: Film, tmp_path: Path) -> None:
    np.savez(
        tmp_path / "patches-0000.npz",
        frame=np.array([60], np.int32),
        pixels=np.full((1, 20, 20, 3), 250, np.uint8),
        mask=np.full((1, 20, 20), 255, np.uint8),
        affine=np.array([[[1, 0, 60], [0, 1, 70]]], np.float32),
    )
    patches = PatchBook([tmp_path / "patches-0000.npz"])
    out = tmp_path / "dub.mp4"

    flags = mux(film, Additions("es", clicks(tmp_path, film, WHOLE), (), patches), out)

    assert [flag.code for flag in flags] == ["untouched-recoded", "mixed-fields"]
    assert flags[-1].what.startswith("36 progressive frames")
    assert all(frame.interlaced_frame for number, frame in frames(out) if number >= 36)


def test_one_kind_of_picture_needs_no_word(film: Film, tmp_path: Path) -> None:
    plain = make_film(tmp_path / "plain.mp4", HALF)

    assert are_woven(film.path, film.table)
    assert not are_woven(plain, examine(plain)[1])


def test_fields_that_nobody_looked_for_are_told(film: Film) -> None:
    seen = Fields(are_kept=False)
    for _, frame in frames(film.path, 30, 40):
        seen.see(frame)

    (flag,) = seen.flags
    assert flag.code == "interlaced"
    assert flag.what.startswith("the fields of 4 frames")
