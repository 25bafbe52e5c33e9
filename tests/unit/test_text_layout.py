"""Subtitles as they are delivered: readable rows, time enough, no word left out."""

from __future__ import annotations

import time
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubsync.text.cue import Cue
from dubsync.text.layout import Picture, lay_out, reading, reading_speed, too_fast
from dubsync.timing import Span

END = Picture(Fraction(100))


def cue(text: str, start: float = 1, end: float = 3) -> Cue:
    return Cue(Span(Fraction(start), Fraction(end)), text)


def test_two_rows_are_parted_where_the_sense_parts() -> None:
    (shown,) = lay_out([cue("Cuando por fin llegó la carta, ya nadie vivía en la casa.")], END, language="es")
    assert shown.text.split("\n") == ["Cuando por fin llegó la carta,", "ya nadie vivía en la casa."]


def test_a_row_does_not_end_in_an_article() -> None:
    (shown,) = lay_out([cue("No pensaba que tuvieras que venir hasta la estación hoy")], END, language="es")
    assert shown.text.split("\n")[0].split()[-1] not in ("la", "que", "hasta")


def test_a_short_cue_stays_until_it_can_be_read_if_there_is_room() -> None:
    text = "Esto se lee en algo más de dos segundos."
    (shown,) = lay_out([cue(text, 1, 1.5)], END, language="es")
    assert reading_speed(shown) <= 17


def test_a_cue_never_reaches_into_the_next_nor_past_the_film() -> None:
    first, second = lay_out(
        [cue("Uno dos tres cuatro.", 1, 1.2), cue("Cinco.", 1.7, 1.8)], Picture(Fraction(2)), language="es"
    )
    assert first.span.end < second.span.start
    assert second.span.end <= 2


LONG = "Cuando por fin llegó la carta de mi hermano ya nadie de la familia vivía en aquella casa del puerto viejo."


def test_a_text_of_two_screens_that_is_said_fast_stays_on_into_the_silence_until_it_can_be_read() -> None:
    shown = lay_out([cue(LONG, 1, 4), cue("Uno.", 30, 31)], END, language="es")
    assert len(shown) == 3
    assert not too_fast(shown, "es")
    assert shown[1].span.end < 9


def test_a_hurried_cue_is_joined_with_the_speakers_next_one_if_both_are_read_more_easily_so() -> None:
    hurried = [cue("Ya no lo sé muy bien.", 1, 1.8), cue("Espera.", 1.9, 2.2)]
    (shown,) = lay_out(hurried, END, language="es")
    assert (shown.text, shown.span.start) == ("Ya no lo sé muy bien. Espera.", 1)
    assert not too_fast([shown], "es")


@pytest.mark.parametrize(
    ("other", "cuts"),
    [
        (replace(cue("Espera.", 1.9, 2.2), speaker="b"), ()),
        (cue("Espera.", 1.9, 2.2), (1.85,)),
        (cue("Espera.", 2.4, 2.6), ()),
        (cue(LONG, 1.9, 7), ()),
    ],
)
def test_cues_of_two_people_across_a_cut_apart_or_too_long_for_a_screen_are_not_joined(
    other: Cue, cuts: tuple[float, ...]
) -> None:
    picture = Picture(Fraction(100), tuple(Fraction(cut) for cut in cuts))
    first = lay_out([cue("Ya no lo sé muy bien.", 1, 1.8), other], picture, language="es")[0]
    assert first.text == "Ya no lo sé muy bien."


def test_cues_that_can_be_read_stay_apart() -> None:
    assert len(lay_out([cue("Ya no lo sé.", 1, 2.8), cue("Espera.", 2.9, 4.2)], END, language="es")) == 2


def test_a_cue_without_room_is_told_to_be_too_fast_and_one_at_the_limit_is_not() -> None:
    hurried = [cue("a" * 36, 1, 2), replace(cue("Hola.", 2, 3), speaker="b"), cue("b" * 34, 5, 7)]
    shown = lay_out(hurried, Picture(Fraction(7)), language="es")
    assert [one.text[0] for one in too_fast(shown, "es")] == ["a"]
    assert too_fast(shown, "en") == shown[:1]


def test_a_cut_does_not_take_the_time_that_reading_needs() -> None:
    text = "Esto se lee en algo más de dos segundos."
    (shown,) = lay_out([cue(text, 7.8, 10.1)], Picture(Fraction(100), (Fraction(10),)), language="es")
    assert not too_fast([shown], "es")
    assert shown.span.end == Fraction(21, 2)


@pytest.mark.parametrize(("language", "width"), [("es", 42), ("zh", 16), ("und", 42)])
def test_rows_keep_the_width_of_the_language(language: str, width: int) -> None:
    text = "我从来没有见过这样的事情真的" * 4 if language == "zh" else "palabra " * 60
    for shown in lay_out([cue(text, 1, 30)], END, language=language):
        assert max(map(len, shown.text.split("\n"))) <= width == reading(language).width


@settings(max_examples=80, deadline=None)
@given(st.lists(st.text("abcdefg,.", min_size=1, max_size=60), min_size=1, max_size=50), st.sampled_from(["es", "ja"]))
def test_no_letter_is_left_out_and_no_screen_has_three_rows(words: list[str], language: str) -> None:
    text = " ".join(words)
    shown = lay_out([cue(text, 1, 20)], END, language=language)
    assert "".join("".join(one.text.split()) for one in shown) == "".join(text.split())
    assert all(one.text.count("\n") < 2 for one in shown)
    assert all(len(row) <= reading(language).width for one in shown for row in one.text.split("\n"))


def test_a_text_of_two_hundred_thousand_letters_is_laid_out_whole_and_soon() -> None:
    text = "palabra " * 25_000
    begun = time.process_time()
    shown = lay_out([cue(text, 1, 90)], END, language="es")
    assert sum(len(one.text.split()) for one in shown) == 25_000
    assert time.process_time() - begun < 5
