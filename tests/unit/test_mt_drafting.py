"""Drafts of lines: cut, checked, tried in other ways, never empty."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dubsync.errors import Severity
from dubsync.text.drafting import LONGEST, draft, sentences


def refusing(*texts: str) -> Callable[[str], str]:
    """Return an engine that says nothing for these texts, and shouts the others."""
    return lambda text: "" if text in texts else text.upper()


def test_a_sound_translation_is_taken_at_once() -> None:
    asked: list[str] = []
    text, drafts = draft("Go away.", {}, lambda part: asked.append(part) or "Vete.")  # type: ignore[func-returns-value]
    assert (text, asked, len(drafts)) == ("Vete.", ["Go away."], 1)
    assert drafts[0].flags("line-1") == ()


def test_a_line_that_comes_out_empty_is_translated_clause_by_clause() -> None:
    text, drafts = draft("Wait, who is it", {}, refusing("Wait, who is it", "Wait, who is it."))
    assert text == "WAIT, WHO IS IT"
    assert drafts[0].faults == 0


def test_a_line_that_no_way_translates_keeps_its_text_and_is_flagged() -> None:
    text, drafts = draft("Wait.", {}, lambda part: "")
    assert text == "Wait."
    (flag,) = drafts[0].flags("line-7")
    assert (flag.severity, flag.code, flag.where) == (Severity.ERROR, "untranslated", "line-7")


def test_a_loop_is_a_loss_unless_the_actor_repeats_himself() -> None:
    looping = "yo no, yo no, yo no, yo no, yo no, yo no"
    text, drafts = draft("Not me.", {}, lambda part: looping)
    assert (text, drafts[0].is_lost) == ("Not me.", True)
    actor = "not me, not me, not me, not me, not me"
    assert draft(actor, {}, lambda part: looping)[0] == looping


def test_a_word_that_stammers_is_a_loss_unless_someone_laughs() -> None:
    assert draft("For scientists.", {}, lambda part: "Para los cicicicistas.")[1][0].is_lost
    assert not draft("Hahaha!", {}, lambda part: "¡Jajaja!")[1][0].is_lost


def test_a_term_the_engine_misses_is_put_into_the_sentence() -> None:
    engine = lambda part: part.replace("the", "el").replace("ring", "anillo")  # noqa: E731
    text, drafts = draft("the ring", {"ring": "Sortija"}, engine)
    assert text == "el Sortija"
    assert drafts[0].flags("x") == ()


def test_a_name_stands_in_for_a_term_that_the_engine_always_changes() -> None:
    def engine(part: str) -> str:
        return "Dame Tom ya." if "Tom" in part else "Dame eso ya."

    assert draft("Give me the ring now.", {"ring": "la sortija"}, engine)[0] == "Dame la sortija ya."


def test_a_term_that_no_way_keeps_is_flagged() -> None:
    text, drafts = draft("Give me the ring.", {"ring": "sortija"}, lambda part: "Dame eso.")
    assert text == "Dame eso."
    assert [flag.code for flag in drafts[0].flags("x")] == ["glossary-missed"]


@pytest.mark.parametrize(
    ("source", "made", "codes"),
    [
        ("It cost 1,500 dollars.", "Costó 1.500 dólares.", []),
        ("In 1987 we met.", "En 1978 nos conocimos.", ["number-changed"]),
        ("I have 2 dogs.", "Tengo dos perros.", []),
    ],
)
def test_figures_must_stay_however_thousands_are_grouped(source: str, made: str, codes: list[str]) -> None:
    _, drafts = draft(source, {}, lambda part: made)
    assert [flag.code for flag in drafts[0].flags("x")] == codes


@pytest.mark.parametrize("text", ["♪ ♪", "...", "🙂🙂", "42", "-"])
def test_what_has_no_letters_stays_as_it_is(text: str) -> None:
    assert draft(text, {}, lambda part: pytest.fail("was asked"))[0] == text


def test_a_very_long_line_is_cut_and_nothing_of_it_is_lost() -> None:
    words = [f"word{number}," if number % 9 == 0 else f"word{number}" for number in range(25_000)]
    text = " ".join(words)
    assert len(text) > 200_000
    parts = sentences(text, "en")
    assert max(map(len, parts)) <= LONGEST
    assert " ".join(parts).split() == words


def test_a_word_without_spaces_is_cut_too() -> None:
    assert "".join(sentences("x" * 1000, "en")) == "x" * 1000


@pytest.mark.parametrize(
    ("source", "made", "is_lost"),
    [
        ("A printing machine.", "Una máquina de im im im imación.", True),
        ("No, no, no!", "¡No, no, no!", False),
        ("Come on, come on!", "¡Vamos, vamos!", False),
    ],
)
def test_a_stutter_that_the_actor_does_not_make_is_a_loss(source: str, made: str, is_lost: bool) -> None:
    _, drafts = draft(source, {}, lambda part: made)
    assert drafts[0].is_lost == is_lost
