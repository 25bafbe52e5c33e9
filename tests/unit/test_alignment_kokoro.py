"""Words aligned by means of another voice: what is found moves, what is not is left to the other aligner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dubsync import weights
from dubsync.audio import wav
from dubsync.backends.align_kokoro import KokoroAligner
from dubsync.backends.align_pocketsphinx import window
from dubsync.backends.protocols import Capabilities, Pronounced, Transcript
from dubsync.text import bench, bench_formant
from dubsync.timing import Span, seconds
from dubsync.title import Utterance, Word

RATE = 16000


def words(*rows: tuple[str, str, str]) -> tuple[Word, ...]:
    return tuple(Word(text, Span(seconds(start), seconds(end))) for text, start, end in rows)


HEARD = (
    Utterance("one", "Good day", Span(Fraction(1), Fraction(2)), words(("Good", "1", "1.4"), ("day", "1.4", "2"))),
    Utterance("two", "Bye", Span(Fraction(3), Fraction(4)), words(("Bye", "3", "4"))),
)


class Finder:
    """Finds two words, whatever is said, and notes with which guide."""

    def __init__(self) -> None:
        self.guides: list[str | None] = []

    def find(self, samples: np.ndarray, sample_rate: int, *, text: str, language: str, guide: str | None) -> Pronounced:
        self.guides.append(guide)
        return Pronounced(words(("Good", "0.3", "0.5"), ("day", "0.5", "0.9")))


class Other:
    """Moves everything to second 9, or the first word to 40 ms later than `Finder` finds it."""

    capabilities = Capabilities(name="other", version="1", languages=("en",))

    def align(self, speech: Path, transcript: Transcript, *, progress: Any) -> Transcript:
        (only,) = transcript.utterances
        if len(only.words) == 2:
            return Transcript(
                transcript.language, 1.0, (replace(only, words=words(("Good", "1.09", "1.5"), ("day", "1.5", "2"))),)
            )
        moved = Utterance(only.id, only.text, Span(Fraction(9), Fraction(10)), words((only.text, "9", "10")))
        return Transcript(transcript.language, 1.0, (moved,))


def align(
    folder: Path, language: str, finder: Finder, utterances: Sequence[Utterance] = HEARD, *, both: bool = True
) -> Transcript:
    wav.write(folder / "speech.wav", np.zeros(5 * RATE, np.float32), RATE)
    engine = KokoroAligner(
        finder=finder,  # type: ignore[arg-type]
        otherwise=Other(),
        guide=lambda span: f"from {span.start}",
        both=both,
    )
    return engine.align(folder / "speech.wav", Transcript(language, 1.0, utterances), progress=lambda share: None)


@pytest.mark.parametrize(("language", "first"), [("it", "1.05"), ("en", "1.07")])
def test_words_that_are_found_lie_where_they_are_on_the_films_clock_or_half_way_to_where_the_other_is(
    language: str, first: str, tmp_path: Path
) -> None:
    found = align(tmp_path, language, finder := Finder(), HEARD[:1]).utterances[0]
    assert [str(float(word.span.start)) for word in found.words] == [first, "1.25"]
    assert float(found.span.end) == pytest.approx(1.65)
    assert finder.guides == ["from 1"]


def test_english_is_left_to_the_other_aligner_unless_both_are_asked_for(tmp_path: Path) -> None:
    finder = Finder()
    found = align(tmp_path, "en-GB", finder, HEARD[:1], both=False).utterances[0]
    assert [str(float(word.span.start)) for word in found.words] == ["1.09", "1.5"]
    assert finder.guides == []


@pytest.mark.parametrize(("language", "start"), [("en", 9), ("it", 3)])
def test_what_is_not_found_goes_to_the_other_aligner_or_keeps_its_times(
    language: str, start: int, tmp_path: Path
) -> None:
    found = align(tmp_path, language, Finder())
    assert [one.id for one in found.utterances] == ["one", "two"]
    assert found.utterances[1].words[0].span.start == start


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [("0", "9", ("0.75", "2.25")), ("0.9", "2.1", ("0.9", "2.1")), ("1.5", "1.8", ("1", "2"))],
)
def test_words_are_looked_for_around_their_utterance_but_not_in_its_neighbours(
    before: str, after: str, expected: tuple[str, str]
) -> None:
    found = window(Span(Fraction(1), Fraction(2)), seconds(before), seconds(after))
    assert (found.start, found.end) == (seconds(expected[0]), seconds(expected[1]))


@pytest.mark.parametrize("language", ["es", "it"])
def test_words_of_quite_another_kind_of_speech_are_found(language: str, tmp_path: Path) -> None:
    for name in ("kokoro", "whisper-tiny-en"):
        if not weights.is_present(name):
            pytest.skip(f"the weights {name} are not in the cache: run `dubsync models pull`")
    texts = bench.PASSAGES[language][3:4]
    reading = bench_formant.read_aloud(texts, language)
    wav.write(tmp_path / "speech.wav", reading.samples, RATE)
    heard = bench_formant.brought(reading, texts, language)

    found = KokoroAligner().align(tmp_path / "speech.wav", heard, progress=lambda share: None)

    before, after = (bench.onset_errors(reading.words, one, language) for one in (heard, found))
    assert after["matched"] == before["matched"] >= 8
    assert after["median_ms"] <= 30 < before["median_ms"]
