"""What cannot be used is refused in one clear sentence, with a hint; what is odd but usable goes through."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from dubsync.errors import DubsyncError, InputError, NoAudio, UnreadableMedia, UnsupportedStream
from dubsync.media.probe import probe
from dubsync.media.read import frames
from dubsync.media.table import frame_table
from dubsync.testing.media import FilmSpec, drawn_number, make_film


def refused(path: Path, kind: type[DubsyncError]) -> str:
    with pytest.raises(kind) as caught:
        probe(path)
    error = caught.value
    assert isinstance(error, InputError)
    assert error.exit_code == 3
    assert error.hint
    assert path.name in error.message
    assert "\n" not in error.message
    return error.message


def test_a_missing_file(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "film.mp4", UnreadableMedia)


def test_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "film.mp4"
    folder.mkdir()
    assert "folder" in refused(folder, UnreadableMedia)


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.touch()
    assert "empty" in refused(path, UnreadableMedia)


@pytest.mark.parametrize(
    "content", [b"Once upon a time there was a film.\n" * 50, b"\0" * 4096, bytes(range(256)) * 40]
)
def test_something_else_under_the_name_of_a_film(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    refused(path, UnreadableMedia)


def test_subtitles_under_the_name_of_a_film(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n\n" * 20)
    assert "no picture" in refused(path, UnsupportedStream)


def test_an_mp4_cut_off_before_its_index(tmp_path: Path) -> None:
    path = make_film(tmp_path / "film.mp4", FilmSpec(frames=75))
    path.write_bytes(path.read_bytes()[:-3000])
    assert "cut short" in refused(path, UnreadableMedia)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_an_mp4_with_its_index_in_front_cut_off_anywhere(tmp_path: Path, share: float) -> None:
    plain = make_film(tmp_path / "plain.mp4", FilmSpec(frames=75))
    path = _index_in_front(plain, tmp_path / "film.mp4")
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * share)])
    assert "cut short" in refused(path, UnreadableMedia)


def test_a_matroska_file_cut_off(tmp_path: Path) -> None:
    path = make_film(tmp_path / "film.mkv", FilmSpec(frames=75))
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
    assert "cut short" in refused(path, UnreadableMedia)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_bytes_destroyed_in_the_middle_never_give_a_frame_a_wrong_number(tmp_path: Path, suffix: str) -> None:
    path = make_film(tmp_path / f"film{suffix}", FilmSpec(frames=75, has_sound=False))
    raw = bytearray(path.read_bytes())
    first, stop = len(raw) * 4 // 10, len(raw) * 6 // 10
    raw[first:stop] = bytes(stop - first)
    path.write_bytes(raw)
    table, shown = frame_table(path), []
    with suppress(UnreadableMedia):
        shown += [(round(table.time(number) * 25), drawn_number(frame)) for number, frame in frames(path)]
    with suppress(UnreadableMedia):
        shown += [(round(table.time(n) * 25), drawn_number(f)) for n, f in frames(path, len(table) - 5, table=table)]
    right = [time == number for time, number in shown]
    assert len(right) >= 5
    assert all(right[-5:])


def test_no_picture(tmp_path: Path) -> None:
    path = make_film(tmp_path / "sound.mp4", FilmSpec(has_picture=False))
    assert "no picture" in refused(path, UnsupportedStream)


def test_cover_art_is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as out:
        cover = out.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        sound = out.add_stream("aac", rate=48000)
        frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        out.mux(cover.encode(frame.reformat(format="yuvj420p")))
        out.mux(cover.encode(None))
        for index in range(20):
            block = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
            block.sample_rate, block.pts = 48000, index * 1024
            out.mux(sound.encode(block))
        out.mux(sound.encode(None))
    assert "no picture" in refused(path, UnsupportedStream)


def test_no_sound(tmp_path: Path) -> None:
    path = make_film(tmp_path / "mute.mp4", FilmSpec(has_sound=False))
    assert "no sound" in refused(path, NoAudio)


def test_recordings_joined_without_new_time_stamps(tmp_path: Path) -> None:
    part = make_film(tmp_path / "part.ts", FilmSpec())
    joined = tmp_path / "joined.ts"
    joined.write_bytes(part.read_bytes() * 2)
    assert probe(part).audio
    assert "the clock of its sound jumps back" in refused(joined, UnreadableMedia)


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("tiny.mp4", FilmSpec(width=16, height=16)),
        ("one frame.mp4", FilmSpec(frames=1, flashes=())),
        ("odd.mp4", FilmSpec(width=161, height=121, pixel_format="yuv444p")),
        ("película ñandú 映画.mp4", FilmSpec()),
        ('it\'s a "film" %d [1].mp4', FilmSpec()),
    ],
    ids=["16x16", "one frame", "odd size", "not ascii", "marks"],
)
def test_odd_but_usable_films_are_read(tmp_path: Path, name: str, spec: FilmSpec) -> None:
    source = probe(make_film(tmp_path / name, spec))
    assert (source.video.frames, source.video.width, source.video.height) == (spec.frames, spec.width, spec.height)
    assert source.duration == Fraction(spec.frames, 25)
    assert len(list(frames(tmp_path / name))) == spec.frames


def _index_in_front(plain: Path, path: Path) -> Path:
    with av.open(str(plain)) as source, av.open(str(path), "w", container_options={"movflags": "+faststart"}) as out:
        tracks = {stream.index: out.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.size:
                packet.stream = tracks[packet.stream_index]
                out.mux(packet)
    return path
