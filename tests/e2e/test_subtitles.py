"""Subtitles alone: no consent is asked for, nothing is synthesised, and picture and sound are the film's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import pytest
from fake_films import SUBTITLES, VOICES, consent, made

from dubsync import delivery, pipeline, scripts
from dubsync.errors import BadPipeline, UsageError
from dubsync.quality.report import SECTIONS
from dubsync.testing.talking import make_talking_film
from dubsync.text import subtitles
from dubsync.verbs import Localized, Wish, plan, verify

FILES = {"talk.es.mp4", "report.json", "report.html", "es.srt", "es.vtt", "es.sdh.srt", "es.sdh.vtt"}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Localized]:
    """A film without any consent record, and what was made of it, to look at and leave as it is."""
    film = make_talking_film(tmp_path_factory.mktemp("shown") / "talk.mp4")
    return film, made(film, pipeline=SUBTITLES, settings={"deliver": {"sdh": True}})


def delivered(found: Localized) -> Path:
    """Return the folder of what was handed over."""
    (dub,) = found.dubs
    return Path(str(dub.video)).parent


def report_of(found: Localized) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((delivered(found) / "report.json").read_text())
    return content


def packets(film: Path, kind: str) -> list[tuple[object, ...]]:
    with av.open(str(film)) as container:
        found = [packet for packet in container.demux(container.streams.get({kind: 0})) if packet.size]
        return [(packet.pts, packet.dts, packet.duration, packet.time_base, bytes(packet)) for packet in found]


@pytest.mark.parametrize("kind", ["video", "audio"])
def test_picture_and_sound_are_the_films_own_packet_for_packet(done: tuple[Path, Localized], kind: str) -> None:
    film, found = done
    assert packets(delivered(found) / "talk.es.mp4", kind) == packets(film, kind) != []


def test_the_only_new_track_is_the_subtitles_in_their_language(done: tuple[Path, Localized]) -> None:
    with av.open(str(delivered(done[1]) / "talk.es.mp4")) as film:
        assert [stream.type for stream in film.streams] == ["video", "audio", "subtitle"]
        assert film.streams.subtitles[0].metadata["language"] == "spa"
    assert {path.name for path in delivered(done[1]).iterdir()} == FILES


def test_a_line_is_shown_from_when_the_original_is_said_until_it_is_over(done: tuple[Path, Localized]) -> None:
    said = [line["slot"] for line in report_of(done[1])["timing"]["lines"]]
    shown = subtitles.read(delivered(done[1]) / "es.srt")
    assert [round(float(cue.span.start), 3) for cue in shown] == [start for start, _ in said]
    assert all(float(cue.span.end) >= end for cue, (_, end) in zip(shown, said, strict=True))


def test_the_report_has_every_key_and_says_why_what_is_null_was_not_measured(done: tuple[Path, Localized]) -> None:
    report = report_of(done[1])
    assert {section: tuple(report[section]) for section in SECTIONS} == dict(SECTIONS)
    reasons = {flag["where"]: flag["what"] for flag in report["flags"] if flag["code"] == "not-measured"}
    empty = {f"{section}.{key}" for section in SECTIONS for key in SECTIONS[section] if report[section][key] is None}
    assert set(reasons) == empty
    assert "no line is spoken anew" in reasons["voice.wer_back"]
    assert report["picture"]["psnr_untouched_db"] == 100
    assert report["media"]["av_offset_ms"] == 0
    assert report["sound"]["integrated_lufs"] < 0
    assert report["subtitles"]["count"] == 2


def test_the_page_speaks_of_subtitles_and_of_no_dub(done: tuple[Path, Localized]) -> None:
    page = (delivered(done[1]) / "report.html").read_text()
    assert "Subtitle report, Spanish" in page
    assert "no consent record is needed" in page
    words = page.partition("<h2>Flags</h2>")[0]
    assert "not measured" not in words
    assert "not spoken" not in words
    assert "dub" not in words.partition("<body>")[2].casefold()


def test_the_film_does_not_say_that_anything_in_it_is_synthetic(done: tuple[Path, Localized]) -> None:
    found = verify(delivered(done[1]) / "talk.es.mp4")
    assert found.disclosure is None
    assert not found.is_synthetic


def test_a_pipeline_that_speaks_cannot_leave_consent_out(tmp_path: Path) -> None:
    file = tmp_path / "silent.toml"
    file.write_text(VOICES.read_text().replace('"rights", ', ""))
    with pytest.raises(BadPipeline, match="needs rights, which does not come before it"):
        pipeline.load(str(file))


def test_a_corrected_line_changes_the_subtitles_and_nothing_else_is_made_anew(tmp_path: Path) -> None:
    film = make_talking_film(tmp_path / "talk.mp4")
    first = made(film, pipeline=SUBTITLES)
    place = Path(first.title.folder)
    script = scripts.export_script(place, "es", "srt", tmp_path / "es.srt")
    text = script.read_text()
    script.write_text(text.replace("word0es", "Palabra", 1))
    assert script.read_text() != text
    scripts.import_script(place, "es", script, who="Ana")
    forecast = plan(film, ["es"], Wish(pipeline=str(SUBTITLES)))
    assert {row.stage for row in forecast if row.runs} == {"script", "render", "check", "deliver"}
    made(film, pipeline=SUBTITLES)
    assert "Palabra" in subtitles.read(delivered(first) / "es.vtt")[0].text


def test_what_is_no_dub_is_not_packaged_as_one(done: tuple[Path, Localized]) -> None:
    with pytest.raises(UsageError, match="makes no dub") as caught:
        delivery.deliver(done[0], ["es"], "hls")
    assert f"`dubsync localize {done[0]} --lang es`" in caught.value.hint


def test_what_a_dub_has_left_in_the_folder_is_said_and_stays(tmp_path: Path) -> None:
    film = make_talking_film(tmp_path / "talk.mp4")
    consent(tmp_path)
    dubbed = made(film, pipeline=VOICES, settings={"mix": {"stems": True}, "deliver": {"sdh": True}})
    assert "left-from-before" not in {flag.code for flag in dubbed.flags}
    out = delivered(dubbed)
    shown = made(film, pipeline=SUBTITLES)
    (flag,) = [flag for flag in shown.flags if flag.code == "left-from-before"]
    assert "still dub.wav, es.sdh.srt, es.sdh.vtt and " in flag.what
    assert (out / "dub.wav").is_file()
    assert (out / "stems/me.wav").is_file()
    again = made(film, pipeline=VOICES, settings={"mix": {"stems": True}, "deliver": {"sdh": True}})
    assert "left-from-before" not in {flag.code for flag in again.flags}
