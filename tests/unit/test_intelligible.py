"""A fitted voice in which words are lost is brought nearer to a native one, as far as it takes and no further."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dubsync.audio import wav
from dubsync.backends.fakes import FakeTranscriber, FakeVoice
from dubsync.backends.protocols import Enrolled, Progress, Transcript, Voice
from dubsync.engine.stage import Context
from dubsync.errors import Flag, Severity
from dubsync.stages import _intelligible
from dubsync.timing import Span, seconds
from dubsync.title import Utterance

SENTENCE = "uno dos tres cuatro cinco seis siete ocho nueve diez"
FITTED: Voice = {"pitch": np.array([100.0], np.float32)}


class Mumbler(FakeVoice):
    """A fake voice whose pitch rises with the native share: by 100 Hz in all."""

    def probe(self, language: str) -> str:
        return SENTENCE

    def tempered(self, voice: Voice, share: float) -> Voice:
        return {**voice, "pitch": np.asarray(voice["pitch"]) + np.float32(100 * share)}


class Ears(FakeTranscriber):
    """Misses two words in ten for every 20 Hz that a voice is below `clear`."""

    def __init__(self, clear: float) -> None:
        self.clear, self.asked = clear, 0

    def transcribe(self, speech: Path, *, language: str | None, progress: Progress) -> Transcript:
        self.asked += 1
        samples = wav.read(speech, start=0, stop=wav.facts(speech).frames)[:, 0]
        spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
        pitch = float(np.argmax(spectrum)) * 16000 / len(samples)
        missed = 2 * max(0, round((self.clear - pitch) / 20))
        text = " ".join(SENTENCE.split()[missed:])
        return Transcript(language or "es", 1.0, (Utterance("u", text, Span(seconds(0), seconds(1))),))


def cast(tmp_path: Path, enrolled: Enrolled, **engines: Any) -> Enrolled:
    backends: Mapping[str, Any] = {kind: lambda engine=engine: engine for kind, engine in engines.items()}
    ctx = Context(out=tmp_path, film=tmp_path, folder=tmp_path, seed=0, language="es", backends=backends)
    found = _intelligible.understood(enrolled, "es-419", ctx)
    assert not list(tmp_path.iterdir()), "nothing is left beside the product"
    return found


def test_a_voice_that_is_understood_stays_as_it_was_fitted(tmp_path: Path) -> None:
    ears = Ears(clear=100)
    found = cast(tmp_path, Enrolled(FITTED, 0.8), voice=Mumbler(), asr=ears)

    assert found.voice is FITTED
    assert found.flags == ()
    assert (found.notes["words_lost"], found.notes["native_share"], found.similarity) == (0, 0, 0.8)
    assert ears.asked == 1


def test_the_smallest_share_that_is_understood_is_mixed_in_and_said(tmp_path: Path) -> None:
    ears = Ears(clear=150)
    found = cast(tmp_path, Enrolled(FITTED), voice=Mumbler(), asr=ears)

    assert float(np.asarray(found.voice["pitch"])[0]) == pytest.approx(150)
    assert found.notes["native_share"] == 0.5
    assert ears.asked == 3
    assert [(flag.severity, flag.code) for flag in found.flags] == [(Severity.INFO, "voice-tempered")]
    assert "40%" in found.flags[0].what


def test_where_no_share_helps_the_clearest_is_taken_with_a_warning(tmp_path: Path) -> None:
    found = cast(tmp_path, Enrolled(FITTED), voice=Mumbler(), asr=Ears(clear=210))

    assert found.notes["native_share"] == 0.65
    assert [(flag.severity, flag.code) for flag in found.flags] == [(Severity.WARNING, "voice-tempered")]


def test_stock_voices_and_engines_without_a_native_share_are_not_tried(tmp_path: Path) -> None:
    ears = Ears(clear=500)
    stock = Enrolled(FITTED, None, (Flag(Severity.WARNING, "little-speech", "", "too little", ""),))

    assert cast(tmp_path, stock, voice=Mumbler(), asr=ears) is stock
    plain = Enrolled(FITTED)
    assert cast(tmp_path, plain, voice=FakeVoice(), asr=ears) is plain
    assert cast(tmp_path, plain, voice=Mumbler()) is plain
    assert ears.asked == 0
