"""What every backend of a kind must do, whatever it is made of. For our engines, the fakes, and other people's.

    from dubsync.testing import contract
    @pytest.mark.parametrize("check", contract.checks("voice"))
    def test_my_voice(check, tmp_path): check(MyVoice(), tmp_path)

A check is a function of a backend and an empty folder; it raises AssertionError with what was broken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from dubsync.backends.fakes import schematic_face
from dubsync.backends.protocols import (
    Aligner,
    FaceFinder,
    Footage,
    LipModel,
    MouthSynth,
    PhoneFinder,
    Separator,
    SourceLine,
    SpeakerEncoder,
    SyncScorer,
    Transcriber,
    Transcript,
    Translator,
    VoiceCloner,
    WordlessJudge,
)
from dubsync.timing import Span
from dubsync.title import Utterance, Word

Check = Callable[[Any, Path], None]
RATE = 16000


def _still(share: float) -> None:
    assert 0 <= share <= 1, f"progress of {share} was told"


def speech_like(seconds: float, rate: int = RATE, *, hertz: float = 140.0, seed: int = 1) -> NDArray[np.float32]:
    """Return (n,) sound with a voice's pitch, formants and syllables; nobody's words."""
    time = np.arange(round(seconds * rate)) / rate
    buzz = sum(np.sin(2 * np.pi * hertz * n * time) / n**1.2 for n in range(1, 24))
    syllables = np.clip(np.sin(2 * np.pi * 3.5 * time), 0, 1) ** 0.5
    noise = np.random.default_rng(seed).normal(0, 0.02, len(time))
    sound: NDArray[np.float32] = (0.2 * buzz * syllables + noise * syllables).astype(np.float32)
    return sound


def _capabilities_are_data(backend: Any, folder: Path) -> None:
    facts = backend.capabilities
    assert "." in facts.name, f"{facts.name} is not kind.name"
    assert facts.version, "a version is part of every fingerprint"
    assert facts.licence, "a licence must be named"
    assert isinstance(facts.weights, tuple)
    assert isinstance(facts.languages, tuple)


def _stems_sum_to_the_mixture(backend: Separator, folder: Path) -> None:
    for rate, channels in ((48000, 2), (44100, 1), (22050, 2)):
        one = speech_like(2.5, rate)
        mixture = np.stack([one, 0.5 * one], axis=1)[:, :channels]
        soundfile.write(folder / "mix.wav", mixture, rate, subtype="FLOAT")
        backend.separate(folder / "mix.wav", folder / "dialogue.wav", folder / "bed.wav", progress=_still)
        parts = [soundfile.read(folder / name, dtype="float32", always_2d=True) for name in ("dialogue.wav", "bed.wav")]
        assert {part[1] for part in parts} == {rate}, "the rate changed"
        assert {part[0].shape for part in parts} == {mixture.shape}, "length or channels changed"
        assert np.abs(parts[0][0] + parts[1][0] - mixture).max() < 1e-4, "the stems do not sum to the mixture"


def _silence_holds_no_words(backend: Transcriber, folder: Path) -> None:
    soundfile.write(folder / "silence.wav", np.zeros(3 * RATE, np.float32), RATE)
    assert backend.transcribe(folder / "silence.wav", language="en", progress=_still).utterances == ()


def _utterances_are_in_order_within_the_sound(backend: Transcriber, folder: Path) -> None:
    sound = np.concatenate([speech_like(1.5), np.zeros(RATE, np.float32), speech_like(1.5)])
    soundfile.write(folder / "speech.wav", sound, RATE)
    heard = backend.transcribe(folder / "speech.wav", language="en", progress=_still)
    assert heard.language == "en"
    starts = [utterance.span.start for utterance in heard.utterances]
    assert starts == sorted(starts), "utterances are out of order"
    assert len({utterance.id for utterance in heard.utterances}) == len(starts), "two utterances have one id"
    for utterance in heard.utterances:
        assert utterance.text.strip(), "an empty utterance"
        assert utterance.span.end <= Fraction(len(sound), RATE) + Fraction(1, 10), "an utterance ends after the sound"


def _no_word_is_dropped(backend: Aligner, folder: Path) -> None:
    soundfile.write(folder / "speech.wav", speech_like(2.0), RATE)
    words = tuple(Word(text, Span(Fraction(n, 2), Fraction(n + 1, 2))) for n, text in enumerate(["so", "it", "xyzzy"]))
    utterance = Utterance("u", "So it xyzzy.", Span(Fraction(0), Fraction(3, 2)), words)
    aligned = backend.align(folder / "speech.wav", Transcript("en", 1.0, (utterance,)), progress=_still)
    assert [word.text for word in aligned.utterances[0].words] == ["so", "it", "xyzzy"]


def _a_voice_is_a_unit_vector_and_like_itself(backend: SpeakerEncoder, folder: Path) -> None:
    low, high = speech_like(3.0, hertz=110), speech_like(3.0, hertz=230, seed=2)
    one, same, other = backend.embed(low, RATE), backend.embed(low[RATE:], RATE), backend.embed(high, RATE)
    assert one.ndim == 1
    assert abs(float(np.linalg.norm(one)) - 1) < 1e-3, "not a unit vector"
    assert float(one @ same) > float(one @ other), "a voice is less like itself than like another"


def _pair(backend: Translator) -> tuple[str, str]:
    pairs = backend.capabilities.languages
    source, _, target = (pairs[0] if pairs else "en-es").partition("-")
    return source, target


def _every_line_comes_back(backend: Translator, folder: Path) -> None:
    texts = ["Good morning.", "Where is she? I don't know.", "No.", "It costs 20 dollars."]
    lines = [SourceLine(f"line-{n}", text, 2.0) for n, text in enumerate(texts)]
    source, target = _pair(backend)
    translated = backend.translate(lines, source=source, target=target, glossary={}, progress=_still)
    assert [line.id for line in translated] == [line.id for line in lines], "ids or order changed"
    for line in translated:
        assert line.candidates, f"{line.id} has no candidate"
        assert all(candidate.text.strip() for candidate in line.candidates), f"{line.id} has an empty candidate"


def _nothing_to_translate_is_no_error(backend: Translator, folder: Path) -> None:
    source, target = _pair(backend)
    assert backend.translate([], source=source, target=target, glossary={}, progress=_still) == ()


def _enrolled(backend: VoiceCloner) -> Any:
    return backend.enroll(speech_like(4.0, 24000), 24000, language="es", progress=_still).voice


def _a_made_voice_asks_for_consent(backend: VoiceCloner, folder: Path) -> None:
    assert backend.capabilities.needs_consent, "an engine that speaks in somebody's voice needs their consent"


def _a_line_is_spoken_in_its_time_and_repeatably(backend: VoiceCloner, folder: Path) -> None:
    voice = _enrolled(backend)
    text = "Buenos días, doctora."
    natural = backend.duration(text, voice=voice, language="es")
    assert 0.3 < natural < 6, f"{natural:.2f} s for three words"
    asked = natural * 1.1
    spoken = [backend.speak(text, voice=voice, language="es", seconds=asked, seed=7) for _ in range(2)]
    assert np.array_equal(spoken[0].samples, spoken[1].samples), "the same seed gave other sound"
    length = len(spoken[0].samples) / spoken[0].sample_rate
    assert abs(length - asked) < 0.1 + 0.05 * asked, f"{length:.2f} s were spoken where {asked:.2f} were asked"
    assert 0.01 < float(np.abs(spoken[0].samples).max()) <= 1.0, "silence or clipping"
    assert spoken[0].samples.dtype == np.float32


def _word_times_lie_within_the_sound(backend: VoiceCloner, folder: Path) -> None:
    spoken = backend.speak("Uno, dos, tres.", voice=_enrolled(backend), language="es", seconds=None, seed=1)
    ends = [float(word.span.end) for word in spoken.words]
    assert ends == sorted(ends), "words are out of order"
    assert not ends or ends[-1] <= len(spoken.samples) / spoken.sample_rate + 0.05, "a word ends after the sound"


def _sounds_lie_in_order_within_the_recording(backend: PhoneFinder, folder: Path) -> None:
    for rate in (16000, 24000):
        found = backend.find(speech_like(2.0, rate), rate, text="Buenos días, doctora.", language="es")
        assert found.phones or found.flags, "no sounds, and nobody is told"
        spans = [phone.span for phone in found.phones]
        assert spans == sorted(spans, key=lambda span: span.start), "sounds are out of order"
        assert all(0 <= span.start <= span.end <= 2.01 for span in spans), "a sound lies outside the recording"


def _silence_has_no_sounds(backend: PhoneFinder, folder: Path) -> None:
    found = backend.find(np.zeros(2 * RATE, np.float32), RATE, text="Buenos días.", language="es")
    assert found.phones == (), "sounds were found in silence"
    assert found.flags, "nothing was found, and nobody is told"


def _speech_changes_more_than_silence_and_a_tone(backend: WordlessJudge, folder: Path) -> None:
    assert backend.variety(np.zeros(RATE, np.float32), RATE) == 0, "silence changes"
    tone = np.sin(np.arange(RATE) / RATE * 2 * np.pi * 220).astype(np.float32) * np.float32(0.3)
    assert 0 <= backend.variety(tone, RATE) < backend.variety(speech_like(1.0, RATE), RATE), "a tone is like words"


def _no_face_is_no_error(backend: FaceFinder, folder: Path) -> None:
    blank = [np.full((120, 160, 3), shade, np.uint8) for shade in (0, 90, 255)]
    assert [faces for faces in backend.find(blank) for _ in faces] == []


def _one_answer_for_each_frame(backend: FaceFinder, folder: Path) -> None:
    sizes = ((64, 64), (121, 161))
    for height, width in sizes:
        frames = [np.full((height, width, 3), n * 20, np.uint8) for n in range(5)]
        assert len(list(backend.find(iter(frames)))) == 5, "frames and answers differ in number"


def _footage(*, frames: int = 50, rate: float = 25.0) -> Footage:
    """Return a drawn head whose mouth opens with the sound."""
    numbers = np.arange(frames, dtype=np.int32)
    speech = speech_like(frames / rate)
    opening = [float(np.abs(speech[int(n / rate * RATE) :][:640]).max()) * 0.15 for n in numbers]
    box = (44.0, 20.0, 116.0, 108.0)
    landmarks = np.stack([schematic_face(box, opening=0.02 + gap) for gap in opening])

    def pictures() -> Iterator[tuple[int, NDArray[np.uint8]]]:
        for number in numbers:
            yield int(number), _head(landmarks[number], int(number))

    always = np.ones(frames, bool)
    return Footage("shot-a", 0, frames, pictures, numbers / rate, numbers, landmarks, always, always, speech, 0.0)


def _head(landmarks: NDArray[np.float32], seed: int) -> NDArray[np.uint8]:
    import cv2

    from dubsync.face import geometry

    picture = np.full((128, 160, 3), (40, 60, 90), np.uint8)
    grain = np.random.default_rng(seed).integers(0, 6, picture.shape, dtype=np.uint8)
    for ring, colour in ((geometry.FACE_OVAL, (215, 170, 140)), (geometry.OUTER_LIPS, (180, 80, 80)),
                         (geometry.INNER_LIPS, (50, 15, 20))):  # fmt: skip
        cv2.fillPoly(picture, [np.round(landmarks[list(ring), :2]).astype(np.int32)], colour)
    return picture + grain


def _patches_fit_their_frames(backend: MouthSynth, folder: Path) -> None:
    footage = _footage()
    backend.learn([footage], folder / "actor", seconds=2.0, seed=3, progress=_still)
    patches = list(backend.perform(folder / "actor", footage, progress=_still))
    assert patches, "nothing was performed although somebody speaks"
    numbers = [patch.frame for patch in patches]
    assert numbers == sorted(set(numbers)), "frames are out of order or double"
    assert set(numbers) <= set(footage.numbers.tolist()), "a frame without a face was touched"
    for patch in patches:
        assert patch.pixels.dtype == patch.mask.dtype == np.uint8
        assert patch.pixels.shape == (*patch.mask.shape, 3)
        assert patch.affine.shape == (2, 3)
        assert np.isfinite(patch.affine).all()


def _silence_touches_no_frame(backend: MouthSynth, folder: Path) -> None:
    footage = _footage()
    backend.learn([footage], folder / "actor", seconds=2.0, seed=3, progress=_still)
    nobody = np.zeros(len(footage.numbers), bool)
    silent = replace(footage, speaking=nobody, was_speaking=nobody, speech=np.zeros_like(footage.speech))
    assert list(backend.perform(folder / "actor", silent, progress=_still)) == []


def _silence_closes_the_lips(backend: LipModel, folder: Path) -> None:
    voice = speech_like(2.0)
    sound = np.concatenate([np.zeros_like(voice), voice, np.zeros_like(voice)])
    seconds = np.arange(150) / 25
    gap = backend.opening(sound, seconds)
    assert gap.shape == seconds.shape
    assert np.isfinite(gap).all()
    silent = np.abs((seconds + 1) % 6 - 1) < 0.7
    assert gap[silent].mean() < gap[(seconds > 2.3) & (seconds < 3.7)].mean(), "lips are no wider open in speech"


def _a_mouth_at_rest_does_not_speak(backend: SyncScorer, folder: Path) -> None:
    from dubsync.backends.fakes import schematic_face

    box = (0.0, 0.0, 100.0, 140.0)
    waves = 0.05 + 0.04 * np.sin(2 * np.pi * 4 * np.arange(75) / 25)
    moving = np.stack([schematic_face(box, float(opening)) for opening in waves])
    still = np.stack([schematic_face(box, 0.02)] * 75)
    sound = speech_like(3.0)
    assert backend.score(still, 25.0, sound) == 0
    assert 0 < backend.score(moving, 25.0, sound) <= 1


_CHECKS: dict[str, tuple[Check, ...]] = {
    "stems": (_stems_sum_to_the_mixture,),
    "asr": (_silence_holds_no_words, _utterances_are_in_order_within_the_sound),
    "align": (_no_word_is_dropped,),
    "speaker": (_a_voice_is_a_unit_vector_and_like_itself,),
    "mt": (_every_line_comes_back, _nothing_to_translate_is_no_error),
    "voice": (
        _a_made_voice_asks_for_consent,
        _a_line_is_spoken_in_its_time_and_repeatably,
        _word_times_lie_within_the_sound,
    ),
    "phones": (_sounds_lie_in_order_within_the_recording, _silence_has_no_sounds),
    "wordless": (_speech_changes_more_than_silence_and_a_tone,),
    "lips": (_silence_closes_the_lips,),
    "sync": (_a_mouth_at_rest_does_not_speak,),
    "face": (_no_face_is_no_error, _one_answer_for_each_frame),
    "mouth": (_patches_fit_their_frames, _silence_touches_no_frame),
}

KINDS = tuple(sorted(_CHECKS))


def checks(kind: str) -> tuple[Check, ...]:
    """Return what every backend of a kind must pass."""
    return (_capabilities_are_data, *_CHECKS[kind])
