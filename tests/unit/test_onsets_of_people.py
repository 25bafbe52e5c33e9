"""Word starts that a recording itself tells: after a pause, and where an s begins to hiss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from dubsync.audio import onsets
from dubsync.backends.protocols import Capabilities, Progress, Transcript
from dubsync.media.sound import beginning
from dubsync.testing.media import FilmSpec, make_film
from dubsync.text import bench_clips
from dubsync.timing import Span, seconds
from dubsync.title import Utterance, Word

RATE = bench_clips.RATE
STARTS = (0.5, 1.0, 2.0, 2.4)
"""Of "Once", "upon" without a pause, "Some" after one, and "seas" with its s after a vowel."""


def people() -> NDArray[np.float32]:
    """Low noise for vowels, high noise for the s, silence from 1.5 to 2."""
    noise = np.random.default_rng(0).standard_normal(3 * RATE)
    low, high = (sosfilt(butter(6, 2000, kind, fs=RATE, output="sos"), noise) for kind in ("lowpass", "highpass"))
    time = np.arange(len(noise)) / RATE
    vowel = ((time > 0.5) & (time < 1.5)) | ((time > 2) & (time < 2.4)) | ((time > 2.5) & (time < 2.8))
    hiss = (time >= 2.4) & (time < 2.5)
    return np.asarray(0.1 * low * vowel + 0.1 * high * hiss + 1e-5 * noise, np.float32)


def heard(starts: Sequence[float]) -> Transcript:
    texts = ("Once", "upon", "Some", "seas.")
    words = [Word(text, Span(seconds(at), seconds(at + 0.3))) for text, at in zip(texts, starts, strict=True)]
    return Transcript("en", 1.0, (Utterance("u", " ".join(texts), Span(Fraction(0), Fraction(3)), tuple(words)),))


class Hears:
    """Hears every word 80 ms late; aligned, only the s is 30 ms late."""

    capabilities = Capabilities(name="align.test", version="1", languages=("en",))

    def transcribe(self, speech: Path, *, language: str | None, progress: Progress) -> Transcript:
        return heard([start + 0.08 for start in STARTS])

    def align(self, speech: Path, transcript: Transcript, *, progress: Progress) -> Transcript:
        return heard([*STARTS[:3], STARTS[3] + 0.03])


def test_only_words_whose_start_is_heard_count_and_their_errors_are_told(tmp_path: Path) -> None:
    found = bench_clips.figures([people()], Hears(), Hears(), tmp_path)
    assert {kind: each["words"] for kind, each in found.items()} == {"after_pause": 2, "hiss": 1}
    assert found["after_pause"]["aligned"]["median_ms"] <= 15
    assert found["after_pause"]["recogniser"]["bias_ms"] == pytest.approx(80, abs=15)
    assert found["hiss"]["aligned"]["bias_ms"] == pytest.approx(30, abs=15)
    assert found["hiss"]["recogniser"]["beyond_50_ms"] == 1.0


def test_a_language_that_the_aligner_does_not_speak_is_left_out(tmp_path: Path) -> None:
    class Korean(Hears):
        capabilities = replace(Hears.capabilities, languages=("ko",))

    assert bench_clips.figures([people()], Hears(), Korean(), tmp_path) == {}


def test_speech_that_starts_sharply_after_a_pause_is_found_and_a_slow_rise_is_not() -> None:
    assert list(bench_clips.rises(onsets.level_db(people(), RATE))) == pytest.approx([0.49, 1.99], abs=0.02)
    decibels = np.interp(np.arange(2 * RATE) / RATE, [0.5, 1.3], [-80, -20])
    swell = np.random.default_rng(0).standard_normal(2 * RATE) * 10 ** (decibels / 20)
    assert list(bench_clips.rises(onsets.level_db(swell.astype(np.float32), RATE))) == []
    assert list(bench_clips.rises(onsets.level_db(np.zeros(RATE, np.float32), RATE))) == []


def test_a_folder_gives_the_beginning_of_each_film_with_sound(tmp_path: Path) -> None:
    make_film(tmp_path / "a.mp4", FilmSpec(frames=50))
    make_film(tmp_path / "b.mp4", FilmSpec(frames=5, has_sound=False))
    (tmp_path / "notes.txt").write_text("none")
    (sound,) = bench_clips.sounds(tmp_path)
    assert len(sound) == pytest.approx(2 * RATE, abs=RATE / 10)
    short = beginning(tmp_path / "a.mp4", RATE, 0.5)
    assert short is not None
    assert len(short) == RATE // 2
