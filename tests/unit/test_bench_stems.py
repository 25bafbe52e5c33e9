"""The bench of stems says 0 words and much distortion apart where the truth is that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dubsync.audio import bench_stems, features, wav
from dubsync.testing import sounds
from dubsync.testing.contract import speech_like

RATE = 16000


def test_a_copy_at_any_level_is_without_distortion_and_noise_counts_as_it_is() -> None:
    speech = speech_like(2.0, RATE)[:, None]
    noise = sounds.noise(2.0, RATE)[:, None]
    assert bench_stems.si_sdr(0.1 * speech, speech) > 60
    noise *= np.float32(10 ** ((features.level_db(speech) - 10 - features.level_db(noise)) / 20))
    assert bench_stems.si_sdr(speech + noise, speech) == pytest.approx(10, abs=0.3)
    assert bench_stems.si_sdr(3 * (speech + noise), speech) == pytest.approx(10, abs=0.3)


@pytest.mark.parametrize("left", [0.0, 0.1, 0.5])
def test_what_is_left_of_speech_in_the_bed_is_measured(tmp_path: Path, left: float) -> None:
    speech, bed = speech_like(2.0, RATE)[:, None], sounds.chords(2.0, RATE)[:, None]
    stems = tmp_path / "dialogue.wav", tmp_path / "bed.wav"
    wav.write(stems[0], (1 - left) * speech, RATE)
    wav.write(stems[1], bed + left * speech, RATE)
    levels: list[float] = []

    def heard(path: Path) -> float:
        levels.append(features.level_db(wav.read(path)[:, 0]))
        return 0.5

    found = bench_stems.figures(stems, RATE, speech, bed, heard)
    straight = 20 * np.log10(abs(np.vdot(bed + left * speech, speech)) / np.vdot(speech, speech))
    assert found["leak_db"] == pytest.approx(straight, abs=0.1)
    assert found["dialogue_si_sdr_db"] > 60
    assert (found["bed_si_sdr_db"] > 60) == (left == 0)
    assert found["bed_si_sdr_db"] > found["bed_si_sdr_mix_db"]
    assert levels == pytest.approx([-20, -20], abs=0.2)
    assert found["bed_words_heard"] == 0.5
