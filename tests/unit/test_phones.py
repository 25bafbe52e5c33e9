"""The sounds of lines whose voice does not name them: found by a guide that does, handed on where lips are seen."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from test_mix import RATE, Film, drawn, speak, voiced, wav

from dubsync.audio import following
from dubsync.backends.fakes import FakePhones
from dubsync.backends.phones_kokoro import KokoroPhones
from dubsync.backends.protocols import Capabilities, Pronounced, Spoken
from dubsync.backends.voice_kokoro import KokoroVoice
from dubsync.backends.voice_recorded import KeepVoice, RecordedVoice
from dubsync.documents import from_json
from dubsync.stages.voice import VoiceParams
from dubsync.text.bench_phones import closure_errors
from dubsync.title import Phone

TEXT = "Un hombre pobre busca su mapa, en medio de la plaza."


def sounds(count: int, seed: int = 0) -> np.ndarray:
    """Return features (count, 8) of sounds that change every 80 ms."""
    steps = np.random.default_rng(seed).normal(size=(count // 8 + 1, 8)).astype(np.float32)
    return np.repeat(steps, 8, axis=0)[:count]


def followed(recorded: np.ndarray, guide: np.ndarray, *pauses: int, quiet: slice = slice(0, 0)) -> following.Path:
    levels = np.full(len(recorded), -20.0, np.float32) + np.random.default_rng(1).normal(0, 3, len(recorded))
    levels[quiet] = -70
    return following.path(following.apart(recorded, guide), levels.astype(np.float32), pauses)


def test_the_same_sounds_lie_on_each_other() -> None:
    guide = sounds(160)
    found = followed(guide, guide)
    np.testing.assert_array_equal(found.place, np.arange(160))
    assert found.doubt < 0.1


@pytest.mark.parametrize("rate", [0.6, 0.8, 1.25, 1.8])
def test_one_who_speaks_slower_or_faster_is_followed(rate: float) -> None:
    guide = sounds(160)
    places = np.minimum((np.arange(round(160 / rate)) * rate).astype(int), 159)
    found = followed(guide[places], guide)
    said = found.place >= 0
    assert said.mean() > 0.95
    assert np.abs(found.place - places)[said].max() <= 8
    assert found.doubt < 0.3


def test_a_pause_between_words_belongs_to_none_of_them() -> None:
    guide = sounds(160)
    silence = np.random.default_rng(3).normal(0, 3, (60, 8)).astype(np.float32)
    recorded = np.concatenate([guide[:80], silence, guide[80:]])
    found = followed(recorded, guide, 40, 80, 120, quiet=slice(80, 140))
    assert (found.place[82:138] == -1).all()
    np.testing.assert_array_equal(found.place[:78], np.arange(78))
    np.testing.assert_array_equal(found.place[142:], np.arange(82, 160))


def test_other_sounds_are_doubtful_and_far_too_few_have_no_place() -> None:
    assert followed(sounds(160, seed=7), sounds(160)).doubt > 0.7
    assert (followed(sounds(40), sounds(160)).place == -1).all()


@pytest.fixture(scope="module")
def finder() -> KokoroPhones:
    return KokoroPhones()


@pytest.fixture(scope="module")
def line() -> Spoken:
    voice = KokoroVoice(threads=1)
    return voice.speak(TEXT, voice=voice.named("em_alex", "es"), language="es", seconds=2.9, seed=0)


def found(finder: KokoroPhones, line: Spoken, sound: np.ndarray | None = None, text: str = TEXT) -> Pronounced:
    heard = line.samples if sound is None else sound
    return finder.find(heard, line.sample_rate, text=text, language="es", guide="ef_dora")


@pytest.mark.weights
def test_closures_of_a_mans_line_are_found_by_a_woman_who_says_the_same(finder: KokoroPhones, line: Spoken) -> None:
    said = found(finder, line)
    errors = np.abs(closure_errors(said.phones, line.phones))
    assert len(errors) >= 12
    assert np.median(errors) <= 0.02
    assert errors.max() <= 0.05
    assert [word.text for word in said.words] == [word.text for word in line.words]
    assert said.flags == ()


@pytest.mark.weights
def test_after_a_pause_that_the_guide_does_not_make_sounds_are_found_too(finder: KokoroPhones, line: Spoken) -> None:
    at = round(float(line.words[5].span.end + line.words[6].span.start) / 2 * line.sample_rate)
    pause = np.zeros(line.sample_rate * 7 // 10, np.float32)
    said = found(finder, line, np.concatenate([line.samples[:at], pause, line.samples[at:]]))
    before = [phone for phone in said.phones if phone.span.start < line.words[5].span.end]
    after = [phone.span.start for phone in said.phones[len(before) :]]
    assert float(before[-1].span.end) < at / line.sample_rate + 0.1
    assert float(min(after)) > at / line.sample_rate + 0.55


@pytest.mark.weights
@pytest.mark.parametrize("what", ["another text", "noise", "silence", "no word"])
def test_where_text_and_sound_are_not_the_same_nothing_is_named_and_it_is_told(
    finder: KokoroPhones, line: Spoken, what: str
) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, len(line.samples)).astype(np.float32)
    sound = {"noise": noise, "silence": np.zeros_like(noise)}.get(what)
    text = {"another text": "Nadie nos dijo que el último tren ya había salido.", "no word": "!"}.get(what, TEXT)
    said = found(finder, line, sound, text)
    assert said.phones == ()
    assert said.words == ()
    assert [flag.code for flag in said.flags] == ["phones-not-found"]


class Told(FakePhones):
    """Keeps what it was asked."""

    asked: list[tuple[str, str]]

    def __init__(self) -> None:
        self.asked = []

    def find(self, samples: np.ndarray, sample_rate: int, *, text: str, language: str) -> Pronounced:
        self.asked.append((text, language))
        return super().find(samples, sample_rate, text=text, language=language)


@pytest.fixture
def film(tmp_path: Any) -> Film:
    made = drawn(tmp_path)
    recording = np.zeros(RATE * 6, np.float32)
    recording[int(2.2 * RATE) : int(3.9 * RATE)] = voiced(1.7, 180)
    wav.write(made.folder / "recorded.es.wav", recording, RATE)
    made.put("transcript", {"language": "en"})
    made.voice = RecordedVoice
    return made


def seen(film: Film) -> Told:
    """Show the speaker, and let somebody find sounds."""
    file = film.products["speakers"][0].folder / "product.json"
    people = json.loads(file.read_text())
    file.write_text(json.dumps({**people, "faces": {"track": "speaker-1"}}))
    told = Told()
    film.more["phones"] = lambda: told
    return told


def test_sounds_of_a_recorded_line_are_handed_on_where_its_speaker_is_seen(film: Film) -> None:
    told = seen(film)
    value = speak(film, "un mapa").value
    assert told.asked == [("un mapa", "es")]
    assert [phone["symbol"] for phone in value["phones"]] == list("unmapa")
    first, last = from_json(tuple[Phone, ...], value["phones"])[0], from_json(tuple[Phone, ...], value["phones"])[-1]
    assert float(first.span.start) == pytest.approx(2.2, abs=0.02)
    assert float(last.span.end) == pytest.approx(3.9, abs=0.02)


def test_sounds_of_the_films_own_voice_are_those_of_the_films_own_words(film: Film) -> None:
    told = seen(film)
    film.voice = KeepVoice
    speak(film, "hola")
    assert told.asked == [("hello there", "en")]


def test_nobody_looks_for_the_sounds_of_one_who_is_not_seen(film: Film) -> None:
    told = Told()
    film.more["phones"] = lambda: told
    assert speak(film, "hola").value["phones"] == []
    assert told.asked == []


def test_a_language_that_the_finder_does_not_speak_is_left_as_it_was(film: Film) -> None:
    told = seen(film)
    told.capabilities = Capabilities(name="fake.phones", version="1", languages=("de",))
    assert speak(film, "hola").value["phones"] == []
    assert film.flags == []


def test_what_was_not_found_is_told_of_the_line_and_of_silence_nothing_is_asked(film: Film) -> None:
    told = seen(film)
    product = speak(film, "!")
    assert [(flag.code, flag.where) for flag in product.flags] == [("phones-not-found", "line-1")]
    (film.folder / "recorded.es.wav").unlink()
    (film.folder / "recorded.es").mkdir()
    speak(film, "hola", params=VoiceParams(unrecorded="silence"))
    assert told.asked == [("!", "es")]
