"""Kokoro with its real weights: exact length, exact words, the same bytes again, nobody rushed."""

from __future__ import annotations

import numpy as np
import pytest

from dubsync.audio import features
from dubsync.audio.pauses import insert, planned
from dubsync.backends.kokoro import enrol
from dubsync.backends.kokoro.espeak import Espeak
from dubsync.backends.kokoro.languages import speech_of
from dubsync.backends.kokoro.phonemes import LIMIT, VOCABULARY, tokens_of
from dubsync.backends.kokoro.takes import Fitted, Stock
from dubsync.backends.protocols import Enrolled, Voice, VoiceCloner
from dubsync.backends.speaker_voicefilter import VoicefilterEncoder
from dubsync.backends.voice_kokoro import SIZED_S, KokoroVoice
from dubsync.errors import PermanentError, UnknownLanguage, UsageError
from dubsync.timing import Span, seconds
from dubsync.title import Word

pytestmark = pytest.mark.weights
TEXT = "No quiero que te vayas."


@pytest.fixture(scope="module")
def engine() -> KokoroVoice:
    return KokoroVoice(threads=1)


@pytest.fixture(scope="module")
def dora(engine: KokoroVoice) -> Voice:
    return engine.named("ef_dora", "es")


@pytest.fixture(scope="module")
def espeak() -> Espeak:
    return Espeak()


def symbols(text: str, language: str, espeak: Espeak) -> str:
    names = {number: symbol for symbol, number in VOCABULARY.items()}
    return "".join(names[number] for number in tokens_of(text, speech_of(language), espeak).ids)


def test_it_is_a_voice_cloner(engine: KokoroVoice) -> None:
    assert isinstance(engine, VoiceCloner)


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        ("es", "¿Qué haces, Juan?", "kˈe ˈases, xwˈan?"),
        ("es-ES", "cinco", "θˈinko"),
        ("it", "Che bello!", "ke bˈɛllo!"),
        ("en", "Go home.", "ɡˌO hˈOm."),
        ("fr", "C'est le week-end.", "sɛ lə wˈiːkˈɛnd."),
    ],
)
def test_phonemes_are_in_the_models_alphabet_with_their_punctuation(
    espeak: Espeak, language: str, text: str, said: str
) -> None:
    assert symbols(text, language, espeak) == said


def test_espeak_ends_with_its_owner_and_starts_again_when_it_died() -> None:
    owner = Espeak()
    owner.phonemes(["sí"], "es-419")
    first = owner._process
    assert first is not None
    first.kill()
    first.wait()
    assert owner.phonemes(["sí"], "es-419") == ["sˈi"]
    second = owner._process
    assert second is not None
    del owner
    assert second.wait(timeout=10) == 0


def test_a_voice_espeak_does_not_have_is_named() -> None:
    with pytest.raises(PermanentError, match="martian"):
        Espeak().phonemes(["a"], "martian")


def test_every_written_word_has_its_tokens_even_where_espeak_joins_them(espeak: Espeak) -> None:
    tokens = tokens_of("That's all of the people I do not know.", speech_of("en"), espeak)
    assert [word for word, _, _ in tokens.words] == ["That's", "all", "of", "the", "people", "I", "do", "not", "know"]
    assert all(last > first for _, first, last in tokens.words)
    assert [first for _, first, _ in tokens.words] == sorted(first for _, first, _ in tokens.words)


def test_a_wanted_length_is_met_to_the_sample(engine: KokoroVoice, dora: Voice) -> None:
    natural = engine.duration(TEXT, voice=dora, language="es")
    for rate in (0.9, 1.0, 1.15):
        spoken = engine.speak(TEXT, voice=dora, language="es", seconds=natural / rate, seed=0)
        assert len(spoken.samples) == round(natural / rate * 24000)
        assert not spoken.flags


