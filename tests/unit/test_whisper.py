"""A whisper is told from a voice that is quiet, noisy or breathy, and a voice becomes one."""

from __future__ import annotations

import numpy as np
import pytest

from dubsync.audio import features, whisper
from dubsync.testing import sounds
from dubsync.testing.contract import speech_like

RATE = 24000


def said(seed: int = 1) -> np.ndarray:
    """Three seconds of "a" and "s" in turn by a voice that moves."""
    rng = np.random.default_rng(seed)
    parts = []
    for number in range(8):
        vowel = sounds.vowel(0.25, 110 + 12 * number, 0.9, rng, RATE)
        hiss = sounds.air(0.1, 4000, 9000, rng, RATE)
        parts += [vowel / np.abs(vowel).max(), 0.15 * hiss / np.abs(hiss).max(), np.zeros(RATE // 40)]
    return np.concatenate(parts).astype(np.float32) * 0.3


def noisy(sound: np.ndarray, snr_db: float) -> np.ndarray:
    noise = sounds.noise(len(sound) / RATE, RATE, colour=0.3)
    return sound + noise * np.float32(sound.std() / noise.std() * 10 ** (-snr_db / 20))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_voice_becomes_a_whisper_of_the_same_length_and_strength(seed: int) -> None:
    voice = said(seed)
    quiet = whisper.whispered(voice, RATE)
    assert len(quiet) == len(voice)
    assert features.level_db(quiet) == pytest.approx(features.level_db(voice), abs=0.1)
    assert not whisper.is_whispered(voice, RATE)
    assert whisper.is_whispered(quiet, RATE)


@pytest.mark.parametrize("snr_db", [20.0, 10.0, 5.0, 0.0, -5.0])
def test_a_voice_in_noise_is_no_whisper(snr_db: float) -> None:
    assert not whisper.is_whispered(noisy(said(), snr_db), RATE)


@pytest.mark.parametrize("gain", [1.0, 0.1, 0.01])
def test_how_loud_it_is_says_nothing(gain: float) -> None:
    assert not whisper.is_whispered(said() * np.float32(gain), RATE)
    assert whisper.is_whispered(whisper.whispered(said(), RATE) * np.float32(gain), RATE)


def test_a_breathy_voice_is_no_whisper() -> None:
    voice = said()
    assert not whisper.is_whispered(0.5 * voice + 0.5 * whisper.whispered(voice, RATE), RATE)


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(2 * RATE, np.float32),
        np.zeros(0, np.float32),
        np.zeros(10, np.float32),
        sounds.noise(2.0, RATE),
        sounds.chords(2.0, RATE),
        whisper.whispered(said(), RATE)[: RATE // 2],
    ],
)
def test_of_silence_noise_music_and_little_speech_nothing_is_claimed(sound: np.ndarray) -> None:
    assert not whisper.is_whispered(sound, RATE)


def test_a_whisper_has_the_vowels_formants_and_less_below_them() -> None:
    """What has gone is the voice: the peaks of the spectrum stay within the few per cent that whispering moves them."""
    rng = np.random.default_rng(0)
    vowel = np.concatenate([sounds.vowel(1.0, 120, 0.9, rng, RATE)] * 2).astype(np.float32)
    quiet = whisper.whispered(vowel, RATE)
    centres = features.third_octave_centres(100, 6000)
    before, after = (features.band_levels(one, RATE, centres) for one in (vowel, quiet))
    upper = centres > 2000
    assert centres[upper][np.argmax(after[upper])] == pytest.approx(centres[upper][np.argmax(before[upper])])
    below = centres < 300
    assert np.mean((after - before)[upper]) - np.mean((after - before)[below]) > 8


def test_sounds_without_voice_stay_as_they_are() -> None:
    hiss = (0.1 * sounds.air(1.0, 4000, 9000, np.random.default_rng(0), RATE)).astype(np.float32)
    changed = whisper.whispered(hiss, RATE) - hiss
    assert features.level_db(changed) < features.level_db(hiss) - 20


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_any_rate_will_do_and_the_same_speech_gives_the_same_whisper(rate: int) -> None:
    voice = speech_like(2.0, rate)
    quiet = whisper.whispered(voice, rate)
    assert len(quiet) == len(voice)
    assert np.isfinite(quiet).all()
    assert np.abs(quiet).max() <= 0.98
    np.testing.assert_array_equal(quiet, whisper.whispered(voice, rate))


def test_a_line_of_no_sound_comes_back() -> None:
    assert len(whisper.whispered(np.zeros(0, np.float32), RATE)) == 0
    assert not whisper.whispered(np.zeros(RATE, np.float32), RATE).any()
