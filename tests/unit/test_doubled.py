"""Words that a translation says twice in a row, and that nobody said twice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dubsync.errors import Severity
from dubsync.text.doubled import doubled, once
from dubsync.text.drafting import draft
from dubsync.text.marian.corpus import read_pairs
from dubsync.text.mt_bench import ARCHIVES, FOLDER


@pytest.mark.parametrize(
    ("source", "text", "language", "found"),
    [
        ("Everyone here today.", "Todos aquí aquí hoy.", "es", ("aquí",)),
        ("He was a judge of the court.", "Fue juez de la corte de la corte.", "es", ("de la corte",)),
        ("The European coins.", "Les pièces européens européens.", "fr", ("européens",)),
        ("No, no, I'm not mad.", "No no estoy enfadado.", "es-419", ()),
        ("He is a very, very good man.", "Es un hombre bueno bueno.", "es", ()),
        ("I eat like a king.", "Como como un rey.", "es", ()),
        ("We fell in love.", "Nous nous sommes aimés.", "fr", ()),
        ("I don't like your tone.", "Je n'apprécie pas ton ton.", "fr", ()),
        ("What is done is done.", "Ce qui est fait est fait.", "fr", ()),
        ("He began to see, bit by bit.", "De poco a poco a entender.", "es", ()),
        ("Would you join us?", "Voudriez-vous vous joindre à nous ?", "fr", ()),
        ("What is it?", "O que que é isso?", "pt-BR", ()),
        ("Here, now.", "Aquí, aquí.", "es", ()),
    ],
)
def test_a_word_said_twice_is_a_fault_unless_the_source_or_the_language_doubles_it(
    source: str, text: str, language: str, found: tuple[str, ...]
) -> None:
    assert doubled(source, text, language) == found


def test_what_was_doubled_is_said_once() -> None:
    assert once("Everyone here.", "Todos aquí Aquí aquí, de la casa de la casa.", "es") == "Todos aquí, de la casa."


def test_a_draft_without_doubled_words_goes_before_one_that_stutters() -> None:
    ways = {"The ring here.": "El anillo aquí aquí.", "The Sortija here.": "Sortija aquí."}
    text, made = draft("The ring here.", {"ring": "Sortija"}, lambda part: ways.get(part, ""), target="es")
    assert (text, made[0].flags("x")) == ("Sortija aquí.", ())


def test_where_every_way_stutters_the_word_is_said_once_and_flagged() -> None:
    text, made = draft("Everyone here today.", {}, lambda part: "Todos aquí aquí hoy.", target="es")
    assert text == "Todos aquí hoy."
    (flag,) = made[0].flags("line-3")
    assert (flag.severity, flag.code, flag.where) == (Severity.INFO, "word-doubled", "line-3")
    assert "aquí" in flag.what


@pytest.mark.skipif(not os.environ.get(FOLDER), reason=f"{FOLDER} names no folder of sentence pairs")
@pytest.mark.parametrize("language", ["es", "fr"])
def test_what_people_wrote_is_hardly_ever_taken_for_a_stutter(language: str) -> None:
    pairs = read_pairs(Path(os.environ[FOLDER]) / ARCHIVES[language])[::20]
    named = [target for source, target in pairs if doubled(source, target, language)]
    assert len(named) <= len(pairs) / 2000
