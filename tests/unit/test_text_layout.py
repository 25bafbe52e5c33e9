"""Subtitles as they are delivered: readable rows, time enough, no word left out."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubsync.text.cue import Cue
from dubsync.text.layout import Picture, lay_out, reading, reading_speed
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
