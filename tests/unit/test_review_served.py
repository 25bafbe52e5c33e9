"""How the desk is served: which titles lie on it, where it listens, what comes with it, and what cannot be had."""

from __future__ import annotations

import hashlib
import importlib.util
import socket
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NoReturn

import av
import numpy as np
import pytest
from fake_films import dubsync
from title_stand import make_title

import dubsync as package
from dubsync.errors import InputError, MissingExtra, UnknownLanguage, UsageError
from dubsync.review import server
from dubsync.review.guard import House, host_name
from dubsync.review.overview import command
from dubsync.review.playing import doubt
from dubsync.review.shelf import collected
from dubsync.review.view import without_paths
from dubsync.title import Title
from dubsync.verbs import Wish

ROOM = Path(package.__file__).parent / "review"


def test_titles_are_found_by_film_by_folder_and_by_the_folder_that_holds_them(tmp_path: Path) -> None:
    one, other = make_title(tmp_path / "one.dubsync"), make_title(tmp_path / "other.dubsync", "fr")
    (tmp_path / "one.mp4").touch()
    wanted = {one.resolve(), other.resolve()}
    assert set(collected([tmp_path / "one.mp4", other]).folders.values()) == wanted
    assert set(collected([tmp_path, one]).folders.values()) == wanted


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("missing.mp4", "there is no such film or title folder"),
        ("begun.mp4", "was never begun"),
        ("empty", "holds no title that was begun"),
        ("empty.dubsync", "is no title folder"),
    ],
)
def test_a_place_without_a_title_is_refused_in_one_sentence(tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "begun.mp4").touch()
    for folder in ("empty", "empty.dubsync"):
        (tmp_path / folder).mkdir()
    with pytest.raises(InputError, match=sentence):
        collected([tmp_path / name])


def test_a_language_that_nothing_is_worked_on_in_is_refused(tmp_path: Path) -> None:
    place = make_title(tmp_path / "one.dubsync")
    with pytest.raises(InputError, match="nothing here is worked on in fr"):
        collected([place], "French")
    with pytest.raises(UnknownLanguage):
        collected([place], "Spansh")


def test_only_titles_in_the_language_that_was_asked_for_are_shown(tmp_path: Path) -> None:
    place = make_title(tmp_path / "one.dubsync")
    shelf = collected([place, make_title(tmp_path / "other.dubsync", "fr")], "fr")
    (only,) = shelf.folders
    assert shelf.title(only).name == "other"
    with pytest.raises(InputError, match="other is not worked on in es"):
        shelf.tag(shelf.title(only), "es")


def test_the_next_run_is_asked_for_as_the_last_one_was_with_names_and_no_places() -> None:
    title = Title("film", "/films/the film.mp4", "/films here/other.dubsync", ("es",))
    wish = Wish("/mine/own.toml", consent=Path("/papers/consent.toml"), settings={"voice": {"whisper": False}})
    said = "dubsync localize 'the film.mp4' --lang es --pipeline own.toml --folder other.dubsync"
    assert command(title, "es", wish) == f"{said} --consent consent.toml --set voice.whisper=false"
    plain = Title("film", "/films/film.mp4", "/films/film.dubsync", ("es",))
    assert command(plain, "es", Wish()) == "dubsync localize film.mp4 --lang es"


def test_places_on_this_machine_are_left_out_of_what_is_said() -> None:
    said = "/home/ana/film.mp4: no such film; see http://a.example/b or /mnt/x/film.dubsync, 1/2 and a/b"
    assert without_paths(said) == "film.mp4: no such film; see http://a.example/b or film.dubsync, 1/2 and a/b"


def refuse(*_: object, **__: object) -> NoReturn:
    raise AssertionError("the desk was served")


def test_a_port_that_is_taken_is_said_before_anything_is_served(tmp_path: Path) -> None:
    shelf = collected([make_title(tmp_path / "one.dubsync")])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"http://127\.0\.0\.1:{port}/: .*in use") as caught:
            server.serve(shelf, House("127.0.0.1"), port=port, who="Ana", ready=refuse)
    assert "--port" in caught.value.hint


