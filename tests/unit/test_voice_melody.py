"""A question rises at its end where the actor's did; statements, and questions that fell, stay as they were."""

from __future__ import annotations

import numpy as np
import pytest

from dubsync.audio import features
from dubsync.backends.kokoro import melody
from dubsync.backends.voice_kokoro import KokoroVoice

RATE = 24000


def glide(first: float, last: float, seconds: float = 1.2) -> np.ndarray:
    """A buzz that keeps its pitch and moves to another one in its last 0.2 s."""
    time = np.arange(round(seconds * RATE)) / RATE
    hertz = np.interp(time, (0, seconds - 0.2, seconds - 0.1, seconds), (first, first, last, last))
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    return sum(np.sin(part * phase) / part for part in range(1, 8)).astype(np.float32) * 0.2


@pytest.mark.parametrize(("last", "semitones"), [(180 * 2 ** (3 / 12), 3), (150, 0), (180, 0), (360, melody.RISES_TO)])
def test_a_rise_at_the_end_is_heard_and_a_fall_is_none(last: float, semitones: float) -> None:
    assert melody.rise(glide(180, last), RATE) == pytest.approx(semitones, abs=0.7)


def test_of_too_little_voice_nothing_is_claimed() -> None:
    assert melody.rise(glide(180, 300, 0.22)[: RATE // 8], RATE) == 0
    assert melody.rise(np.zeros(RATE, np.float32), RATE) == 0


def test_what_has_no_pitch_gets_none_and_only_the_end_climbs() -> None:
    pitch = np.full((1, 1, 160), 100, np.float32)
    pitch[..., 50:60], pitch[..., 150:] = 0, 0
    climbed = melody.risen(pitch, 4)
    assert (climbed[pitch == 0] == 0).all()
    np.testing.assert_allclose(climbed[..., :50], 100, rtol=1e-5)
    assert climbed[0, 0, 149] == pytest.approx(100 * 2 ** (4 / 12), rel=0.01)
    assert (np.diff(climbed[0, 0, 130:150]) > 0).all()


@pytest.mark.weights
def test_a_dubbed_question_ends_higher_where_the_original_rose_and_a_statement_does_not() -> None:
    engine = KokoroVoice(threads=1)
    dora = {**engine.named("ef_dora", "es"), "pitch": np.array([np.log(165), np.log(165), 1.0], np.float32)}
    rose, fell = (engine.direct(dora, glide(165, last), RATE) for last in (165 * 2 ** (4 / 12), 140))

    def end(text: str, voice: dict[str, np.ndarray]) -> float:
        said = engine.speak(text, voice=voice, language="es", seconds=None, seed=0)
        pitch = np.log2(np.maximum(features.pitch(said.samples, RATE), 1))
        heard = pitch[pitch > 0]
        return 12 * float(np.median(heard[-12:]) - np.median(heard))

    same = {**rose, "ending": np.array(0, np.float32)}
    assert end("¿Vienes con tu hermano?", rose) > end("¿Vienes con tu hermano?", same) + 2
    assert end("Vienes con tu hermano.", rose) == end("Vienes con tu hermano.", same)
    assert "ending" not in fell
