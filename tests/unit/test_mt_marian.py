"""mt.marian on real weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from dubsync.backends.mt_marian import MarianTranslator, directions
from dubsync.backends.protocols import SourceLine, TranslatedLine, Translator
from dubsync.errors import UnknownLanguage

NOTHING: Mapping[str, str] = {}


@pytest.fixture(scope="module")
def marian() -> MarianTranslator:
    return MarianTranslator()


def translated(
    marian: MarianTranslator,
    *texts: str,
    pair: str = "en-es",
    seconds: float = 20,
    glossary: Mapping[str, str] = NOTHING,
) -> tuple[TranslatedLine, ...]:
    lines = [SourceLine(f"line-{number}", text, seconds) for number, text in enumerate(texts)]
    source, _, target = pair.partition("-")
    return marian.translate(lines, source=source, target=target, glossary=glossary, progress=lambda share: None)


def test_it_is_a_translator_that_says_what_it_speaks(marian: MarianTranslator) -> None:
    assert isinstance(marian, Translator)
    assert {"en-es", "en-fr", "en-pt", "pt-en", "pt-es", "pt-fr"} <= set(marian.capabilities.languages)
    models, lists = {"mt-en-es", "mt-en-fr", "mt-en-pt", "mt-pt-en"}, {"words-es", "words-fr", "words-pt"}
    assert set(MarianTranslator.capabilities.weights) == models | lists


@pytest.mark.parametrize(
    ("pair", "text", "word"),
    [
        ("en-es", "Where is the dog?", "¿Dónde está el perro?"),
        ("en-es-419", "I have a red car.", " rojo"),
        ("en-fr", "Where is the dog?", "Où est le chien"),
        ("en-pt", "Where is the dog?", "Onde está o c"),
        ("pt-en", "Onde está o cachorro?", "dog"),
        ("pt-es", "Onde está o cachorro?", "perro"),
    ],
)
def test_every_direction_translates(marian: MarianTranslator, pair: str, text: str, word: str) -> None:
    (line,) = translated(marian, text, pair=pair)
    assert word in line.candidates[0].text


def test_ids_count_and_order_stay_and_no_line_is_empty(marian: MarianTranslator) -> None:
    texts = ["No.", "♪ ♪", "...", "Yes! No! Maybe?", "🙂", " ", "42", "Come here. Sit down. Don't move."]
    found = translated(marian, *texts)
    assert [line.id for line in found] == [f"line-{number}" for number in range(len(texts))]
    assert all(candidate.text.strip() for line in found for candidate in line.candidates)
    assert found[1].candidates[0].text == "♪ ♪"
    assert found[3].candidates[0].text.startswith("¡Sí!")


def test_a_draft_is_flagged_once_for_the_language(marian: MarianTranslator) -> None:
    flags = [flag for line in translated(marian, "Hello.", "Good night.") for flag in line.flags]
    assert [(flag.code, flag.where) for flag in flags] == [("draft-translation", "es")]


def test_a_pair_without_a_model_is_refused_with_the_pairs_there_are(marian: MarianTranslator) -> None:
    with pytest.raises(UnknownLanguage, match="from English to Japanese") as raised:
        translated(marian, "Hello.", pair="en-ja")
    assert "en-es" in raised.value.hint


def test_the_glossary_is_kept(marian: MarianTranslator) -> None:
    (line,) = translated(marian, "The Rover is at the bridge.", glossary={"Rover": "Rover", "bridge": "pasarela"})
    assert "Rover" in line.candidates[0].text
    assert "pasarela" in line.candidates[0].text.lower()
    assert [flag.code for flag in line.flags] == ["draft-translation"]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Good luck, Tom.", "Tom"),
        ("Tom reads the New York Times.", "New York Times"),
    ],
)
def test_a_name_that_the_best_way_loses_is_kept_by_another(marian: MarianTranslator, text: str, kept: str) -> None:
    (line,) = translated(marian, text)
    assert kept in line.candidates[0].text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("My birthday is on March 22.", "22 mars"),
        ("Christmas is December 25th.", "décembre"),
        ("The capital of Ukraine is Kiev.", "l'Ukraine"),
        ("When are you coming to Melbourne again?", "Melbourne"),
        ("She quoted a poem by Keats.", "Keats"),
        ("The ship will arrive in San Francisco this evening.", "San Francisco"),
        ("They went to London on Monday.", "Londres"),
    ],
)
def test_french_keeps_names_countries_and_months(marian: MarianTranslator, text: str, kept: str) -> None:
    (line,) = translated(marian, text, pair="en-fr")
    assert kept in line.candidates[0].text


def test_a_line_too_long_for_its_time_gets_shorter_candidates(marian: MarianTranslator) -> None:
    text = "I would have liked to tell you the whole truth before you left."
    (roomy,) = translated(marian, text, seconds=20)
    (tight,) = translated(marian, text, seconds=1.5)
    assert len(roomy.candidates) == 1
    assert tight.candidates[0] == roomy.candidates[0]
    assert len(tight.candidates) > 1
    assert all(len(one.text) < len(tight.candidates[0].text) for one in tight.candidates[1:])


def test_a_line_that_is_shown_gets_shorter_candidates_where_it_cannot_be_read(marian: MarianTranslator) -> None:
    text = "I would have liked to tell you the whole truth before you left."
    line = SourceLine("line-0", text, 1.5, characters=200)
    told: dict[str, Any] = {"source": "en", "target": "es", "glossary": {}, "progress": lambda share: None}
    (roomy,) = marian.translate([line], **told)
    (tight,) = marian.translate([replace(line, seconds=20, characters=40)], **told)
    assert len(roomy.candidates) == 1
    assert len(tight.candidates) > 1
    assert tight.candidates[0] == roomy.candidates[0]


def test_the_same_line_gives_the_same_candidates(marian: MarianTranslator) -> None:
    again = MarianTranslator()
    text = "They are waiting for us at the station."
    assert translated(marian, text, seconds=1) == translated(again, text, seconds=1)


def test_directions_meet_in_english() -> None:
    found = directions(["mt-en-es", "mt-fr-en", "mt-es-en", "kokoro"])
    assert found[("fr", "es")] == (("fr", "en"), ("en", "es"))
    assert ("es", "es") not in found
    assert set(found) == {("en", "es"), ("fr", "en"), ("es", "en"), ("fr", "es")}
