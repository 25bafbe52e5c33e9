"""The film comes out whole: its picture, times, tags and tracks as they were, the dub's own added in step."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
import pytest
from av.stream import Disposition
from media_stand import clicks, opened_film

from dubsync.errors import DubsyncError, UnsupportedStream
from dubsync.media import planes
from dubsync.media.measure import IDENTICAL_DB, av_offset_ms, track_fit, untouched_psnr
from dubsync.media.mux import Additions, mux, suffix_for
from dubsync.media.patches import PatchBook
from dubsync.media.probe import Film, examine
from dubsync.media.read import frames
from dubsync.media.sound import sound
from dubsync.media.splice import groups
from dubsync.media.write import PictureParams
from dubsync.testing.media import FilmSpec, caption, drawn_number, loop_film, make_film
from dubsync.timing import Span

UNEVEN = tuple(1500 * number + (number % 3) * 400 + 9000 * (number > 20) for number in range(50))
HDR = (
    "hdr10=1:repeat-headers=1:log-level=error:max-cll=1000,400:"
    "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
)
FILMS = {
    "24000-1001.mp4": FilmSpec(rate=Fraction(24000, 1001), rotation=90, sample_aspect=Fraction(4, 3)),
    "25.mp4": FilmSpec(extra_audio=("fra",), subtitles=((0.2, 0.8, "Hello"), (1.0, 1.5, "Good bye"))),
    "30000-1001.mp4": FilmSpec(rate=Fraction(30000, 1001), sample_rate=44100, layout="mono", colour=(6, 6, 6, 1)),
    "30.mov": FilmSpec(rate=Fraction(30), audio_codec="pcm_s16le", layout="5.1"),
    "variable.mp4": FilmSpec(ticks=UNEVEN, time_base=Fraction(1, 90000)),
    "24000-1001.mkv": FilmSpec(
        rate=Fraction(24000, 1001), extra_audio=("fra", "deu"), subtitles=((0.2, 0.8, "Hello"),)
    ),
    "late.mp4": FilmSpec(start=Fraction(1, 5)),
    "transport.ts": FilmSpec(start=Fraction(2), sample_rate=32000),
    "program.mpg": FilmSpec(codec="mpeg1video", audio_codec="mp2", options=(), colour=(2, 2, 2, 0)),
    "full-range.mp4": FilmSpec(pixel_format="yuvj420p", colour=(1, 1, 1, 2)),
    "ten-bit.mp4": FilmSpec(
        codec="libx265", pixel_format="yuv420p10le", colour=(9, 16, 9, 1), options=(("x265-params", HDR),)
    ),
    "four-four-four.mp4": FilmSpec(pixel_format="yuv444p", width=161, height=121),
    "four-two-two.mkv": FilmSpec(pixel_format="yuv422p10le"),
    "interlaced.mp4": FilmSpec(fields="tff"),
    "bottom-first.mkv": FilmSpec(fields="bff", pixel_format="yuv422p10le"),
    "flac.mkv": FilmSpec(audio_codec="flac", sample_rate=37800, layout="7.1"),
    "eight.mp4": FilmSpec(layout="7.1", rate=Fraction(50)),
}
LANGUAGE = {"es": "spa"}
PLAIN = (("g", "12"), ("bf", "0"), ("crf", "12"))
"""A picture that AVI can hold."""


@dataclass(frozen=True)
class Text:
    span: Span
    text: str


CUES = (Text(Span(Fraction(1, 5), Fraction(1)), "Hola, ¿qué tal?"), Text(Span(Fraction(1), Fraction(2)), "Adiós"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("films")


def one_patch(folder: Path, frames_patched: list[int], name: str = "patches-0000.npz") -> PatchBook:
    n = len(frames_patched)
    np.savez(
        folder / name,
        frame=np.array(frames_patched, np.int32),
        pixels=np.full((n, 20, 20, 3), (250, 20, 20), np.uint8),
        mask=np.full((n, 20, 20), 255, np.uint8),
        affine=np.repeat(np.array([[[1, 0, 60], [0, 1, 70]]], np.float32), n, axis=0),
    )
    return PatchBook([folder / name])


@pytest.fixture(
    scope="module", params=[(name, how) for name in FILMS for how in ("copied", "spliced", "coded")], ids="-".join
)
def dubbed(request: pytest.FixtureRequest, folder: Path) -> tuple[Film, Film, FilmSpec, Path]:
    """A film, its dub (picture copied, or coded because of a patch), how it was drawn, and the sound of the dub."""
    name, how = request.param
    film, spec = opened_film(folder, name, FILMS[name]), FILMS[name]
    wav = clicks(folder, film, spec)
    suffix, _ = suffix_for(film.source)
    out = folder / f"{name}.{how}{suffix}"
    patches = None if how == "copied" else one_patch(folder, [14])
    picture = PictureParams(untouched="recode" if how == "coded" else "copy")
    mux(film, Additions("es", wav, CUES, patches, picture), out)
    source, table = examine(out)
    return film, Film(out, source, table), spec, wav


def test_frames_keep_number_order_and_exact_times(dubbed: tuple[Film, Film, FilmSpec, Path]) -> None:
    film, dub, spec, _ = dubbed
    assert [drawn_number(frame) for _, frame in frames(dub.path)] == list(range(spec.frames))
    assert [dub.table.time(n) for n in range(spec.frames)] == [film.table.time(n) for n in range(spec.frames)]
    assert dub.source.duration == film.source.duration
    if film.source.container not in ("mpegts", "mpeg"):
        assert dub.table.start == film.table.start


def test_the_picture_keeps_its_facts(dubbed: tuple[Film, Film, FilmSpec, Path]) -> None:
    film, dub, _, _ = dubbed
    ours, theirs = film.source.video, dub.source.video
    for fact in (
        "width", "height", "frames", "rate", "is_variable_rate", "pixel_format", "rotation", "sample_aspect",
        "color_primaries", "color_transfer", "color_matrix",
    ):  # fmt: skip
        assert getattr(theirs, fact) == getattr(ours, fact), fact
    assert max(1, theirs.color_range) == max(1, ours.color_range)  # H.264 does not tell limited from unsaid


def test_sound_and_picture_are_less_than_a_millisecond_apart(dubbed: tuple[Film, Film, FilmSpec, Path]) -> None:
    _, dub, _, wav = dubbed
    rounding = 1.0 if dub.path.suffix == ".mkv" else 0.1
    assert abs(av_offset_ms(dub.path)) < 0.5 + rounding
    fit = track_fit(dub.path, wav)
    assert fit is None or (abs(fit.offset_ms) < rounding and fit.likeness > 0.97)


def test_the_dub_comes_first_in_the_sources_rate_and_layout_with_language_and_default(
    dubbed: tuple[Film, Film, FilmSpec, Path],
) -> None:
    film, dub, _, _ = dubbed
    first, original = dub.source.audio[0], film.source.audio[0]
    assert (first.language, first.name, first.is_default) == ("spa", "Español", True)
    assert (first.sample_rate, first.layout) == (original.sample_rate, original.layout)


def test_the_sources_tracks_follow_packet_for_packet(dubbed: tuple[Film, Film, FilmSpec, Path]) -> None:
    film, dub, spec, _ = dubbed
    assert [track.is_default for track in dub.source.audio[1:]] == [False] * (1 + len(spec.extra_audio))
    for index, track in enumerate(film.source.audio):
        assert dub.source.audio[index + 1].language == track.language
        if film.source.container != "mpegts":  # whose AAC packets bear headers that MP4 keeps elsewhere
            assert packets(dub.path, "audio", index + 1)[-20:] == packets(film.path, "audio", index)[-20:]
    assert abs(av_offset_ms(dub.path, track=1) - av_offset_ms(film.path)) < 1.1


def test_the_new_subtitles_are_a_track_and_the_old_ones_stay(dubbed: tuple[Film, Film, FilmSpec, Path]) -> None:
    film, dub, _, _ = dubbed
    tracks = dub.source.subtitles
    assert [track.language for track in tracks] == ["spa", *(track.language for track in film.source.subtitles)]
    assert texts(dub.path, 0) == ["Hola, ¿qué tal?", "Adiós"]
    for index in range(len(film.source.subtitles)):
        assert texts(dub.path, index + 1) == texts(film.path, index)


@pytest.mark.parametrize("name", ["25.mp4", "24000-1001.mkv"])
def test_without_a_new_sound_the_film_keeps_its_own_and_the_new_subtitles_are_shown(folder: Path, name: str) -> None:
    film = opened_film(folder, name, FILMS[name])
    out = folder / f"shown.{name}"
    assert mux(film, Additions("es", None, CUES), out) == ()
    source, table = examine(out)
    assert [track.is_default for track in source.audio] == [track.is_default for track in film.source.audio]
    assert [track.language for track in source.audio] == [track.language for track in film.source.audio]
    for index in range(len(source.audio)):
        assert packets(out, "audio", index) == packets(film.path, "audio", index)
    assert packets(out, "video", 0) == packets(film.path, "video", 0)
    with av.open(str(out)) as made:
        roles = [Disposition.default in stream.disposition for stream in made.streams.subtitles]
    assert roles == [True, *(False for _ in film.source.subtitles)]
    assert texts(out, 0) == [cue.text for cue in CUES]
    assert [table.time(n) for n in range(len(table))] == [film.table.time(n) for n in range(len(film.table))]


def test_a_film_whose_own_sound_no_container_holds_is_refused_and_not_made_silent(folder: Path) -> None:
    film = opened_film(folder, "old.avi", FilmSpec(audio_codec="adpcm_ima_wav", options=PLAIN))
    with pytest.raises(UnsupportedStream, match=r"old\.avi: its sound \(adpcm_ima_wav\) cannot be copied"):
        mux(film, Additions("es", None, CUES), folder / "silent.mp4")
    assert [
        flag.code for flag in mux(film, Additions("es", clicks(folder, film, FilmSpec()), CUES), folder / "old.mp4")
    ] == ["track-left-out"]


def test_sound_that_does_not_say_where_its_channels_are_is_copied_into_mp4(folder: Path) -> None:
    film = opened_film(folder, "unnamed.avi", FilmSpec(audio_codec="pcm_s16le", options=PLAIN))
    with av.open(str(film.path)) as unnamed:
        assert unnamed.streams.audio[0].layout.name == "2 channels"
    out = folder / "unnamed.mp4"
    mux(film, Additions("es", None, CUES), out)
    assert packets(out, "audio", 0) == packets(film.path, "audio", 0)
    assert examine(out)[0].audio[0].layout == "stereo"


def test_a_copied_picture_is_the_same_bit_for_bit(folder: Path) -> None:
    for name in ("25.mp4", "24000-1001.mkv", "ten-bit.mp4"):
        film = opened_film(folder, name, FILMS[name])
        out = folder / f"bits-{name}"
        flags = mux(film, Additions("es", clicks(folder, film, FILMS[name])), out)
        assert flags == ()
        assert packets(out, "video", 0) == packets(film.path, "video", 0)
        assert untouched_psnr(film.path, out, {}) == IDENTICAL_DB


def test_only_the_patched_frames_and_boxes_change_much(folder: Path) -> None:
    film = opened_film(folder, "25.mp4", FILMS["25.mp4"])
    book = one_patch(folder, [12, 13, 40])
    out = folder / "patched.mp4"
    mux(
        film,
        Additions("es", clicks(folder, film, FILMS["25.mp4"]), (), book, PictureParams(crf=6, untouched="recode")),
        out,
    )
    untouched = untouched_psnr(film.path, out, book.boxes())
    assert untouched > 50
    assert untouched_psnr(film.path, out, {}) < untouched - 5
    red = {n: float(f.to_ndarray(format="rgb24")[75:85, 65:75, 0].mean()) for n, f in frames(out)}
    assert {n for n, value in red.items() if value > 235} - set(FILMS["25.mp4"].flashes) == {12, 13, 40}


SPLICED = {
    "25.mp4": FILMS["25.mp4"],
    "24000-1001.mkv": FILMS["24000-1001.mkv"],
    "variable.mp4": FILMS["variable.mp4"],
    "late.mp4": FILMS["late.mp4"],
    "four-four-four.mp4": FILMS["four-four-four.mp4"],
    "four-two-two.mkv": FILMS["four-two-two.mkv"],
    "baseline.mp4": FilmSpec(options=(("profile", "baseline"), ("g", "12"), ("crf", "12"))),
    "deep.mp4": FilmSpec(options=(("preset", "veryslow"), ("g", "12"), ("bf", "8"), ("crf", "20"))),
    "open-gop.mp4": FilmSpec(options=(("g", "6"), ("x264-params", "open-gop=1:scenecut=0"), ("crf", "12"))),
}


@pytest.mark.parametrize("name", SPLICED)
def test_groups_without_a_patch_keep_their_bits(folder: Path, name: str) -> None:
    film = opened_film(folder, name, SPLICED[name])
    found = groups(film.path, film.source.video, film.table)
    assert found is not None
    patched = [14, 15, 40]
    changed = {int(group) for group in np.flatnonzero(found.changed(np.array(patched, np.int32)))}
    out = folder / f"spliced-{name}"
    flags = mux(film, Additions("es", clicks(folder, film, SPLICED[name]), (), one_patch(folder, patched)), out)
    same, differing = set(), set()
    for (number, ours), (_, theirs) in zip(frames(film.path), frames(out), strict=True):
        equal = all(np.array_equal(planes.view(ours, i), planes.view(theirs, i)) for i in range(3))
        (same if equal else differing).add(number)
    kept = {n for n in range(50) if int(np.searchsorted(found.starts, n, side="right")) - 1 not in changed}
    assert flags == ()
    assert kept <= same
    assert set(patched) <= differing
    assert len(kept) >= (20 if name != "open-gop.mp4" else 0)


def test_what_cannot_be_spliced_is_coded_and_that_is_said(folder: Path) -> None:
    for name in ("ten-bit.mp4", "transport.ts", "program.mpg"):
        film = opened_film(folder, name, FILMS[name])
        out = folder / f"unspliced-{Path(name).stem}.mp4"
        flags = mux(film, Additions("es", clicks(folder, film, FILMS[name]), (), one_patch(folder, [14])), out)
        assert [flag.code for flag in flags] == ["untouched-recoded"], name


def test_where_every_frame_has_a_new_mouth_none_is_said_to_be_coded_without_one(folder: Path) -> None:
    film = opened_film(folder, "ten-bit.mp4", FILMS["ten-bit.mp4"])
    every = one_patch(folder, list(range(len(film.table))))
    flags = mux(film, Additions("es", clicks(folder, film, FILMS["ten-bit.mp4"]), (), every), folder / "every.mp4")
    assert flags == ()


def test_two_runs_give_the_same_bytes(folder: Path) -> None:
    for name in ("25.mp4", "24000-1001.mkv", "ten-bit.mp4"):
        film = opened_film(folder, name, FILMS[name])
        digests = set()
        for turn in range(2):
            out = folder / f"again-{turn}-{name}"
            mux(film, Additions("es", clicks(folder, film, FILMS[name]), CUES, one_patch(folder, [3])), out)
            digests.add(hashlib.sha256(out.read_bytes()).hexdigest())
        assert len(digests) == 1, name


def test_static_hdr_metadata_survives_both_ways(folder: Path) -> None:
    film = opened_film(folder, "ten-bit.mp4", FILMS["ten-bit.mp4"])
    wanted = hdr(film.path)
    assert set(wanted) == {"MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL"}
    for patches in (None, one_patch(folder, [12])):
        out = folder / "hdr.mp4"
        mux(film, Additions("es", clicks(folder, film, FILMS["ten-bit.mp4"]), (), patches), out)
        assert hdr(out) == wanted


@pytest.mark.parametrize("untouched", ["copy", "recode"])
@pytest.mark.parametrize("name", ["interlaced.mp4", "bottom-first.mkv"])
def test_fields_stay_fields_in_their_order(folder: Path, name: str, untouched: Literal["copy", "recode"]) -> None:
    film = opened_film(folder, name, FILMS[name])
    out = folder / f"{untouched}-{name}"
    picture = PictureParams(untouched=untouched)
    flags = mux(film, Additions("es", clicks(folder, film, FILMS[name]), (), one_patch(folder, [14]), picture), out)
    assert flags == ()
    assert field_orders(film.path) == {FILMS[name].fields}
    assert field_orders(out) == {FILMS[name].fields}


def test_fields_that_cannot_be_kept_are_flagged(folder: Path) -> None:
    spec = FilmSpec(fields="tff", height=124, width=164)
    film = opened_film(folder, "fields.mp4", spec)
    picture = PictureParams(codec="hevc")
    flags = mux(
        film, Additions("es", clicks(folder, film, spec), (), one_patch(folder, [14]), picture), folder / "hevc.mp4"
    )
    assert [flag.code for flag in flags] == ["untouched-recoded", "interlaced"]


@pytest.mark.parametrize("untouched", ["copy", "recode"])
def test_captions_inside_the_picture_stay_with_their_frames(folder: Path, untouched: Literal["copy", "recode"]) -> None:
    spec = FilmSpec(has_captions=True)
    film = opened_film(folder, "captioned.mp4", spec)
    out = folder / f"captioned-{untouched}.mp4"
    picture = PictureParams(untouched=untouched)
    mux(film, Additions("es", clicks(folder, film, spec), (), one_patch(folder, [14, 40]), picture), out)
    for path in (film.path, out):
        assert [captions(frame) for _, frame in frames(path)] == [caption(number) for number in range(50)]


def test_an_odd_picture_is_widened_by_its_edge_and_that_is_flagged(folder: Path) -> None:
    spec = FilmSpec(width=161, height=121, codec="libvpx-vp9", options=(("deadline", "realtime"), ("crf", "10")))
    film = opened_film(folder, "odd.mkv", spec)
    out = folder / "odd-dub.mkv"
    flags = mux(film, Additions("es", clicks(folder, film, spec), (), one_patch(folder, [12])), out)
    dub, _ = examine(out)
    assert [flag.code for flag in flags] == ["untouched-recoded", "odd-size"]
    assert (dub.video.width, dub.video.height) == (162, 122)
    assert [drawn_number(frame) for _, frame in frames(out)] == list(range(50))
    assert untouched_psnr(film.path, out, {}) > 40


def test_a_track_that_cannot_live_in_mp4_makes_the_dub_a_matroska_file_and_that_is_flagged(folder: Path) -> None:
    spec = FilmSpec(audio_codec="pcm_u8", options=PLAIN)
    film = opened_film(folder, "windows.avi", spec)
    suffix, flags = suffix_for(film.source)
    assert suffix == ".mkv"
    assert [flag.code for flag in flags] == ["container-changed"]
    assert "pcm_u8" in flags[0].what
    out = folder / "windows.mkv"
    mux(film, Additions("es", clicks(folder, film, spec), CUES), out)
    assert [track.codec for track in examine(out)[0].audio] == ["flac", "pcm_u8"]


def test_mp4_subtitles_become_plain_ones_in_matroska(folder: Path) -> None:
    film = opened_film(folder, "25.mp4", FILMS["25.mp4"])
    out = folder / "moved.mkv"
    mux(film, Additions("es", clicks(folder, film, FILMS["25.mp4"]), CUES), out)
    assert texts(out, 1) == ["Hello", "Good bye"]
    assert abs(av_offset_ms(out)) < 1.5
    assert abs(av_offset_ms(out, track=1)) < 1.5
    assert examine(out)[1].start == 0


@pytest.mark.parametrize("name", ["one-frame.mp4", "tiny.mp4"])
def test_the_smallest_films_go_through(folder: Path, name: str) -> None:
    spec = FilmSpec(frames=1, flashes=()) if name.startswith("one") else FilmSpec(width=16, height=16)
    film = opened_film(folder, name, spec)
    out = folder / f"dub-{name}"
    mux(film, Additions("es", clicks(folder, film, spec), (), one_patch(folder, [0])), out)
    assert examine(out)[0].video.frames == spec.frames


def test_a_target_that_cannot_be_written_is_named(folder: Path) -> None:
    film = opened_film(folder, "25.mp4", FILMS["25.mp4"])
    with pytest.raises(DubsyncError, match="cannot be written"):
        mux(film, Additions("es", clicks(folder, film, FILMS["25.mp4"])), folder / "nowhere" / "out.mp4")


def test_a_full_disk_is_named_and_the_hint_says_what_to_do(folder: Path) -> None:
    film = opened_film(folder, "25.mp4", FILMS["25.mp4"])
    full = folder / "full.mkv"
    full.symlink_to("/dev/full")
    with pytest.raises(DubsyncError, match="No space left") as caught:
        mux(film, Additions("es", clicks(folder, film, FILMS["25.mp4"])), full)
    assert "room" in caught.value.hint


def test_memory_does_not_grow_with_the_film(folder: Path, tmp_path: Path) -> None:
    short = make_film(tmp_path / "short.mp4", FilmSpec(width=96, height=64, frames=120, flashes=()))
    long = loop_film(short, 8, tmp_path / "long.mp4")
    assert peak_mb(long, tmp_path) - peak_mb(short, tmp_path) < 16


PEAK = """
import sys, resource
from pathlib import Path
from dubsync.audio.wav import WavWriter
from dubsync.media.mux import Additions, mux
from dubsync.media.measure import untouched_psnr
from dubsync.media import planes
from dubsync.media.patches import PatchBook
from dubsync.media.probe import Film, examine
from dubsync.media.sound import sound
from dubsync.media.splice import groups
from dubsync.media.write import PictureParams
import numpy as np
film, work = Path(sys.argv[1]), Path(sys.argv[2])
source, table = examine(film)
with WavWriter(work / "dub.wav", source.audio[0].sample_rate, source.audio[0].channels) as file:
    for block in sound(film, table):
        file.write(block)
