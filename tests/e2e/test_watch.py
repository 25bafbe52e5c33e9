"""A folder in which films arrive: each is made once, when it is all there, whatever else happens."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_films import VOICES, command, consent, dubsync, hands

from dubsync import batch as batches
from dubsync import watch as watching
from dubsync.batch import Entry, Result
from dubsync.errors import (
    BadPipeline,
    InputError,
    StageFailed,
    SystemRefused,
    UnknownLanguage,
    UnreadableMedia,
    UsageError,
)
from dubsync.testing.talking import TalkingSpec, make_talking_film

SPEC = TalkingSpec(seconds=1.2, width=64, height=48, lines=((0.2, 1, 130),))
SETTLE_S = 30.0


class Clock:
    """Time that passes only while somebody sleeps; what is due then happens."""

    def __init__(self) -> None:
        self.now = 0.0
        self.due: list[tuple[float, Callable[[], object]]] = []

    def at(self, second: float, happens: Callable[[], object]) -> None:
        self.due.append((second, happens))

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for each in [each for each in self.due if each[0] <= self.now]:
            self.due.remove(each)
            each[1]()


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_talking_film(tmp_path_factory.mktemp("drawn") / "talk.mp4", SPEC)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A folder in which nothing has arrived but the consent, and a batch file beside it."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    consent(folder)
    (tmp_path / "batch.toml").write_text(
        f'schema = "dubsync.batch/1"\nlanguages = ["es"]\npipeline = "{VOICES}"\nout = "outbox"\ndeliver = "mp4"\n'
    )
    return folder


def stop() -> None:
    raise KeyboardInterrupt


def watched(inbox: Path, clock: Clock | None = None, *, once: bool = True) -> watching.Watched:
    clock = clock or Clock()
    tools = watching.Tools(hands(), clock=lambda: clock.now, sleep=clock.sleep)
    return watching.watch(inbox, inbox.parent / "batch.toml", tools, settle_s=SETTLE_S, once=once)


@pytest.fixture
def worked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the films that were worked on; nothing is made of them."""
    found: list[str] = []

    def noted(entry: Entry, **_: object) -> Result:
        found.append(entry.film.name)
        return Result(entry)

    monkeypatch.setattr(batches, "run", noted)
    return found


def state(inbox: Path) -> dict[str, dict[str, object]]:
    films = json.loads((inbox.parent / "outbox/watch.json").read_text())["films"]
    return {film["file"]: film for film in films.values()}


def test_a_film_is_localized_and_packaged_and_nothing_is_written_where_it_arrived(inbox: Path, drawn: Path) -> None:
    shutil.copy(drawn, inbox / "talk.mp4")
    (inbox / "broken.mp4").write_text("this is no film")
    before = {path: path.read_bytes() for path in inbox.iterdir()}
    found = watched(inbox)
    assert {film["file"]: film["state"] for film in found.films} == {"talk.mp4": "done", "broken.mp4": "failed"}
    outbox = inbox.parent / "outbox"
    assert (outbox / "talk/talk.es.mp4").is_file()
    assert (outbox / "talk/mp4/receipt.json").is_file()
    assert (outbox / "talk.dubsync/title.json").is_file()
    assert {path: path.read_bytes() for path in inbox.iterdir()} == before
    with pytest.raises(StageFailed, match=r"1 of 2 films failed; first broken\.mp4: cannot be read"):
        watching.check(found)


def test_what_was_packaged_before_a_package_failed_is_listed(inbox: Path, drawn: Path) -> None:
    shutil.copy(drawn, inbox / "talk.mp4")
    text = (inbox.parent / "batch.toml").read_text()
    (inbox.parent / "batch.toml").write_text(text.replace('"mp4"', '["mp4", "mp4-all"]'))
    mine = inbox.parent / "outbox/talk/mp4-all/talk.es.mp4"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    (film,) = watched(inbox).films
    assert film["state"] == "failed"
    assert film["packages"] == [str(inbox.parent / "outbox/talk/mp4")]
    assert "is there already" in str(film["what"])


def test_each_film_is_worked_on_once_through_restarts_and_under_other_names(inbox: Path, worked: list[str]) -> None:
    (inbox / "one.mp4").write_text("one")
    watched(inbox)
    watched(inbox)
    (inbox / "one.mp4").rename(inbox / "renamed.mp4")
    os.utime(inbox / "renamed.mp4", (1, 1))
    watched(inbox)
    assert worked == ["one.mp4"]
    (inbox / "one.mp4").write_text("another film of that name")
    found = watched(inbox)
    assert worked == ["one.mp4", "one.mp4"]
    places = [str(film["place"]) for film in found.films]
    assert places[0] == "one"
    assert places[1].startswith("one.")


