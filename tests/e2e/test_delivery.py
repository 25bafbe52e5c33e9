"""Deliveries from localized films: packaged once, read by an independent player, refused where a dub is not fit."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import av
import pytest
from fake_films import FAKES, VOICES, consent, dubsync, made

from dubsync import delivery
from dubsync.delivery import dubs as gathering
from dubsync.errors import ConsentMissing, IntegrityError, UsageError
from dubsync.media import package
from dubsync.media.captions import text_header, text_packet
from dubsync.media.package import Track
from dubsync.testing.talking import TalkingSpec, make_talking_film

SPEC = TalkingSpec(seconds=2.4, lines=((0.4, 1.4, 130.0),))
FRAMES = 60


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a film, dubbed with new mouths into Spanish and with the voice alone into French."""
    folder = tmp_path_factory.mktemp("studio")
    consent(folder)
    film = make_talking_film(folder / "talk.mp4", SPEC)
    made(film, "es", pipeline=FAKES, settings={"mix": {"stems": True}, "deliver": {"sdh": True}})
    made(film, "fr", pipeline=VOICES)
    return folder


@pytest.fixture
def film(drawn: Path, tmp_path: Path) -> Path:
    """The same, in a folder of its own."""
    return Path(shutil.copytree(drawn, tmp_path / "studio")) / "talk.mp4"


