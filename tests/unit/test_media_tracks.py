"""What a dub's tracks and the film's own say of themselves: names, channels, timecode."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from media_stand import clicks, opened_film

from dubsync.audio import wav
from dubsync.media.coding import coding_for
from dubsync.media.mux import Additions, mux, suffix_for
from dubsync.media.probe import examine
from dubsync.media.sound import sound
from dubsync.testing.media import FilmSpec


@pytest.mark.parametrize("name", ["named.mp4", "named.mkv"])
def test_every_track_keeps_its_name(tmp_path: Path, name: str) -> None:
    spec = FilmSpec(frames=10, flashes=(), extra_audio=("eng",), names=("Main", "Commentary"))
    film = opened_film(tmp_path, name, spec)
    assert [track.name for track in film.source.audio] == ["Main", "Commentary"]
    mux(film, Additions("es", clicks(tmp_path, film, spec)), tmp_path / f"dub.{name}")
    assert [track.name for track in examine(tmp_path / f"dub.{name}")[0].audio] == ["Español", "Main", "Commentary"]


@pytest.mark.parametrize("name", ["surround.mkv", "surround.mp4"])
def test_a_dub_of_surround_sound_says_which_channel_is_which(tmp_path: Path, name: str) -> None:
    spec = FilmSpec(frames=10, flashes=(), audio_codec="ac3", layout="5.1")
    film = opened_film(tmp_path, name, spec)
    assert film.source.audio[0].layout == "5.1(side)"  # as AC-3 has it
    mux(film, Additions("es", clicks(tmp_path, film, spec)), tmp_path / f"dub.{name}")
    with av.open(str(tmp_path / f"dub.{name}")) as new:
        assert new.streams.audio[0].layout.name == "5.1"


def test_a_rare_layout_is_kept_without_loss_where_aac_would_forget_it(tmp_path: Path) -> None:
    film = opened_film(tmp_path, "25.mkv", FilmSpec(frames=10, flashes=()))
    rare = replace(film.source.audio[0], layout="6.1", channels=7)
    assert coding_for(rare, ".mkv").codec == "flac"
    assert coding_for(rare, ".mp4").codec == "aac"  # ALAC has no 6.1 of this kind


@pytest.mark.parametrize(
    ("name", "codec", "coded", "kind"),
    [
        ("16.mkv", "pcm_s16le", "flac", "s16"),
        ("24.mkv", "pcm_s24le", "flac", "s32"),
        ("float.mkv", "pcm_f32le", "pcm_f32le", "flt"),
        ("16.mp4", "alac", "alac", "s32p"),
        ("24.mov", "pcm_s24le", "alac", "s32p"),
        ("small.mov", "pcm_s16le", "alac", "s16p"),
        ("lossy.mkv", "ac3", "aac", "fltp"),
    ],
)
def test_a_dub_of_sound_that_was_coded_without_loss_loses_nothing_and_keeps_its_bits(
    tmp_path: Path, name: str, codec: str, coded: str, kind: str
) -> None:
    spec = FilmSpec(frames=10, flashes=(), audio_codec=codec)
    film = opened_film(tmp_path, name, spec)
    dub, out = clicks(tmp_path, film, spec), tmp_path / f"dub.{Path(name).stem}{suffix_for(film.source)[0]}"
    mux(film, Additions("es", dub), out)
    with av.open(str(out)) as new:
        track = new.streams.audio[0].codec_context
        assert (track.codec.canonical_name, track.format.name) == (coded, kind)
    if coded != "aac":
        step = {"s16": 2**-15, "s16p": 2**-15}.get(kind, 2**-23)
        found, table = examine(out)
        heard = np.concatenate(list(sound(out, table)))
        np.testing.assert_allclose(heard, wav.read(dub)[: len(heard)], atol=step)
        assert found.audio[0].bits == film.source.audio[0].bits


def test_a_timecode_track_is_kept_and_not_said_to_be_left_out(tmp_path: Path) -> None:
    spec = FilmSpec(frames=10, flashes=(), audio_codec="pcm_s16le", timecode="01:00:00:00")
    film = opened_film(tmp_path, "timecode.mov", spec)
    flags = mux(film, Additions("es", clicks(tmp_path, film, spec)), tmp_path / "timecode.dub.mp4")
    with av.open(str(tmp_path / "timecode.dub.mp4")) as new:
        assert [s.metadata.get("timecode") for s in new.streams if s.type == "data"] == ["01:00:00:00"]
    assert "track-left-out" not in {flag.code for flag in flags}
