"""A mix keeps its loudness and its true peak when it has been coded: what a viewer hears, by meters not ours."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest

from dubsync.audio import bench_rivals, loudness
from dubsync.audio.mastering import PROFILES, Mastered, master
from dubsync.audio.wav import WavFacts
from dubsync.media import coding
from dubsync.testing.contract import speech_like
from dubsync.title import AudioTrack

RATE, SECONDS = 48000, 6
CODED = coding.coding_for(AudioTrack(1, "", RATE, 2, "stereo"), ".mp4")


def bright(level: float) -> np.ndarray:
    """Speech with hissing hits on top, whose peaks coding raises."""
    random = np.random.default_rng(0)
    time = np.arange(RATE * SECONDS) / RATE
    hits = (np.exp(-(time % 0.37) * 60))[:, None] * random.standard_normal((len(time), 2))
    speech = speech_like(SECONDS, RATE)[:, None]
    return (level * (speech + 0.3 * hits)).astype(np.float32)


def overdriven() -> np.ndarray:
    """Music in octaves, driven 6 dB over full scale and cut off there."""
    time = np.arange(RATE * SECONDS) / RATE
    chord = sum(np.sin(2 * np.pi * hertz * time) / 3 for hertz in (110, 220, 277, 330, 660, 1320))
    return np.clip(np.stack([chord, 0.9 * chord], axis=1), -1, 1).astype(np.float32)


def mastered(samples: np.ndarray, profile: str, *, added: float = 0.0) -> tuple[Mastered, np.ndarray]:
    """The mix, whose lines are half of it, mastered; and what is heard of the file it is coded into."""
    facts = WavFacts(RATE, 2, len(samples))
    source = loudness.measure([samples], RATE, 2)

    def mix(line_db: float) -> Iterator[np.ndarray]:
        yield samples * np.float32(0.5 + 0.5 * 10 ** (line_db / 20) + added)

    spoken = np.ones(SECONDS * 10 + 1, bool)
    done = master(mix, facts, PROFILES[profile], source, spoken, partial(coding.heard, coding=CODED))
    return done, np.concatenate(list(done.how.render(mix, RATE)))


@pytest.mark.parametrize("profile", ["ebu-r128", "netflix", "streaming"])
@pytest.mark.parametrize("level", [0.02, 0.5])
def test_what_is_delivered_keeps_ceiling_and_loudness_by_independent_meters(
    tmp_path: Path, profile: str, level: float
) -> None:
    done, finished = mastered(bright(level), profile)
    file = bench_rivals.coded(finished, RATE, tmp_path, bits=CODED.bits_a_second or 0)
    lufs, peak = bench_rivals.ebur128(file, RATE)
    wanted = PROFILES[profile]
    assert peak <= wanted.ceiling
    assert lufs == pytest.approx(wanted.target, abs=0.5)
    assert pyloudnorm.Meter(RATE).integrated_loudness(file) == pytest.approx(wanted.target, abs=0.5)
    assert not done.is_too_loud


def test_the_peak_would_not_have_been_kept_by_a_limiter_before_coding(tmp_path: Path) -> None:
    done, _ = mastered(bright(0.5), "streaming")
    assert done.how.ceiling_db < PROFILES["streaming"].ceiling - 0.1


def test_as_the_source_a_mix_that_grew_louder_comes_out_under_minus_one(tmp_path: Path) -> None:
    quiet = bright(0.1)
    quiet *= np.float32(10 ** (-1.2 / 20)) / np.float32(10 ** (loudness.measure([quiet], RATE, 2).true_peak / 20))
    done, finished = mastered(quiet, "source", added=0.1)
    _, peak = bench_rivals.ebur128(bench_rivals.coded(finished, RATE, tmp_path, bits=CODED.bits_a_second or 0), RATE)
    assert peak <= -1.0
    assert not done.is_too_loud


def test_as_the_source_clipped_sound_gets_no_worse() -> None:
    clipped = overdriven()
    source = loudness.measure([clipped], RATE, 2)
    done, _ = mastered(clipped, "source")
    assert source.true_peak > 0
    assert done.heard.true_peak <= source.true_peak + 0.5
    assert source.integrated() - 1 < done.heard.integrated() < source.integrated() + 0.5


def test_a_loud_cut_between_blocks_is_no_peak() -> None:
    tone = (0.8 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE))[:, None].astype(np.float32)
    for size in (RATE, 1000, 2048):
        blocks = [tone[start : start + size] for start in range(0, RATE, size)]
        assert loudness.measure(blocks, RATE, 1).true_peak == pytest.approx(20 * np.log10(0.8), abs=0.05)


@pytest.mark.parametrize(
    ("layout", "channels", "rate", "codec"),
    [("mono", 1, 8000, "aac"), ("5.1", 6, 48000, "aac"), ("stereo", 2, 192000, "alac")],
)
def test_what_is_heard_after_coding_lies_where_it_was(layout: str, channels: int, rate: int, codec: str) -> None:
    coded = coding.coding_for(AudioTrack(1, "", rate, channels, layout), ".mp4")
    random = np.random.default_rng(0).standard_normal((rate * 2 + 77, channels))
    sound = (np.cumsum(random, axis=0) * 0.001).astype(np.float32)
    heard = np.concatenate(list(coding.heard([sound[:5000], sound[5000:]], coded)))
    assert coded.codec == codec
    assert heard.shape == sound.shape
    assert np.corrcoef(heard[:, 0], sound[:, 0])[0, 1] > 0.99


def test_what_no_limiter_can_bring_down_is_given_up_after_a_few_rounds_and_said() -> None:
    speech = speech_like(2.0, RATE)[:, None]
    listened: list[int] = []

    def hopeless(blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        listened.append(1)
        for block in blocks:
            block = block.copy()
            block[0] = 1.5
            yield block

    source = loudness.measure([speech], RATE, 1)
    done = master(
        lambda line_db: iter([speech]), WavFacts(RATE, 1, len(speech)), PROFILES["ebu-r128"], source,
        np.ones(21, bool), hopeless,
    )  # fmt: skip
    assert done.is_too_loud
    assert len(listened) == 5
