"""The desk beside a film that was made: it plays, a line is changed, and the next run makes that line anew."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_stand import open_desk, page_of, send
from fake_films import SUBTITLES, VOICES, command, consent, made
from starlette.testclient import TestClient

from dubsync.scripts import read_script
from dubsync.testing.talking import TalkingSpec, make_talking_film

SPEC = TalkingSpec(seconds=2.4, width=64, height=48, lines=((0.2, 0.8, 130), (1.4, 2.0, 130)))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    consent(folder)
    made(make_talking_film(folder / "talk.mp4", SPEC), pipeline=VOICES)
    return folder


@pytest.fixture
def place(drawn: Path, tmp_path: Path) -> Path:
    """A folder of this test's own with a film and its title, which knows nothing of the first place."""
    moved = Path(shutil.copytree(drawn, tmp_path / "here"))
    text = (moved / "talk.dubsync" / "title.json").read_text().replace(str(drawn), "/gone")
    (moved / "talk.dubsync" / "title.json").write_text(text)
    return moved


@pytest.fixture
def desk(place: Path) -> Iterator[TestClient]:
    with open_desk(place / "talk.mp4") as client:
        yield client


def media_of(desk: TestClient, name: str) -> str:
    return page_of(desk).replace("/t/", "/media/").removesuffix("es") + name


def change(desk: TestClient, line: str, part: str = "", **form: str) -> None:
    send(desk, part, line=line, **form).raise_for_status()


def test_a_line_changed_at_the_desk_is_the_only_one_that_the_next_run_speaks_anew(
    desk: TestClient, place: Path
) -> None:
    title = place / "talk.dubsync"
    first, second = read_script(title, "es").lines
    change(desk, second.id, text="Otra cosa.", action="save")
    made(place / "talk.mp4", pipeline=VOICES)
    events = map(json.loads, max(title.glob("runs/*/events.jsonl")).read_text().splitlines())
    assert [one["unit"] for one in events if (one["stage"], one["kind"]) == ("voice", "finished")] == [second.id]
    script = read_script(title, "es")
    assert [line.text for line in script.lines] == [first.text, "Otra cosa."]
    assert (script.changed(), script.flags) == ((), ())


def test_an_edit_undone_after_its_run_brings_back_the_machines_text(desk: TestClient, place: Path) -> None:
    title = place / "talk.dubsync"
    line = read_script(title, "es").lines[0]
    change(desk, line.id, text="Otra cosa.", action="save")
    made(place / "talk.mp4", pipeline=VOICES)
    (record,) = read_script(title, "es").records
    change(desk, line.id, "/undo", edit=record.id)
    assert read_script(title, "es").lines[0].text == line.text
    made(place / "talk.mp4", pipeline=VOICES)
    assert read_script(title, "es").lines[0] == line


def test_the_film_the_dub_its_sound_and_its_subtitles_are_there_to_play(desk: TestClient, place: Path) -> None:
    page = desk.get(page_of(desk)).text
    for name, kind in (("es", "video/mp4"), ("source", "video/mp4"), ("es.sound", "audio/wav"), ("es.vtt", "text/vtt")):
        address = media_of(desk, name)
        assert address in page
        answer = desk.get(address)
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, kind)
    assert desk.get(media_of(desk, "source")).content == (place / "talk.mp4").read_bytes()


def test_media_come_in_the_ranges_that_are_asked_for(desk: TestClient, place: Path) -> None:
    film = (place / "talk.mp4").read_bytes()
    address = media_of(desk, "source")
    part = desk.get(address, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, film[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(film)}"
    last = desk.get(address, headers={"Range": "bytes=-5"})
    assert (last.status_code, last.content) == (206, film[-5:])
    beyond = desk.get(address, headers={"Range": f"bytes={len(film)}-"})
    assert (beyond.status_code, beyond.headers["content-range"].split("*")[1]) == (416, f"/{len(film)}")
    assert desk.get(address, headers={"Range": "bytes=0-3", "If-Range": '"another"'}).status_code == 200


@pytest.mark.parametrize("name", ["..%2Ftalk.mp4", "%2Fetc%2Fpasswd", "fr", "es.wav", "es.sound.wav", "title.json"])
def test_nothing_but_what_is_to_be_played_can_be_had(desk: TestClient, name: str) -> None:
    assert desk.get(media_of(desk, name)).status_code == 404


def test_a_film_that_is_gone_is_said_and_the_lines_are_there_all_the_same(desk: TestClient, place: Path) -> None:
    (place / "talk.mp4").rename(place / "elsewhere.mp4")
    page = desk.get(page_of(desk))
    assert page.status_code == 200
    assert "The source film is not where it was" in page.text
    assert "<textarea" in page.text
    gone = desk.get(media_of(desk, "source"))
    assert gone.status_code == 404
    assert "the film is not where it was" in gone.text


def test_subtitles_without_a_dub_are_read_beside_the_film_that_has_them(tmp_path: Path) -> None:
    film = make_talking_film(tmp_path / "talk.mp4", SPEC)
    made(film, pipeline=SUBTITLES)
    with open_desk(film) as desk:
        page = desk.get(page_of(desk)).text
    assert "with the new subtitles" in page
    assert "the new sound alone" not in page
    assert "s to read, has" in page


def test_the_report_is_shown_with_its_own_style_and_no_script(desk: TestClient) -> None:
    answer = desk.get(page_of(desk) + "/report")
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]


def test_the_command_serves_until_it_is_interrupted_and_says_where(place: Path) -> None:
    words = command("review", place, "--no-open", "--port", "0")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = re.findall(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())[0]
            with urllib.request.urlopen(address, timeout=60) as answer:
                assert "talk" in answer.read().decode()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, err) == (0, "")
    assert "the desk is closed" in out


def test_a_desk_that_others_can_reach_warns(place: Path) -> None:
    words = command("review", place, "--no-open", "--port", "0", "--host", "0.0.0.0")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert "whoever reaches 0.0.0.0 can see these films" in err