def test_a_host_that_is_not_of_this_machine_is_said(tmp_path: Path) -> None:
    shelf = collected([make_title(tmp_path / "one.dubsync")])
    with pytest.raises(UsageError, match=r"cannot be served at http://192\.0\.2\.1"):
        server.serve(shelf, House("192.0.2.1"), port=0, who="Ana", ready=refuse)


def test_without_its_extra_the_command_that_installs_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        server, "find_spec", lambda name: None if name == "starlette" else importlib.util.find_spec(name)
    )
    with pytest.raises(MissingExtra) as caught:
        server.need_extra()
    assert caught.value.hint == "pip install 'dubsync[review]'"


def test_the_command_line_knows_the_desk_and_loads_its_server_only_to_serve() -> None:
    code = "import sys; from dubsync.cli import _mount; _mount(); print({'starlette', 'uvicorn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_command_line_ends_with_the_status_of_what_is_wrong(tmp_path: Path) -> None:
    done = dubsync("review", tmp_path / "missing.mp4", "--no-open")
    assert done.returncode == 3
    assert "there is no such film" in done.stderr


def test_what_was_made_elsewhere_is_as_it_was_fetched_and_among_the_third_parties() -> None:
    known = tomllib.loads((ROOM / "vendored.toml").read_text(encoding="utf-8"))["file"]
    text = (ROOM.parent.parent / "THIRD_PARTY.md").read_text(encoding="utf-8")
    for one in known:
        assert hashlib.sha256((ROOM / "static" / one["name"]).read_bytes()).hexdigest() == one["sha256"]
        assert (ROOM / "static" / one["licence_file"]).is_file()
        assert one["sha256"] in text, "run python tools/third_party.py"
    own = {"desk.css", "dub-timeline.js", "icon.svg"}
    theirs = {name for one in known for name in (one["name"], one["licence_file"])}
    assert {path.name for path in (ROOM / "static").iterdir()} == own | theirs


@pytest.mark.parametrize(
    ("host", "is_private"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("pc", False)]
)
def test_a_desk_is_private_where_only_this_machine_reaches_it(host: str, is_private: bool) -> None:
    assert House(host).is_private == is_private


def test_a_host_header_is_read_with_and_without_a_port() -> None:
    assert [host_name(each) for each in ("a.example:80", "[::1]", "127.0.0.1", "")] == [
        "a.example",
        "::1",
        "127.0.0.1",
        "",
    ]


def film(path: Path, codec: str, pixels: str, sound: str = "") -> Path:
    with av.open(str(path), "w") as out:
        picture = out.add_stream(codec, rate=25, options={"preset": "ultrafast"} if codec == "libx264" else {})
        picture.width, picture.height, picture.pix_fmt = 64, 48, pixels
        voice = out.add_stream(sound, rate=48000) if sound else None
        for _ in range(2):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            out.mux(picture.encode(frame))
        out.mux(picture.encode(None))
        if voice is not None:
            block = av.AudioFrame.from_ndarray(np.zeros((1, 2048), np.int16), format="s16", layout="mono")
            block.sample_rate = 48000
            out.mux(voice.encode(block))
            out.mux(voice.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "sound", "said"),
    [
        ("plain.mp4", "libx264", "yuv420p", "aac", ""),
        ("deep.mp4", "libx264", "yuv420p10le", "", "pixel format yuv420p10le"),
        ("old.avi", "mpeg4", "yuv420p", "", "coded as mpeg4"),
        ("film.mkv", "libx264", "yuv420p", "", "do not open mkv"),
        ("raw.mov", "libx264", "yuv420p", "pcm_s16le", "sound is coded as pcm_s16le"),
    ],
)
def test_what_browsers_cannot_play_is_said(
    tmp_path: Path, name: str, codec: str, pixels: str, sound: str, said: str
) -> None:
    found = doubt(film(tmp_path / name, codec, pixels, sound))
    assert said in found
    assert bool(said) == bool(found)
