"""The bench of voices casts people alone and together, and says what each gains."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from dubsync.audio import bench_likeness
from dubsync.audio.bench_likeness import Cast, Judges
from dubsync.backends.fakes import FakeVoice
from dubsync.backends.protocols import Enrolled, Voice

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


@pytest.fixture
def people(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    sounds = [tone(100), tone(160)]
    monkeypatch.setattr(bench_likeness, "speakers", lambda folder: iter(sounds))
    monkeypatch.setattr(bench_likeness, "_nearer_stock", lambda voice, sound: hum(200))
    return sounds


JUDGES = Judges(ByPitch(), ByPitch(), lambda sounds, texts, language: 0.25, lambda sound: 4.0)  # type: ignore[arg-type]


def test_people_are_cast_alone_and_together_and_compared_with_stock_voices(people: list[np.ndarray]) -> None:
    asked: list[int] = []

    def apart(voices: Sequence[Enrolled]) -> list[Enrolled]:
        asked.append(len(voices))
        return [Enrolled(hum(100)), Enrolled(hum(160))]

    cast = Cast(lambda sound, said: Enrolled(hum(100)), apart)
    found = bench_likeness.measure(FakeVoice(), cast, JUDGES, Path())

    assert found is not None
    assert asked == [2, 2]
    assert (found["told_apart_original"], found["told_apart"], found["told_apart_together"]) == (1, 0, 1)
    octave = np.log2(1.6) * np.pi / 2
    before = np.array([0, np.cos(np.pi / 2 - octave)])
    assert found["gain"] == pytest.approx(np.median(np.array([1, np.cos(octave)]) - before), abs=0.02)
    assert found["gain_together"] == pytest.approx(np.median(np.array([1, 1]) - before), abs=0.02)
    assert (found["fitted"]["wer"], found["together"]["mos"]) == (0.25, 4)


def test_the_same_people_are_cast_once_more_as_those_who_speak_for_long(people: list[np.ndarray]) -> None:
    def fitted(sound: np.ndarray, said: float | None) -> Enrolled:
        return Enrolled(hum(100) if said is None else hum(160))

    cast = Cast(fitted, list)
    found = bench_likeness.measure(FakeVoice(), cast, JUDGES, Path())

    assert found is not None
    octave = np.cos(np.log2(1.6) * np.pi / 2)
    assert found["fitted"]["judge"] == pytest.approx(np.mean([1, octave]), abs=0.02)
    assert found["long"] == found["long_together"]
    assert found["gain_long"] == found["gain_long_together"] == pytest.approx(found["gain"], abs=0.02)
    assert (found["told_apart_long"], found["told_apart_long_together"]) == (0, 0)
