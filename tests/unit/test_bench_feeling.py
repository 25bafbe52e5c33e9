"""The bench of whispers and shouts counts what is there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from dubsync.audio import bench_feeling, match, whisper
from dubsync.testing.contract import speech_like

RATE = bench_feeling.RATE


def lines(count: int = 4) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [
        speech_like(2.0, RATE, hertz=110 + 30 * (n % 2), seed=n)
        + 0.002 * rng.standard_normal(2 * RATE).astype(np.float32)
        for n in range(count)
    ]


def test_whispers_are_heard_without_their_pitch(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, str]] = []

    def word_error(sounds: Sequence[np.ndarray], texts: Sequence[str], language: str) -> float:
        asked.append((len(sounds), language))
        assert len(texts) == len(sounds)
        return 0.1

    found = bench_feeling.whispers({"en": lines(), "es": lines(2)}, word_error, lambda sound: 2.0)
    assert asked == [(4, "en"), (2, "es")]
    assert found["whisper_wer"] == {"en": 0.1, "es": 0.1}
    assert found["whisper_voiced"] < 0.05 < 0.4 < found["whisper_voiced_before"]
    assert found["whisper_fall_db"] < found["whisper_fall_before_db"] - 5


def test_false_alarms_are_counted_and_people_are_left_out_where_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whisper, "is_whispered", lambda sound, rate: len(sound) % 2 == 1)
    from dubsync.text import bench_formant

    monkeypatch.setattr(
        bench_formant, "whispers", lambda texts, language: [np.zeros(2 * 16000 + 2, np.float32) for _ in texts]
    )
    found = bench_feeling.heard({"en": [lines(1)[0], lines(1)[0][:-1]]}, None)
    assert found["whisper_heard"]["clean"] == 1
    assert set(found["whisper_false"].values()) == {0.5}
    assert found["whisper_false_real"] is None


def test_a_shout_known_as_one_is_nearer_to_its_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    found = bench_feeling.shouts(lines())
    assert found["shout_fall_error_db"] < found["shout_fall_error_as_speech_db"] < found["shout_fall_error_before_db"]
    monkeypatch.setattr(match, "_shouted", lambda place, found, usual: 0.0)
    blind = bench_feeling.shouts(lines())
    assert blind["shout_fall_error_db"] == blind["shout_fall_error_as_speech_db"]
