"""Whole films through every stage, with the public fakes: what comes out, what is made again, what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import av
import certificates
import numpy as np
import pytest
from fake_films import FAKES, changed, consent, dubsync, hands, made

from dubsync import scripts
from dubsync.audio import bench_rivals, wav
from dubsync.errors import ConsentMissing, UsageError
from dubsync.testing.talking import TalkingSpec, make_talking_film
from dubsync.verbs import Localized, Wish, check, explain, localize, plan, status, verify


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_talking_film(tmp_path_factory.mktemp("drawn") / "talk.mp4")


@pytest.fixture
def film(drawn: Path, tmp_path: Path) -> Path:
    (tmp_path / "talk.mp4").write_bytes(drawn.read_bytes())
    consent(tmp_path)
    return tmp_path / "talk.mp4"


@pytest.fixture(scope="module")
def dubbed(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Localized]:
    """A film and what was made of it, to look at and leave as it is."""
    folder = tmp_path_factory.mktemp("dubbed")
    (folder / "talk.mp4").write_bytes(drawn.read_bytes())
    consent(folder)
    return folder / "talk.mp4", made(folder / "talk.mp4")


def frames(path: Path) -> Iterator[np.ndarray]:
    with av.open(str(path)) as film:
        for frame in film.decode(video=0):
            yield frame.to_ndarray(format="gray")


def test_a_film_comes_out_whole(drawn: Path, dubbed: tuple[Path, Localized]) -> None:
    film, (dub,) = dubbed[0], dubbed[1].dubs
    assert film.read_bytes() == drawn.read_bytes()
    assert dub.video is not None
    with av.open(str(film)) as old, av.open(dub.video) as new:
        times = [[packet.pts * packet.time_base for packet in each.demux(video=0) if packet.pts is not None]
                 for each in (old, new)]  # fmt: skip
        assert sorted(times[0]) == sorted(times[1])
        assert [stream.metadata.get("language") for stream in new.streams.audio] == ["spa", "und"]
        assert [stream.metadata.get("language") for stream in new.streams.subtitles] == ["spa"]
        assert new.streams.audio[0].rate == old.streams.audio[0].rate
        assert new.streams.audio[0].layout.name == old.streams.audio[0].layout.name


def test_the_report_holds_every_key_of_its_schema(dubbed: tuple[Path, Localized]) -> None:
    (dub,) = dubbed[1].dubs
    report = json.loads(Path(str(dub.report)).read_text())
    assert report["schema"] == "dubsync.report/1"
    expected = {
        "media": {"duration_s", "frames", "fps", "av_offset_ms"},
        "timing": {"speech_overlap", "speech_rate_max", "lines"},
        "sync": {"confidence", "offset_frames", "articulation_error"},
        "picture": {"psnr_untouched_db", "faces_changed_s", "flicker"},
        "voice": {"speaker_similarity", "wer_back"},
        "sound": {"integrated_lufs", "true_peak_dbtp"},
        "translation": {"backend", "draft"},
        "rights": {"consent", "watermark", "c2pa"},
    }
    assert {key: set(report[key]) for key in expected} == expected
    assert set(report["mouth"]["painter"].values()) == {"a dark mouth, not trained"}
    assert "a dark mouth, not trained" in Path(str(dub.report)).with_suffix(".html").read_text()
    assert report["media"]["frames"] == 100
    assert abs(report["media"]["av_offset_ms"]) < 10
    flagged = {flag["code"] for flag in report["flags"]}
    assert "draft-translation" in flagged
    empty = [f"{key}.{name}" for key in expected for name in expected[key] if report[key][name] is None]
    told = {flag["where"] for flag in report["flags"] if flag["code"] == "not-measured"}
    assert set(empty) <= told


def test_the_report_says_how_loud_the_delivered_file_is_by_another_meter(dubbed: tuple[Path, Localized]) -> None:
    (dub,) = dubbed[1].dubs
    report = json.loads(Path(str(dub.report)).read_text())["sound"]
    with av.open(str(dub.video)) as new:
        heard = np.concatenate([frame.to_ndarray() for frame in new.decode(audio=0)], axis=1)
    lufs, peak = bench_rivals.ebur128(np.ascontiguousarray(heard.T), 48000)
    assert report["integrated_lufs"] == pytest.approx(lufs, abs=0.2)
    assert report["true_peak_dbtp"] == pytest.approx(peak, abs=0.2)
    assert "delivery-differs" not in {flag.code for flag in dub.flags}


def test_the_mouth_moves_and_only_while_somebody_speaks(dubbed: tuple[Path, Localized]) -> None:
    film, (dub,) = dubbed[0], dubbed[1].dubs
    changed = [
        int((np.abs(old.astype(int) - new.astype(int)) > 40).sum())
        for old, new in zip(frames(film), frames(Path(str(dub.video))), strict=True)
    ]
    spoken, silent = changed[20:35], changed[95:]
    assert min(spoken) > 20
    assert max(silent) == 0


def test_the_finished_film_is_known_by_what_it_says_of_itself(dubbed: tuple[Path, Localized]) -> None:
    film, (dub,) = dubbed[0], dubbed[1].dubs
    mark = json.loads(Path(str(dub.report)).read_text())["rights"]["watermark"]
    found = verify(Path(str(dub.video)), title=film)
    assert found.disclosure is not None
    assert found.is_synthetic
    assert mark["marked_s"] > 0
    assert mark["id"] in Path(str(dub.report)).with_suffix(".html").read_text()
    assert mark["heard"] == any(str(each.mark.payload) == mark["id"] for each in found.marks)
    assert found.is_known == mark["heard"]


def test_a_film_is_signed_where_a_certificate_is_named(film: Path, tmp_path: Path) -> None:
    pytest.importorskip("c2pa")
    chain, key = certificates.write(tmp_path)
    (dub,) = made(film, settings={"credentials": {"certificate": str(chain), "key": str(key)}}).dubs
    report, found = json.loads(Path(str(dub.report)).read_text()), verify(Path(str(dub.video))).manifest
    assert found is not None
    assert found.is_intact
    assert found.claims == ("speech synthesised in es", "mouth movements synthesised in es")
    assert found.dub is not None
    assert "disc" not in json.dumps(found.dub), "who allowed it is not told"
    assert report["rights"]["c2pa"] == {"intact": True, "issuer": "Test Studio", "claims": list(found.claims)}
    again = made(film, settings={"credentials": {"certificate": str(chain), "key": str(key)}})
    assert again.summary.ran == 0


@pytest.mark.parametrize(
    ("named", "what"),
    [
        ({"certificate": "gone.pem", "key": "gone.pem"}, "cannot be read"),
        ({"certificate": "gone.pem"}, "only one of"),
    ],
)
def test_what_cannot_be_signed_with_is_said_before_any_work(film: Path, named: dict[str, str], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        made(film, settings={"credentials": named})
    assert not (film.with_suffix(".dubsync") / "store").exists()


def test_a_second_run_makes_nothing_and_gives_the_same_bytes(film: Path) -> None:
    first = made(film)
    video = Path(str(first.dubs[0].video))
    before = video.read_bytes()
    second = made(film)
    assert second.summary.ran == 0
    assert video.read_bytes() == before


def test_the_same_film_gives_the_same_bytes_in_another_folder(
    film: Path, dubbed: tuple[Path, Localized], tmp_path: Path
) -> None:
    one = dubbed[1]
    other = made(film, folder=tmp_path / "other.dubsync")
    assert Path(str(one.dubs[0].video)).read_bytes() == Path(str(other.dubs[0].video)).read_bytes()


def test_a_second_language_shares_all_that_is_above_the_line(dubbed: tuple[Path, Localized]) -> None:
    film, _ = dubbed
    rows = plan(film, ["es", "pt"], Wish(pipeline=str(FAKES)))
    again = {row.stage for row in rows if row.runs and row.why != "it is asked each time"}
    shared = {"source", "shots", "faces", "stems", "transcript", "speakers", "actor"}
    assert again & shared == set()
    assert {row.language for row in rows if row.stage == "translation" and row.runs} == {"pt"}


def test_an_edit_of_one_line_re_runs_that_line_the_mouth_of_its_shot_mix_and_render(tmp_path: Path) -> None:
    spec = TalkingSpec(seconds=9.0, lines=((0.6, 1.6, 130.0), (6.4, 7.4, 130.0)), cut=4.0)
    film = make_talking_film(tmp_path / "talk.mp4", spec)
    consent(tmp_path)
    home = Path(made(film).title.folder)
    whole = Counter(row["stage"] for row in explain(film))
    assert (whole["voice"], whole["drive"], whole["mouth"]) == (2, 2, 2)

    change_second_line(home, tmp_path / "script.srt")
    wish = Wish(pipeline=str(FAKES), slots=1)
    planned = Counter(row.stage for row in plan(film, ["es"], wish) if row.runs)
    events: list[tuple[str, str]] = []
    localize(film, ["es"], wish, sink=lambda e: events.append((e.kind, e.stage)), runner=hands())
    ran = Counter(stage for kind, stage in events if kind == "finished")

    touched = {"script": 1, "voice": 1, "mix": 1, "mouth": 1, "render": 1, "credentials": 1}
    assert {stage: ran[stage] for stage in touched} == touched
    asked = {"rights", "likeness"}
    judged = {"drive", "heard", "check", "deliver"}
    assert set(ran) - asked - judged == set(touched)
    assert set(planned) >= {"script", "voice"}
    assert set(planned) <= set(ran)


def change_second_line(home: Path, table: Path) -> None:
    """Do what a translator does: export, write a word more, import."""
    scripts.export_script(home, "es", "srt", table)
    first, second = table.read_text().split("\n\n")
    table.write_text(f"{first}\n\n{second.rstrip()} Otra.\n")
    scripts.import_script(home, "es", table, who="a tester")


def test_without_a_record_nobody_is_synthesised_and_the_command_is_named(film: Path) -> None:
    (film.parent / "consent.toml").unlink()
    with pytest.raises(ConsentMissing) as caught:
        made(film)
    assert caught.value.exit_code == 2
    assert "dubsync consent new" in caught.value.hint
    assert {manifest["stage"] for manifest in explain(film)}.isdisjoint(
        {"actor", "casting", "voice", "mouth", "likeness"}
    )


def test_a_face_that_is_not_allowed_is_neither_learnt_nor_touched(film: Path) -> None:
    consent(film.parent, face=False)
    result = made(film)
    (actor,) = explain(film, ["actor"])
    home = Path(result.title.folder)
    product = home / "store" / actor["fingerprint"][:2] / actor["fingerprint"] / "product.json"
    assert json.loads(product.read_text())["actors"] == {}
    assert "face-not-allowed" in {flag.code for flag in result.flags}


def test_a_film_without_a_face_is_dubbed_and_its_picture_kept(tmp_path: Path) -> None:
    film = make_talking_film(tmp_path / "radio.mp4", TalkingSpec(face=(9.0, 9.0)))
    consent(tmp_path)
    result = made(film)
    report = json.loads(Path(str(result.dubs[0].report)).read_text())
    assert report["picture"]["faces_changed_s"] == 0
    assert "no-face" in {flag.code for flag in result.flags}


def test_lines_that_people_recorded_are_heard_where_the_original_was_spoken(film: Path, tmp_path: Path) -> None:
    pipeline = changed(tmp_path, voice="voice.recorded")
    (film.parent / "consent.toml").unlink()
    time = np.arange(4 * 48000) / 48000
    spoken = ((time > 0.6) & (time < 1.6)) | ((time > 2.4) & (time < 3.4))
    wav.write(tmp_path / "takes.wav", (0.3 * np.sin(2 * np.pi * 440 * time) * spoken).astype(np.float32), 48000)
    wish = Wish(pipeline=str(pipeline), slots=1, recorded=tmp_path / "takes.wav")

    (dub,) = localize(film, ["es"], wish, runner=hands()).dubs

    with av.open(str(dub.video)) as new:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in new.decode(audio=0)])[: 4 * 48000]
    pitch = [np.abs(np.fft.rfft(heard[start : start + 24000]))[:1000].argmax() * 2 for start in (36000, 132000)]
    assert pitch == [pytest.approx(440, abs=4)] * 2
    codes = {flag.code for flag in dub.flags}
    assert "nothing-recorded" not in codes
    assert "face-not-allowed" in codes
    with av.open(str(dub.video)) as new:
        assert "Synthetic" not in new.metadata.get("comment", "")


def test_a_brought_script_is_spoken_and_shown_word_for_word(film: Path, tmp_path: Path) -> None:
    pipeline = changed(tmp_path, mt="mt.human")
    (tmp_path / "film.es.srt").write_text(
        "1\n00:00:00,500 --> 00:00:01,700\nTexto de Ana.\n\n2\n00:00:02,300 --> 00:00:03,600\nY de Luis.\n"
    )
    wish = Wish(pipeline=str(pipeline), slots=1, script=tmp_path / "film.es.srt")

    (dub,) = localize(film, ["es"], wish, runner=hands()).dubs

    shown = Path(dub.subtitles[0]).read_text(encoding="utf-8")
    assert "Texto de Ana." in shown
    assert "Y de Luis." in shown
    assert not {"draft-translation", "untranslated", "script-unplaced"} & {flag.code for flag in dub.flags}


def test_one_recorded_line_re_runs_that_line_alone(film: Path, tmp_path: Path) -> None:
    pipeline = changed(tmp_path, voice="voice.recorded")
    (tmp_path / "takes").mkdir()
    tone = (0.3 * np.sin(2 * np.pi * 440 * np.arange(24000) / 24000)).astype(np.float32)
    made(film)
    ids = scripts.line_ids(tmp_path / "talk.dubsync", "es")
    assert ids is not None
    for name in ids:
        wav.write(tmp_path / "takes" / f"{name}.wav", tone, 24000)
    wish = Wish(pipeline=str(pipeline), slots=1, recorded=tmp_path / "takes")
    (dub,) = localize(film, ["es"], wish, runner=hands()).dubs
    assert "nothing-recorded" not in {flag.code for flag in dub.flags}

    wav.write(tmp_path / "takes" / f"{ids[1]}.wav", tone[:20000], 24000)
    events: list[tuple[str, str]] = []
    localize(film, ["es"], wish, sink=lambda e: events.append((e.kind, e.stage)), runner=hands())
    assert [stage for kind, stage in events if kind == "finished"].count("voice") == 1


def test_recorded_lines_are_in_one_language(film: Path, tmp_path: Path) -> None:
    (tmp_path / "takes.wav").write_bytes(b"")
    with pytest.raises(UsageError, match="--recorded is in one language"):
        made(film, "es", "pt", recorded=tmp_path / "takes.wav")


def test_status_and_check_tell_how_it_stands(dubbed: tuple[Path, Localized]) -> None:
    film, _ = dubbed
    (found,) = status(film)
    assert found.waiting == ()
    assert found.made == found.known
    assert check(film) >= 20


def test_a_name_with_spaces_and_letters_of_any_script_works(drawn: Path, tmp_path: Path) -> None:
    film = tmp_path / "ein Film – фильм 映画.mp4"
    film.write_bytes(drawn.read_bytes())
    consent(tmp_path)
    assert Path(str(made(film).dubs[0].video)).is_file()


def test_the_command_line_prints_one_json_object(film: Path) -> None:
    done = dubsync("localize", film, "--lang", "es", "--pipeline", FAKES, "--json", "--out", film.parent / "out")
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout.splitlines()[-1])
    assert set(printed) == {"title", "folder", "languages", "units", "seconds"}
    assert Path(printed["languages"]["es"]["video"]) == film.parent / "out" / "talk.es.mp4"
    assert (film.parent / "out" / "report.html").is_file()
    strict = dubsync("localize", film, "--lang", "es", "--pipeline", FAKES, "--json", "--strict")
    assert strict.returncode == 7


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["nowhere.mp4", "--lang", "es"], 3, "nowhere.mp4"),
        (["talk.mp4", "--lang", "klingonese"], 2, "klingonese"),
        (["talk.mp4", "--lang", "es", "--pipeline", "nothing"], 2, "pipeline"),
        (["talk.mp4", "--lang", "es", "--set", "shots.max_secnds=3"], 2, "max_secnds"),
        (["talk.mp4", "--lang", "es", "--out", "/proc/nowhere"], 2, "/proc/nowhere"),
        (["consent.toml", "--lang", "es"], 3, "consent.toml"),
        ([".", "--lang", "es"], 3, ""),
    ],
)
def test_bad_requests_get_one_clear_sentence_and_their_exit_status(
    film: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], status: int, said: str
) -> None:
    monkeypatch.chdir(film.parent)
    pipeline = [] if "--pipeline" in words else ["--pipeline", FAKES]
    done = dubsync("localize", *words, *pipeline)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 12


def test_a_killed_run_goes_on_and_gives_the_same_bytes(
    film: Path, dubbed: tuple[Path, Localized], tmp_path: Path
) -> None:
    whole = Path(str(dubbed[1].dubs[0].video)).read_bytes()
    command = [sys.executable, "-c", "from dubsync.cli import main; main()", "localize", str(film), "--lang", "es",
               "--pipeline", FAKES, "--json", "--folder", str(tmp_path / "killed.dubsync")]  # fmt: skip
    for patience in (1.5, 2.5, 3.5):
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            import os
            import signal

            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    result = made(film, folder=tmp_path / "killed.dubsync")
    assert Path(str(result.dubs[0].video)).read_bytes() == whole


def test_a_language_that_is_spoken_already_is_refused(film: Path) -> None:
    with pytest.raises(UsageError, match="speak English in it already"):
        made(film, "en")
