"""A delivery still says what is synthetic: its tags, and the watermark in its sound."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_films import VOICES, consent, dubsync, made

from dubsync import delivery
from dubsync.testing.talking import TalkingSpec, make_talking_film

SPEC = TalkingSpec(seconds=8.0, width=64, height=48, lines=((0.2, 7.6, 130.0),))


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film that was dubbed with a synthetic voice, long enough to be heard as such."""
    folder = tmp_path_factory.mktemp("marked")
    consent(folder)
    film = make_talking_film(folder / "talk.mp4", SPEC)
    made(film, "es", pipeline=VOICES, settings={"mix": {"stems": True}})
    return film


@pytest.mark.parametrize(
    ("spec", "name", "is_tagged", "marks"),
    [
        ("mp4", "talk.es.mp4", True, 1),
        ("hls", "es.m3u8", True, 1),
        ("hls", "audio/es/index.m3u8", True, 1),
        ("hls", "audio/en/index.m3u8", False, 0),
        ("stems", "es/talk.es.mix.wav", False, 1),
        ("stems", "es/talk.es.dialogue.wav", False, 1),
        ("stems", "es/talk.es.me.wav", False, 0),
    ],
)
def test_verify_knows_what_was_delivered(film: Path, spec: str, name: str, is_tagged: bool, marks: int) -> None:
    place = delivery.deliver(film, ["es"], spec).folder
    ended = dubsync("verify", place / name, "--title", film, "--json")
    told = json.loads(ended.stdout.splitlines()[-1])
    assert bool(told["disclosure"]) == is_tagged
    assert [mark["language"] for mark in told["watermarks"]] == ["es"] * marks
    assert ended.returncode == (0 if is_tagged or marks else 8)
    assert told["known"] == bool(marks)
