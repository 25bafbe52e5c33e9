"""Words aligned to the sound, in English, Spanish, French and Portuguese, on speech whose true word times are known."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dubsync import weights
from dubsync.audio import onsets, wav
from dubsync.backends.align_pocketsphinx import PocketSphinxAligner, _placed, _tokens, arpabet
from dubsync.backends.protocols import Transcript
from dubsync.backends.voice_kokoro import KokoroVoice
from dubsync.text import bench, bench_formant
from dubsync.timing import Span, seconds
from dubsync.title import Utterance, Word

RATE = 16000


@pytest.mark.parametrize(
    ("word", "language", "tokens"),
    [
        ("Hello,", "en", ["hello"]),
        ("don’t", "en", ["don't"]),
        ("21", "en", ["twenty", "one"]),
        ("¿Qué?", "es", ["es~qué"]),
        ("3", "es", ["es~tres"]),
        ("aujourd'hui", "fr", ["fr~aujourd'hui"]),
        ("l’arbre", "fr", ["fr~l'arbre"]),
        ("80", "fr", ["fr~quatre", "fr~vingts"]),
        ("você", "pt", ["pt~você"]),
        ("—", "es", []),
    ],
)
def test_a_word_becomes_what_is_said_of_it_in_its_language(word: str, language: str, tokens: Sequence[str]) -> None:
    assert _tokens(word, language) == tokens


@pytest.mark.parametrize(
    ("ipa", "phones"),
    [
        ("pˈweɾta", "P W EH D T AA"),
        ("fənˈɛːtʁ", "F AH N EH T K"),
        ("tʃˈiko", "CH IY K OW"),
        ("ˈaɲos", "AA N Y OW S"),
        ("", "AH"),
    ],
)
def test_foreign_sounds_are_written_as_the_nearest_english_ones(ipa: str, phones: str) -> None:
    assert arpabet(ipa) == phones


def test_a_word_that_is_not_said_lies_where_the_one_before_it_ends() -> None:
    words = [Word(text, Span(Fraction(0), Fraction(9))) for text in ("80", "—", "ans")]
    tokens = [["quatre", "vingts"], [], ["ans"]]
    placed = _placed(words, tokens, [(10, 30), (30, 50), (60, 90)], Fraction(1))
    assert [(float(word.span.start), float(word.span.end)) for word in placed] == [(1.1, 1.5), (1.5, 1.5), (1.6, 1.9)]


def bursts(*spans: tuple[float, float], length: float = 3.0, floor: float = 1e-4) -> np.ndarray:
    """Return noise that is loud within the spans."""
    noise = np.random.default_rng(1).normal(0, 1, round(length * RATE))
    time = np.arange(len(noise)) / RATE
    loud = np.zeros(len(noise), bool)
    for start, end in spans:
        loud |= (time >= start) & (time < end)
    return (noise * np.where(loud, 0.1, floor)).astype(np.float32)


@pytest.mark.parametrize("guess", [0.75, 0.9, 1.1, 1.3])
def test_a_start_after_a_pause_goes_to_where_the_sound_begins(guess: float) -> None:
    level = onsets.level_db(bursts((0.2, 0.5), (1.0, 1.6)), RATE)
    (_, (start, end)) = onsets.corrected([(0.2, 0.5), (guess, 1.6)], level)
    assert start == pytest.approx(1.0, abs=0.02)
    assert end == pytest.approx(1.6, abs=0.03)


def test_an_end_before_a_pause_goes_to_where_the_sound_ends() -> None:
    level = onsets.level_db(bursts((0.5, 1.0), (2.0, 2.4)), RATE)
    ((_, end), _) = onsets.corrected([(0.5, 1.25), (2.0, 2.4)], level)
    assert end == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("sound", [np.zeros(0, np.float32), np.zeros(48000, np.float32), bursts((0, 3))])
def test_where_nothing_rises_times_stay_in_order_and_no_word_is_empty(sound: np.ndarray) -> None:
    times = [(0.2, 0.6), (1.0, 1.0), (1.4, 2.0)]
    found = onsets.corrected(times, onsets.level_db(sound, RATE))
    assert len(found) == 3
    assert [start for start, _ in found] == [0.2, 1.0, 1.4]
    assert len(sound) == 0 or all(end > start for start, end in found)


def spoken(*parts: float) -> np.ndarray:
    """Sound and silence by turns, each of so many seconds."""
    rng = np.random.default_rng(0)
    pieces = [0.1 * (number % 2 == 0) * rng.standard_normal(round(part * RATE)) for number, part in enumerate(parts)]
    return onsets.level_db(np.concatenate(pieces).astype(np.float32), RATE)


def test_a_word_that_begins_in_a_pause_begins_where_the_sound_does_and_its_neighbours_after_it() -> None:
    level = spoken(1, 0.4, 1)
    found = [start for start, _ in onsets.begun([(0.2, 1.1), (1.2, 1.5), (1.3, 1.8), (1.9, 2.3)], level)]
    assert found[0] == 0.2
    assert found[1] == pytest.approx(1.4, abs=0.03)
    assert found[1] < found[2] < found[3] == 1.9


@pytest.mark.parametrize(
    ("parts", "start"),
    [((1, 0.08, 1), 1.02), ((1, 0.4, 1), 0.9), ((1, 0.6, 1), 1.1), ((2.0,), 1.0)],
    ids=["a closed stop", "in the sound before", "a pause longer than the word", "no pause"],
)
def test_a_word_without_a_pause_inside_stays_where_it_was(parts: tuple[float, ...], start: float) -> None:
    assert onsets.begun([(start, start + 0.45)], spoken(*parts))[0][0] == start


def test_english_said_between_silences_without_any_sound_is_found(tmp_path: Path) -> None:
    pytest.importorskip("pocketsphinx")
    texts = bench.PASSAGES["en"][:2]
    reading = bench_formant.read_aloud(texts, "en")
    wav.write(tmp_path / "speech.wav", reading.samples, RATE)
    given = bench_formant.brought(reading, texts, "en")
    aligned = PocketSphinxAligner().align(tmp_path / "speech.wav", given, progress=lambda share: None)
    found = bench.onset_errors(reading.words, aligned, "en")
    assert found["median_ms"] < 15
    assert found["beyond_50_ms"] < 0.05


def test_the_level_is_that_of_the_sound_every_five_milliseconds() -> None:
    time = np.arange(RATE) / RATE
    level = onsets.level_db((0.5 * np.sin(2 * np.pi * 200 * time)).astype(np.float32), RATE)
    assert len(level) == 200
    assert np.median(level) == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.2)


@pytest.fixture(scope="module")
def voice() -> KokoroVoice:
    if not weights.is_present("kokoro"):
        pytest.skip("the weights kokoro are not in the cache: run `dubsync models pull`")
    return KokoroVoice(threads=1)


@pytest.mark.parametrize("language", ["es", "fr", "pt"])
def test_word_starts_that_are_a_tenth_of_a_second_off_come_back(
    language: str, voice: KokoroVoice, tmp_path: Path
) -> None:
    texts = bench.PASSAGES[language][3:4]
    reading = bench.read_aloud(voice, [(bench.CASTS[language][0], text) for text in texts], language)
    wav.write(tmp_path / "speech.wav", reading.samples, RATE)
    heard = Transcript(language, 1.0, tuple(_blurred(reading, texts)))

    found = PocketSphinxAligner().align(tmp_path / "speech.wav", heard, progress=lambda share: None)

    before = bench.onset_errors(reading.words, heard, language)
    after = bench.onset_errors(reading.words, found, language)
    assert [word.text for one in found.utterances for word in one.words] == [word.text for word in reading.words]
    assert before["median_ms"] >= 90
    assert after["median_ms"] <= 50


def test_voices_that_are_told_apart_rightly_have_no_error() -> None:
    turns = tuple(("ab"[n % 2], n * 2.3, n * 2.3 + 1.9) for n in range(4))
    sound = np.concatenate([np.full(round(2.3 * RATE), 1.0 + n % 2, np.float32) for n in range(4)])

    class Encoder:
        def embed(self, samples: np.ndarray, sample_rate: int) -> np.ndarray:
            return np.eye(2, dtype=np.float32)[int(samples[0]) - 1]

    found = bench.speaker_errors(bench.Reading(sound, (), turns, ""), Encoder())  # type: ignore[arg-type]
    assert (found["voices"], found["found"], str(found["error"])) == (2, 2, "0.0")


def _blurred(reading: bench.Reading, texts: Sequence[str]) -> list[Utterance]:
    """Return an utterance for each turn, every other word early or late by a tenth of a second."""
    made, left = [], list(reading.words)
    for number, text in enumerate(texts):
        count = len(text.split())
        words, left = left[:count], left[count:]
        moved = [
            Word(word.text, word.span.shift(seconds(0.1 if index % 2 else -0.1))) for index, word in enumerate(words)
        ]
        span = Span(min(word.span.start for word in moved), max(word.span.end for word in moved))
        made.append(Utterance(f"u{number}", text, span, tuple(moved)))
    return made
