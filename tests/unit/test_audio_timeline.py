"""Placing sounds: exact to the sample however long the film, and never the original speech under the dub."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from dubsync.audio import timeline, wav
from dubsync.audio.timeline import Placed, Region
from dubsync.timing import frame_time, to_samples

RATE = 48000
FILM = Fraction(24000, 1001)


def blocks_from(start: int, count: int, size: int = 4096) -> Iterator[np.ndarray]:
    for _ in range(0, count, size):
        yield np.zeros((size, 1), np.float32)


def test_two_hours_at_23_976_do_not_drift_by_a_sample() -> None:
    frames = range(0, 2 * 3600 * 24000 // 1001, 997)
    placed = [to_samples(frame_time(frame, FILM), RATE) for frame in frames]
    assert all(
        abs(sample - Fraction(frame) / FILM * RATE) <= Fraction(1, 2)
        for sample, frame in zip(placed, frames, strict=True)
    )
    last = placed[-1]
    assert last > 340_000_000
    assert last == round(Fraction(frames[-1] * 1001 * 2))


def test_a_sound_lands_on_its_sample_across_block_edges() -> None:
    sound = Placed(4090, lambda: np.arange(1, 13, dtype=np.float32)[:, None])
    out = np.concatenate(list(timeline.lay(blocks_from(0, 12288), [sound])))[:, 0]
    assert out[4090:4102].tolist() == list(range(1, 13))
    assert np.count_nonzero(out) == 12


def test_sounds_that_overlap_are_added_and_what_exceeds_the_film_is_left_out() -> None:
    sounds = [Placed(start, lambda: np.ones((4, 1), np.float32)) for start in (0, 2, 4094)]
    out = np.concatenate(list(timeline.lay(blocks_from(0, 4096), sounds)))[:, 0]
    assert out[:6].tolist() == [1, 1, 2, 2, 1, 1]
    assert out[4094:].tolist() == [1, 1]
    assert len(out) == 4096


def test_a_sound_is_loaded_only_when_it_is_due() -> None:
    loaded: list[int] = []

    def load(start: int) -> np.ndarray:
        loaded.append(start)
        return np.ones((1, 1), np.float32)

    stream = timeline.lay(blocks_from(0, 8192), [Placed(at, lambda at=at: load(at)) for at in (0, 5000)])
    next(stream)
    assert loaded == [0]
    next(stream)
    assert loaded == [0, 5000]


def two_stems(folder: Path) -> tuple[Path, Path, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    music, speech = (rng.standard_normal((RATE * 2, 2)).astype(np.float32) * 0.1 for _ in range(2))
    wav.write(folder / "all.wav", music + speech, RATE)
    wav.write(folder / "bed.wav", music, RATE)
    return folder / "all.wav", folder / "bed.wav", music, speech


def test_under_the_dub_only_the_bed_is_heard_and_elsewhere_the_original_bit_for_bit(tmp_path: Path) -> None:
    original, bed, music, speech = two_stems(tmp_path)
    out = np.concatenate(list(timeline.under(original, bed, [Region(30000, 60000)])))
    fade = int(timeline.FADE * RATE)
    np.testing.assert_allclose(out[30000:60000], music[30000:60000], atol=1e-6)
    np.testing.assert_array_equal(out[: 30000 - fade], (music + speech)[: 30000 - fade])
    np.testing.assert_array_equal(out[60000 + fade :], (music + speech)[60000 + fade :])


def test_the_way_into_the_bed_has_no_click_and_no_swell(tmp_path: Path) -> None:
    wav.write(tmp_path / "all.wav", np.full(RATE, 0.5, np.float32), RATE)
    wav.write(tmp_path / "bed.wav", np.full(RATE, 0.4, np.float32), RATE)
    out = np.concatenate(list(timeline.under(tmp_path / "all.wav", tmp_path / "bed.wav", [Region(10000, 20000)])))
    assert np.abs(np.diff(out[:, 0])).max() < 0.001
    assert out.max() <= 0.5
    assert out.min() >= 0.4 - 1e-6


def test_fades_stay_smooth_two_hours_into_the_film() -> None:
    share = timeline._share([Region(345_600_000, 345_700_000)], 345_599_000, 2000, 960)
    assert np.abs(np.diff(share)).max() < 0.002
    assert share[-1] == 1


def test_regions_near_each_other_become_one() -> None:
    joined = timeline.join([Region(100, 200), Region(0, 50), Region(190, 300)], gap=60)
    assert joined == (Region(0, 300),)
