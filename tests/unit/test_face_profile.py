"""A rendered head turns away and back: from 40 degrees on its frames are left to the film, and a flag says so."""

from __future__ import annotations

import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from dubsync.backends.face_mediapipe import MediaPipeFaceFinder
from dubsync.documents import to_json
from dubsync.engine.stage import Context, Made, Product, Unit
from dubsync.face.track import MAX_YAW
from dubsync.media.probe import examine
from dubsync.mouth.performance import shares
from dubsync.stages.faces import faces
from dubsync.timing import Span
from dubsync.title import Shot

sys.path.insert(0, str(Path(__file__).parents[2] / "samples"))

from film import grade
from film.camera import Camera, Turn
from film.head import Look
from film.portrait import Person, Portrait

WIDTH, HEIGHT, RATE = 320, 180, 25
YAWS = np.concatenate([np.zeros(10), np.linspace(0, 58, 10), np.full(10, 58.0), np.linspace(58, 0, 10), np.zeros(8)])


@pytest.mark.weights
def test_a_head_turned_beyond_the_limit_keeps_its_pixels(tmp_path: Path) -> None:
    value, arrays, ctx = found(turning_film(tmp_path / "film.mp4"), tmp_path)

    track = max(value, key=lambda each: each["stop"] - each["first"])
    usable, numbers = arrays[f"{track['id']}.usable"], arrays[f"{track['id']}.numbers"]
    share = np.zeros(len(YAWS))
    share[numbers] = shares(numbers, np.ones(len(numbers), bool), usable, rate=RATE)

    assert not usable[YAWS[numbers] > MAX_YAW + 8].any()
    assert usable[(YAWS[numbers] < MAX_YAW - 12)].mean() > 0.9
    assert (share[YAWS > MAX_YAW + 8] == 0).all()
    assert share.max() > 0.95
    assert "profile" in {flag.code for flag in ctx.flags}


def turning_film(path: Path) -> Path:
    """Write a film of the sample's head turning by `YAWS`."""
    usual = Camera()
    unit = HEIGHT / 540
    centre = (WIDTH * usual.centre[0] / usual.width, usual.centre[1] * unit)
    portrait = Portrait(Person(), Camera(WIDTH, HEIGHT, usual.focal * unit, usual.distance, centre), scale=1)
    room = grade.room(HEIGHT, WIDTH)
    drawn: dict[float, NDArray[np.uint8]] = {}
    with av.open(str(path), "w") as out:
        video: Any = out.add_stream("libx264", rate=RATE, options={"crf": "12", "preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        voice: Any = out.add_stream("aac", rate=48000, layout="mono")
        for yaw in YAWS.tolist():
            if yaw not in drawn:
                colour, opacity, _ = portrait.draw(Look(), Turn(yaw=yaw))
                linear = colour + room * (1 - opacity[..., None])
                drawn[yaw] = grade.develop(linear, exposure=0.92, grain=np.zeros((HEIGHT, WIDTH)))
            out.mux(video.encode(av.VideoFrame.from_ndarray(drawn[yaw], format="rgb24")))
        out.mux(video.encode(None))
        silence = av.AudioFrame.from_ndarray(np.zeros((1, len(YAWS) * 1920), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 48000
        out.mux(voice.encode(silence))
        out.mux(voice.encode(None))
    return path


def found(film: Path, folder: Path) -> tuple[list[dict[str, Any]], dict[str, NDArray[Any]], Context]:
    source, table = examine(film)
    shot = Shot("shot-1", 0, len(YAWS), Span(Fraction(0), Fraction(len(YAWS), RATE)))
    products = {}
    for name, noun in (("source", to_json(source)), ("shots", {"shots": to_json([shot])})):
        (folder / name).mkdir()
        (folder / name / "product.json").write_text(json.dumps(noun), encoding="utf-8")
        products[name] = (Product(name, Unit("title"), folder / name, ""),)
    table.save(folder / "source" / "frames.npz")
    (folder / "faces").mkdir()
    ctx = Context(folder / "faces", film, folder, 0, backends={"face": MediaPipeFaceFinder})
    value = faces.function(Unit(shot.id, item=to_json(shot)), Made(products), ctx, None)
    with np.load(folder / "faces" / "tracks.npz") as arrays:
        return list((value or {})["tracks"]), dict(arrays), ctx
