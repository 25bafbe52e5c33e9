"""The measures tell the truth: known offsets and known differences are found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dubsync.audio.wav import WavWriter, write
from dubsync.errors import InputError, UnreadableMedia
from dubsync.media.measure import IDENTICAL_DB, av_offset_ms, track_fit, untouched_psnr
from dubsync.media.sound import sound
from dubsync.media.table import frame_table
from dubsync.testing.media import FilmSpec, make_film


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_film(tmp_path_factory.mktemp("measure") / "film.mp4", FilmSpec(frames=125, flashes=(5, 40, 80)))


def test_a_film_in_step_measures_nothing(film: Path) -> None:
    assert abs(av_offset_ms(film)) < 0.5


@pytest.mark.parametrize("milliseconds", [-120.0, -7.3, 4.0, 90.0])
def test_a_track_that_lags_is_measured_to_a_tenth_of_a_millisecond(
    film: Path, tmp_path: Path, milliseconds: float
) -> None:
    table = frame_table(film)
    samples = np.concatenate(list(sound(film, table)))
    shift = round(milliseconds * 48)
    write(tmp_path / "wanted.wav", np.roll(samples, -shift, axis=0), 48000)
    measured = track_fit(film, tmp_path / "wanted.wav")
    assert measured is not None
    assert abs(measured.offset_ms - shift / 48) < 0.1
    assert measured.likeness > 0.99


def test_silence_has_no_offset(film: Path, tmp_path: Path) -> None:
    with WavWriter(tmp_path / "silent.wav", 48000, 2) as file:
        file.write(np.zeros((48000 * 5, 2), np.float32))
    assert track_fit(film, tmp_path / "silent.wav") is None


def test_a_film_without_flashes_cannot_be_measured_so(tmp_path: Path) -> None:
    path = make_film(tmp_path / "plain.mp4", FilmSpec(flashes=()))
    with pytest.raises(InputError, match="nothing to compare"):
        av_offset_ms(path)


def test_a_film_equals_itself(film: Path) -> None:
    assert untouched_psnr(film, film, {}) == IDENTICAL_DB


def test_differences_count_outside_the_boxes_only(film: Path, tmp_path: Path) -> None:
    other = make_film(tmp_path / "other.mp4", FilmSpec(frames=125, flashes=(5, 41, 80)))
    everywhere = [(-10, -10, 500, 500)]
    assert untouched_psnr(film, other, {}) < 30
    assert untouched_psnr(film, other, {40: everywhere, 41: everywhere}) > 40


def test_a_missing_frame_is_an_error_not_a_number(film: Path, tmp_path: Path) -> None:
    short = make_film(tmp_path / "short.mp4", FilmSpec(frames=124, flashes=(5, 40, 80)))
    with pytest.raises(UnreadableMedia, match="not the same frames"):
        untouched_psnr(film, short, {})