def test_another_language_is_made_of_what_was_done_already(inbox: Path, worked: list[str]) -> None:
    (inbox / "one.mp4").write_text("one")
    watched(inbox)
    text = (inbox.parent / "batch.toml").read_text()
    (inbox.parent / "batch.toml").write_text(text.replace('["es"]', '["es", "pt"]'))
    watched(inbox)
    assert worked == ["one.mp4", "one.mp4"]


def test_a_file_that_grows_is_left_until_it_has_settled(inbox: Path, worked: list[str]) -> None:
    film, clock = inbox / "one.mp4", Clock()
    film.write_text("o")
    for second in (20, 40, 60):
        clock.at(second, lambda: film.write_text(film.read_text() + "x"))
    seen_at: list[float] = []
    clock.at(85, lambda: seen_at.append(len(worked)))
    clock.at(100, stop)
    found = watched(inbox, clock, once=False)
    assert seen_at == [0], "at 85 it has not changed for 25 seconds"
    assert worked == ["one.mp4"]
    assert found.is_stopped


def test_once_leaves_what_is_still_arriving_and_says_so(inbox: Path, worked: list[str]) -> None:
    clock = Clock()
    (inbox / "one.mp4").write_text("one")
    (inbox / "two.mp4").write_text("t")
    clock.at(25, lambda: (inbox / "two.mp4").write_text("two"))
    found = watched(inbox, clock)
    assert worked == ["one.mp4"]
    assert found.arriving == ("two.mp4",)


@pytest.mark.parametrize(
    "name", [".one.mp4", "~one.mp4", "_one.mp4", "one.mp4.part", "one.part.mp4", "one.tmp.mov", "one.txt", "one.es.srt"]
)
def test_hidden_and_unfinished_files_and_those_of_other_kinds_are_left(
    inbox: Path, worked: list[str], name: str
) -> None:
    (inbox / name).write_text("one")
    (inbox / "empty.mp4").write_text("")
    (inbox / "folder.mp4").mkdir()
    watched(inbox)
    assert worked == []


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[str]:
    tried: list[str] = []

    def fails(entry: Entry, **_: object) -> Result:
        tried.append(entry.film.name)
        return Result(entry, error=error)  # type: ignore[arg-type]

    monkeypatch.setattr(batches, "run", fails)
    return tried


