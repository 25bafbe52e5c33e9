"""The bench of voices casts people alone and together, and says what each gains."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from dubsync.audio import bench_likeness
from dubsync.audio.bench_likeness import Judges
from dubsync.backends.fakes import FakeVoice
from dubsync.backends.protocols import Voice

RATE = bench_likeness.RATE


class ByPitch:
    """Hears who it is by the strongest tone: an octave is a right angle."""

    def embed(self, samples: np.ndarray, sample_rate: int) -> np.ndarray:
        spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
        octaves = np.log2(max(float(np.argmax(spectrum)) * sample_rate / len(samples), 20.0) / 100)
        return np.array([np.cos(octaves * np.pi / 2), np.sin(octaves * np.pi / 2)], np.float32)


def tone(hertz: float) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(4 * RATE) / RATE)).astype(np.float32)


def hum(hertz: float) -> Voice:
    return {"pitch": np.array([hertz], np.float32)}


def test_people_are_cast_alone_and_together_and_compared_with_stock_voices(monkeypatch: pytest.MonkeyPatch) -> None:
    people = [tone(100), tone(160)]
    asked: list[int] = []

    def cast(sounds: Sequence[np.ndarray]) -> list[Voice]:
        asked.append(len(sounds))
        return [hum(100)] if len(sounds) == 1 else [hum(100), hum(160)]

    monkeypatch.setattr(bench_likeness, "speakers", lambda folder: iter(people))
    monkeypatch.setattr(bench_likeness, "_nearer_stock", lambda voice, sound: hum(200))
    judges = Judges(ByPitch(), ByPitch(), lambda sounds, texts, language: 0.25, lambda sound: 4.0)  # type: ignore[arg-type]
    found = bench_likeness.measure(FakeVoice(), cast, judges, Path())

    assert found is not None
    assert asked == [1, 1, 2]
    assert (found["told_apart_original"], found["told_apart"], found["told_apart_together"]) == (1, 0, 1)
    octave = np.log2(1.6) * np.pi / 2
    before = np.array([0, np.cos(np.pi / 2 - octave)])
    assert found["gain"] == pytest.approx(np.median(np.array([1, np.cos(octave)]) - before), abs=0.02)
    assert found["gain_together"] == pytest.approx(np.median(np.array([1, 1]) - before), abs=0.02)
    assert (found["fitted"]["wer"], found["together"]["mos"]) == (0.25, 4)
