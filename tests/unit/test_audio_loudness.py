"""Loudness and peaks against an independent meter and against known values."""

from __future__ import annotations

import numpy as np
import pyloudnorm
import pytest

from dubsync.audio import limiter, loudness
from dubsync.audio.limiter import limit
from dubsync.audio.mastering import PROFILES, gain_for


def noise(seconds: float, channels: int, rate: int = 48000) -> np.ndarray:
    swell = np.linspace(0.001, 0.2, int(seconds * rate))[:, None]
    return (np.random.default_rng(1).standard_normal((len(swell), channels)) * swell).astype(np.float32)


def in_blocks(samples: np.ndarray, size: int) -> list[np.ndarray]:
    return [samples[start : start + size] for start in range(0, len(samples), size)]


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_integrated_loudness_agrees_with_pyloudnorm(channels: int) -> None:
    samples = noise(8, channels)
    ours = loudness.measure(in_blocks(samples, 7777), 48000, channels).integrated()
    assert ours == pytest.approx(pyloudnorm.Meter(48000).integrated_loudness(samples), abs=0.1)


def test_the_k_filter_at_48_khz_has_the_published_coefficients() -> None:
    shelf, high_pass = loudness.k_weighting(48000)
    assert shelf[:3] == pytest.approx([1.53512485958697, -2.69169618940638, 1.19839281085285], abs=1e-6)
    assert high_pass[3:] == pytest.approx([1.0, -1.99004745483398, 0.99007225036621], abs=1e-6)


@pytest.mark.parametrize("rate", [8000, 44100, 48000, 192000])
def test_a_full_scale_sine_of_997_hz_measures_minus_3_lufs_at_any_rate(rate: int) -> None:
    sine = np.sin(2 * np.pi * 997 * np.arange(rate * 3) / rate).astype(np.float32)[:, None]
    assert loudness.measure([sine], rate, 1).integrated() == pytest.approx(-3.01, abs=0.15)


def test_loudness_does_not_depend_on_how_the_stream_is_cut() -> None:
    samples = noise(3, 2)
    assert loudness.measure([samples], 48000, 2).integrated() == pytest.approx(
        loudness.measure(in_blocks(samples, 331), 48000, 2).integrated(), abs=1e-9
    )


def test_the_low_frequency_channel_does_not_count() -> None:
    samples = np.zeros((48000 * 2, 6), np.float32)
    samples[:, 3] = noise(2, 1)[:, 0]
    assert loudness.measure([samples], 48000, 6).integrated() == loudness.SILENT


def test_a_dialogue_gate_measures_only_where_people_speak() -> None:
    samples = np.concatenate([noise(4, 1)[-96000:] * 0.1, noise(4, 1)[-96000:]])
    meter = loudness.measure([samples], 48000, 1)
    spoken = np.arange(40) < 16
    assert meter.integrated(within=spoken) < meter.integrated() - 15


def test_the_peak_between_the_samples_is_found() -> None:
    turned = np.sin(np.pi / 2 * np.arange(4800) + np.pi / 4)[:, None].astype(np.float32)
    peak = loudness.TruePeak(1)
    peak.add(turned[300:-300])
    assert np.abs(turned).max() == pytest.approx(0.7071, abs=1e-3)
    assert peak.decibels == pytest.approx(0.0, abs=0.3)


def test_nothing_gets_above_the_ceiling_however_loud() -> None:
    loud = noise(2, 2) * 20
    out = np.concatenate(list(limit(in_blocks(loud, 5000), 48000, ceiling_db=-2.0)))
    assert len(out) == len(loud)
    assert loudness.measure([out], 48000, 2).true_peak <= -2.0


def test_what_is_under_the_ceiling_passes_bit_for_bit() -> None:
    quiet = noise(1, 2) * 0.1
    np.testing.assert_array_equal(np.concatenate(list(limit(in_blocks(quiet, 999), 48000, ceiling_db=-1))), quiet)


def test_limiting_does_not_depend_on_how_the_stream_is_cut() -> None:
    loud = noise(1, 1) * 8
    whole = np.concatenate(list(limit([loud], 48000, ceiling_db=-1)))
    parts = np.concatenate(list(limit(in_blocks(loud, 1024), 48000, ceiling_db=-1)))
    np.testing.assert_allclose(whole, parts, atol=1e-6)


@pytest.mark.parametrize("name", ["ebu-r128", "streaming", "netflix"])
def test_a_profile_is_met_after_its_gain(name: str) -> None:
    samples, profile = noise(6, 2), PROFILES[name]
    everywhere = np.ones(60, bool)
    heard = loudness.measure([samples], 48000, 2)
    gain = gain_for(profile, heard, heard, everywhere)
    after = loudness.measure([samples * 10 ** (gain / 20)], 48000, 2)
    assert after.integrated() == pytest.approx(profile.target, abs=0.05)


def test_the_limiter_sees_the_same_peaks_as_if_it_had_looked_between_all_samples() -> None:
    sound = noise(3, 2)
    sound[20_000:90_000] *= 0.01
    ceiling = 0.4

    everywhere, found = loudness.between_samples(sound).max(axis=1), limiter.peaks(sound, ceiling)

    assert 0.01 < (everywhere > ceiling).mean() < 0.5
    np.testing.assert_allclose(found[everywhere > ceiling], everywhere[everywhere > ceiling], rtol=1e-5)
    assert (found[everywhere <= ceiling] <= ceiling).all()
