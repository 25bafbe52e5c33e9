"""Where the actor whispers, so does the dub, in the same time; its mouth moves as if it spoke aloud."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_mix import RATE, Film, Parrot, drawn, drive_of, speak, words

from dubsync.audio import features, wav, whisper
from dubsync.stages.mix import MixParams, mix
from dubsync.stages.voice import VoiceParams
from dubsync.testing import sounds


@pytest.fixture
def film(tmp_path: Path) -> Film:
    return drawn(tmp_path)


def whispering(film: Film) -> None:
    """The actor whispers the line, on the left."""
    folder = film.products["stems"][0].folder
    speech = wav.read(folder / "dialogue.wav")
    said = np.concatenate([sounds.vowel(0.25, 130, 0.9, np.random.default_rng(n), RATE) for n in range(8)])
    quiet = whisper.whispered((0.1 * said).astype(np.float32), RATE)
    speech[2 * RATE : 4 * RATE] = np.stack([quiet, 0.25 * quiet], axis=1)
    wav.write(folder / "dialogue.wav", speech, RATE)


def test_a_whispered_line_is_whispered_in_the_same_time_and_mouths_move_as_if_it_were_not(film: Film) -> None:
    whispering(film)
    product = speak(film, words(20))
    sound, with_voice = (wav.read(product.file(name))[:, 0] for name in ("line.wav", "voiced.wav"))
    assert product.value["whispered"]
    assert film.flags == ["line-whispered"]
    assert len(sound) == len(with_voice) == round(24000 * product.value["seconds"])
    assert not (features.pitch(sound, 24000) > 0).any()
    film.run(mix, MixParams())
    moves = wav.read(drive_of(film, 1, 5).file("speech.wav"))[:, 0]
    assert (features.pitch(moves[2 * 16000 : 4 * 16000], 16000) > 0).mean() > 0.5
    assert (features.pitch(wav.read(film.products["mix"][0].file("dialogue.wav"))[:, 0], RATE) > 0).mean() < 0.02


def test_a_whisper_is_spoken_with_voice_where_that_is_asked_for(film: Film) -> None:
    whispering(film)
    product = speak(film, words(20), params=VoiceParams(whisper=False))
    assert not product.value["whispered"]
    assert film.flags == []
    assert (features.pitch(wav.read(product.file("line.wav"))[:, 0], 24000) > 0).mean() > 0.5


def test_a_whisper_directs_no_pitch(film: Film) -> None:
    directed: list[bool] = []

    class Led(Parrot):
        def direct(self, voice: Any, samples: np.ndarray, sample_rate: int) -> Any:
            directed.append(True)
            return voice

    film.voice = Led
    speak(film, words(20))
    whispering(film)
    speak(film, words(20))
    assert directed == [True]