@pytest.fixture(scope="module")
def streams(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """HLS and DASH of both dubs, made once; segments of half a second."""
    folder = tmp_path_factory.mktemp("streams")
    spec = folder / "short.toml"
    text = (delivery.specs.folder() / "cmaf.toml").read_text()
    spec.write_text(text.replace("segment_seconds = 6", "segment_seconds = 0.5"))
    made_there = delivery.deliver(drawn / "talk.mp4", ["es", "fr"], str(spec), out=folder / "out")
    assert made_there.is_new
    return folder / "out"


def files(place: Path) -> dict[str, bytes]:
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def test_each_language_has_its_own_picture_and_equal_ones_are_packaged_once(streams: Path) -> None:
    found = json.loads((streams / "receipt.json").read_text())
    assert found["presentations"] == {tag: {"hls": f"{tag}.m3u8", "dash": f"{tag}.mpd"} for tag in ("es", "fr", "en")}
    pictures = {tag: (streams / f"{tag}.m3u8").read_text().splitlines()[-1] for tag in ("es", "fr", "en")}
    assert pictures["fr"] == pictures["en"], "the voice alone was dubbed"
    assert pictures["es"] != pictures["en"], "the mouths were dubbed too"
    assert {path.name for path in (streams / "video").iterdir()} == {"es", "en"}


@pytest.mark.parametrize("language", ["es", "fr", "en"])
def test_a_player_reads_the_playlist_and_finds_every_frame_and_sound(streams: Path, language: str) -> None:
    with av.open(str(streams / f"{language}.m3u8"), options={"allowed_extensions": "ALL"}) as container:
        assert (len(container.streams.video), len(container.streams.audio)) == (1, 3)
        frames = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    assert frames == [Fraction(number, 25) for number in range(FRAMES)]
    with av.open(str(streams / f"{language}.m3u8"), options={"allowed_extensions": "ALL"}) as container:
        sound = list(container.decode(audio=0))
    assert sound[0].pts == 0
    assert 0 <= sum(frame.samples for frame in sound) - 48000 * 2.4 < 1024


def test_segments_are_cut_at_key_pictures_of_the_wished_length(streams: Path) -> None:
    text = (streams / "audio/es/index.m3u8").read_text()
    lengths = [float(value) for value in re.findall(r"#EXTINF:([\d.]+),", text)]
    assert len(lengths) == 5
    assert sum(lengths) == pytest.approx(2.4, abs=1e-5)


def test_subtitles_are_those_of_the_dub_and_for_people_who_do_not_hear_too(streams: Path, drawn: Path) -> None:
    assert {path.name for path in (streams / "subtitles").iterdir()} == {"es", "es-sdh", "fr"}
    spoken = re.findall(r"(?m)^(?!WEBVTT|Language|.*-->)\S.*", (drawn / "talk.dubsync/out/es/es.vtt").read_text())
    shown = (streams / "subtitles/es/es.vtt").read_text()
    assert spoken
    assert all(row in shown for row in spoken)
    assert "describes-music-and-sound" in (streams / "es.m3u8").read_text()


def test_the_receipt_names_digests_and_no_people(streams: Path, drawn: Path) -> None:
    text = (streams / "receipt.json").read_text()
    found = json.loads(text)
    assert set(found["files"]) == set(files(streams)) - {"receipt.json"}
    for name, content in files(streams).items():
        if name != "receipt.json":
            facts = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
            assert found["files"][name] == facts
    report = (drawn / "talk.dubsync/out/es/report.json").read_bytes()
    assert found["languages"]["es"]["report_sha256"] == hashlib.sha256(report).hexdigest()
    (record,) = found["languages"]["es"]["consent"]
    assert record in report.decode()
    assert "the disc" in report.decode()
    assert "the disc" not in text
    assert found["checked"]["video/es"] == {"seconds": 2.4, "frames": FRAMES}
    assert found["checked"]["audio/es"]["lufs"] < 0


def test_a_second_run_changes_nothing_and_says_so(film: Path) -> None:
    out = film.parent / "out"
    words = ("deliver", film, "--lang", "fr", "--spec", "hls", "--out", out)
    assert json.loads(dubsync(*words, "--json").stdout)["new"]
    before, source = files(out), film.read_bytes()
    stamps = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    again = dubsync(*words)
    assert again.returncode == 0
    assert "nothing has changed" in again.stdout
    assert files(out) == before
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == stamps
    assert film.read_bytes() == source


def test_one_file_is_counted_as_one(film: Path) -> None:
    said = dubsync("deliver", film, "--lang", "fr", "--spec", "mp4", "--out", film.parent / "one").stdout
    assert re.search(r"^1 file, \d", said, re.M), said


def test_a_flipped_bit_is_found_and_delivered_anew(film: Path) -> None:
    out = delivery.deliver(film, ["fr"], "mp4").folder
    assert out == film.parent / "talk.dubsync/delivery/mp4"
    whole = (out / "talk.fr.mp4").read_bytes()
    (out / "talk.fr.mp4").write_bytes(whole[:-1] + b"x")
    failed = dubsync("deliver", "--check", out)
    assert failed.returncode == 6
    assert "talk.fr.mp4 is not what was delivered" in failed.stderr
    assert delivery.deliver(film, ["fr"], "mp4").is_new
    assert (out / "talk.fr.mp4").read_bytes() == whole
    assert dubsync("deliver", "--check", out).stdout == "1 file is as it was delivered\n"


def test_a_package_that_does_not_play_is_never_handed_over(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = package.picture

    def damaged(*args: object, **names: object) -> Track:
        track = written(*args, **names)  # type: ignore[arg-type]
        content = bytearray(track.files[1].read_bytes())
        content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
        track.files[1].write_bytes(content)
        return track

    with monkeypatch.context() as broken:
        broken.setattr(package, "picture", damaged)
        with pytest.raises(IntegrityError):
            delivery.deliver(film, ["es"], "hls", out=film.parent / "out")
    assert files(film.parent / "out") == {}
    assert delivery.deliver(film, ["es"], "hls", out=film.parent / "out").is_new


def test_the_file_has_the_dub_alone_or_everything(film: Path) -> None:
    alone = delivery.deliver(film, ["es"], "mp4").folder / "talk.es.mp4"
    every = delivery.deliver(film, ["es"], "mp4-all").folder / "talk.es.mp4"
    kinds = {}
    for path in (alone, every):
        with av.open(str(path)) as container:
            kinds[path] = [(stream.type, stream.metadata.get("language")) for stream in container.streams]
            assert "Synthetic speech" in container.metadata["comment"]
    assert kinds[alone] == [("video", "und"), ("audio", "spa"), ("subtitle", "spa")]
    assert kinds[every] == [("video", "und"), ("audio", "spa"), ("audio", "und"), ("subtitle", "spa")]
    assert alone.read_bytes().find(b"moov") < alone.read_bytes().find(b"mdat")


def test_stems_come_with_names_and_a_list_of_checksums(film: Path) -> None:
    out = delivery.deliver(film, ["es"], "stems").folder / "es"
    assert {"talk.es.mix.wav", "talk.es.me.wav", "talk.es.dialogue.wav"} < set(files(out))
    assert any(name.startswith("lines/talk.es.") for name in files(out))
    rows = dict(reversed(row.split("  ")) for row in (out / "SHA256SUMS").read_text().splitlines())
    assert rows == {
        name: hashlib.sha256(content).hexdigest() for name, content in files(out).items() if name != "SHA256SUMS"
    }
    with pytest.raises(UsageError, match="mixed without stems") as caught:
        delivery.deliver(film, ["fr"], "stems")
    assert f"--lang fr --pipeline {VOICES} --set mix.stems=true" in caught.value.hint


def test_what_is_not_finished_or_not_current_is_refused_with_the_command_to_run(film: Path) -> None:
    with pytest.raises(UsageError, match="never made in de: it was made in es, fr") as caught:
        delivery.deliver(film, ["de"], "hls")
    assert f"dubsync localize {film} --lang de" in caught.value.hint
    edits = film.parent / "talk.dubsync/edits/fr.jsonl"
    exported = film.parent / "fr.srt"
    assert dubsync("script", "export", film, "--lang", "fr", "--format", "srt", "--out", exported).returncode == 0
    exported.write_text(re.sub(r"(?m)^([^\d\n].*)$", "Tout autre chose", exported.read_text()))
    assert dubsync("script", "import", film, exported, "--lang", "fr").returncode == 0
    assert edits.is_file()
    failed = dubsync("deliver", film, "--lang", "fr", "--spec", "mp4")
    assert failed.returncode == 2
    assert (
        "talk in fr is not finished or not current: script would run first, since edits/fr.jsonl changed"
        in " ".join(failed.stderr.split())
    )
    assert f"dubsync localize {film} --lang fr --pipeline {VOICES}" in failed.stderr
    assert not (film.parent / "talk.dubsync/delivery").exists()


def test_consent_that_has_ended_since_stops_the_delivery(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Later(date):
        @classmethod
        def today(cls) -> date:
            return date.today() + timedelta(days=400)

    records = film.parent / "consent.toml"
    until = date.today() + timedelta(days=30)
    records.write_text(records.read_text() + f"until = {until}\n")
    made(film, "fr", pipeline=VOICES)
    assert delivery.deliver(film, ["fr"], "mp4").is_new
    monkeypatch.setattr(gathering, "date", Later)
    with pytest.raises(ConsentMissing, match=f"no longer allowed: the disc: ended on {until}"):
        delivery.deliver(film, ["fr"], "mp4")


def test_a_delivery_needs_a_title_a_language_and_a_spec(film: Path) -> None:
    failed = dubsync("deliver", film, "--lang", "es")
    assert failed.returncode == 2
    assert "specs: cmaf, dash, hls, mp4, mp4-all, stems" in failed.stderr


def test_a_file_of_others_is_seen_before_anything_is_packaged(film: Path, tmp_path: Path) -> None:
    said: list[str] = []
    for spec, name in (("hls", "es.m3u8"), ("mp4", "talk.es.mp4"), ("stems", "es/SHA256SUMS")):
        mine = tmp_path / spec / name
        mine.parent.mkdir(parents=True)
        mine.write_text("mine")
        with pytest.raises(UsageError, match="is there already"):
            delivery.deliver(film, ["es"], spec, out=tmp_path / spec, saying=said.append)
        assert files(tmp_path / spec) == {name: b"mine"}
    assert said == []


def test_stems_that_one_language_lacks_are_missed_before_another_is_packaged(film: Path) -> None:
    said: list[str] = []
    with pytest.raises(UsageError, match="talk in fr was mixed without stems"):
        delivery.deliver(film, ["es", "fr"], "stems", saying=said.append)
    assert said == []


def test_a_check_takes_nothing_that_it_would_not_heed(film: Path) -> None:
    failed = dubsync("deliver", film, "--check", film.parent)
    assert failed.returncode == 2
    assert "has no use for a title" in failed.stderr


def rich(film: Path, place: Path) -> Path:
    """Return the film as Matroska: its sound without loss, a commentary in AC-3, and subtitles."""
    made_there = place / "rich.mkv"
    with av.open(str(film)) as source, av.open(str(made_there), "w") as out:
        picture = out.add_stream_from_template(source.streams.video[0])
        sounds = [out.add_stream(codec, rate=48000, layout="stereo") for codec in ("flac", "ac3")]
        texts = out.add_stream("subrip")
        texts.codec_context.subtitle_header = text_header()
        for stream in (*sounds, texts):
            stream.metadata["language"] = "eng"
        sounds[1].metadata["title"] = "Commentary"
        said = text_packet("<i>Hello</i> & you", is_mp4=False)
        said.stream, said.time_base, said.pts, said.dts, said.duration = texts, Fraction(1, 1000), 500, 500, 900
        out.mux(said)
        for packet in source.demux():
            if packet.stream.type == "audio":
                for frame in packet.decode():
                    out.mux([coded for stream in sounds for coded in stream.encode(frame)])
            elif packet.size:
                packet.stream = picture
                out.mux(packet)
        out.mux([coded for stream in sounds for coded in stream.encode(None)])
    return made_there


def test_a_film_with_lossless_sound_commentary_and_subtitles_keeps_them_all(film: Path, tmp_path: Path) -> None:
    consent(tmp_path)
    place = rich(film, tmp_path)
    made(place, "es", pipeline=VOICES)
    found = delivery.deliver(place, ["es"], "hls")
    assert [(flag.code, flag.where) for flag in found.flags] == [("sound-recoded", "audio/en-2")]
    text = (found.folder / "es.m3u8").read_text()
    assert 'LANGUAGE="en",NAME="English",DEFAULT=NO,AUTOSELECT=YES' in text
    assert 'LANGUAGE="en",NAME="English (Commentary)",DEFAULT=NO,AUTOSELECT=NO' in text
    assert 'DATA-ID="dubsync.disclosure",VALUE="Synthetic speech' in text
    assert "Hello &amp; you" in (found.folder / "subtitles/en/en.vtt").read_text()
    with av.open(str(delivery.deliver(place, ["es"], "mp4-all").folder / "rich.es.mp4")) as container:
        codecs = [stream.codec_context.name for stream in container.streams]
        assert codecs[1:4] == ["aac", "aac", "ac3"], "lossless sound is coded, what MP4 players know is copied"
        assert [stream.type for stream in container.streams].count("subtitle") == 2
        assert "Synthetic speech" in container.metadata["comment"]


@pytest.mark.parametrize("own", ["store", "out/es", "runs"])
def test_nothing_is_packaged_among_what_the_title_is_made_of(film: Path, own: str) -> None:
    place = film.with_suffix(".dubsync") / own
    before = files(place)
    with pytest.raises(UsageError, match="no place for deliveries"):
        delivery.deliver(film, ["es"], "mp4", out=place)
    assert files(place) == before
