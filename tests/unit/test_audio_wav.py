"""Sound files: equal samples are equal bytes, and what is not there is silence or an error."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from dubsync.audio import wav
from dubsync.errors import UnreadableMedia


def ramp(frames: int, channels: int) -> np.ndarray:
    return np.linspace(-1, 1, frames * channels, dtype=np.float32).reshape(frames, channels)


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_another_reader_finds_the_samples_that_were_written(tmp_path: Path, channels: int) -> None:
    wav.write(tmp_path / "a.wav", ramp(1000, channels), 44100)
    samples, rate = soundfile.read(str(tmp_path / "a.wav"), dtype="float32", always_2d=True)
    assert rate == 44100
    np.testing.assert_array_equal(samples, ramp(1000, channels))


def test_block_by_block_gives_the_same_bytes_as_at_once(tmp_path: Path) -> None:
    wav.write(tmp_path / "whole.wav", ramp(1000, 2), 48000)
    with wav.WavWriter(tmp_path / "parts.wav", 48000, 2) as file:
        for start in range(0, 1000, 77):
            file.write(ramp(1000, 2)[start : start + 77])
    assert (tmp_path / "whole.wav").read_bytes() == (tmp_path / "parts.wav").read_bytes()


def test_beyond_4_gb_the_header_is_rf64_with_the_true_sizes(tmp_path: Path) -> None:
    with wav.WavWriter(tmp_path / "long.wav", 48000, 6) as file:
        file.frames = 400_000_000
        header = file._header()
        file.frames = 0
    assert header[:4] == b"RF64"
    assert header[12:16] == b"ds64"
    assert struct.unpack("<QQQ", header[20:44])[1:] == (400_000_000 * 24, 400_000_000)


def test_outside_the_file_there_is_silence(tmp_path: Path) -> None:
    wav.write(tmp_path / "a.wav", np.ones(10, np.float32), 8000)
    assert wav.read(tmp_path / "a.wav", start=-5, stop=15)[:, 0].tolist() == [0] * 5 + [1] * 10 + [0] * 5


def test_blocks_cover_the_asked_stretch_once(tmp_path: Path) -> None:
    wav.write(tmp_path / "a.wav", ramp(1000, 1), 8000)
    parts = list(wav.blocks(tmp_path / "a.wav", size=64, start=100, stop=900))
    np.testing.assert_array_equal(np.concatenate(parts), ramp(1000, 1)[100:900])
    assert max(len(part) for part in parts) == 64


def test_a_file_that_is_no_sound_is_named_in_the_error(tmp_path: Path) -> None:
    (tmp_path / "film.wav").write_bytes(b"RIFF not really")
    with pytest.raises(UnreadableMedia, match=r"film\.wav"):
        wav.facts(tmp_path / "film.wav")


def test_wrong_number_of_channels_is_refused(tmp_path: Path) -> None:
    with wav.WavWriter(tmp_path / "a.wav", 8000, 2) as file, pytest.raises(ValueError, match="3 channels"):
        file.write(np.zeros((5, 3), np.float32))


def test_a_broadcast_wave_is_read_by_others_and_says_when_it_starts(tmp_path: Path) -> None:
    with wav.WavWriter(tmp_path / "a.wav", 48000, 2, wav.Broadcast("reel 1", 3600 * 48000)) as file:
        file.write(ramp(1000, 2))
    samples, _ = soundfile.read(str(tmp_path / "a.wav"), dtype="float32", always_2d=True)
    np.testing.assert_array_equal(samples, ramp(1000, 2))
    with av.open(str(tmp_path / "a.wav")) as container:
        assert container.metadata["comment"] == "reel 1"
        assert container.metadata["time_reference"] == str(3600 * 48000)


@pytest.mark.parametrize("bits", [16, 24])
def test_whole_numbers_come_back_bit_for_bit_and_what_lies_between_is_dithered(tmp_path: Path, bits: int) -> None:
    steps = 2 ** (bits - 1)
    on_grid = np.random.default_rng(0).integers(-steps, steps, (5000, 2)) / steps
    quiet = np.full((50000, 2), 0.3 / steps, np.float32)
    with wav.WavWriter(tmp_path / "a.wav", 48000, 2, bits=bits) as file:
        file.write(on_grid)
        file.write(quiet)
    assert soundfile.info(tmp_path / "a.wav").subtype == f"PCM_{bits}"
    read, _ = soundfile.read(tmp_path / "a.wav", dtype="float64")
    np.testing.assert_array_equal(read[:5000], on_grid)
    faint = read[5000:] * steps
    assert faint.mean() == pytest.approx(0.3, abs=0.02), "what is fainter than a step is lost"
    assert np.abs(faint).max() <= 1


def test_whole_numbers_do_not_fold_over_at_full_scale(tmp_path: Path) -> None:
    with wav.WavWriter(tmp_path / "a.wav", 48000, 1, bits=16) as file:
        file.write(np.array([1.5, -1.5, 1.0], np.float32))
    assert wav.read(tmp_path / "a.wav")[:, 0].tolist() == pytest.approx([1, -1, 1], abs=1e-4)