def test_nobody_is_rushed_and_somebody_is_told(engine: KokoroVoice, dora: Voice) -> None:
    natural = engine.duration(TEXT, voice=dora, language="es")
    spoken = engine.speak(TEXT, voice=dora, language="es", seconds=natural / 2, seed=0)
    assert len(spoken.samples) / 24000 == pytest.approx(natural / 1.2, abs=0.05)
    assert [flag.code for flag in spoken.flags] == ["line-too-long"]


def test_the_same_line_gives_the_same_samples(engine: KokoroVoice, dora: Voice) -> None:
    first, second = (engine.speak(TEXT, voice=dora, language="es", seconds=1.5, seed=seed) for seed in (1, 2))
    np.testing.assert_array_equal(first.samples, second.samples)


def test_word_times_bracket_where_the_voice_sounds(engine: KokoroVoice, dora: Voice) -> None:
    spoken = engine.speak("Sí. No.", voice=dora, language="es", seconds=None, seed=0)
    levels = features.frame_levels(spoken.samples, 240)
    first, second = spoken.words
    pause = levels[int(first.span.end * 100) + 8 : int(second.span.start * 100) - 3]
    assert [word.text for word in spoken.words] == ["Sí", "No"]
    assert levels[int(first.span.start * 100) : int(first.span.end * 100)].max() > -30
    assert pause.max(initial=-100) < levels.max() - 15


@pytest.mark.parametrize(
    ("language", "name", "text"),
    [
        ("es", "ef_dora", "La tapa, la copa. El pueblo espera un papel para Pablo."),
        ("en", "af_heart", "A happy pepper. People keep a paper map upon the table."),
    ],
)
def test_a_p_is_named_where_the_voice_falls_silent_for_it(
    engine: KokoroVoice, language: str, name: str, text: str
) -> None:
    voice = engine.named(name, language)
    spoken = engine.speak(text, voice=voice, language=language, seconds=None, seed=0)
    length = len(spoken.samples) / spoken.sample_rate
    assert {phone.symbol for phone in spoken.phones}.isdisjoint(set(" ,.ˈˌː"))
    assert all(0 <= phone.span.start <= phone.span.end <= length for phone in spoken.phones)
    closures = [phone.span for phone in spoken.phones if phone.symbol == "p"]
    assert len(closures) >= 6
    levels = np.convolve(features.frame_levels(spoken.samples, 120), np.ones(5) / 5, "same")  # 25 ms, every 5 ms
    late = []
    for span in closures:
        middle = round(100 * float(span.start + span.end))
        late.append(5 * (int(np.argmin(levels[middle - 14 : middle + 15])) - 14))
    assert abs(np.median(late)) <= 20  # milliseconds; tokens are 25 long


def test_a_pause_of_the_original_falls_between_the_same_phrases(engine: KokoroVoice, dora: Voice) -> None:
    times = ((0.0, 0.5), (0.5, 0.9), (1.6, 2.1), (2.1, 2.8))
    original = tuple(Word("so", Span(seconds(start), seconds(end))) for start, end in times)
    text = "Escúchame bien, nadie va a salir."
    (pause,) = planned(original, text)
    spoken = engine.speak(text, voice=dora, language="es", seconds=2.1, seed=0)
    paused = insert(spoken, (pause,))
    before, after = paused.words[pause.after - 1], paused.words[pause.after]
    assert (before.text, after.text) == ("bien", "nadie")
    assert float(after.span.start - before.span.end) == pytest.approx(0.7, abs=0.001)
    silent = paused.samples[round(float(before.span.end) * 24000) : round(float(after.span.start) * 24000)]
    assert (np.abs(silent) < 1e-3).mean() > 0.7
    assert len(paused.words) == len(spoken.words)


def test_two_thousand_characters_are_spoken_in_pieces_that_join(engine: KokoroVoice, dora: Voice) -> None:
    text = "Hola, esto es una prueba bastante larga. " * 16
    assert len(tokens_of(text, speech_of("es"), engine._speaker._espeak).ids) > LIMIT
    natural = engine.duration(text * 3, voice=dora, language="es")
    assert natural == pytest.approx(3 * engine.duration(text, voice=dora, language="es"), rel=0.05)


