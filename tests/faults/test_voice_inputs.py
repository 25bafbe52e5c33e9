"""Odd speakers, texts and sounds: each comes out dubbed, flagged, or refused in a sentence; never as silence."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from fake_films import VOICES, made

from dubsync.audio import features, wav
from dubsync.backends.fakes import FakeVoice
from dubsync.backends.voice_kokoro import KokoroVoice
from dubsync.errors import InputError, PermanentError, UnknownLanguage
from dubsync.media.probe import layout_of
from dubsync.stages.casting import clean_speech
from dubsync.testing.contract import speech_like
from dubsync.timing import Span
from dubsync.title import Utterance
from dubsync.verbs import Localized, Wish, plan

SECONDS = 3
SPOKEN = (1.0, 2.2)


@dataclass(frozen=True)
class Sound:
    """How a film's sound is odd. `change`: of (n, channels) speech; `flags`: what must be told."""

    rate: int = 48000
    codec: str = "pcm_s16le"
    layout: str = "stereo"
    change: Callable[[np.ndarray], np.ndarray] = lambda samples: samples
    flags: frozenset[str] = frozenset()


def left_only(samples: np.ndarray) -> np.ndarray:
    return samples * np.array([1, 0], np.float32)


SOUNDS = {
    "8 kHz": Sound(8000),
    "11.025 kHz": Sound(11025),
    "44.1 kHz": Sound(44100),
    "96 kHz": Sound(96000),
    "192 kHz": Sound(192000),
    "24 bits": Sound(codec="pcm_s24le"),
    "float": Sound(codec="pcm_f32le"),
    "mono": Sound(layout="mono"),
    "5.1": Sound(layout="5.1"),
    "DC offset": Sound(change=lambda samples: samples + 0.015, flags=frozenset({"dc-offset"})),
    "clipped": Sound(change=lambda samples: np.clip(samples * 8, -1, 1), flags=frozenset({"clipped-source"})),
    "one channel only": Sound(change=left_only, flags=frozenset({"one-sided"})),
}


def film_with(path: Path, sound: Sound) -> Path:
    """A still picture of three seconds in which somebody speaks from 1 to 2.2 s, in every channel."""
    with av.open(str(path), "w") as out:
        picture = out.add_stream("libx264", rate=25, options={"preset": "ultrafast", "threads": "1"})
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        track = out.add_stream(sound.codec, rate=sound.rate)
        track.codec_context.layout = sound.layout
        for _ in range(25 * SECONDS):
            out.mux(picture.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90, np.uint8), format="rgb24")))
        out.mux(picture.encode(None))
        for frame in frames_of(spoken(sound), sound):
            out.mux(track.encode(frame))
        out.mux(track.encode(None))
    return path


def spoken(sound: Sound) -> np.ndarray:
    channels = {"mono": 1, "stereo": 2, "5.1": 6}[sound.layout]
    mono = np.zeros(sound.rate * SECONDS, np.float32)
    speech = speech_like(SPOKEN[1] - SPOKEN[0], sound.rate)
    first = round(SPOKEN[0] * sound.rate)
    mono[first : first + len(speech)] = 0.5 * speech
    return sound.change(np.repeat(mono[:, None], channels, axis=1)).astype(np.float32)


def frames_of(samples: np.ndarray, sound: Sound) -> Iterator[av.AudioFrame]:
    for start in range(0, len(samples), sound.rate):
        block = np.ascontiguousarray(samples[start : start + sound.rate])
        frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="flt", layout=sound.layout)
        frame.sample_rate, frame.time_base, frame.pts = sound.rate, Fraction(1, sound.rate), start
        yield frame


def dubbed(film: Path, **wish: object) -> Localized:
    return made(film, pipeline=VOICES, **wish)


def heard(result: Localized) -> tuple[np.ndarray, int, str]:
    """The dub's own sound as it was delivered: (n, channels), rate, layout."""
    dub = result.dubs[0]
    mix = next(Path(str(dub.video)).parent.glob("dub.wav"))
    with av.open(str(dub.video)) as new:
        track = new.streams.audio[0]
        return wav.read(mix), track.rate, layout_of(track)


@pytest.mark.parametrize("sound", SOUNDS.values(), ids=SOUNDS)
def test_a_film_with_odd_sound_is_dubbed_as_it_is(place: Path, sound: Sound) -> None:
    result = dubbed(film_with(place / "film.mkv", sound))
    samples, rate, layout = heard(result)
    told = {flag.code for flag in result.flags}
    faults = {"dc-offset", "clipped-source", "one-sided"}
    assert told & faults == sound.flags
    assert (rate, layout) == (sound.rate, sound.layout)
    assert len(samples) == sound.rate * SECONDS
    line = samples[round(1.1 * rate) : round(2.0 * rate)]
    loudest = max(features.level_db(line[:, channel] - line[:, channel].mean()) for channel in range(line.shape[1]))
    assert loudest > -40, "the dub is silent"
    report = json.loads(Path(str(result.dubs[0].report)).read_text())
    assert report["sound"]["integrated_lufs"] > -60


@pytest.mark.parametrize(
    ("rate", "seconds", "told"), [(44100, 3.0, set()), (96000, 2.7, {"me-length"}), (8000, 3.4, {"me-length"})]
)
def test_an_me_track_of_another_rate_or_length_is_fitted_and_told(
    place: Path, rate: int, seconds: float, told: set[str]
) -> None:
    wav.write(place / "me.wav", np.full(int(seconds * rate), 0.01, np.float32), rate)
    result = dubbed(film_with(place / "film.mkv", Sound()), me=place / "me.wav")
    assert {flag.code for flag in result.flags} & {"me-length"} == told
    assert len(heard(result)[0]) == 48000 * SECONDS


