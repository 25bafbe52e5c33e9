"""Title folders wherever they lie, and what the command line says: of a typing error, of a crash, of nothing to do."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from fake_films import VOICES, command, consent, dubsync, made

from dubsync.errors import InputError, SourceChanged, UnreadableMedia
from dubsync.testing.talking import TalkingSpec, make_talking_film
from dubsync.verbs import Wish, check, explain, plan, status


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a film and its title, made once."""
    folder = tmp_path_factory.mktemp("first place")
    consent(folder)
    film = make_talking_film(folder / "talk.mp4", TalkingSpec(seconds=1.2, width=64, height=48, lines=((0.2, 1, 130),)))
    made(film, pipeline=VOICES)
    return folder


@pytest.fixture
def place(drawn: Path, tmp_path: Path) -> Path:
    """The same film and title, moved together to another place; the first one is gone for good."""
    moved = Path(shutil.copytree(drawn, tmp_path / "second place"))
    text = (moved / "talk.dubsync" / "title.json").read_text().replace(str(drawn), "/gone")
    (moved / "talk.dubsync" / "title.json").write_text(text)
    return moved


@pytest.mark.parametrize("name", ["talk.mp4", "talk.dubsync"])
def test_a_film_and_its_title_that_were_moved_together_are_whole_and_done(place: Path, name: str) -> None:
    (found,) = status(place / name)
    assert found.waiting == ()
    assert check(place / name) >= 10
    rows = plan(place / name, ["es"], Wish(pipeline=str(VOICES)))
    assert {row.stage for row in rows if row.runs} == {"rights", "deliver"}
    result = made(place / name, pipeline=VOICES)
    assert result.summary.ran == 0
    assert Path(result.title.film) == place / "talk.mp4"


def test_looking_at_a_moved_title_writes_nothing(place: Path) -> None:
    def contents() -> dict[Path, bytes]:
        return {p: p.read_bytes() for p in home.rglob("*") if p.is_file() and p.name != "stamps.json"}

    home = place / "talk.dubsync"
    before = contents()
    check(home)
    status(home)
    assert contents() == before


def test_a_title_that_cannot_be_written_is_checked_all_the_same(place: Path) -> None:
    stamps = next((place / "talk.dubsync" / "store").glob("*/*/stamps.json"))
    stamps.unlink()
    stamps.mkdir()  # as good as a read-only disk, also for root
    assert check(place / "talk.dubsync") >= 10


def test_whoever_may_read_a_title_folder_may_read_all_of_it(place: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    (tmp_path / "folder").mkdir()
    readable = {(tmp_path / name).stat().st_mode & 0o777 for name in ("plain", "folder")}
    made(place / "talk.mp4", pipeline=VOICES, folder=tmp_path / "shared.dubsync")
    kept = [path for path in (tmp_path / "shared.dubsync").rglob("*") if not path.name.endswith(".npz")]
    assert {path.stat().st_mode & 0o777 for path in kept} == readable


def test_a_title_whose_film_is_gone_or_another_one_is_told_apart(place: Path) -> None:
    (place / "talk.mp4").write_bytes((place / "talk.mp4").read_bytes() + b"x")
    with pytest.raises(SourceChanged, match="not the film"):
        check(place / "talk.dubsync")
    (place / "talk.mp4").unlink()
    with pytest.raises(UnreadableMedia, match="no such film"):
        check(place / "talk.dubsync")


def test_a_title_folder_of_any_name_is_known_to_every_command(place: Path) -> None:
    (place / "talk.dubsync").rename(place / "work in progress")
    home = place / "work in progress"
    assert status(home)[0].waiting == ()
    assert check(home) >= 10
    assert explain(home, ["mix"])
    rows = plan(place / "talk.mp4", ["es"], Wish(pipeline=str(VOICES), folder=home))
    assert {row.stage for row in rows if row.runs} == {"rights", "deliver"}
    assert made(home, pipeline=VOICES).summary.ran == 0


def test_a_mistyped_title_is_told_apart_from_one_that_was_not_begun(place: Path) -> None:
    shutil.copy(place / "talk.mp4", place / "other one.mp4")
    with pytest.raises(InputError, match="no such film") as caught:
        status(place / "tolk.mp4")
    with pytest.raises(InputError, match="no title folder"):
        status(place)
    with pytest.raises(InputError, match="never begun") as caught:
        status(place / "other one.mp4")
    assert f"'{place}/other one.mp4'" in caught.value.hint  # as a shell takes it


def test_a_plan_with_nothing_to_do_counts_no_work(place: Path) -> None:
    words = ("plan", place / "talk.mp4", "--lang", "es, ", "--pipeline", VOICES)
    said = json.loads(dubsync(*words, "--json").stdout)
    assert (said["run"], said["asked"]) == (0, 2)
    assert "0 would run, 2 are asked each time" in dubsync(*words).stdout


def test_debug_shows_where_an_error_arose_and_keeps_the_exit_status() -> None:
    failed = dubsync("localize", "nowhere.mp4", "--lang", "es", "--debug")
    assert failed.returncode == 3
    assert "Traceback" in failed.stderr
    assert failed.stderr.splitlines()[-2].startswith("dubsync: ")


def test_version_and_debug_stand_in_the_help() -> None:
    from dubsync import __version__

    assert dubsync("--version").stdout == f"dubsync {__version__}\n"
    assert "--debug" in dubsync("--help").stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_says_that_nothing_is_lost(tmp_path: Path, number: signal.Signals) -> None:
    os.mkfifo(tmp_path / "recipe.toml")
    words = command("train", tmp_path / "recipe.toml", "--corpus", tmp_path, "--run", tmp_path / "run")
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, preexec_fn=_hears_interrupts)
    with (tmp_path / "recipe.toml").open("w"):  # waits until the other side reads, which then waits for us
        process.send_signal(number)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "run again to go on" in said
    assert "Traceback" not in said


def _hears_interrupts() -> None:
    """Undo what a shell does to commands in its background: they ignore SIGINT, and so do all they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_the_doctor_says_whether_there_is_a_gpu() -> None:
    assert json.loads(dubsync("doctor", "--json").stdout)["gpu"]
