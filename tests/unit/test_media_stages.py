"""The stages source, shots, render and deliver, each run alone on a film drawn by code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dubsync.audio import wav
from dubsync.documents import from_json, to_json
from dubsync.engine.stage import Context, Made, Product, Stage, Unit
from dubsync.errors import UsageError
from dubsync.media.measure import IDENTICAL_DB, av_offset_ms, untouched_psnr
from dubsync.media.probe import probe
from dubsync.media.read import frames
from dubsync.media.table import FrameTable
from dubsync.stages.deliver import deliver
from dubsync.stages.render import render
from dubsync.stages.shots import shots
from dubsync.stages.source import source
from dubsync.testing.media import FilmSpec, make_film
from dubsync.timing import Span
from dubsync.title import Line, Shot, Source

TITLE, SPANISH = Unit("title"), Unit("es", language="es")
LONG = "Esta frase es tan larga que no cabe en una sola fila ni en dos, de modo que se reparte entre varias pantallas."


class Workshop:
    """A title folder whose stages are run one by one; products not made by a stage are put in by hand."""

    def __init__(self, folder: Path, film: Path) -> None:
        self.folder, self.film = folder, film
        self.products: dict[str, tuple[Product, ...]] = {}
        self.flags: list[str] = []

    def run(self, stage: Stage, unit: Unit, *, deliver_to: Path | None = None, **params: object) -> Any:
        out = self.folder / stage.name
        out.mkdir(exist_ok=True)
        ctx = Context(
            out=out, film=self.film, folder=self.folder, seed=0, language=unit.language, deliver_to=deliver_to
        )
        assert stage.params is not None
        value = stage.function(unit, Made(self.products), ctx, stage.params(**params))
        self.flags += [flag.code for flag in ctx.flags]
        self._keep(stage.name, unit, value or {})
        return value

    def put(self, name: str, value: Mapping[str, Any]) -> Path:
        (self.folder / name).mkdir(exist_ok=True)
        self._keep(name, SPANISH, value)
        return self.folder / name

    def _keep(self, name: str, unit: Unit, value: Mapping[str, Any]) -> None:
        (self.folder / name / "product.json").write_text(json.dumps(value), encoding="utf-8")
        self.products[name] = (Product(name, unit, self.folder / name, name),)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    film = make_film(tmp_path / "film ñ.mp4", FilmSpec(rate=Fraction(30000, 1001), frames=90, sample_rate=44100))
    made = Workshop(tmp_path, film)
    made.run(source, TITLE)
    return made


def with_a_dub(workshop: Workshop, text: str = "Hola") -> Workshop:
    line = Line("line-00000001", "utterance-1", text, Span(Fraction(1, 2), Fraction(2)))
    workshop.put("script", {"lines": to_json([line])})
    place = {"line": line.id, "speaker": "a", "start": "3/5", "end": "12/5", "gain_db": 0.0}
    mix = workshop.put("mix", {"placements": [place]})
    (mix / "dub.wav").write_bytes((workshop.folder / "source" / "audio.wav").read_bytes())
    return workshop


def test_source_leaves_sound_and_times_that_fit_the_picture(workshop: Workshop) -> None:
    film = from_json(Source, workshop.products["source"][0].value)
    table = FrameTable.load(workshop.folder / "source" / "frames.npz")
    whole, speech = (wav.facts(workshop.folder / "source" / name) for name in ("audio.wav", "speech.wav"))
    assert (film.video.frames, film.video.rate, len(table)) == (90, Fraction(30000, 1001), 90)
    assert (whole.sample_rate, whole.channels, whole.frames) == (44100, 2, round(film.duration * 44100))
    assert (speech.sample_rate, speech.channels, speech.frames) == (16000, 1, round(film.duration * 16000))
    with np.load(workshop.folder / "source" / "frames.npz") as kept:
        assert {"pts", "times", "duration"} <= set(kept.files)
        assert kept["times"][0] == 0


def test_source_is_the_same_bytes_again(workshop: Workshop) -> None:
    before = {path.name: path.read_bytes() for path in (workshop.folder / "source").iterdir()}
    workshop.run(source, TITLE)
    assert {path.name: path.read_bytes() for path in (workshop.folder / "source").iterdir()} == before


def test_speech_clicks_when_the_film_does(workshop: Workshop) -> None:
    speech = np.abs(wav.read(workshop.folder / "source" / "speech.wav")[:, 0])
    click = int(np.argmax(speech > 0.25)) / 16000
    assert abs(click - 5 * 1001 / 30000) < 0.001


def test_shots_find_the_cuts_and_break_long_shots_into_pieces(tmp_path: Path) -> None:
    film = cut_film(tmp_path / "cuts.mp4", cuts=(40, 65))
    made = Workshop(tmp_path, film)
    made.run(source, TITLE)
    found = from_json(tuple[Shot, ...], made.run(shots, TITLE, max_seconds=0.8)["shots"])
    assert [(shot.first, shot.stop, shot.continues) for shot in found] == [
        (0, 20, False), (20, 40, True), (40, 52, False), (52, 65, True), (65, 82, False), (82, 100, True),
    ]  # fmt: skip
    assert found[2].span == Span(Fraction(40, 25), Fraction(52, 25))
    assert len({shot.id for shot in found}) == len(found)


def test_without_mouths_the_picture_is_copied_and_the_subtitles_follow_the_voice(workshop: Workshop) -> None:
    value = with_a_dub(workshop).run(render, SPANISH)
    out = workshop.folder / "render"
    assert value == {"video": "video.mp4", "subtitles": ["es.srt", "es.vtt"], "frames": 90, "synthetic": ["speech"]}
    assert untouched_psnr(workshop.film, out / "video.mp4", {}) == IDENTICAL_DB
    assert "00:00:00,600 --> 00:00:02,400\nHola" in (out / "es.srt").read_text(encoding="utf-8")
    assert (out / "es.vtt").read_text(encoding="utf-8").startswith("WEBVTT")
    assert [track.language for track in probe(out / "video.mp4").audio] == ["spa", "eng"]
    assert [track.language for track in probe(out / "video.mp4").subtitles] == ["spa"]
    assert abs(av_offset_ms(out / "video.mp4")) < 1
    assert workshop.flags == []


def test_mouths_are_drawn_into_the_frames_they_are_for(workshop: Workshop) -> None:
    mouth = with_a_dub(workshop).put("mouth", {"frames": 2, "tracks": {}})
    np.savez(
        mouth / "patches-0000.npz",
        frame=np.array([20, 21], np.int32),
        pixels=np.full((2, 30, 30, 3), (250, 20, 20), np.uint8),
        mask=np.full((2, 30, 30), 255, np.uint8),
        affine=np.repeat(np.array([[[1, 0, 60], [0, 1, 70]]], np.float32), 2, axis=0),
    )
    workshop.run(render, SPANISH)
    reds = {
        number: float(frame.to_ndarray(format="rgb24")[80:90, 70:80, 0].mean())
        for number, frame in frames(workshop.folder / "render" / "video.mp4")
    }
    flashes = {5, 30}
    assert {number for number, red in reds.items() if red > 235} - flashes == {20, 21}


def test_long_lines_become_readable_subtitles(workshop: Workshop) -> None:
    with_a_dub(workshop, LONG).run(render, SPANISH)
    blocks = (workshop.folder / "render" / "es.srt").read_text(encoding="utf-8").strip().split("\n\n")
    rows = [block.split("\n")[2:] for block in blocks]
    assert len(blocks) > 1
    assert all(len(screen) <= 2 and max(map(len, screen)) <= 42 for screen in rows)
    assert " ".join(" ".join(screen) for screen in rows) == LONG


def with_a_report(workshop: Workshop) -> Workshop:
    with_a_dub(workshop).run(render, SPANISH)
    check = workshop.put("check", {})
    for name in ("report.json", "report.html"):
        (check / name).write_text(name, encoding="utf-8")
    return workshop


def test_deliver_hands_over_every_file_and_does_not_touch_what_is_right(workshop: Workshop) -> None:
    value = with_a_report(workshop).run(deliver, SPANISH)
    out = workshop.folder / "out" / "es"
    assert value["files"] == ["film ñ.es.mp4", "es.srt", "es.vtt", "dub.wav", "report.json", "report.html"]
    assert sorted(path.name for path in out.iterdir()) == sorted(value["files"])
    stamps = {path: path.stat().st_ino for path in out.iterdir()}
    (out / "es.srt").write_text("damaged", encoding="utf-8")
    (out / "es.vtt").unlink()
    workshop.run(deliver, SPANISH)
    assert (out / "es.srt").read_bytes() == (workshop.folder / "render" / "es.srt").read_bytes()
    assert (out / "es.vtt").exists()
    assert all(path.stat().st_ino == inode for path, inode in stamps.items() if path.suffix not in (".srt", ".vtt"))


def test_deliver_goes_where_it_is_told(workshop: Workshop, tmp_path: Path) -> None:
    with_a_report(workshop).run(deliver, SPANISH, deliver_to=tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / "film ñ.es.mp4").exists()


def test_a_folder_that_cannot_be_written_is_named_in_one_sentence(workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")
    with pytest.raises(UsageError, match="cannot be written") as caught:
        with_a_report(workshop).run(deliver, SPANISH, deliver_to=tmp_path / "taken" / "es")
    assert "--out" in caught.value.hint


def cut_film(path: Path, cuts: tuple[int, ...]) -> Path:
    """Draw a hundred frames whose picture and colours change at the cuts, with silence for sound."""
    import av

    with av.open(str(path), "w") as out:
        video: Any = out.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 160, 120, "yuv420p"
        audio: Any = out.add_stream("aac", rate=48000)
        colours = ((200, 60, 40), (30, 180, 60), (60, 40, 210))
        for number in range(100):
            rgb = np.full((120, 160, 3), colours[sum(number >= cut for cut in cuts)], np.uint8)
            rgb[number % 60 : number % 60 + 20, 40:80] = 255
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(video.encode(frame))
            sound = av.AudioFrame.from_ndarray(np.zeros((2, 1920), np.float32), format="fltp", layout="stereo")
            sound.sample_rate, sound.pts = 48000, number * 1920
            out.mux(audio.encode(sound))
        out.mux(video.encode(None))
        out.mux(audio.encode(None))
    return path
