"""A translated sentence is dressed as its source and its language ask."""

from __future__ import annotations

import pytest

from dubsync.text.phrases import phrase
from dubsync.text.punctuation import dressed


@pytest.mark.parametrize(
    ("source", "made", "right"),
    [
        ("Captain, come!", "capitán, ven!", "¡Capitán, ven!"),
        ("Tom, where are you?", "Tom, ¿dónde estás?", "Tom, ¿dónde estás?"),
        ("Is it late?", "Es tarde.", "¿Es tarde?"),
        ("Wait...", "Espera...", "Espera..."),
        ("What?", "Qué...", "Qué..."),
        ('"Where?"', '"dónde?"', '"¿Dónde?"'),
        ("and then?", "y entonces?", "¿y entonces?"),
        ("iPhone sales fell.", "las ventas cayeron.", "las ventas cayeron."),
        ("Go!", "", ""),
        ("42 men.", "42 hombres.", "42 hombres."),
        ("Really?!", "¿De verdad?!", "¡¿De verdad?!"),
    ],
)
def test_spanish(source: str, made: str, right: str) -> None:
    assert dressed(source, made, "es-419") == right


def test_other_languages_get_no_opening_marks() -> None:
    assert dressed("Where is he?", "onde ele está?", "pt") == "Onde ele está?"


@pytest.mark.parametrize(
    ("made", "right"),
    [
        ("Elle ne est jamais revenue.", "Elle n'est jamais revenue."),
        ("Je ne l' laisserai pas.", "Je ne le laisserai pas."),
        ("L' homme que il voit.", "L'homme qu'il voit."),
        ("Je dis que oui.", "Je dis que oui."),
        ("Une âme se ouvre.", "Une âme s'ouvre."),
    ],
)
def test_french_vowels_are_elided(made: str, right: str) -> None:
    assert dressed("So.", made, "fr") == right


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("La equipo perdió.", "El equipo perdió."),
        ("El leche está en la mesa.", "La leche está en la mesa."),
        ("Adoro la color de esa árbol.", "Adoro el color de ese árbol."),
        ("Hablé de la viaje y del leche.", "Hablé del viaje y de la leche."),
        ("Unas mensajes, los señales.", "Unos mensajes, las señales."),
        ("El árbol y la sangre.", "El árbol y la sangre."),
        ("La mesa del viajero.", "La mesa del viajero."),
    ],
)
def test_spanish_articles_go_with_nouns_that_portuguese_gives_another_gender(wrong: str, right: str) -> None:
    assert dressed("The thing.", wrong, "es") == right


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        ("Yes!", "es", "¡Sí!"),
        ("Really?", "es", "¿De verdad?"),
        ("Okay.", "pt", "Tudo bem."),
        ("Hurry up!", "fr", "Dépêche-toi !"),
        ("Who", "es", "Quién"),
    ],
)
def test_short_utterances_are_said_as_people_say_them(text: str, language: str, said: str) -> None:
    known = phrase(text, "en", language)
    assert known is not None
    assert dressed(text, known, language) == said


def test_only_whole_utterances_are_phrases() -> None:
    assert phrase("Yes, sir.", "en", "es") is None
    assert phrase("Yes.", "pt", "es") is None
    assert phrase("Yes.", "en", "it") is None
