"""Chatterbox and XTTS behind their seam, with stand-ins of the same interface in an interpreter of their own."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_films import FAKES

from dubsync import pipeline, weights
from dubsync.audio import features
from dubsync.audio.stretch import stretch
from dubsync.backends import registry
from dubsync.backends.cloners.takes import Wish, clean, speak
from dubsync.backends.voice_chatterbox import ChatterboxVoice
from dubsync.backends.voice_xtts import XttsVoice
from dubsync.errors import BadPipeline, MissingExtra, MissingWeights, PermanentError, TransientError, UsageError
from dubsync.testing import contract

STAND = Path(__file__).parent / "engines_stand"
ENGINES: dict[str, type[Any]] = {"chatterbox": ChatterboxVoice, "xtts": XttsVoice}


@pytest.fixture
def interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An interpreter that has the stand-ins, as an environment of their own would have the engines."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{STAND}" exec "{sys.executable}" "$@"\n')
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    for name in ENGINES:
        monkeypatch.setenv(f"DUBSYNC_{name.upper()}_PYTHON", str(python))
    return python


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("weights")
    for entry in ("chatterbox-multilingual", "xtts-v2"):
        for file in weights.entry(entry).files:
            (made / file.name).write_text("{}")
    return made


@pytest.fixture(scope="module")
def warm(folder: Path) -> dict[str, Any]:
    """One of each engine for many tests, since its process takes seconds to start."""
    return {name: engine(folder, takes=8) for name, engine in ENGINES.items()}


def hum(hertz: float, seconds: float = 3.0, rate: int = 48000) -> np.ndarray:
    return (0.4 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def pitch_of(samples: np.ndarray, rate: int) -> float:
    return float(np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples))


def still(share: float) -> None:
    """Progress goes nowhere."""


@pytest.mark.parametrize("name", sorted(ENGINES))
@pytest.mark.parametrize("check", contract.checks("voice"), ids=lambda check: check.__name__.strip("_"))
def test_a_cloner_keeps_the_contract(
    name: str, check: contract.Check, interpreter: Path, warm: dict[str, Any], tmp_path: Path
) -> None:
    check(warm[name], tmp_path)


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_it_speaks_like_the_reference_and_as_long_as_was_asked(
    name: str, interpreter: Path, warm: dict[str, Any]
) -> None:
    engine = warm[name]
    for hertz in (120.0, 190.0):
        voice = engine.enroll(hum(hertz), 48000, language="es-419", progress=still).voice
        spoken = engine.speak("Buenos días, doctora.", voice=voice, language="es-419", seconds=1.4, seed=3)
        assert pitch_of(spoken.samples, spoken.sample_rate) == pytest.approx(hertz, abs=4)
        assert len(spoken.samples) == round(1.4 * spoken.sample_rate)
        assert [word.text for word in spoken.words] == ["Buenos", "días,", "doctora."]


def test_lines_of_two_voices_do_not_get_mixed_up(interpreter: Path, folder: Path) -> None:
    engine = ChatterboxVoice(folder)
    voices = [engine.enroll(hum(hertz), 48000, language="es", progress=still).voice for hertz in (120.0, 190.0)]
    found = [
        pitch_of(engine.speak("Hola a todos.", voice=voice, language="es", seconds=None, seed=1).samples, 24000)
        for voice in (*voices, {}, *voices)
    ]
    assert found == [pytest.approx(hertz, abs=6) for hertz in (120, 190, 200, 120, 190)]


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_a_reference_without_speech_gives_the_engines_own_voice_and_a_flag(
    name: str, interpreter: Path, folder: Path
) -> None:
    engine = ENGINES[name](folder)
    enrolled = engine.enroll(np.zeros(48000, np.float32), 48000, language="es", progress=still)
    assert [flag.code for flag in enrolled.flags] == ["no-clear-speech"]
    spoken = engine.speak("Hola a todos.", voice=enrolled.voice, language="es", seconds=None, seed=1)
    assert pitch_of(spoken.samples, spoken.sample_rate) == pytest.approx(205, abs=10)
    short = engine.enroll(hum(120, 0.8), 48000, language="es", progress=still)
    assert [flag.code for flag in short.flags] == ["little-speech"]


def test_voices_can_be_cast_by_name(interpreter: Path, folder: Path) -> None:
    assert ChatterboxVoice(folder).named("default", "es") == {}
    assert set(XttsVoice(folder).named("Claribel Dervla", "es")) == {"gpt_cond_latent", "speaker_embedding"}
    with pytest.raises(UsageError, match="Nobody") as caught:
        XttsVoice(folder).named("Nobody", "es")
    assert "Claribel Dervla" in caught.value.hint


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_without_the_package_one_sentence_says_how_to_get_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(f"DUBSYNC_{name.upper()}_PYTHON", raising=False)
    with pytest.raises(MissingExtra) as caught:
        registry.check(f"voice.{name}")
    assert caught.value.exit_code == 2
    assert ENGINES[name].needs.package in caught.value.message
    assert f"DUBSYNC_{name.upper()}_PYTHON" in caught.value.hint
    monkeypatch.setenv(f"DUBSYNC_{name.upper()}_PYTHON", str(tmp_path / "nothing"))
    with pytest.raises(MissingExtra, match="cannot be run"):
        registry.check(f"voice.{name}")


def test_with_the_package_the_check_is_silent(interpreter: Path) -> None:
    for name in ENGINES:
        registry.check(f"voice.{name}")
    registry.check("fake.voice")


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_without_weights_it_says_how_to_fetch_them(
    name: str, interpreter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUBSYNC_CACHE", str(tmp_path / "cache"))
    with pytest.raises(MissingWeights) as caught:
        ENGINES[name]().speak("Hola.", voice={}, language="es", seconds=None, seed=1)
    assert caught.value.exit_code == 4
    assert "dubsync models pull" in caught.value.hint


def test_what_the_engine_refuses_is_told_in_its_words(interpreter: Path, folder: Path) -> None:
    engine = ChatterboxVoice(folder)
    with pytest.raises(PermanentError, match="Unsupported language_id 'fr'"):
        engine.speak("Bonjour.", voice={}, language="fr", seconds=None, seed=1)
    assert len(engine.speak("Hola.", voice={}, language="es", seconds=None, seed=1).samples) > 0


def test_an_engine_that_dies_is_told_and_started_again(interpreter: Path, folder: Path) -> None:
    engine = ChatterboxVoice(folder)
    with pytest.raises(TransientError, match="out of memory"):
        engine.speak("Please crash.", voice={}, language="en", seconds=None, seed=1)
    assert len(engine.speak("Hola.", voice={}, language="es", seconds=None, seed=1).samples) > 0


def test_the_weights_stay_the_files_on_record(interpreter: Path, folder: Path) -> None:
    XttsVoice(folder).named("Claribel Dervla", "es")
    assert (folder / "model.pth").read_text() == "{}"


def test_a_watermarker_that_does_not_load_is_told_and_not_left_out(
    interpreter: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_WITHOUT_PERTH", "1")
    with pytest.raises(MissingExtra, match="resemble-perth cannot be loaded"):
        ChatterboxVoice(folder).speak("Hola.", voice={}, language="es", seconds=None, seed=1)


def test_a_language_whose_parts_are_missing_is_refused_or_flagged(interpreter: Path, folder: Path) -> None:
    engine = ChatterboxVoice(folder)
    with pytest.raises(PermanentError, match="Chinese needs the word model"):
        engine.speak("你好。", voice={}, language="zh", seconds=None, seed=1)
    spoken = engine.speak("Hei hei.", voice={}, language="nb", seconds=None, seed=1)
    assert [flag.what for flag in spoken.flags if flag.code == "engine-warned"] == ["some part is not available"]


def test_norwegian_is_asked_for_by_the_engines_own_tag(interpreter: Path, folder: Path) -> None:
    assert len(ChatterboxVoice(folder).speak("Hei hei.", voice={}, language="nb", seconds=None, seed=1).samples) > 0


def said(lengths: list[float], rate: int = 24000) -> Callable[[str, int], tuple[np.ndarray, int]]:
    """An engine whose takes have the given lengths, one after the other."""
    waiting = list(lengths)
    return lambda text, seed: (hum(150, waiting.pop(0), rate), rate)


@pytest.mark.parametrize(
    ("lengths", "wanted", "kept", "length"),
    [
        ([3.0, 2.1, 2.6], 2.0, 2.1, 2.0),
        ([3.0, 2.01], 2.0, 2.01, 2.0),
        ([3.0, 2.8, 2.9], 2.0, 2.8, 2.8 * 0.85),
        ([1.0, 1.2, 1.1], 2.0, 1.2, 1.2 * 1.15),
    ],
)
def test_the_nearest_take_is_kept_and_stretched_by_no_more_than_15_percent(
    lengths: list[float], wanted: float, kept: float, length: float
) -> None:
    spoken = speak(said(lengths), Wish("Una frase de prueba.", "es", wanted, 1, len(lengths), 200))
    assert spoken.natural_seconds == pytest.approx(kept, abs=0.02)
    assert len(spoken.samples) / 24000 == pytest.approx(length, abs=0.02)
    assert [flag.code for flag in spoken.flags] == (["line-too-long"] if length > wanted + 0.03 else [])


def test_babble_is_not_kept_where_there_is_better_and_flagged_where_there_is_not() -> None:
    wish = Wish("Hola.", "es", None, 1, 2, 200)
    assert speak(said([9.0, 0.5]), wish).flags == ()
    assert [flag.code for flag in speak(said([9.0, 8.0]), wish).flags] == ["take-doubtful"]


def test_a_long_line_is_said_in_pieces() -> None:
    heard: list[str] = []

    def say(text: str, seed: int) -> tuple[np.ndarray, int]:
        heard.append(text)
        return hum(150, 0.05 * len(text), 24000), 24000

    speak(say, Wish("Una frase bastante larga. " * 80, "es", None, 1, 1, 200))
    assert max(map(len, heard)) <= 200
    assert " ".join(heard) == " ".join(["Una frase bastante larga."] * 80)


@pytest.mark.parametrize("text", ["...", "🎬🎬", "<i></i>", "♪ ♪"])
def test_a_text_without_a_letter_is_refused(text: str) -> None:
    with pytest.raises(PermanentError, match="can be spoken"):
        clean(text, "es")


def test_figures_are_said_and_markup_is_not() -> None:
    assert clean("<i>Tengo 3 gatos</i> 🐈", "es") == "Tengo tres gatos"


@pytest.mark.parametrize("factor", [0.85, 0.95, 1.1, 1.15])
@pytest.mark.parametrize("rate", [16000, 24000, 48000])
def test_stretching_keeps_pitch_and_level_and_meets_the_length(factor: float, rate: int) -> None:
    sound = contract.speech_like(3.0, rate)
    length = round(len(sound) * factor)
    made = stretch(sound, rate, length)
    assert len(made) == length
    assert features.level_db(made) == pytest.approx(features.level_db(sound), abs=1.0)
    pitches = [np.median(found[found > 0]) for found in (features.pitch(each, rate) for each in (sound, made))]
    assert pitches[1] == pytest.approx(pitches[0], rel=0.01)
    assert np.abs(np.diff(made)).max() < 1.3 * np.abs(np.diff(sound)).max()


@pytest.mark.parametrize("factor", [0.85, 1.15])
def test_stretching_leaves_a_sound_after_silence_at_its_time(factor: float) -> None:
    sound = np.zeros(48000, np.float32)
    starts = range(6000, 42000, 6000)
    for start in starts:
        sound[start : start + 1200] = 0.5 * np.sin(np.arange(1200) * 0.1) * np.exp(-np.arange(1200) / 240)
    made = stretch(sound, 24000, round(48000 * factor))
    for start in starts:
        near = np.abs(made[round(start * factor) - 2400 : round(start * factor) + 2400])
        assert int((near > 0.1).argmax()) - 2400 == pytest.approx(0, abs=100)


def test_xtts_is_refused_until_non_commercial_use_is_allowed(tmp_path: Path) -> None:
    text = FAKES.read_text()
    file = tmp_path / "mine.toml"
    file.write_text(text.replace("fake.voice", "voice.xtts"))
    with pytest.raises(BadPipeline, match="may not be used commercially"):
        pipeline.load(str(file))
    file.write_text("allow_non_commercial = true\n" + file.read_text())
    assert any(engine.name == "voice.xtts" for engine in pipeline.load(str(file)).engines())


def test_an_engine_whose_weights_are_not_commercial_opens_once_the_pipeline_allowed_it(
    interpreter: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUBSYNC_CACHE", str(tmp_path / "cache"))
    with pytest.raises(MissingWeights):
        registry.open_engine(registry.Engine("voice", "voice.xtts", {}))


def test_the_worker_is_kept_from_the_network(interpreter: Path, folder: Path) -> None:
    with pytest.raises(PermanentError, match="which it is kept from"):
        ChatterboxVoice(folder).speak("Please phone home.", voice={}, language="en", seconds=None, seed=1)


def test_the_worker_is_kept_from_the_hub() -> None:
    for engine in ENGINES.values():
        assert engine.needs.environment()["HF_HUB_OFFLINE"] == "1"
    assert os.environ.get("HF_HUB_OFFLINE") != "1"
