"""Spanish and French articles that go with their noun."""

from __future__ import annotations

import pytest

from dubsync.text.agreement import agreeing
from dubsync.text.punctuation import dressed


@pytest.mark.parametrize(
    ("language", "made", "right"),
    [
        ("es", "Este alfombra y una escritorio.", "Esta alfombra y un escritorio."),
        ("es", "Quiero ir a la río, al boda, a los habitaciones.", "Quiero ir al río, a la boda, a las habitaciones."),
        ("es", "El agua y un arma, el otro día.", "El agua y un arma, el otro día."),
        ("es", "El dentista, la dentista, la estadounidense.", "El dentista, la dentista, la estadounidense."),
        ("es", "Yo la cuento, los compras en la tienda.", "Yo la cuento, los compras en la tienda."),
        ("fr", "C'est une fruit et un erreur.", "C'est un fruit et une erreur."),
        ("fr", "Le coût de la repas, mon facture.", "Le coût du repas, ma facture."),
        ("fr", "Il la fait rire, il le demande, on la porte.", "Il la fait rire, il le demande, on la porte."),
        ("fr", "Mon erreur, ton idée, ma collègue.", "Mon erreur, ton idée, ma collègue."),
    ],
)
def test_determiners_go_with_nouns_of_one_gender_and_no_other_word(language: str, made: str, right: str) -> None:
    assert agreeing(made, language) == right


def test_what_no_longer_agreed_is_elided_too() -> None:
    assert dressed("The team.", "le équipe et cette hôtel.", "fr") == "L'équipe et cet hôtel."
