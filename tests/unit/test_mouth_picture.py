"""From patches to the finished picture, through the stages mouth and render: light and grain of the shot, nothing else.

The head of numbers and flat colours speaks in a shot with grain that grows dark; its mouth is brought to rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
import talking_head
from numpy.typing import NDArray
from words_stand import utterance

from dubsync.audio import wav
from dubsync.backends.mouth_gan import MouthGan
from dubsync.backends.protocols import Picture
from dubsync.documents import to_json
from dubsync.engine.stage import Context, Made, Product, Stage, Unit
from dubsync.media import planes
from dubsync.media.patches import PatchBook
from dubsync.media.read import frames
from dubsync.media.table import FrameTable
from dubsync.mouth import shape
from dubsync.stages._footage import Film, Sound, footage
from dubsync.stages.mouth import mouth
from dubsync.stages.render import RenderParams, render
from dubsync.stages.source import source
from dubsync.timing import Span
from dubsync.title import Line, Shot

pytestmark = pytest.mark.weights
FRAMES, DARKEST, GRAIN = 48, 0.35, 3.5
TITLE, SPANISH = Unit("title"), Unit("es", "es")


def light(number: int) -> float:
    """How bright a frame is: the second half grows dark."""
    return float(np.interp(number, [FRAMES // 2, FRAMES - 1], [1.0, DARKEST]))


@dataclass
class Dub:
    """A film, its dub, and where patches show: `masks` (frame to 0..1 over the picture)."""

    film: Path
    video: Path
    masks: dict[int, NDArray[np.float32]]
    heads: NDArray[np.float32]

    def lumas(self) -> Iterator[tuple[int, NDArray[np.float64], NDArray[np.float64]]]:
        """Yield the number, filmed and dubbed luma of each frame, in 8-bit steps."""
        for (number, before), (_, after) in zip(frames(self.film), frames(self.video), strict=True):
            steps = float(1 << (planes.depth(before) - 8))
            yield number, planes.view(before, 0) / steps, planes.view(after, 0) / steps

    def painted(self, number: int) -> NDArray[np.bool_]:
        """Return where frame `number` shows new skin: well inside the mask, away from jaw and lips."""
        lips, inside = np.zeros(self.masks[number].shape, np.uint8), (self.masks[number] > 0.98).astype(np.uint8)
        for head in (self.heads[number], self.heads[0]):
            cv2.fillConvexPoly(lips, cv2.convexHull(np.rint(head[shape.MOVING[:20], :2]).astype(np.int32)), 1)
            face = cv2.convexHull(np.rint(head[list(shape.MOVING + shape.ANCHORS), :2]).astype(np.int32))
            inside &= np.asarray(cv2.fillConvexPoly(np.zeros_like(lips), face, 1), np.uint8)
        skin = cv2.erode(inside, np.ones((21, 21), np.uint8)) > 0
        return np.asarray(skin & (cv2.dilate(lips, np.ones((13, 13), np.uint8)) == 0))

    def around(self, number: int) -> NDArray[np.bool_]:
        """Return cheeks and forehead beside the patch."""
        out = np.zeros(self.masks[number].shape, bool)
        out[48:70, 90:166] = True
        return np.asarray(out & (self.masks[number] == 0))


@pytest.fixture(scope="module", params=["yuv420p", "yuv420p10le"])
def dub(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Dub:
    folder = tmp_path_factory.mktemp("dub")
    speech, opening = talking_head.babble(FRAMES / 25)
    opening[:3] = opening.min()
    heads = talking_head.landmarks(opening)
    film = write_film(folder / "film.mp4", heads, request.param)
    products: dict[str, tuple[Product, ...]] = {}

    def put(name: str, value: Any, unit: Unit = TITLE) -> Path:
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "product.json").write_text(json.dumps(value), encoding="utf-8")
        products[name] = (Product(name, unit, folder / name, name),)
        return folder / name

    def run(stage: Stage, unit: Unit, params: Any, **engines: Any) -> None:
        (folder / stage.name).mkdir()
        ctx = Context(folder / stage.name, film, folder, 0, unit.language, engines)
        put(stage.name, stage.function(unit, Made(products), ctx, params) or {}, unit)

    engine = MouthGan(threads=1)
    shot = Shot("shot-1", 0, FRAMES, Span(Fraction(0), Fraction(FRAMES, 25)))
    run(source, TITLE, source.params() if source.params else None)
    arrays = {"face.numbers": np.arange(FRAMES), "face.landmarks": heads, "face.usable": np.ones(FRAMES, bool)}
    np.savez(put("faces", {"tracks": []}) / "tracks.npz", **arrays)  # type: ignore[arg-type]
    said = utterance("old", 0.2, FRAMES / 25, speaker="a")
    put("speakers", {"utterances": to_json([said]), "faces": {"face": "a"}})
    put("rights", {"consent": [{"speaker": "a", "face": True}]})
    here = Film(film, FrameTable.load(folder / "source" / "frames.npz"))
    shown = footage(here, shot, arrays, "face", sound=Sound(speech, 0.0), speaking=[(0.0, 99.0)])
    engine.learn([shown], put("actor", {}) / "a", seconds=0.0, seed=1, progress=lambda share: None)
    wav.write(
        put("drive", {"start": 0.0, "speaking": {}, "kept": []}) / "speech.wav",
        np.zeros(FRAMES * 640, np.float32),
        16000,
    )
    run(mouth, Unit("shot-1", "es", item=to_json(shot)), None, mouth=lambda: engine)
    line = Line("line-00000001", said.id, "nuevo", said.span)
    put("script", {"lines": to_json([line])})
    sound = put("mix", {"placements": []}) / "dub.wav"
    sound.write_bytes((folder / "source" / "audio.wav").read_bytes())
    run(render, SPANISH, RenderParams(crf=0.0, codec="h264", untouched="recode"))
    return Dub(film, folder / "render" / "video.mp4", masks_of(sorted((folder / "mouth").glob("*.npz"))), heads)


def write_film(path: Path, heads: NDArray[np.float32], pixel_format: str) -> Path:
    chance = np.random.default_rng(11)
    with av.open(str(path), "w") as out:
        video: Any = out.add_stream("libx264", rate=25, options={"qp": "0", "preset": "ultrafast"})
        video.width = video.height = talking_head.SIZE
        video.pix_fmt = pixel_format
        voice: Any = out.add_stream("aac", rate=48000, layout="mono")
        for number, head in enumerate(heads):
            picture: Picture = talking_head.picture(head)
            grain = chance.normal(0, GRAIN, (*picture.shape[:2], 1))
            graded = np.clip(picture * light(number) + grain, 0, 255).astype(np.uint8)
            out.mux(video.encode(av.VideoFrame.from_ndarray(graded, format="rgb24").reformat(format=pixel_format)))
        out.mux(video.encode(None))
        silence = av.AudioFrame.from_ndarray(np.zeros((1, len(heads) * 1920), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 48000
        out.mux(voice.encode(silence))
        out.mux(voice.encode(None))
    return path


def masks_of(files: list[Path]) -> dict[int, NDArray[np.float32]]:
    book = PatchBook(files)
    size = (talking_head.SIZE, talking_head.SIZE)
    found: dict[int, NDArray[np.float32]] = {}
    for number in book.frames.tolist():
        (patch,) = book.of(number)
        shown = cv2.warpAffine(patch.mask, patch.affine.astype(np.float64), size)
        found[number] = np.asarray(shown / 255, np.float32)
    return found


def test_outside_the_mask_the_picture_is_the_films(dub: Dub) -> None:
    errors = []
    for number, before, after in dub.lumas():
        outside = dub.masks[number] == 0 if number in dub.masks else np.ones(before.shape, bool)
        errors.append(np.mean(np.square(before - after)[outside]))
    assert len(dub.masks) > FRAMES // 2
    assert 10 * np.log10(255**2 / max(np.mean(errors), 1e-9)) >= 50


def test_new_skin_grows_dark_with_the_shot(dub: Dub) -> None:
    off = [
        after[there].mean() / before[there].mean() - 1
        for number, before, after in dub.lumas()
        if number in dub.masks and (there := dub.painted(number)).sum() > 200
    ]
    assert len(off) > FRAMES // 2
    assert np.abs(off).max() < 0.02, np.round(off, 3)


def test_the_grain_of_the_patch_is_that_of_its_surroundings(dub: Dub) -> None:
    ratios, last = [], None
    for number, _, after in dub.lumas():
        if last is not None and number in dub.masks and (there := dub.painted(number)).sum() > 200:
            change = after / light(number) - last / light(number - 1)
            ratios.append(float(np.var(change[there]) / np.var(change[dub.around(number)])))
        last = after
    assert 0.7 < np.median(ratios) < 1.4, np.round(ratios, 2)