def test_speaking_pieces_gives_all_words_in_order(
    engine: KokoroVoice, dora: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dubsync.backends.kokoro.speech.LIMIT", 40)
    text = "Vamos ya. " * 6
    spoken = engine.speak(text, voice=dora, language="es", seconds=None, seed=0)
    starts = [word.span.start for word in spoken.words]
    assert len(spoken.words) == 12
    assert starts == sorted(starts)
    assert spoken.words[-1].span.end <= len(spoken.samples) / 24000


def test_pitch_moves_with_the_voice(engine: KokoroVoice, dora: Voice) -> None:
    lower = {**dora, "pitch": np.array([np.log(200), np.log(160), 1.0], np.float32)}
    high, low = (
        np.exp(np.mean([np.log(hertz) for hertz in features.pitch(sound, 24000) if hertz > 0]))
        for sound in (
            engine.speak(TEXT, voice=voice, language="es", seconds=None, seed=0).samples for voice in (dora, lower)
        )
    )
    assert low / high == pytest.approx(160 / 200, rel=0.05)


def _formants(sound: np.ndarray) -> np.ndarray:
    """Return the level in dB by third octaves, from 250 Hz to 4 kHz."""
    centres = features.third_octave_centres()
    return features.band_levels(sound, 24000, centres)[(centres > 240) & (centres < 4100)]


def test_a_longer_tract_lowers_the_formants_and_neither_pitch_nor_time(engine: KokoroVoice, dora: Voice) -> None:
    third = 2 ** (1 / 3)  # so far apart are the bands
    longer = {**dora, "tract": np.array([third**0.5], np.float32)}
    shorter = {**dora, "tract": np.array([third**-0.5], np.float32)}
    low, plain, high = (
        engine.speak(TEXT, voice=voice, language="es", seconds=1.6, seed=0) for voice in (longer, dora, shorter)
    )
    assert len(low.samples) == len(plain.samples) == len(high.samples) == round(1.6 * 24000)
    pitch = [np.median([h for h in features.pitch(one.samples, 24000) if h > 0]) for one in (low, plain, high)]
    np.testing.assert_allclose(pitch, pitch[1], rtol=0.07)  # the formants are 26 % apart
    bands = [_formants(one.samples) for one in (low, high)]
    moved, stayed = np.corrcoef(bands[0][:-1], bands[1][1:])[0, 1], np.corrcoef(bands[0], bands[1])[0, 1]
    assert moved > stayed, "the whole spectrum lies a band lower"
    starts = [[float(word.span.start) for word in one.words] for one in (low, plain, high)]
    np.testing.assert_allclose(starts, [starts[1]] * 3, atol=0.04)


def test_a_speaker_with_a_longer_tract_gets_one(engine: KokoroVoice) -> None:
    long = {**engine.named("bm_lewis", "en"), "tract": np.array([1.08], np.float32)}
    text = "Nobody told her that the bridge would open before the summer came."
    person = engine.speak(text, voice=long, language="en", seconds=None, seed=0)
    found = enrolled(engine, person.samples)
    assert found.voice["tract"][0] == 1, "it is looked for where somebody speaks enough"
    (sized,) = engine.nearer(found.takes[0], SIZED_S)
    assert sized.voice["tract"][0] > 1.03
    assert engine.nearer(found.takes[0], SIZED_S - 1) == ()


def enrolled(engine: KokoroVoice, samples: np.ndarray) -> Enrolled:
    return engine.enroll(samples, 24000, language="es", progress=lambda share: None)


def test_a_speaker_gets_the_voice_that_sounds_most_alike_at_their_pitch(engine: KokoroVoice) -> None:
    person = engine.speak(
        "Nobody told her that the bridge would open before the summer came.",
        voice=engine.named("bm_lewis", "en"), language="en", seconds=None, seed=0,
    )  # fmt: skip
    found = enrolled(engine, person.samples)
    assert not found.flags
    assert found.similarity is not None
    assert found.similarity >= found.notes["default"]
    assert engine.voices()[int(found.notes["nearest"])] == "bm_lewis"
    heard = np.median([hertz for hertz in features.pitch(person.samples, 24000) if hertz > 0])
    assert abs(12 * np.log2(np.exp(found.voice["pitch"][1]) / heard)) < 1


@pytest.mark.parametrize("arrays", [("native",), ("native", "tract")])
def test_a_voice_that_an_earlier_version_kept_is_spoken(
    engine: KokoroVoice, dora: Voice, arrays: tuple[str, ...]
) -> None:
    further = {"native": dora["timbre"], "tract": np.array([1.03], np.float32)}
    kept = {**dora, **{name: further[name] for name in arrays}}
    assert features.level_db(engine.speak(TEXT, voice=kept, language="es", seconds=None, seed=0).samples) > -40


def test_a_fitted_voice_has_its_persons_sounds_and_is_judged_with_them(engine: KokoroVoice) -> None:
    text = "Nobody told her that the bridge would open before the summer came."
    person = engine.speak(text, voice=engine.named("bm_lewis", "en"), language="en", seconds=None, seed=0)
    takes = enrolled(engine, person.samples).takes
    shaded, plain = ([one for one in takes if ("shades" in one.voice) is kind] for kind in (True, False))
    assert (len(shaded), len(plain)) == (2, 1), "the first is there as it was too"
    for one in takes:
        again = engine.speak(one.text, voice=one.voice, language="es", seconds=None, seed=0).samples
        assert np.corrcoef(again[2400:-2400], one.said[2400:-2400])[0, 1] > 0.99


def test_a_fitted_voice_has_a_share_of_the_native_timbre(engine: KokoroVoice, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Nobody told her that the bridge would open before the summer came."
    person = engine.speak(text, voice=engine.named("bm_lewis", "en"), language="en", seconds=None, seed=0)
    (voice,) = (one.voice for one in enrolled(engine, person.samples).takes if "shades" not in one.voice)
    monkeypatch.setattr(enrol, "NATIVE", 0.0)
    (without,) = (one.voice for one in enrolled(engine, person.samples).takes if "shades" not in one.voice)
    assert np.abs(without["timbre"] - voice["native"]).max() > 0.1
    np.testing.assert_allclose(voice["timbre"], 0.7 * without["timbre"] + 0.3 * voice["native"], atol=1e-5)


@pytest.mark.parametrize(
    ("sound", "code"),
    [
        (np.zeros(48000, np.float32), "little-speech"),
        (np.zeros(0, np.float32), "little-speech"),
        (np.random.default_rng(0).standard_normal(96000).astype(np.float32) * 0.1, "no-clear-speech"),
    ],
)
def test_too_little_to_learn_from_gives_a_stock_voice_and_a_flag(
    engine: KokoroVoice, sound: np.ndarray, code: str
) -> None:
    found = enrolled(engine, sound)
    assert [flag.code for flag in found.flags] == [code]
    assert found.similarity is None
    assert engine.duration(TEXT, voice=found.voice, language="es") > 0.5


def test_a_little_less_speech_than_is_needed_is_not_said_to_be_what_is_needed(engine: KokoroVoice) -> None:
    sound = np.random.default_rng(0).standard_normal(round(1.499 * 24000)).astype(np.float32) * 0.1
    (flag,) = enrolled(engine, sound).flags
    assert flag.what.startswith("only 1.49 s of speech to learn the voice from, 1.50 s are needed")


def test_variants_are_of_the_same_person_in_other_voices(engine: KokoroVoice) -> None:
    text = "Nobody told her that the bridge would open before the summer came."
    person = engine.speak(text, voice=engine.named("bm_lewis", "en"), language="en", seconds=None, seed=0)
    first = enrolled(engine, person.samples).takes[0]
    made = list(engine.variants(first))
    assert sum(isinstance(one, Fitted) and one.of is first.of for one in made) == len(made) == 10
    tracts = {round(float(one.voice["tract"][0]), 2) for one in made}
    assert tracts == {0.9, 0.95, 1.0, 1.05, 1.11}
    starts = {one.nearest for one in made if isinstance(one, Fitted)}
    assert len(starts) == 3
    alike = [float(one.heard @ first.heard) for one in made]
    assert max(alike) < 0.99
    assert min(alike) < 0.8


def test_away_from_another_voice_it_is_heard_less_and_the_person_nearly_as_much(engine: KokoroVoice) -> None:
    text = "Nobody told her that the bridge would open before the summer came."
    person = engine.speak(text, voice=engine.named("bm_lewis", "en"), language="en", seconds=None, seed=0)
    first = enrolled(engine, person.samples).takes[0]
    other = engine.known(engine.named("em_alex", "es"), "es")
    made = list(engine.away(first, other))

    assert [float(one.heard @ other.heard) < float(first.heard @ other.heard) - 0.03 for one in made] == [True, True]
    assert min(one.likeness for one in made) > first.likeness - 0.15
    assert list(engine.away(other, first)) == [], "a published voice stays as it is"


def test_what_is_heard_further_is_known_better(engine: KokoroVoice, dora: Voice) -> None:
    one = engine.known(dora, "es")
    two = engine.further(one)
    assert (one.sentences, two.sentences) == (1, 2)
    assert not one.person.any()
    assert np.linalg.norm(two.heard) == pytest.approx(1, abs=1e-5)
    assert 0.7 < float(one.heard @ two.heard) < 1
    text = "Vamos a verlo mañana. La llave está debajo de la piedra. ¿Quién te ha llamado a estas horas?"
    spoken = engine.speak(text, voice=dora, language="es", seconds=None, seed=0)
    third = VoicefilterEncoder().embed(spoken.samples, 24000)
    assert float(two.heard @ third) > float(one.heard @ third), "and so is nearer to the voice elsewhere"


def test_whom_nothing_is_known_of_may_get_other_published_voices(engine: KokoroVoice) -> None:
    found = enrolled(engine, np.zeros(0, np.float32))
    assert found.stock is not None
    others = list(engine.variants(found.stock))
    assert found.stock.voice is found.voice
    assert all(float(one.heard @ found.stock.heard) < 0.95 for one in others)
    assert len({one.name for one in others if isinstance(one, Stock) and one.name[1] == "f"}) == len(others) == 6
    assert all(not one.person.any() for one in others)
    again = list(engine.variants(found.stock))
    assert all(one.said is other.said for one, other in zip(others, again, strict=True)), "each is spoken once"


def test_an_unknown_voice_is_named_with_those_there_are(engine: KokoroVoice) -> None:
    with pytest.raises(UsageError, match="nobody") as error:
        engine.named("nobody", "es")
    assert "ef_dora" in error.value.hint


def test_a_language_or_text_that_cannot_be_spoken_is_an_error(engine: KokoroVoice, dora: Voice) -> None:
    with pytest.raises(UnknownLanguage):
        engine.speak("Hei", voice=dora, language="fi", seconds=None, seed=0)
    with pytest.raises(PermanentError):
        engine.speak("♪", voice=dora, language="es", seconds=None, seed=0)


def test_a_line_shouted_high_is_spoken_higher_and_never_out_of_the_speakers_range(
    engine: KokoroVoice, dora: Voice
) -> None:
    usual = {**dora, "pitch": np.array([np.log(165), np.log(165), 1.0], np.float32)}
    time = np.arange(48000) / 24000
    for hertz, wanted in ((190, 190), (400, 165 * 2 ** (4 / 12)), (100, 165 / 2 ** (4 / 12))):
        shout = sum(np.sin(2 * np.pi * hertz * part * time) / part for part in range(1, 8)).astype(np.float32) * 0.2
        directed = engine.direct(usual, shout, 24000)
        assert np.exp(directed["pitch"][1]) == pytest.approx(wanted, rel=0.02)


def test_a_line_without_pitch_changes_nothing(engine: KokoroVoice, dora: Voice) -> None:
    directed = engine.direct(dora, np.zeros(24000, np.float32), 24000)
    np.testing.assert_array_equal(directed["pitch"], dora["pitch"])
