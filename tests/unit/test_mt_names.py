"""Names and figures that were misspelt are put right, and nothing else is touched."""

from __future__ import annotations

import re

import pytest

from dubsync.text.exonyms import exonyms
from dubsync.text.names import figures, is_garbled, is_kept, mended, stood_in, swapped, torn, units

WORDS = {"El", "La", "Capitán", "Londres", "Nueva", "York", "Europa", "Brasil", "Tom", "Los", "Tomás", "María"}


@pytest.mark.parametrize(
    ("source", "made", "right"),
    [
        ("My name is Elena Vasquez.", "Mi nombre es Elenna Vaskez.", "Mi nombre es Elena Vasquez."),
        ("Jiro Akagawa wrote 480 novels.", "Jro Akagawa escribió 4080 novelas.", "Jiro Akagawa escribió 480 novelas."),
        ("Captain, Europe is far.", "Capitán, Europa está lejos.", "Capitán, Europa está lejos."),
        ("He left for London.", "Se fue a Londres.", "Se fue a Londres."),
        ("It costs 1,500 dollars.", "Cuesta 1.500 dólares.", "Cuesta 1.500 dólares."),
        ("We met at 9:30.", "Nos vimos a las 9:20.", "Nos vimos a las 9:30."),
        ("I have 12 cats and 30 dogs.", "Tengo 13 gatos y 31 perros.", "Tengo 13 gatos y 31 perros."),
        ("Tom and Mary left.", "Tomás y María se fueron.", "Tom y Mary se fueron."),
        ("It was Gutenberg.", "Fue la grutenberg.", "Fue la Gutenberg."),
        ("The Captains came.", "Vinieron los capitanes.", "Vinieron los capitanes."),
        ("Call Xavier.", "Llámalo.", "Llámalo."),
        ("Bring 2 cups.", "Trae 3 tazas.", "Trae 3 tazas."),
    ],
)
def test_only_what_was_misspelt_changes(source: str, made: str, right: str) -> None:
    assert mended(source, made, WORDS.__contains__) == right


@pytest.mark.parametrize(
    ("source", "made", "gone"),
    [
        ("Why doesn't Tom like it?", "¿Por qué no le gusta?", ["Tom"]),
        ("Tom left.", "Se fue.", ["Tom"]),
        ("Nobody left.", "Nadie se fue.", []),
        ("He came in 1912.", "Vino en 1921.", ["1912"]),
        ("It costs 1,500 dollars.", "Cuesta 1.500 dólares.", []),
        ("I saw 2 men.", "Vi a dos hombres.", []),
        ("I work for the New York Times.", "Trabajo para el New York.", ["New York Times"]),
        ("He lives in Rio de Janeiro now.", "Vive en el Sur de Janeiro.", ["Rio de Janeiro"]),
        ("“Melbourne is far.” Ask Ito Tanaka.", "Pregunta.", ["Ito Tanaka"]),
    ],
)
def test_a_name_or_a_figure_that_got_lost_is_found(source: str, made: str, gone: list[str]) -> None:
    assert [one for one in (*units(source), *figures(source)) if not is_kept(one, made)] == gone


WHOLE = {"Londres", "Noël", "Disneyland", "Les", "point", "Fuga", "fuga", "Yokohama", "Park"}.__contains__


@pytest.mark.parametrize(
    ("name", "alone", "garbled"),
    [
        ("Keats", "Kebre.", True),
        ("Cambridge", "Londres.", True),
        ("Broadway Avenue", "La Disneyland.", True),
        ("Yoyogi Park", "Tokohama Park.", True),
        ("London", "Londres.", False),
        ("Flight", "Fuga.", False),
        ("Americans", "Les Américains.", False),
        ("Norwegian", "Norvégien.", False),
        ("Christmas", "Noël.", False),
        ("Sundays", "le dimanche.", False),
        ("Spot", "Le point.", False),
    ],
)
def test_nonsense_and_another_name_are_told_from_a_translation(name: str, alone: str, garbled: bool) -> None:
    assert is_garbled(name, alone, WHOLE) is garbled


def model(text: str) -> str:
    """Know Tom, Boston, France, October and round years; take everything else for Berlin, octobre or nothing."""
    known = {
        "Boston": "Boston",
        "Paris": "Paris",
        "Tom": "Tom",
        "France": "la France",
        "October": "octobre",
        "2000": "2000",
    }
    for word in re.findall(r"[A-Z]\w+|\d+", text.removeprefix("In ")):
        text = text.replace(word, known.get(word, "Berlin"))
    return text


@pytest.mark.parametrize(
    ("source", "lost", "made"),
    [
        ("visit Melbourne", {"Melbourne": "Melbourne"}, "visit Melbourne"),
        ("in the year 2020", {"2020": "2020"}, "in the year 2020"),
        ("people of Ukraine", {"Ukraine": "l'Ukraine"}, "people of la l'Ukraine"),
        ("since March", {"March": "mars"}, "since mars"),
        ("from Melbourne in March", {"Melbourne": "Melbourne", "March": "mars"}, "from Melbourne in mars"),
    ],
)
def test_what_the_model_knows_stands_in_for_what_it_does_not(source: str, lost: dict[str, str], made: str) -> None:
    assert next(iter(stood_in(source, lost, exonyms("fr"), model))) == made


def test_nothing_stands_in_where_the_stand_in_gets_lost_too_or_comes_twice() -> None:
    assert list(stood_in("visit Melbourne", {"Melbourne": "Melbourne"}, {}, lambda text: "visitez")) == []
    twice = list(stood_in("visit Melbourne", {"Melbourne": "Melbourne"}, {}, lambda text: f"{text} {text}"))
    assert twice == []


@pytest.mark.parametrize(
    ("source", "made", "lost", "right"),
    [
        ("It ends in June.", "Ça finit en octobre.", {"June": "juin"}, "Ça finit en juin."),
        ("It ends in June or May.", "En octobre ou mai.", {"June": "juin"}, "En juin ou mai."),
        ("From June to October.", "De octobre.", {"June": "juin"}, "De octobre."),
        ("I like Ukraine.", "J'aime l'Italie.", {"Ukraine": "Ukraine"}, "J'aime l'Ukraine."),
        ("I like Ito.", "J'aime l'Italie.", {"Ito": "Ito"}, "J'aime l'Italie."),
        ("Neither.", "En France et Italie.", {"Chile": "Chili"}, "En France et Italie."),
    ],
)
def test_a_wrong_month_or_country_gives_way_to_the_right_one(
    source: str, made: str, lost: dict[str, str], right: str
) -> None:
    assert swapped(source, made, lost, exonyms("fr")) == right


def test_months_and_countries_are_known_in_each_language_and_people_are_no_countries() -> None:
    assert [exonyms(language)["August"] for language in ("es", "fr", "pt-BR")] == ["agosto", "août", "agosto"]
    assert (exonyms("es")["Germany"], exonyms("de")["France"]) == ("Alemania", "Frankreich")
    assert "Jordan" not in exonyms("es")
    assert "March" not in exonyms("de")


@pytest.mark.parametrize(
    ("source", "made", "broken"),
    [
        ("She works for the New York Times.", "Trabaja para el New Nueva York.", ("New York Times",)),
        ("She lives in New York.", "Vive en Nueva York.", ()),
        ("The Panama Canal is long.", "El Canal de Panamá es largo.", ()),
        ("I met Elena Vasquez.", "Conocí a Elena Vasquez.", ()),
    ],
)
def test_a_name_with_a_strange_word_inside_is_found(source: str, made: str, broken: tuple[str, ...]) -> None:
    assert torn(source, made) == broken
