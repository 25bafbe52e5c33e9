"""What makes lines of small models sayable: elisions, one manner of address, titled names, tidy English."""

from __future__ import annotations

import pytest

from dubsync import weights
from dubsync.backends.mt_marian import MarianTranslator
from dubsync.backends.protocols import SourceLine
from dubsync.text import titles
from dubsync.text.address import is_mixed, manner
from dubsync.text.elision import elided
from dubsync.text.marian.beam import Way
from dubsync.text.marian.choice import likeliest
from dubsync.text.plain_english import plain


@pytest.mark.parametrize(
    ("made", "right"),
    [
        ("C'est la arme que il a utilisée.", "C'est l'arme qu'il a utilisée."),
        ("Le hôtel de une amie, le homme de hier.", "L'hôtel d'une amie, l'homme d'hier."),
        ("Le héros, la haine, le huit, de haut.", "Le héros, la haine, le huit, de haut."),
        ("La héroïne et le héritage.", "L'héroïne et l'héritage."),
        ("L'héros a l'honte d'hurler.", "Le héros a la honte de hurler."),
        ("La une du journal, le onze, le oui.", "La une du journal, le onze, le oui."),
        ("Où puis-je aller ? Est-ce elle ?", "Où puis-je aller ? Est-ce elle ?"),
        ("Donne-la à Tom, prends-le avec toi.", "Donne-la à Tom, prends-le avec toi."),
        ("Si il vient, ce est fini.", "S'il vient, c'est fini."),
        ("La maison de Harry, là au coin.", "La maison de Harry, là au coin."),
    ],
)
def test_elisions_heed_vowels_mute_and_aspirated_h(made: str, right: str) -> None:
    assert elided(made) == right


@pytest.mark.parametrize(
    ("text", "language", "mixed"),
    [
        ("Laissez-moi voir tes mains.", "fr", True),
        ("Quel âge aviez-vous quand ton père est parti ?", "fr", True),
        ("T'as mangé chez Rita, assez près du nez ?", "fr", False),
        ("Vous et votre frère.", "fr", False),
        ("Usted y tu padre.", "es", True),
        ("Vosotros y usted.", "es", False),
    ],
)
def test_two_manners_of_address_in_one_line_are_seen(text: str, language: str, *, mixed: bool) -> None:
    assert is_mixed(text, language) is mixed


@pytest.mark.parametrize(
    ("spoken", "tidy"),
    [
        ("He's gotta go.", "He has to go."),
        ("You've gotta see it, 'cause I'm leavin'.", "You have to see it, because I'm leaving."),
        ("What the hell happened?", "What happened?"),
        ("Go to hell.", "Go to hell."),
        ("C'mon, gimme a hand.", "Come on, give me a hand."),
        ("It was May the twenty-second.", "It was May 22."),
        ("He said 'let it begin' to 'emerald' and 'em.", "He said 'let it begin' to 'emerald' and them."),
    ],
)
def test_spoken_english_is_asked_in_tidy_words(spoken: str, tidy: str) -> None:
    assert plain(spoken) == tidy


@pytest.mark.parametrize(
    ("source", "made", "right"),
    [
        ("Mr. Henderson is here.", "{} está aquí.", "el señor Henderson está aquí."),
        ("Good morning, Captain Ross.", "Buenos días, {}.", "Buenos días, capitán Ross."),
        ("I spoke of Dr. Kim.", "Hablé de {}.", "Hablé del doctor Kim."),
    ],
)
def test_a_titled_name_comes_back_with_its_title(source: str, made: str, right: str) -> None:
    _, places = titles.stood_in(source, "es")
    (name,) = places
    assert titles.put_back(made.format(name), places, "es") == right


def test_a_titled_name_that_the_engine_lost_or_doubled_is_not_put_back() -> None:
    asked, places = titles.stood_in("Tom met Mr. Lee.", "fr")
    assert asked == "Tom met John."
    assert titles.put_back("Tom a rencontré Jean.", places, "fr") == ""
    assert titles.put_back("John, John.", places, "fr") == ""


@pytest.fixture(scope="module")
def marian() -> MarianTranslator:
    return MarianTranslator()


def test_people_keep_title_and_name_in_a_translation(marian: MarianTranslator) -> None:
    line = SourceLine("line-1", "Nice to meet you, Mr. Henderson.", 5.0)
    for language, wanted in (("fr", "monsieur Henderson."), ("es", "señor Henderson.")):
        (made,) = marian.translate([line], source="en", target=language, glossary={}, progress=lambda share: None)
        assert made.candidates[0].text.endswith(wanted)


def test_of_ways_about_as_likely_one_manner_of_address_wins() -> None:
    ways = (Way("Laissez-moi voir tes mains.", -0.3), Way("Laisse-moi voir tes mains.", -0.4))
    assert likeliest(ways, "fr") == ways[1].text
    assert likeliest((ways[0], Way("Laisse-moi voir.", -0.6)), "fr") == ways[0].text


DIALOGUE = (
    "Good evening. Could you show me your ticket?", "Where are you going with your suitcase?", "Do you know this man?",
    "Your room is on the second floor.", "Do you need your key?",
)  # fmt: skip


@pytest.mark.parametrize(
    ("address", "speaker", "manners"),
    [(None, "Anna", {"formal"}), ("informal", "Anna", {"informal"}), (None, None, {"formal", "informal"})],
    ids=["as most often", "as decided", "nobody knows who speaks"],
)
def test_a_speaker_addresses_people_in_one_manner_all_through(
    marian: MarianTranslator, address: str | None, speaker: str | None, manners: set[str]
) -> None:
    if not weights.is_present("mt-en-fr") or not weights.is_present("words-fr"):
        pytest.skip("the French weights are not in the cache: run `dubsync models pull`")
    lines = [SourceLine(str(number), text, 60.0, speaker, address=address) for number, text in enumerate(DIALOGUE)]
    made = marian.translate(lines, source="en", target="fr", glossary={}, progress=lambda share: None)
    assert {manner(line.candidates[0].text, "fr") for line in made} - {None} == manners
