"""Words: what is heard is compared as it is heard; figures, languages, loops."""

from __future__ import annotations

import pytest

from dubsync.errors import UnknownLanguage
from dubsync.text.language import best_match, is_right_to_left, is_same, normal_tag
from dubsync.text.numbers import read_out
from dubsync.text.repetition import is_loop
from dubsync.text.words import normal_words, same_script, word_errors


def test_case_punctuation_and_figures_do_not_count_as_errors() -> None:
    assert word_errors("I paid $20, didn’t I?", "i paid twenty dollars didn't I", "en").rate == 0


def test_each_kind_of_error_is_counted() -> None:
    errors = word_errors("one two three four", "one too three", "en")
    assert (errors.substitutions, errors.deletions, errors.insertions) == (1, 1, 0)
    assert errors.rate == 0.5


def test_words_heard_in_silence_are_errors() -> None:
    assert word_errors("", "hello", "en").rate == 1
    assert word_errors("", "", "en").rate == 0


def test_scripts_without_spaces_are_compared_by_character() -> None:
    assert word_errors("你好吗", "你好", "zh").rate == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("जब बारिश होती है", "جہاں بارش ہوتی ہے", False),
        ("जब बारिश होती है", "jab baarish hoti hai", False),
        ("जब OK होती है", "जब होती", True),
        ("Él no quería café.", "el no queria cafe", True),
        ("日本語です", "にほんごです", True),
        ("123 !", "abc", True),
        ("abc", "", True),
    ],
)
def test_words_in_other_letters_are_told_from_wrong_ones(one: str, other: str, same: bool) -> None:
    assert same_script(one, other) is same_script(other, one) is same


def test_right_to_left_and_emoji_survive_normalisation() -> None:
    assert normal_words("مرحبا، يا صديقي! 👋", "ar") == ("مرحبا", "يا", "صديقي")


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        ("1.234 euros", "es", "mil doscientos treinta y cuatro euros"),
        ("1,234 people", "en", "one thousand, two hundred and thirty-four people"),
        ("in 1999", "en", "in nineteen ninety-nine"),
        ("3,5 km", "fr", "trois virgule cinq kilomètres"),
        ("el 2.º piso, la 1.ª puerta", "es", "el segundo piso, la primera puerta"),
        ("50%", "pt", "cinquenta por cento"),
        ("a las 10:30", "es", "a las diez treinta"),
        ("agent 007", "en", "agent zero zero seven"),
        ("R2D2 and 3D", "en", "R2D2 and 3D"),
        ("no figures here", "en", "no figures here"),
        ("5 ord", "xx", "5 ord"),
    ],
)
def test_figures_are_read_out_as_they_are_said(text: str, language: str, said: str) -> None:
    assert read_out(text, language) == said


@pytest.mark.parametrize(
    ("typed", "tag"),
    [
        ("ES", "es"),
        ("es_mx", "es-MX"),
        ("spa", "es"),
        ("Spanish", "es"),
        ("português", "pt"),
        ("iw", "he"),
        ("es-419", "es-419"),
    ],
)
def test_tags_and_names_become_normal_tags(typed: str, tag: str) -> None:
    assert normal_tag(typed) == tag


@pytest.mark.parametrize("typed", ["", "xx", "zz-ZZ", "Spansh", "../etc", "a" * 500, "12"])
def test_an_unknown_language_is_an_error(typed: str) -> None:
    with pytest.raises(UnknownLanguage):
        normal_tag(typed)


def test_a_misspelt_language_gets_a_suggestion() -> None:
    with pytest.raises(UnknownLanguage) as caught:
        normal_tag("Spansh")
    assert "es (Spanish)" in caught.value.hint


def test_regions_of_one_language_match() -> None:
    assert best_match("es-MX", ["fr", "es"]) == "es"
    assert best_match("de", ["fr", "es"]) is None
    assert is_same("pt-BR", "pt")
    assert is_right_to_left("ar-EG")
    assert not is_right_to_left("es")


@pytest.mark.parametrize("text", ["I know I know I know I know", "la la la la la la", "哈哈哈哈哈哈哈哈哈哈" * 4])
def test_a_loop_is_recognised(text: str) -> None:
    assert is_loop(text)


@pytest.mark.parametrize("text", ["", "no, no, no", "the cat and the dog and the bird", "very very good"])
def test_plain_emphasis_is_not_a_loop(text: str) -> None:
    assert not is_loop(text)
