"""What is written becomes what can be said, and nothing that cannot be said passes for speech."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubsync.backends.kokoro.languages import LANGUAGES, speech_of
from dubsync.backends.kokoro.text import clean, pieces
from dubsync.errors import PermanentError, UnknownLanguage

SPANISH = speech_of("es")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Son 3 km.", "Son 3 kilómetros."),
        ("Cuesta 20 € o $15", "Cuesta 20 euros o 15 dólares"),
        ("Un 50 % menos", "Un 50 por ciento menos"),
        ("Mira www.ejemplo.com/ruta?x=1.", "Mira ejemplo punto com barra ruta."),
        ("Escribe a ana@casa.es", "Escribe a ana arroba casa punto es"),
        ("A las 10:30", "A las 10 30"),
        ("<i>¡Hola!</i> 😀 ♪", "¡Hola!"),
        ("NO TE MUEVAS", "no te muevas"),
        ("¿Qué   pasa?\n", "¿Qué pasa?"),
    ],
)
def test_signs_are_said_as_words(written: str, said: str) -> None:
    assert clean(written, SPANISH) == said


@pytest.mark.parametrize("nothing", ["", "...", "♪ ♪", "😀", "— !?"])
def test_text_without_a_letter_is_an_error_and_not_silence(nothing: str) -> None:
    with pytest.raises(PermanentError, match="can be spoken"):
        clean(nothing, SPANISH)


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [("es", "es-419"), ("es-MX", "es-419"), ("es-ES", "es-ES"), ("pt", "pt-BR"), ("fr-CA", "fr"), ("EN_us", "en")],
)
def test_a_language_is_spoken_by_its_nearest_tag(asked: str, spoken: str) -> None:
    assert speech_of(asked).tag == spoken


def test_a_language_that_is_not_spoken_is_named_with_those_that_are() -> None:
    with pytest.raises(UnknownLanguage, match="'fi'") as error:
        speech_of("fi")
    assert all(speech.tag in error.value.hint for speech in LANGUAGES)


def test_a_long_text_is_cut_at_sentences_then_clauses_then_words() -> None:
    assert pieces("One two. Three four.", len, 12) == ("One two.", "Three four.")
    assert pieces("One, two three.", len, 11) == ("One,", "two three.")
    assert pieces("abcdefgh", len, 4) == ("abcd", "efgh")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("abc ,.!", min_size=1, max_size=30), min_size=1, max_size=20).map(" ".join))
def test_no_letter_is_lost_when_a_text_is_cut(text: str) -> None:
    cut = pieces(text, len, 20)
    assert "".join("".join(cut).split()) == "".join(text.split())
    assert all(len(part) <= 20 for part in cut)
