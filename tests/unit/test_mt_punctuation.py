"""A translated sentence is dressed as its source and its language ask."""

from __future__ import annotations

import pytest

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