chunks = []
for first in range(0, len(table), 100):
    n = min(100, len(table) - first)
    path = work / f"patches-{first:06d}.npz"
    np.savez(path, frame=np.arange(first, first + n, dtype=np.int32), pixels=np.zeros((n, 100, 100, 3), np.uint8),
             mask=np.full((n, 100, 100), 255, np.uint8),
             affine=np.repeat(np.array([[[0.3, 0, 20], [0, 0.3, 10]]], np.float32), n, axis=0))
    chunks.append(path)
book = PatchBook(chunks)
mux(Film(film, source, table), Additions("es", work / "dub.wav", (), book, PictureParams(preset="ultrafast")),
    work / "out.mp4")
untouched_psnr(film, work / "out.mp4", {}, stride=5)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def peak_mb(film: Path, work: Path) -> int:
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(film), str(work)], capture_output=True, check=True, text=True
    )
    return int(done.stdout)


def test_sound_is_laid_against_the_first_frame_and_lasts_as_long_as_the_picture(folder: Path) -> None:
    for name, spec in FILMS.items():
        film = opened_film(folder, name, FILMS[name])
        blocks = np.concatenate(list(sound(film.path, film.table)))
        rate = film.source.audio[0].sample_rate
        loud = np.flatnonzero(np.abs(blocks).max(axis=1) > 0.25) / rate
        assert len(blocks) == round(film.table.duration * rate), name
        assert np.abs(loud[0] - float(spec.time(spec.flashes[0]))) < (0.002 if name.endswith(".mkv") else 0.0011), name


