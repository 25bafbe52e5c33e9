"""Frames come out of a film with exact numbers and times, from anywhere in it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from dubsync.media import planes
from dubsync.media.colour import Encoding, RgbReader, to_rgb
from dubsync.media.probe import examine, probe
from dubsync.media.read import Upright, frames, pictures
from dubsync.media.table import FrameTable, scan
from dubsync.testing.media import FilmSpec, draw, drawn_number, loop_film, make_film

OPEN_GOP = (("preset", "veryfast"), ("g", "12"), ("bf", "3"), ("x264-params", "open-gop=1:scenecut=0:b-pyramid=normal"))
UNEVEN = tuple(1500 * number + (number % 3) * 400 + 9000 * (number > 20) for number in range(50))
FILMS = {
    "24000-1001.mp4": FilmSpec(rate=Fraction(24000, 1001)),
    "25.mp4": FilmSpec(),
    "30000-1001.mp4": FilmSpec(rate=Fraction(30000, 1001)),
    "30.mov": FilmSpec(rate=Fraction(30), audio_codec="pcm_s16le"),
    "60000-1001.mp4": FilmSpec(rate=Fraction(60000, 1001)),
    "variable.mp4": FilmSpec(ticks=UNEVEN, time_base=Fraction(1, 90000)),
    "30000-1001.mkv": FilmSpec(rate=Fraction(30000, 1001)),
    "open-gop.mp4": FilmSpec(options=OPEN_GOP),
    "late.mp4": FilmSpec(start=Fraction(1, 5)),
    "transport.ts": FilmSpec(start=Fraction(2), rate=Fraction(30000, 1001)),
    "program.mpg": FilmSpec(codec="mpeg1video", audio_codec="mp2", options=()),
    "intra.avi": FilmSpec(
        codec="mjpeg", audio_codec="pcm_s16le", pixel_format="yuvj420p", colour=(2, 2, 5, 2), options=(("qmax", "3"),),
        rate=Fraction(30000, 1001), time_base=Fraction(1001, 30000),
    ),
    "ten-bit.mp4": FilmSpec(codec="libx265", pixel_format="yuv420p10le", options=(("x265-params", "log-level=error"),)),
    "ten-bit-422.mkv": FilmSpec(pixel_format="yuv422p10le"),
}  # fmt: skip


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("films")


def film(folder: Path, name: str) -> Path:
    path = folder / name
    return path if path.exists() else make_film(path, FILMS[name])


@pytest.mark.parametrize("name", FILMS)
def test_every_frame_has_its_number_and_its_time(films: Path, name: str) -> None:
    spec = FILMS[name]
    source, table = examine(film(films, name))
    numbers = [(number, drawn_number(frame)) for number, frame in frames(films / name, table=table)]
    coarse = Fraction(1, 1000) if name.endswith(".mkv") else Fraction(0)
    assert numbers == [(number, number) for number in range(spec.frames)]
    assert source.video.frames == spec.frames
    assert all(abs(table.time(number) - spec.time(number)) <= coarse for number in range(spec.frames))


@pytest.mark.parametrize("name", FILMS)
def test_the_rate_is_exact_and_variable_only_if_it_is(films: Path, name: str) -> None:
    spec, video = FILMS[name], probe(film(films, name)).video
    assert video.is_variable_rate == bool(spec.ticks)
    if not spec.ticks:
        assert video.rate == spec.rate


@pytest.mark.parametrize("name", FILMS)
@pytest.mark.parametrize(("first", "stop"), [(1, 4), (11, 14), (24, 25), (37, 50), (49, 50)])
def test_a_stretch_is_bit_for_bit_what_a_whole_decode_gives(films: Path, name: str, first: int, stop: int) -> None:
    path = film(films, name)
    whole = {number: planes.view(frame, 0).copy() for number, frame in frames(path)}
    stretch = [(number, planes.view(frame, 0).copy()) for number, frame in frames(path, first, stop)]
    assert [number for number, _ in stretch] == list(range(first, stop))
    assert all(np.array_equal(luma, whole[number]) for number, luma in stretch)


def test_a_stretch_beyond_the_end_is_empty(films: Path) -> None:
    assert list(frames(film(films, "25.mp4"), 50, 60)) == []


def test_a_table_is_the_same_after_saving(films: Path, tmp_path: Path) -> None:
    table = scan(film(films, "variable.mp4")).table
    table.save(tmp_path / "frames.npz")
    again = FrameTable.load(tmp_path / "frames.npz")
    table.save(tmp_path / "again.npz")
    assert (tmp_path / "frames.npz").read_bytes() == (tmp_path / "again.npz").read_bytes()
    assert again.time_base == table.time_base
    for name in ("pts", "durations", "keys", "key_dts"):
        assert np.array_equal(getattr(again, name), getattr(table, name))


def test_a_film_whose_packets_tell_no_times_is_numbered_by_decoding(tmp_path: Path) -> None:
    make_film(tmp_path / "film.mp4", FilmSpec(has_sound=False, options=(("g", "12"), ("bf", "0"))))
    with av.open(str(tmp_path / "film.mp4")) as source, av.open(str(tmp_path / "bare.h264"), "w") as bare:
        track = bare.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = track
                bare.mux(packet)
    table = scan(tmp_path / "bare.h264").table
    numbers = [(n, drawn_number(frame)) for n, frame in frames(tmp_path / "bare.h264", 20, 30, table=table)]
    assert numbers == [(number, number) for number in range(20, 30)]


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotation_is_read_and_points_find_back(tmp_path: Path, rotation: int) -> None:
    path = make_film(tmp_path / "turned.mp4", FilmSpec(frames=2, rotation=rotation))
    video = probe(path).video
    upright = Upright(video.rotation, video.width, video.height)
    coded = np.zeros((video.height, video.width, 3), np.uint8)
    coded[30, 100] = 255
    turned = upright.turn(coded)
    y, x = np.argwhere(turned[..., 0])[0]
    assert video.rotation == rotation
    assert turned.shape[:2] == ((120, 160) if rotation in (0, 180) else (160, 120))
    assert upright.to_coded(np.array([x, y], np.float32)).tolist() == [100, 30]


def test_ninety_degrees_clockwise_brings_the_left_edge_to_the_top() -> None:
    picture = np.zeros((4, 6, 3), np.uint8)
    picture[:, 0] = 255
    assert Upright(90, 6, 4).turn(picture)[0].min() == 255


@pytest.mark.parametrize("colour", [(1, 1, 1, 1), (6, 6, 6, 1), (9, 16, 9, 1), (1, 1, 1, 2), (2, 2, 2, 0)])
def test_a_film_shows_the_colours_that_were_drawn_whatever_its_tags(
    tmp_path: Path, colour: tuple[int, int, int, int]
) -> None:
    spec = FilmSpec(frames=1, width=64, height=64, colour=colour, flashes=(), options=(("crf", "1"),))
    _, rgb = next(pictures(make_film(tmp_path / "film.mp4", spec)))
    grey = np.rint(draw(spec, 0) * 255)
    error = rgb[20:].astype(float) - np.stack([grey, grey, 255 - grey // 2], axis=-1)[20:]
    assert np.abs(error).mean() < 2.5


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuvj420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv444p10le"])
@pytest.mark.parametrize("matrix", [1, 5, 6, 7, 9])
def test_rgb_is_neither_darker_nor_brighter_than_the_standard_says(pixel_format: str, matrix: int) -> None:
    frame = av.VideoFrame(256, 256, pixel_format)
    frame.colorspace, frame.color_range = matrix, 2 if "j" in pixel_format else 1
    fields = np.random.default_rng(0).integers(20, 235, (16, 16, 3))
    rgb = np.kron(fields, np.ones((16, 16, 1)))
    coded = np.concatenate([rgb, np.ones((256, 256, 1))], axis=-1) @ Encoding.of(frame).from_rgb().T
    for index in range(3):
        plane = planes.view(frame, index)
        down, across = 256 // plane.shape[0], 256 // plane.shape[1]
        plane[:] = np.rint(coded[::down, ::across, index]).astype(plane.dtype)
    error = to_rgb(frame) - rgb
    assert np.abs(error).max() <= 2
    assert np.abs(error.mean(axis=(0, 1))).max() < 0.6


def test_reduced_pictures_show_the_same(films: Path) -> None:
    _, frame = next(frames(film(films, "25.mp4"), 3, 4))
    small = RgbReader()(frame, width=40, height=30)
    whole = RgbReader()(frame)
    assert small.shape == (30, 40, 3)
    assert np.abs(small.mean(axis=(0, 1)) - whole.mean(axis=(0, 1))).max() < 1.5
    assert Encoding.of(frame).matrix == 1


def test_a_looped_film_is_that_many_times_as_long_with_the_same_frames(films: Path, tmp_path: Path) -> None:
    long = loop_film(film(films, "25.mp4"), 3, tmp_path / "long.mp4")
    source, table = examine(long)
    assert [drawn_number(frame) for _, frame in frames(long)] == list(range(50)) * 3
    assert table.duration == 6
    assert source.video.rate == 25
