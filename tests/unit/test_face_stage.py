"""The faces stage with a scripted finder on a drawn film: whose pixels, which frames, which flags."""

import json
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_face_track import at

from dubsync.backends.protocols import Capabilities, Face, Picture
from dubsync.documents import to_json
from dubsync.engine.stage import Context, Made, Product, Unit
from dubsync.face import geometry
from dubsync.media.probe import examine
from dubsync.stages.faces import faces
from dubsync.testing.media import BITS, FilmSpec, make_film
from dubsync.timing import Span
from dubsync.title import Shot

WIDTH, HEIGHT = 320, 240


class Script:
    """A finder that puts a face where the script says for the number drawn on the (upright) picture."""

    capabilities = Capabilities(name="face.script", version="1")

    def __init__(self, where: dict[int, tuple[float, float, float]], rotation: int = 0) -> None:
        self.where, self.rotation, self.seen = where, rotation, []  # type: ignore[var-annotated]

    def find(self, frames: Iterable[Picture]) -> Iterator[tuple[Face, ...]]:
        for picture in frames:
            number = read_number(np.rot90(picture, k=self.rotation // 90))
            self.seen.append((number, picture.shape[:2]))
            if number not in self.where:
                yield ()
                continue
            x, y, yaw = self.where[number]
            yield (Face((0, 0, 1, 1), 0.9, at(x, y, 30, yaw=yaw)),)


def read_number(picture: Picture) -> int:
    """Read the number that `dubsync.testing.media` draws across the top."""
    fields = np.minimum(np.arange(picture.shape[1]) * BITS // picture.shape[1], BITS - 1)
    row = picture[4 : picture.shape[0] // 4 - 4, :, 1].mean(axis=0)
    return sum(1 << bit for bit in range(BITS) if row[fields == bit].mean() > 120)


def shot(first: int, stop: int, *, continues: bool = False) -> Shot:
    return Shot(f"shot-{first}", first, stop, Span(Fraction(first, 25), Fraction(stop, 25)), continues)


def run(
    folder: Path, script: Script, shots: list[Shot], which: int = 0, rotation: int = 0
) -> tuple[dict[str, Any], dict[str, np.ndarray], Context]:
    plain = tuple(range(40))  # every frame flashes: below the number it is white, so that nothing passes over the face
    film = make_film(folder / "film.mp4", FilmSpec(WIDTH, HEIGHT, frames=40, rotation=rotation, flashes=plain))
    source, table = examine(film)
    products = {}
    for name, value in (("source", to_json(source)), ("shots", {"shots": to_json(shots)})):
        (folder / name).mkdir()
        (folder / name / "product.json").write_text(json.dumps(value))
        products[name] = (Product(name, Unit("title"), folder / name, ""),)
    table.save(folder / "source" / "frames.npz")
    out = folder / "faces"
    out.mkdir()
    ctx = Context(out=out, film=film, folder=folder, seed=0, backends={"face": lambda: script})
    value = faces.function(Unit(shots[which].id, item=to_json(shots[which])), Made(products), ctx, None)
    with np.load(out / "tracks.npz") as arrays:
        return dict(value or {}), dict(arrays), ctx


def nose(arrays: dict[str, np.ndarray], track: dict[str, Any]) -> np.ndarray:
    return arrays[f"{track['id']}.landmarks"][:, geometry.NOSE_TIP, :2]


def test_a_track_holds_the_frames_and_places_of_its_face(tmp_path: Path) -> None:
    script = Script({number: (100 + 2 * number, 150, 0) for number in range(10, 30)})
    value, arrays, ctx = run(tmp_path, script, [shot(0, 40)])
    (track,) = value["tracks"]
    assert (track["first"], track["stop"], track["found"]) == (10, 30, 0.5)
    assert track["size"] == pytest.approx(30, abs=0.1)
    assert np.array_equal(arrays[f"{track['id']}.numbers"], np.arange(10, 30))
    assert nose(arrays, track)[:, 0] == pytest.approx(np.arange(120, 160, 2), abs=0.05)
    assert arrays[f"{track['id']}.usable"].all()
    assert ctx.flags == []


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_landmarks_of_a_turned_film_lie_in_its_coded_pixels(tmp_path: Path, rotation: int) -> None:
    x, y = (110, 150) if rotation % 180 else (150, 110)
    script = Script({number: (x, y, 0) for number in range(40)}, rotation)
    value, arrays, _ = run(tmp_path, script, [shot(0, 40)], rotation=rotation)
    (track,) = value["tracks"]
    nose_upright = at(x, y, 30)[geometry.NOSE_TIP, :2]
    right, bottom = WIDTH - 1, HEIGHT - 1
    u, v = nose_upright
    coded = {0: (u, v), 90: (v, bottom - u), 180: (right - u, bottom - v), 270: (right - v, u)}[rotation]
    assert script.seen[0][1] == ((WIDTH, HEIGHT) if rotation % 180 else (HEIGHT, WIDTH))
    assert nose(arrays, track)[5] == pytest.approx(coded, abs=0.05)
    roll = geometry.pose(arrays[f"{track['id']}.landmarks"][:1]).roll[0]
    assert (roll + rotation + 180) % 360 - 180 == pytest.approx(0, abs=0.5)


def test_a_piece_is_read_beyond_its_ends_only_where_the_shot_goes_on(tmp_path: Path) -> None:
    script = Script({number: (150, 150, 0) for number in range(40)})
    shots = [shot(0, 12), shot(12, 24), shot(24, 32, continues=True), shot(32, 40)]
    value, arrays, _ = run(tmp_path, script, shots, which=2)
    assert [number for number, _ in script.seen] == list(range(16, 32))
    (track,) = value["tracks"]
    assert (track["first"], track["stop"], track["found"]) == (24, 32, 1.0)
    assert np.array_equal(arrays[f"{track['id']}.numbers"], np.arange(24, 32))


def test_a_face_turned_away_is_flagged_with_the_time(tmp_path: Path) -> None:
    script = Script({number: (150, 150, 60 if 10 <= number < 22 else 0) for number in range(40)})
    value, arrays, ctx = run(tmp_path, script, [shot(0, 40)])
    (flag,) = ctx.flags
    assert flag.code == "profile"
    assert flag.severity == "info"
    assert "0:00:00.400 to 0:00:00.880" in flag.what
    usable = arrays[f"{value['tracks'][0]['id']}.usable"]
    assert not usable[10:22].any()
    assert usable[:9].all()


def test_a_shot_without_faces_leaves_an_empty_product(tmp_path: Path) -> None:
    value, arrays, ctx = run(tmp_path, Script({}), [shot(0, 40)])
    assert (value, arrays, ctx.flags) == ({"tracks": []}, {}, [])
