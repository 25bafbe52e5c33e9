"""Whole runs on films and requests that are odd or wrong: dubbed as they are, or one clear sentence, nothing lost."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import av
import pytest
from fake_films import FAKES, changed, dubsync, made

from dubsync.errors import BadPipeline, MissingWeights, NoSpeech
from dubsync.testing.talking import TalkingSpec, make_talking_film
from dubsync.verbs import Localized, Wish, localize, plan


def dubbed(film: Path, pipeline: Path = FAKES) -> Localized:
    return made(film, pipeline=pipeline)


def codes(result: Localized) -> set[str]:
    return {flag.code for flag in result.flags}


SHORT = ((0.2, 0.9, 130.0),)


@pytest.mark.parametrize(
    "spec",
    [
        TalkingSpec(seconds=1.2, width=16, height=16, lines=SHORT),
        TalkingSpec(seconds=1.2, width=66, height=50, lines=SHORT),
        TalkingSpec(seconds=0.04, width=64, height=48, lines=((0.0, 0.04, 130.0),)),
    ],
    ids=["16x16", "no multiple of 16", "one frame"],
)
def test_a_small_or_short_film_keeps_its_size_and_frames(place: Path, spec: TalkingSpec) -> None:
    result = dubbed(make_talking_film(place / "film.mp4", spec))
    with av.open(str(result.dubs[0].video)) as new:
        track = new.streams.video[0]
        assert (track.width, track.height) == (spec.width, spec.height)
        assert sum(1 for _ in new.decode(track)) == round(spec.seconds * 25)


def test_a_silent_film_has_nobody_to_dub(place: Path) -> None:
    film = make_talking_film(place / "film.mp4", TalkingSpec(seconds=1.0, width=64, height=48, lines=()))
    with pytest.raises(NoSpeech, match="nobody was heard") as caught:
        dubbed(film)
    assert caught.value.exit_code == 3
    assert "transcript.srt" in caught.value.hint


@pytest.mark.weights
@pytest.mark.long
def test_music_is_not_taken_for_speech(place: Path) -> None:
    chords = tuple((n * 0.5, n * 0.5 + 0.45, hertz) for n, hertz in enumerate((220.0, 277.0, 330.0, 440.0) * 2))
    film = make_talking_film(place / "film.mp4", TalkingSpec(seconds=4.0, width=64, height=48, lines=chords))
    pipeline = changed(place, asr="asr.whisper")
    with pytest.raises(NoSpeech):
        dubbed(film, pipeline)


def test_a_pipeline_file_with_a_misspelt_key_is_refused_with_the_nearest_one(place: Path) -> None:
    film = make_talking_film(place / "film.mp4", TalkingSpec(seconds=0.4, width=64, height=48, lines=SHORT))
    for wrong, right in (("[engines]", "[engine]"), ("stages =", "stage ="), ("voice =", "vioce =")):
        pipeline = place / "mine.toml"
        pipeline.write_text(FAKES.read_text().replace(wrong, right))
        with pytest.raises(BadPipeline) as caught:
            plan(film, ["es"], Wish(pipeline=str(pipeline)))
        assert right.strip("[]= ") in caught.value.message
        assert caught.value.exit_code == 2


def test_offline_without_weights_names_them_and_the_command(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUBSYNC_CACHE", str(place / "empty"))
    film = make_talking_film(place / "film.mp4", TalkingSpec(seconds=0.4, width=64, height=48, lines=SHORT))
    with pytest.raises(MissingWeights) as caught:
        localize(film, ["es"], Wish(pipeline=str(changed(place, voice="voice.kokoro")), offline=True))
    assert caught.value.exit_code == 4
    assert "dubsync models" in caught.value.hint


def limited(film: Path, bytes_: int | None, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line where no file may grow beyond so many bytes, as on a disk that fills up."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({bytes_}, {bytes_}))" if bytes_ else ""
    return dubsync("localize", film, "--lang", "es", "--pipeline", FAKES, "--folder", folder, before=limit)


def test_a_full_disk_is_told_in_a_sentence_and_the_next_run_goes_on(place: Path) -> None:
    film = make_talking_film(place / "film.mp4", TalkingSpec(seconds=1.2, width=64, height=48, lines=SHORT))
    before = film.read_bytes()
    failed = limited(film, 150_000, place / "title.dubsync")
    said = " ".join(failed.stderr.split())
    assert failed.returncode in (1, 5), failed.stderr
    assert "Traceback" not in failed.stderr
    assert re.search("too large|No space|cannot be written", said), said
    assert film.read_bytes() == before
    assert limited(film, None, place / "title.dubsync").returncode == 0


def test_a_title_folder_that_cannot_be_written_is_named(place: Path) -> None:
    film = make_talking_film(place / "film.mp4", TalkingSpec(seconds=0.4, width=64, height=48, lines=SHORT))
    failed = limited(film, None, Path("/proc/nowhere/title.dubsync"))
    assert failed.returncode in (1, 2, 3), failed.stderr
    assert "Traceback" not in failed.stderr
    assert "/proc/nowhere" in failed.stderr
