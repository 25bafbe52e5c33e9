"""Institutions and other names of common words: translated, not copied."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from dubsync.backends.mt_marian import MarianTranslator
from dubsync.backends.protocols import SourceLine, TranslatedLine
from dubsync.text import institutions
from dubsync.text.names import is_described, is_said


@pytest.fixture(scope="module")
def marian() -> MarianTranslator:
    return MarianTranslator()


def translated(marian: MarianTranslator, texts: Sequence[str], target: str) -> tuple[TranslatedLine, ...]:
    lines = [SourceLine(f"line-{number}", text, 20.0) for number, text in enumerate(texts)]
    return marian.translate(lines, source="en", target=target, glossary={}, progress=lambda share: None)


@pytest.mark.parametrize(
    ("target", "text", "said"),
    [
        ("es", "The United States Senate voted today.", "El Senado de los Estados Unidos"),
        ("es", "He was a judge of the Supreme Court.", "juez de la Corte Suprema"),
        ("es", "I work for the Department of Justice.", "el Departamento de Justicia"),
        ("fr", "The United States Senate voted today.", "Le Sénat des États-Unis"),
        ("fr", "The European Union is not a country.", "L'Union européenne n'est pas"),
        ("fr", "He was a judge of the Supreme Court.", "juge de la Cour suprême"),
        ("fr", "He studied at the University of Chicago.", "l'université de Chicago"),
        ("pt", "The House of Representatives passed the bill.", "A Câmara dos Representantes"),
        ("es", "The United Nations is in New York.", "Naciones Unidas"),
        ("es", "I read it in the New York Times.", "New York Times"),
    ],
)
def test_institutions_are_said_in_the_new_language(marian: MarianTranslator, target: str, text: str, said: str) -> None:
    (line,) = translated(marian, [text], target)
    assert said in line.candidates[0].text
    assert [flag.code for flag in line.flags if flag.code == "name-untranslated"] == []


def test_a_name_of_common_words_that_stays_english_is_flagged(marian: MarianTranslator) -> None:
    (line,) = translated(marian, ["The Federal Reserve raised interest rates."], "pt")
    assert "Federal Reserve" in line.candidates[0].text
    assert [flag.code for flag in line.flags] == ["draft-translation", "name-untranslated"]


def test_days_of_the_week_stay_the_day_they_are(marian: MarianTranslator) -> None:
    (line,) = translated(marian, ["Come on Tuesday, not on Friday."], "fr")
    assert "mardi" in line.candidates[0].text


@pytest.mark.parametrize(
    ("source", "asked"),
    [
        ("Congress voted.", "The museum voted."),
        ("A member of Congress and of the Senate.", "A member of the museum and of the king."),
        ("The U.S. Air Force is here.", "The city of the United States is here."),
        ("The American Congress voted.", "The American museum voted."),
        ("The Georgia Senate voted.", "The Georgia Senate voted."),
        ("Supreme Court Justice Hale spoke.", "Supreme Court Justice Hale spoke."),
        ("The city asked the Supreme Court.", "The city asked the family."),
    ],
)
def test_a_noun_stands_for_an_institution_and_not_for_part_of_a_longer_name(source: str, asked: str) -> None:
    assert institutions.stood_in(source, "es-419")[0] == asked


def test_languages_without_a_column_are_asked_as_it_is() -> None:
    assert institutions.stood_in("The Senate voted.", "pt") == ("The Senate voted.", {})


def test_names_of_people_and_cities_are_not_described_by_their_words() -> None:
    common = {"house", "of", "commons", "white", "new"}.__contains__
    assert [is_described(name, common) for name in ("House of Commons", "Tom White", "New York")] == [
        True,
        False,
        False,
    ]


def test_what_a_model_says_alone_must_be_known_words_and_stand_in_the_sentence() -> None:
    known = {"la", "casa", "blanca"}
    assert is_said("La Casa Blanca.", "En la Casa Blanca no.", known)
    assert not is_said("La Casa Blanca.", "En la embajada no.", known)
    assert not is_said("La Estade.", "En la Estade no.", known)
