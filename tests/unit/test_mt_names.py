"""Names and figures that were misspelt are put right, and nothing else is touched."""

from __future__ import annotations

import pytest

from dubsync.text.names import lost, mended, torn

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
        ("Why doesn't Tom like it?", "¿Por qué no le gusta?", ("Tom",)),
        ("Tom left.", "Se fue.", ("Tom",)),
        ("Nobody left.", "Nadie se fue.", ()),
        ("He came in 1912.", "Vino en 1921.", ("1912",)),
        ("It costs 1,500 dollars.", "Cuesta 1.500 dólares.", ()),
        ("I saw 2 men.", "Vi a dos hombres.", ()),
    ],
)
def test_a_name_or_a_figure_that_got_lost_is_found(source: str, made: str, gone: tuple[str, ...]) -> None:
    assert lost(source, made) == gone


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
