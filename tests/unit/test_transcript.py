"""The transcript stage: what is heard, what a person brings, and what is not there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from words_stand import RATE, Stand, silence, tone, utterance

from dubsync.audio import onsets, wav
from dubsync.backends import asr_whisper
from dubsync.backends.asr_whisper import Heard, WhisperTranscriber, brought_back, to_utterances
from dubsync.backends.fakes import FakeTranscriber
from dubsync.backends.protocols import Capabilities, Progress, Transcript
from dubsync.errors import InputError, NoSpeech, UnknownLanguage
from dubsync.scripts import bring_transcript
from dubsync.stages.transcript import TranscriptParams, transcript
from dubsync.text.words import word_errors
from dubsync.timing import Span

SRT = "1\n00:00:01,000 --> 00:00:02,000\nHello there.\n\n2\n00:00:03,000 --> 00:00:04,500\nHow are you today?\n"


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    made = Stand(tmp_path)
    made.film(np.concatenate([silence(1), tone(1, 200), silence(1), tone(1.5, 200), silence(1)]))
    return made


def test_what_is_heard_becomes_utterances_with_words(stand: Stand) -> None:
    value = stand.run(transcript, TranscriptParams("en"), asr=FakeTranscriber)
    assert len(value["utterances"]) == 2
    assert all(one["words"] for one in value["utterances"])
    assert not stand.flags


def test_a_silent_film_has_no_speech(tmp_path: Path) -> None:
    quiet = Stand(tmp_path)
    quiet.film(silence(3))
    with pytest.raises(NoSpeech) as caught:
        quiet.run(transcript, TranscriptParams(), asr=FakeTranscriber)
    assert "transcript.srt" in caught.value.hint


def test_words_that_a_person_brings_replace_recognition(stand: Stand, tmp_path: Path) -> None:
    (tmp_path / "brought.srt").write_text(SRT)
    bring_transcript(tmp_path, tmp_path / "brought.srt")
    value = stand.run(transcript, TranscriptParams("en"), asr=_NeverAsked)
    assert [one["text"] for one in value["utterances"]] == ["Hello there.", "How are you today?"]
    first = value["utterances"][0]["words"]
    assert [word["text"] for word in first] == ["Hello", "there."]
    assert first[0]["span"]["end"] == first[1]["span"]["start"] == "19/13"


def test_the_same_cue_twice_keeps_two_ids(stand: Stand, tmp_path: Path) -> None:
    (tmp_path / "transcript.srt").write_text(SRT + "\n" + SRT)
    value = stand.run(transcript, TranscriptParams("en"), asr=_NeverAsked)
    assert len({one["id"] for one in value["utterances"]}) == 4


def test_a_broken_transcript_is_refused_before_it_enters_the_folder(tmp_path: Path) -> None:
    (tmp_path / "brought.srt").write_text("1\n00:00:01 -> 2\nHi\n")
    with pytest.raises(InputError):
        bring_transcript(tmp_path, tmp_path / "brought.srt")
    assert not (tmp_path / "transcript.srt").exists()


def test_an_unknown_language_is_refused(stand: Stand) -> None:
    with pytest.raises(UnknownLanguage):
        stand.run(transcript, TranscriptParams("klingonish"), asr=FakeTranscriber)


def test_doubtful_words_and_language_are_flagged(stand: Stand) -> None:
    value = stand.run(transcript, TranscriptParams(), asr=lambda: _Hears(Transcript("en", 0.3, (UNSURE, SURE))))
    assert stand.codes() == ["language-unsure", "low-confidence"]
    assert stand.flags[1].where == value["utterances"][0]["id"]


def test_an_aligner_that_does_not_speak_the_language_says_so(stand: Stand) -> None:
    heard = Transcript("es", 1.0, (SURE,))
    stand.run(transcript, TranscriptParams(), asr=lambda: _Hears(heard), align=_EnglishAligner)
    assert stand.codes() == ["words-not-aligned"]


def test_an_aligner_moves_times_and_neither_texts_nor_ids(stand: Stand) -> None:
    heard = Transcript("en", 1.0, (SURE,))
    value = stand.run(transcript, TranscriptParams(), asr=lambda: _Hears(heard), align=_EnglishAligner)
    (one,) = value["utterances"]
    assert (one["id"], one["text"], one["span"]["start"]) == (SURE.id, SURE.text, "3/1")


SURE = utterance("Yes.", 2.5, 3.5, confidence=0.9)
UNSURE = utterance("Mumble.", 1, 2, confidence=0.2)


class _NeverAsked:
    def __init__(self) -> None:
        raise AssertionError("recognition is not needed")


class _Hears:
    def __init__(self, heard: Transcript) -> None:
        self.heard = heard

    def transcribe(self, speech: Path, *, language: str | None, progress: Progress) -> Transcript:
        return self.heard


class _EnglishAligner:
    capabilities = Capabilities(name="align.test", version="1", languages=("en",))

    def align(self, speech: Path, transcript: Transcript, *, progress: Progress) -> Transcript:
        moved = tuple(
            replace(one, id="other", text="other", span=Span(Fraction(3), one.span.end))
            for one in transcript.utterances
        )
        return replace(transcript, utterances=moved)


def test_recognised_words_never_overlap_and_make_whole_utterances() -> None:
    heard = [Heard("One", 0.0, 0.5, 1.0), Heard("two.", 0.4, 0.9, 0.5), Heard("Three", 2.0, 2.1, 1.0)]
    first, second = to_utterances(heard, "en")
    assert (first.text, second.text) == ("One two.", "Three")
    assert first.words[1].span.start >= first.words[0].span.end
    assert first.confidence == 0.75


def test_starts_after_a_pause_are_moved_to_where_the_sound_is() -> None:
    sound = np.concatenate([silence(1), tone(0.6, 200), silence(1)])
    ((start, end),) = onsets.corrected([(0.8, 1.9)], onsets.level_db(sound, RATE))
    assert start == pytest.approx(1.0, abs=0.03)
    assert end == pytest.approx(1.6, abs=0.06)


def test_a_sentences_first_word_that_was_put_before_a_pause_comes_back() -> None:
    """Heard of two voices with music between them: "It" was put at the end of what the other one said."""
    said = [
        Heard("the", 1.0, 1.2, 1.0),
        Heard("key.", 1.2, 1.6, 1.0),
        Heard("It", 1.6, 1.7, 1.0),
        Heard("is", 8.2, 8.4, 1.0),
    ]
    found = brought_back(said)
    assert [word.text for word in found] == ["the", "key.", "It", "is"]
    assert (found[2].start, found[2].end) == pytest.approx((8.1, 8.2))
    assert [*found[:2], found[3]] == [*said[:2], said[3]]


@pytest.mark.parametrize(
    "said",
    [
        [Heard("key.", 1.2, 1.6, 1.0), Heard("Yes.", 1.6, 1.8, 1.0), Heard("It", 8.2, 8.4, 1.0)],
        [Heard("key.", 1.2, 1.6, 1.0), Heard("I", 1.9, 2.0, 1.0), Heard("think", 8.2, 8.4, 1.0)],
        [Heard("key.", 1.2, 1.6, 1.0), Heard("I", 1.6, 1.7, 1.0), Heard("think", 2.2, 2.4, 1.0)],
        [Heard("the", 1.2, 1.6, 1.0), Heard("key", 1.6, 1.7, 1.0), Heard("is", 8.2, 8.4, 1.0)],
        [Heard("key.", 1.2, 1.6, 1.0), Heard("Remember", 1.6, 2.1, 1.0), Heard("it", 8.2, 8.4, 1.0)],
        [Heard("I", 1.6, 1.7, 1.0), Heard("think", 8.2, 8.4, 1.0)],
        [],
    ],
    ids=["a sentence", "after a pause", "a short pause", "no new sentence", "a long word", "the first word", "nothing"],
)
def test_other_words_before_a_pause_stay_there(said: list[Heard]) -> None:
    assert brought_back(said) == said


def test_starts_inside_running_speech_are_left_alone() -> None:
    times = [(0.1, 0.5), (0.52, 0.9)]
    moved = onsets.corrected(times, onsets.level_db(tone(1.0, 200), RATE))
    assert moved[1][0] == 0.52


def test_windows_cover_a_long_film_once_and_hold_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asr_whisper, "WINDOW_S", 10)
    sound = np.concatenate([tone(7, 200), silence(1)] * 4)
    wav.write(tmp_path / "speech.wav", sound, RATE)
    windows = list(asr_whisper._windows(tmp_path / "speech.wav", len(sound)))
    assert np.array_equal(np.concatenate([samples for _, samples, _ in windows]), sound)
    assert [start for start, _, _ in windows] == list(np.cumsum([0, *(len(samples) for _, samples, _ in windows[:-1])]))
    assert max(len(samples) for _, samples, _ in windows) <= 10 * RATE


def test_a_window_ends_in_its_last_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    chunks = [
        {"start": 0, "end": 62 * RATE},
        {"start": 64 * RATE, "end": 90 * RATE},
        {"start": 92 * RATE, "end": 99 * RATE},
    ]
    assert asr_whisper._cut(chunks, 100 * RATE) == 91 * RATE
    assert asr_whisper._cut(chunks[:1], 100 * RATE) == 100 * RATE


@pytest.mark.weights
def test_whisper_hears_the_same_words_in_short_windows(clips: Path, tmp_path: Path) -> None:
    from faster_whisper.audio import decode_audio

    engine = WhisperTranscriber(threads=1)
    wav.write(tmp_path / "speech.wav", decode_audio(str(clips / "yiranran_31.mp4"), sampling_rate=RATE), RATE)
    heard = []
    for window, shortest in ((240, 60), (12, 4)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(asr_whisper, "WINDOW_S", window)
            patch.setattr(asr_whisper, "_SHORTEST_CUT_S", shortest)
            transcript = engine.transcribe(tmp_path / "speech.wav", language="en", progress=lambda share: None)
        heard.append(transcript.utterances)
    one, other = (" ".join(utterance.text for utterance in utterances) for utterances in heard)
    assert word_errors(one, other).rate < 0.1
    assert abs(float(heard[0][-1].span.end - heard[1][-1].span.end)) < 0.3


@pytest.mark.weights
def test_whisper_hears_a_real_sentence_and_no_words_in_music_or_noise(clips: Path, tmp_path: Path) -> None:
    from faster_whisper.audio import decode_audio

    engine = WhisperTranscriber(threads=1)
    clip = decode_audio(str(clips / "yiranran_31.mp4"), sampling_rate=RATE)[: 5 * RATE]
    wav.write(tmp_path / "speech.wav", clip, RATE)
    heard = engine.transcribe(tmp_path / "speech.wav", language=None, progress=lambda share: None)
    text = " ".join(one.text for one in heard.utterances)
    truth = "So if you do have time to prepare, I feel like you should do your research"
    assert heard.language == "en"
    assert word_errors(truth, text).rate < 0.15


@pytest.mark.weights
def test_whisper_makes_no_words_of_music_or_noise(tmp_path: Path) -> None:
    engine = WhisperTranscriber(threads=1)
    time = np.arange(8 * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * hertz * time) for hertz in (220, 277, 330)) * (
        0.1 + 0.05 * np.sin(2 * np.pi * 2 * time)
    )
    noise = np.random.default_rng(1).normal(0, 0.05, 8 * RATE)
    for number, sound in enumerate((chord, noise, silence(8))):
        wav.write(tmp_path / f"{number}.wav", np.asarray(sound, np.float32), RATE)
        heard = engine.transcribe(tmp_path / f"{number}.wav", language=None, progress=lambda share: None)
        assert heard.utterances == ()


def test_the_same_sound_is_encoded_once_in_a_row() -> None:
    asked: list[float] = []

    def encode(features: NDArray[np.float32]) -> float:
        asked.append(float(features.sum()))
        return asked[-1]

    once = asr_whisper._Once(encode)
    one, other = np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)

    assert [once(one), once(one.copy()), once(other), once(one)] == [6, 6, 0, 6]
    assert asked == [6, 0, 6]


@pytest.mark.parametrize(
    ("sounding_s", "encoded_s"), [(0, 10), (3.5, 10), (5.99, 10), (6.01, 11), (13, 17), (25.5, 30), (30, 30)]
)
def test_only_what_holds_sound_and_a_little_silence_after_it_is_encoded(sounding_s: float, encoded_s: int) -> None:
    once = asr_whisper._Once(lambda features: features.shape)
    features = np.zeros((2, 3000), np.float32)
    features[1, : round(100 * sounding_s)] = -0.3

    assert once(features) == (2, 100 * encoded_s)


def test_the_longest_stretches_tell_the_language_in_the_order_of_the_film() -> None:
    sound = np.arange(100, dtype=np.float32)
    chunks = [{"start": 0, "end": 5}, {"start": 10, "end": 40}, {"start": 50, "end": 52}, {"start": 60, "end": 80}]

    stretches = asr_whisper._longest(sound, chunks, 52)

    assert [(part[0], len(part)) for part in stretches] == [(0, 2), (10, 30), (60, 20)]


@dataclass(frozen=True)
class _Segment:
    avg_logprob: float
    tokens: list[int]


@dataclass(frozen=True)
class _Guesses:
    """A recogniser's model: what it takes long and short stretches for, and how likely the words of a language are."""

    long: dict[str, float]
    short: dict[str, float]
    words: dict[str, list[_Segment]] = field(default_factory=dict)

    def feature_extractor(self, part: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.zeros((1, len(part) + 1), np.float32)

    def detect_language(self, *, features: NDArray[np.float32]) -> tuple[str, float, list[tuple[str, float]]]:
        is_short = features.shape[-1] < 10 * RATE
        return "", 0.0, list((self.short if is_short else self.long).items())

    def transcribe(self, sound: NDArray[np.float32], *, language: str, **_: object) -> tuple[list[_Segment], None]:
        return self.words.get(language, []), None


def told(model: _Guesses) -> tuple[str, float]:
    """Return the language of two stretches of six seconds, and how sure that is."""
    ears = WhisperTranscriber.__new__(WhisperTranscriber)
    ears.model, ears.beam = model, 1  # type: ignore[assignment]
    chunks = [{"start": 0, "end": 6 * RATE}, {"start": 7 * RATE, "end": 13 * RATE}]
    language, confidence = ears._language(np.zeros(20 * RATE, np.float32), chunks)
    return language, round(confidence, 2)


def test_where_speech_together_leaves_doubt_each_stretch_is_heard_alone_too() -> None:
    assert told(_Guesses({"nl": 0.5, "de": 0.4}, {"de": 0.9, "nl": 0.1})) == ("de", 0.65)


def test_where_doubt_is_left_the_language_in_which_words_are_likely_is_taken() -> None:
    doubt = {"cy": 0.6, "en": 0.35, "la": 0.04}
    words = {"cy": [_Segment(-0.8, [1] * 9)], "en": [_Segment(-0.3, [1] * 9)], "la": [_Segment(-0.1, [1] * 9)]}
    language, confidence = told(_Guesses(doubt, doubt, words))
    assert language == "en"
    assert 0.97 < confidence < 1
    assert told(_Guesses(doubt, doubt, words | {"en": []})) == ("cy", 1.0)  # nothing was heard in English
    assert told(_Guesses({"cy": 0.9, "en": 0.1}, doubt, words)) == ("cy", 0.9)  # no doubt