def test_a_film_that_cannot_be_used_is_tried_once_until_something_changes(
    inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = failing(monkeypatch, UnreadableMedia("one.mp4: is no film"))
    (inbox / "one.mp4").write_text("one")
    (inbox / "two.mp4").write_text("two")
    for _ in range(3):
        watched(inbox)
    assert tried == ["one.mp4", "two.mp4"]
    consent(inbox, name="somebody else")
    watched(inbox)
    assert tried == ["one.mp4", "two.mp4"] * 2
    (inbox / "one.mp4").unlink()
    assert [film["file"] for film in watched(inbox).failed] == ["two.mp4"]


def test_what_may_pass_is_tried_again_later_and_not_for_ever(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = failing(monkeypatch, SystemRefused("the disk is full"))
    (inbox / "one.mp4").write_text("one")
    clock, counts = Clock(), list[int]()
    for second in (80, 170, 1000):
        clock.at(second, lambda: counts.append(len(tried)))
    clock.at(1000, stop)
    found = watched(inbox, clock, once=False)
    assert counts == [1, 2, 3]
    assert found.failed[0]["attempts"] == 3
    watched(inbox)
    assert len(tried) == 3


def test_a_film_that_was_being_worked_on_when_somebody_stopped_is_taken_up_again(
    inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbox / "one.mp4").write_text("one")
    with monkeypatch.context() as stopped:
        stopped.setattr(batches, "run", lambda *_, **__: stop())
        found = watched(inbox)
    assert found.is_stopped
    assert (state(inbox)["one.mp4"]["state"], state(inbox)["one.mp4"]["attempts"]) == ("waiting", 0)
    tried = failing(monkeypatch, UnreadableMedia("no film"))
    watched(inbox)
    assert tried == ["one.mp4"]


def test_a_film_that_kills_the_process_is_not_tried_for_ever(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (inbox / "one.mp4").write_text("one")

    def killed(*_: object, **__: object) -> Result:
        raise MemoryError

    monkeypatch.setattr(batches, "run", killed)
    for _ in range(3):
        with pytest.raises(MemoryError):
            watched(inbox)
    found = watched(inbox)
    assert (found.films[0]["state"], found.films[0]["attempts"]) == ("failed", 3)
    assert "ended the process" in str(found.films[0]["what"])


def test_a_state_that_cannot_be_written_is_said_and_written_later(inbox: Path, worked: list[str]) -> None:
    blocked = inbox.parent / "outbox/watch.json"
    blocked.mkdir(parents=True)
    (inbox / "one.mp4").write_text("one")
    clock, said = Clock(), list[str]()
    clock.at(45, blocked.rmdir)
    clock.at(45, lambda: (inbox / "two.mp4").write_text("two"))
    clock.at(100, stop)
    tools = watching.Tools(hands(), saying=said.append, clock=lambda: clock.now, sleep=clock.sleep)
    watching.watch(inbox, inbox.parent / "batch.toml", tools, settle_s=SETTLE_S)
    assert worked == ["one.mp4", "two.mp4"]
    assert any("watch.json: cannot be written, and is tried again" in row for row in said)
    assert {name: film["state"] for name, film in state(inbox).items()} == {"one.mp4": "done", "two.mp4": "done"}


def test_a_state_that_can_never_be_written_is_an_error_at_the_end(inbox: Path, worked: list[str]) -> None:
    (inbox.parent / "outbox/watch.json").mkdir(parents=True)
    (inbox / "one.mp4").write_text("one")
    with pytest.raises(OSError, match=r"watch\.json"):
        watched(inbox)
    assert worked == ["one.mp4"]


def test_a_title_that_the_batch_lists_is_made_as_it_says(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries: list[Entry] = []

    def noted(entry: Entry, **_: object) -> Result:
        entries.append(entry)
        return Result(entry)

    monkeypatch.setattr(batches, "run", noted)
    file = inbox.parent / "batch.toml"
    file.write_text(file.read_text() + '[[title]]\nfilm = "special.mp4"\nlanguages = ["pt"]\nout = "elsewhere"\n')
    (inbox / "special.mp4").write_text("special")
    (inbox / "usual.mp4").write_text("usual")
    watched(inbox)
    by_name = {entry.film.name: entry for entry in entries}
    assert by_name["special.mp4"].film == inbox / "special.mp4"
    assert by_name["special.mp4"].languages == ("pt",)
    assert by_name["special.mp4"].wish.out == inbox.parent / "elsewhere"
    assert by_name["usual.mp4"].languages == ("es",)
    assert by_name["usual.mp4"].wish.out == inbox.parent / "outbox/usual"


def test_what_cannot_be_watched_is_said_before_anything_begins(inbox: Path) -> None:
    file = inbox.parent / "batch.toml"
    text = file.read_text()
    with pytest.raises(InputError, match="is no folder"):
        watched(inbox.parent / "nowhere")
    file.write_text(text.replace('out = "outbox"\n', ""))
    with pytest.raises(BadPipeline, match="says no out"):
        watched(inbox)
    file.write_text(text.replace('"outbox"', '"inbox/done"'))
    with pytest.raises(UsageError, match="lies where films arrive"):
        watched(inbox)
    file.write_text(text.replace('"mp4"', '"mp5"'))
    with pytest.raises(BadPipeline, match='no delivery spec "mp5"'):
        watched(inbox)
    file.write_text(text.replace('"es"', '"qqx-nope"'))
    with pytest.raises(UnknownLanguage, match="qqx-nope"):
        watched(inbox)
    file.write_text(text.replace(str(VOICES), "nowhere.toml"))
    with pytest.raises(BadPipeline, match="no pipeline"):
        watched(inbox)
    file.write_text(text.replace('languages = ["es"]\n', "") + '[[title]]\nfilm = "one.mp4"\nlanguages = ["es"]\n')
    with pytest.raises(BadPipeline, match="a film that it does not list has no languages"):
        watched(inbox)
    assert not (inbox.parent / "outbox").exists()
    assert [path.name for path in inbox.iterdir()] == ["consent.toml"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_watching_ends_with_130_when_it_is_stopped(inbox: Path, number: signal.Signals) -> None:
    words = command("watch", inbox, "--batch", inbox.parent / "batch.toml", "--settle", "600", "--json")
    process = subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )
    while not (inbox.parent / "outbox/.lock").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    said, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert json.loads(said.splitlines()[-1]) == {"films": [], "done": 0, "failed": 0, "arriving": []}
    assert "Traceback" not in errors


def test_the_command_line_prints_what_came_of_each_film(inbox: Path) -> None:
    (inbox / "broken.mp4").write_text("this is no film")
    ended = dubsync("watch", inbox, "--batch", inbox.parent / "batch.toml", "--once", "--settle", "0.1")
    assert ended.returncode == 5
    assert "broken.mp4  failed  " in ended.stdout
    assert "1 of 1 films failed" in ended.stderr