def packets(path: Path, kind: str, index: int) -> list[bytes]:
    with av.open(str(path)) as container:
        stream = [s for s in container.streams if s.type == kind][index]
        return [hashlib.sha256(bytes(packet)).digest() for packet in container.demux(stream) if packet.size]


def texts(path: Path, index: int) -> list[str]:
    with av.open(str(path)) as container:
        stream = container.streams.subtitles[index]
        is_mp4 = stream.codec_context.name == "mov_text"
        raw = [bytes(packet)[2:] if is_mp4 else bytes(packet) for packet in container.demux(stream) if packet.size]
        return [text.decode() for text in raw if text]


def hdr(path: Path) -> dict[str, Any]:
    _, first = next(frames(path, 0, 1))
    wanted = ("MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL")
    return {side.type.name: bytes(side) for side in first.side_data if side.type.name in wanted}


def captions(frame: av.VideoFrame) -> bytes:
    return b"".join(bytes(side) for side in frame.side_data if side.type.name == "A53_CC")


def field_orders(path: Path) -> set[str]:
    """The orders that FFmpeg's filter `showinfo` reads off the frames."""
    with av.open(str(path)) as container:
        stream, graph = container.streams.video[0], av.filter.Graph()
        graph.link_nodes(graph.add_buffer(template=stream), graph.add("showinfo"), graph.add("buffersink"))
        graph.configure()
        av.logging.set_level(av.logging.INFO)
        try:
            with av.logging.Capture() as said:
                for frame in container.decode(stream):
                    graph.push(frame)
                    graph.pull()
        finally:
            av.logging.set_level(None)
    told = [line.split(" i:")[1][0] for _, _, line in said if " i:" in line]
    assert len(told) == 50
    return {{"T": "tff", "B": "bff", "P": ""}[letter] for letter in told}