def test_an_me_track_of_another_film_is_refused(place: Path) -> None:
    wav.write(place / "me.wav", np.zeros(48000 * 9, np.float32), 48000)
    with pytest.raises(InputError, match="lasts 9"):
        dubbed(film_with(place / "film.mkv", Sound()), me=place / "me.wav")


def test_a_language_the_engine_does_not_speak_is_refused_before_any_work(place: Path, tmp_path: Path) -> None:
    film = film_with(place / "film.mkv", Sound())
    pipeline = tmp_path / "kokoro.toml"
    pipeline.write_text(Path(VOICES).read_text().replace("fake.voice", "voice.kokoro"))
    with pytest.raises(UnknownLanguage, match="fi") as caught:
        plan(film, ["fi"], Wish(pipeline=str(pipeline)))
    assert "es" in caught.value.hint
    assert not (place / "film.dubsync").exists()


def two_at_once(folder: Path) -> tuple[Path, tuple[Utterance, ...]]:
    both = 0.5 * speech_like(3.0, 24000) + 0.5 * speech_like(3.0, 24000, hertz=230, seed=2)
    wav.write(folder / "dialogue.wav", both, 24000)
    span = Span(Fraction(0), Fraction(3))
    return folder / "dialogue.wav", tuple(Utterance(name, "one", span, speaker=name) for name in ("ann", "ben"))


def test_a_voice_is_not_learnt_where_two_speak_at_once(tmp_path: Path) -> None:
    dialogue, utterances = two_at_once(tmp_path)
    samples, _ = clean_speech(dialogue, "ann", utterances)
    assert len(samples) == 0
    assert FakeVoice().enroll(samples, 24000, language="es", progress=lambda share: None).voice


@pytest.fixture(scope="module")
def kokoro() -> KokoroVoice:
    return KokoroVoice(threads=1)


TEXTS = {
    "digits": ("Llama al 915 552 368 antes de las 10:30.", 3.0),
    "a URL": ("Mira https://www.ejemplo.com/ruta?x=1 ahora.", 1.5),
    "emoji": ("¡Hola! 😀👍🏽 ♪ ¿Vienes?", 0.6),
    "a number alone": ("42", 0.5),
    "2,000 characters in one line": ("no quiero que te vayas otra vez " * 63, 60.0),
    "2,000 characters without a space": ("palabra" * 286, 30.0),
    "capitals": ("NO TE MUEVAS DE AHÍ", 0.8),
}


@pytest.mark.weights
@pytest.mark.parametrize("text", TEXTS)
def test_every_text_that_has_something_to_say_is_given_time(kokoro: KokoroVoice, text: str) -> None:
    written, least = TEXTS[text]
    assert kokoro.duration(written, voice=kokoro.named("ef_dora", "es"), language="es") > least


@pytest.mark.weights
@pytest.mark.parametrize("text", ["♪", "...", "😀", "", "¿?!", "---", "\u200b"])
def test_a_text_without_a_speakable_letter_is_refused_with_a_hint(kokoro: KokoroVoice, text: str) -> None:
    with pytest.raises(PermanentError, match="can be spoken") as caught:
        kokoro.duration(text, voice=kokoro.named("ef_dora", "es"), language="es")
    assert caught.value.hint


def shouting(_: np.ndarray) -> np.ndarray:
    return np.clip(4 * speech_like(4.0, 24000, hertz=330), -1, 1)


def under_music(speech: np.ndarray) -> np.ndarray:
    time = np.arange(len(speech)) / 24000
    chord = sum(np.sin(2 * np.pi * hertz * time) for hertz in (220, 277, 330, 440))
    return (speech + 0.3 * chord).astype(np.float32)


REFERENCES: dict[str, tuple[Callable[[np.ndarray], np.ndarray], set[str]]] = {
    "0.8 s of speech": (lambda speech: speech[: int(0.8 * 24000)], {"little-speech"}),
    "pure noise": (
        lambda speech: np.random.default_rng(0).normal(0, 0.1, 96000).astype(np.float32),
        {"no-clear-speech"},
    ),
    "nothing": (lambda speech: speech[:0], {"little-speech"}),
    "only shouting": (shouting, {"voice-not-fitted"}),
    "music under it": (under_music, {"voice-not-fitted"}),
    "two at once": (lambda speech: speech + speech_like(4.0, 24000, hertz=230, seed=2), {"voice-not-fitted"}),
    "a child": (lambda speech: speech_like(4.0, 24000, hertz=380), {"voice-not-fitted"}),
}
"""How the reference is odd, and the flags it may lead to; those of the first three it must lead to."""


@pytest.mark.weights
@pytest.mark.long
@pytest.mark.parametrize("reference", REFERENCES)
def test_any_reference_gives_a_voice_that_is_heard(kokoro: KokoroVoice, reference: str) -> None:
    change, allowed = REFERENCES[reference]
    sound = change(speech_like(4.0, 24000)).astype(np.float32)
    found = kokoro.enroll(sound, 24000, language="es", progress=lambda share: None)
    told = {flag.code for flag in found.flags}
    assert told <= allowed
    if found.similarity is None:
        assert told, "a stock voice speaks, and nobody is told"
    said = kokoro.speak("Vamos.", voice=found.voice, language="es", seconds=None, seed=0)
    assert features.level_db(said.samples) > -40
    assert np.isfinite(said.samples).all()
    assert 60 <= float(np.median([hertz for hertz in features.pitch(said.samples, 24000) if hertz > 0])) <= 500
