"""Tracks as CMAF: each plays as the film it was cut from, begins at zero, and is cut where a player can begin."""

from __future__ import annotations

import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from dubsync.audio import loudness
from dubsync.errors import ChecksumMismatch, IntegrityError, UnsupportedStream
from dubsync.media import boxes, package, playback
from dubsync.media.codec_names import picture_codec, sound_codec
from dubsync.media.package import Track
from dubsync.media.probe import Film, examine
from dubsync.media.remux import remux
from dubsync.media.sound import sound
from dubsync.testing.media import FilmSpec, drawn_number, make_film

SMALL = FilmSpec(width=64, height=48, frames=150)
SECONDS = Fraction(2)
TAGS = {"comment": "Synthetic speech"}
KINDS = {
    "25.mp4": SMALL,
    "24p.mkv": replace(SMALL, rate=Fraction(24000, 1001), audio_codec="flac"),
    "turned.mov": replace(SMALL, rate=Fraction(30000, 1001), rotation=90, audio_codec="pcm_s16le"),
    "late.mkv": replace(SMALL, start=Fraction(3, 2)),
    "surround.mp4": replace(SMALL, layout="5.1", frames=60),
    "hevc.mp4": replace(SMALL, codec="libx265", options=(("x265-params", "log-level=none:keyint=12"),), frames=60),
    "varying.mp4": replace(
        SMALL, ticks=tuple(n * 40 + (n % 3) * 7 for n in range(90)), time_base=Fraction(1, 1000), frames=90
    ),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("films")


def opened_film(folder: Path, name: str, spec: FilmSpec) -> Film:
    """Draw the film with a chord for its sound, if it is not there, and examine it."""
    path = folder / name
    if not path.exists():
        channels = av.AudioLayout(spec.layout).nb_channels
        time = np.arange(round(spec.duration * spec.sample_rate)) / spec.sample_rate
        chord = sum(0.1 * np.sin(2 * np.pi * pitch * time) for pitch in (220, 554, 1480))
        make_film(path, spec, sound=np.repeat(np.asarray(chord, np.float32)[:, None], channels, axis=1))
    return Film(path, *examine(path))


def packed(film: Film, folder: Path, target: Fraction = SECONDS) -> tuple[Track, Track]:
    """Package picture and first sound of a film."""
    shutil.rmtree(folder, ignore_errors=True)
    cuts = package.survey(film, target)
    picture = package.picture(film, cuts, folder / "video", tags=TAGS)
    return picture, package.sound_track(film, 0, folder / "audio", target, tags=TAGS, language="spa")


@pytest.mark.parametrize("name", KINDS)
def test_every_frame_is_shown_at_its_time_and_the_first_at_zero(place: Path, name: str) -> None:
    film = opened_film(place, name, KINDS[name])
    picture, _ = packed(film, place / f"{name}.cmaf")
    playback.borders(picture, is_picture=True)
    playback.picture(picture, film.table)
    assert picture.seconds == film.table.duration
    with av.open(playback.Joined(picture.files)) as container:
        frames = list(container.decode(video=0))
        numbers = [drawn_number(frame) for frame in frames]
    assert frames[0].pts == 0
    assert numbers == list(range(KINDS[name].frames))
    assert {frame.rotation for frame in frames} == {-KINDS[name].rotation}


@pytest.mark.parametrize("name", KINDS)
def test_the_sound_is_as_long_as_the_picture_and_as_loud_as_before(place: Path, name: str) -> None:
    film = opened_film(place, name, KINDS[name])
    _, heard = packed(film, place / f"{name}.cmaf")
    playback.borders(heard, is_picture=False)
    track = film.source.audio[0]
    assert heard.coded == (track.codec != "aac")
    assert abs(heard.seconds - film.table.duration) <= heard.unit
    wanted = loudness.measure(sound(film.path, film.table), track.sample_rate, track.channels)
    got = loudness.measure(playback.sound(heard), track.sample_rate, track.channels)
    assert got.integrated() == pytest.approx(wanted.integrated(), abs=0.1)


def test_segments_are_as_long_as_wished_where_key_pictures_allow_it(place: Path) -> None:
    film = opened_film(place, "25.mp4", KINDS["25.mp4"])  # a key picture every 12 frames, 0.48 s
    picture, heard = packed(film, place / "cut")
    assert [piece.shown for piece in picture.pieces] == [Fraction(192, 100)] * 3 + [Fraction(24, 100)]
    assert [round(float(piece.shown), 1) for piece in heard.pieces] == [2.0, 2.0, 2.0]
    assert max(piece.shown for piece in heard.pieces) < SECONDS + Fraction(1024, 48000)


def test_a_segment_reaches_to_the_next_key_picture_where_these_are_rare(place: Path) -> None:
    spec = replace(SMALL, options=(("crf", "12"), ("preset", "veryfast"), ("g", "75"), ("sc_threshold", "0")))
    film = opened_film(place, "rare.mp4", spec)
    assert package.survey(film, SECONDS).places == (0, 75, 150)


def test_no_cut_lies_at_a_key_picture_that_earlier_frames_follow(place: Path) -> None:
    options = (("preset", "veryfast"), ("g", "12"), ("sc_threshold", "0"), ("x264-params", "open-gop=1:bframes=3"))
    film = opened_film(place, "open.mp4", replace(SMALL, options=options))
    assert len(film.table.keys) > 5, "the film has key pictures"
    assert package.survey(film, SECONDS).places == (0, 150), "but none after the first begins anew"


def test_equal_pictures_are_known_by_their_digest(place: Path) -> None:
    film = opened_film(place, "25.mp4", KINDS["25.mp4"])
    remux(
        film, place / "25 again.mp4", sounds=(0,), subtitles=(), copied=("aac",)
    )  # encoding again may give other bytes
    again = Film(place / "25 again.mp4", *examine(place / "25 again.mp4"))
    other = opened_film(place, "other.mp4", replace(SMALL, flashes=(7,)))
    digests = [package.survey(each, SECONDS).digest for each in (film, again, other)]
    assert digests[0] == digests[1] != digests[2]


def test_what_is_synthetic_is_said_in_every_track(place: Path) -> None:
    for track in packed(opened_film(place, "25.mp4", SMALL), place / "said"):
        with av.open(playback.Joined(track.files)) as container:
            assert container.metadata["comment"] == "Synthetic speech"


def test_sound_that_begins_late_is_coded_anew_so_that_there_is_no_hole(place: Path) -> None:
    spec = replace(SMALL, frames=60)
    film = opened_film(place, "whole.mp4", spec)
    late = place / "hole.mkv"
    with av.open(str(film.path)) as source, av.open(str(late), "w") as out:
        copies = {stream.index: out.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.size and (packet.stream.type == "video" or (packet.pts or 0) * packet.time_base > 1):
                packet.stream = copies[packet.stream_index]
                out.mux(packet)
    track = package.sound_track(
        opened_film(place, late.name, spec), 0, place / "hole", SECONDS, tags={}, language="spa"
    )
    assert track.coded
    first = next(iter(playback.sound(track)))
    assert abs(first[:1000]).max() < 1e-3
    assert track.seconds == film.table.duration


def test_segments_in_the_wrong_order_or_cut_short_are_found(place: Path) -> None:
    picture, _ = packed(opened_film(place, "25.mp4", SMALL), place / "broken")
    first, second = (path.read_bytes() for path in picture.files[1:3])
    picture.files[1].write_bytes(second)
    with pytest.raises(IntegrityError, match=r"video/00001\.m4s: begins at"):
        playback.borders(picture, is_picture=True)
    picture.files[1].write_bytes(first[:-5])
    with pytest.raises(ChecksumMismatch, match="no whole segment"):
        playback.borders(picture, is_picture=True)


def test_a_frame_that_is_missing_is_found(place: Path) -> None:
    film = opened_film(place, "25.mp4", SMALL)
    picture, heard = packed(film, place / "short")
    fewer = replace(picture, pieces=picture.pieces[:-1])
    with pytest.raises(IntegrityError, match="has 144 frames, the film 150"):
        playback.picture(fewer, film.table)
    gap = replace(heard, pieces=(heard.pieces[0], heard.pieces[2]))
    with pytest.raises(IntegrityError, match="a hole"):
        list(playback.sound(gap))


def test_a_segment_says_what_was_written_into_it(tmp_path: Path) -> None:
    samples = [boxes.Sample(b"abc", 10, 5), boxes.Sample(b"defgh", 12, 0, is_key=False)]
    (tmp_path / "one.m4s").write_bytes(boxes.segment(7, 1 << 33, samples))
    found = boxes.read(tmp_path / "one.m4s")
    assert found == boxes.Fragment(7, 1 << 33, (10, 12), (3, 5), (5, 0), begins_with_key=True)
    assert (found.end, found.first_shown) == ((1 << 33) + 22, (1 << 33) + 5)


def test_a_picture_that_is_not_streamed_is_refused(place: Path) -> None:
    film = opened_film(place, "old.mkv", replace(SMALL, codec="mpeg4", options=(), frames=30))
    with pytest.raises(UnsupportedStream, match="mpeg4"):
        packed(film, place / "old")


def test_codecs_are_named_as_players_know_them(place: Path) -> None:
    picture, _ = packed(opened_film(place, "hevc.mp4", KINDS["hevc.mp4"]), place / "named")
    assert b"hvc1" in picture.files[0].read_bytes(), "as the playlist says"
    with av.open(str(opened_film(place, "hevc.mp4", KINDS["hevc.mp4"]).path)) as container:
        assert picture_codec(container.streams.video[0].codec_context).startswith("hvc1.1.6.L")
    with av.open(str(opened_film(place, "25.mp4", SMALL).path)) as container:
        assert picture_codec(container.streams.video[0].codec_context) == "avc1.64000a"
        assert sound_codec(bytes(container.streams.audio[0].codec_context.extradata or b"")) == "mp4a.40.2"
    assert sound_codec(bytes([0x2B, 0x92, 0x08, 0x00])) == "mp4a.40.5"
    assert sound_codec(bytes([0xF9, 0x46])) == "mp4a.40.42"
