"""Utterances, sentences and slots: nothing is lost when words are parted and joined."""

from __future__ import annotations

from fractions import Fraction

import pytest

from dubsync.text import duration
from dubsync.text.sentences import Spoken, breaks, deal, ends_sentence, plan
from dubsync.timing import Span


def span(start: float, end: float) -> Span:
    return Span(Fraction(start).limit_denominator(1000), Fraction(end).limit_denominator(1000))


def test_utterances_part_at_long_pauses_and_sentence_ends() -> None:
    words = ["Well", "I", "do.", "Yes", "sir"]
    times = [span(0, 0.3), span(1.0, 1.1), span(1.1, 1.4), span(1.5, 1.7), span(1.8, 2)]
    assert breaks(words, times) == (0, 1, 3)


def test_an_abbreviation_does_not_end_an_utterance() -> None:
    assert breaks(["Dr.", "Who"], [span(0, 0.3), span(0.4, 0.7)]) == (0,)


def test_a_long_utterance_is_parted_at_its_best_breath_until_short() -> None:
    words = [f"w{number}" for number in range(60)]
    words[29] += ","
    times = [span(number * 0.4, number * 0.4 + 0.35) for number in range(60)]
    firsts = breaks(words, times)
    assert 30 in firsts
    lengths = [times[b - 1].end - times[a].start for a, b in zip(firsts, [*firsts[1:], 60], strict=True)]
    assert max(lengths) <= 12


def test_a_sentence_cut_by_a_breath_is_joined_and_a_new_speaker_is_not() -> None:
    lines = [
        Spoken("I have never seen", span(0, 1), "a"),
        Spoken("such a thing.", span(1.5, 2.5), "a"),
        Spoken("And", span(3, 3.5), "a"),
        Spoken("what?", span(3.6, 4), "b"),
    ]
    sentences = plan(lines, "en")
    assert [sentence.text for sentence in sentences] == ["I have never seen such a thing.", "And", "what?"]
    assert [[piece.line for piece in sentence.pieces] for sentence in sentences] == [[0, 1], [2], [3]]


def test_a_late_continuation_is_a_sentence_of_its_own() -> None:
    lines = [Spoken("I thought", span(0, 1), "a"), Spoken("you left", span(9, 10), "a")]
    assert len(plan(lines, "en")) == 2


def test_a_translation_is_dealt_at_a_comma_rather_than_after_an_article() -> None:
    assert deal("Cuando llegues a la casa, llama a la puerta.", [23, 20], "es") == (
        "Cuando llegues a la casa,",
        "llama a la puerta.",
    )


def test_too_few_words_cannot_be_dealt() -> None:
    assert deal("Nunca.", [5, 5], "es") is None


def test_chinese_is_dealt_by_character() -> None:
    parts = deal("我从来没有见过", [3, 4], "zh")
    assert parts is not None
    assert "".join(parts) == "我从来没有见过"


@pytest.mark.parametrize(
    ("text", "expected"), [("Hi.", True), ('"No!"', True), ("Mr.", False), ("and", False), ("", False)]
)
def test_sentence_ends(text: str, expected: bool) -> None:
    assert ends_sentence(text) is expected


@pytest.mark.parametrize(
    ("text", "language", "count"),
    [
        ("murciélago", "es", 4),
        ("guerra", "es", 2),
        ("país", "es", 2),
        ("hopes", "en", 1),
        ("table", "en", 2),
        ("coração", "pt", 3),
    ],
)
def test_syllables_of_known_words(text: str, language: str, count: int) -> None:
    assert duration.syllables(text, language) == count


def test_figures_take_as_long_as_their_words() -> None:
    assert duration.natural_seconds("1999", "en") == pytest.approx(
        duration.natural_seconds("nineteen ninety nine", "en")
    )


def test_the_best_scored_fitting_candidate_is_chosen() -> None:
    assert duration.choose([3.0, 2.0, 1.9], [0.0, -2.0, -1.0], own=2.0, slot=2.0) == 2


def test_a_candidate_that_fills_the_time_goes_before_one_that_leaves_a_hole() -> None:
    assert duration.choose([0.8, 1.9], [0.0, -1.0], own=2.0, slot=2.2) == 1


def test_the_shortest_is_chosen_when_nothing_fits() -> None:
    assert duration.choose([9.0, 7.0, 8.0], [0.0, -5.0, -1.0], own=2.0, slot=2.0) == 1
