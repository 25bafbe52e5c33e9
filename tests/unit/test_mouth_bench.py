"""The mouth's bench: which lag is meant, and how near a driven mouth comes."""

from pathlib import Path

import numpy as np
import pytest
import talking_head

from dubsync.mouth import bench, bench_speech, manner


def test_the_listed_lag_is_taken_for_every_clip_and_a_late_sound_is_an_early_picture(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    rows = ["file\tlag_frames_25fps\tsuggested_audio_shift_ms"]
    for name, lag, shift in (("early.mp4", "2", "-80 (high)"), ("late.mp4", "-1", "0"), ("unsure.mp4", "-2", "")):
        (tmp_path / "clips" / name).touch()
        rows.append(f"{name}\t{lag}\t{shift}")
    (tmp_path / "clips.tsv").write_text("\n".join([*rows, "missing.mp4\t0\t0"]), encoding="utf-8")

    lags = {file.stem: lag for file, lag in bench.listed(tmp_path)}

    assert lags == pytest.approx({"early": -0.08, "late": 0.04, "unsure": 0.08})


def test_a_mouth_that_follows_its_sound_is_nearer_than_one_held_still() -> None:
    model = talking_head.model()
    chance = np.random.default_rng(4)
    heard = (model.centre + model.scale * chance.normal(size=(640, len(model.centre)))).astype(np.float32)
    seconds = np.arange(300) / 25
    shapes = model.decode(model.coefficients(heard)[: 2 * len(seconds) : 2], model.mean_shape)
    heads = np.zeros((300, 3), np.float32)
    take = manner.Take(heard, shapes[:200], seconds[:200], seconds[:200], heads[:200], np.ones(200, bool))

    numbers = bench_speech._landmark_errors(model, take, shapes[200:], seconds[200:], heads[200:])

    assert numbers["lmd_shared_vs_mean"] > 0.8
    assert numbers["lmd_vs_mean"] > 0.5
    assert numbers["lmd"] < 0.02


def test_a_pause_is_quiet_for_more_than_three_tenths_of_a_second_on_end() -> None:
    quiet = np.array([1] * 9 + [0] * 3 + [1] * 5 + [0] + [1] * 8, bool)

    found = bench_speech.pauses(quiet, 25)

    assert np.flatnonzero(found).tolist() == [*range(9), *range(18, 26)]
