"""A fitted voice in which words are lost gives way to another take, or is brought nearer to a native one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dubsync.audio import wav
from dubsync.backends.fakes import FakeTranscriber, FakeVoice
from dubsync.backends.protocols import Enrolled, Progress, Take, Transcript
from dubsync.errors import Flag, Severity
from dubsync.stages import _intelligible
from dubsync.timing import Span, seconds
from dubsync.title import Utterance

SENTENCE = "uno dos tres cuatro cinco seis siete ocho nueve diez"


class Mumbler(FakeVoice):
    """A fake voice whose pitch rises with the native share: by 100 Hz in all."""

    def tempered(self, take: Take, share: float) -> Take:
        return spoken(float(np.asarray(take.voice["pitch"])[0]) + 100 * share)


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


def spoken(pitch: float) -> Take:
    """A voice of that pitch saying the sentence; the nearer to 100 Hz, the more like the person."""
    voice = {"pitch": np.array([pitch], np.float32)}
    said = FakeVoice().speak(SENTENCE, voice=voice, language="es", seconds=None, seed=0)
    angle = abs(pitch - 100) / 100
    heard, person = np.array([np.cos(angle), np.sin(angle)], np.float32), np.array([1, 0], np.float32)
    return Take(voice, SENTENCE, said.samples, said.sample_rate, heard, person)


def fitted(*pitches: float) -> Enrolled:
    takes = tuple(spoken(pitch) for pitch in pitches)
    return Enrolled(takes[0].voice, takes[0].likeness, takes=takes)


def cast(tmp_path: Path, enrolled: Enrolled, engine: FakeVoice, ears: Ears | None) -> Enrolled:
    found = _intelligible.understood(enrolled, _intelligible.Ways(engine, ears, "es-419", tmp_path))
    assert not list(tmp_path.iterdir()), "nothing is left beside the product"
    return found


def test_a_voice_that_is_understood_stays_as_it_was_fitted(tmp_path: Path) -> None:
    ears, enrolled = Ears(clear=100), fitted(100, 140)
    found = cast(tmp_path, enrolled, Mumbler(), ears)

    assert found.voice is enrolled.voice
    assert found.flags == ()
    assert (found.notes["words_lost"], found.notes["native_share"], found.similarity) == (0, 0, 1)
    assert ears.asked == 1


class OtherLetters(Ears):
    def transcribe(self, speech: Path, *, language: str | None, progress: Progress) -> Transcript:
        return Transcript("es", 1.0, (Utterance("u", "کسی نے اسے نہیں", Span(seconds(0), seconds(1))),))


def test_a_recogniser_that_writes_other_letters_judges_no_voice_and_somebody_is_told(tmp_path: Path) -> None:
    enrolled = fitted(100, 140)
    found = cast(tmp_path, enrolled, Mumbler(), OtherLetters(clear=100))

    assert found.voice is enrolled.voice
    assert [flag.code for flag in found.flags] == ["words-not-checked"]
    assert "words_lost" not in found.notes


def test_another_take_that_is_understood_comes_before_a_native_share(tmp_path: Path) -> None:
    ears, enrolled = Ears(clear=140), fitted(100, 140)
    found = cast(tmp_path, enrolled, Mumbler(), ears)

    assert found.voice is enrolled.takes[1].voice
    assert found.similarity == pytest.approx(enrolled.takes[1].likeness)
    assert found.takes == (enrolled.takes[1], enrolled.takes[0]), "the one that is cast comes first"
    assert (found.flags, found.notes["native_share"], ears.asked) == ((), 0, 2)


def test_the_smallest_share_that_is_understood_is_mixed_in_and_said(tmp_path: Path) -> None:
    ears = Ears(clear=150)
    found = cast(tmp_path, fitted(100), Mumbler(), ears)

    assert float(np.asarray(found.voice["pitch"])[0]) == pytest.approx(150)
    assert found.notes["native_share"] == 0.5
    assert found.similarity == pytest.approx(np.cos(0.5)), "of the voice that is cast, not of the one that was not"
    assert ears.asked == 3
    assert [(flag.severity, flag.code) for flag in found.flags] == [(Severity.INFO, "voice-tempered")]
    assert "40%" in found.flags[0].what


def test_where_no_share_helps_the_clearest_is_taken_with_a_warning(tmp_path: Path) -> None:
    found = cast(tmp_path, fitted(100), Mumbler(), Ears(clear=210))

    assert found.notes["native_share"] == 0.65
    assert [(flag.severity, flag.code) for flag in found.flags] == [(Severity.WARNING, "voice-tempered")]


def test_stock_voices_and_engines_without_a_native_share_are_not_tried(tmp_path: Path) -> None:
    ears = Ears(clear=500)
    flag = Flag(Severity.WARNING, "little-speech", "", "too little", "")
    stock = replace(fitted(100), flags=(flag,), takes=())

    assert cast(tmp_path, stock, Mumbler(), ears) is stock
    plain = fitted(100)
    assert cast(tmp_path, plain, FakeVoice(), ears) is plain
    assert cast(tmp_path, plain, Mumbler(), None) is plain
    assert ears.asked == 0
