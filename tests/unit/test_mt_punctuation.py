"""A translated sentence is dressed as its source and its language ask."""

from __future__ import annotations

import pytest

from dubsync.text.asking import asked, parts
from dubsync.text.phrases import addressed, calling, cut, phrase, run_on
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
    ("wrong", "right"),
    [
        ("Il a une couteau.", "Il a un couteau."),
        ("Il monte dans mon voiture.", "Il monte dans ma voiture."),
        ("C'est le couleur de la fromage.", "C'est la couleur de la fromage."),
        ("Il tomba de la pont à la matin.", "Il tomba du pont au matin."),
        ("Cette arbre près de ce mer.", "Cet arbre près de cette mer."),
        ("Elle la livre, il le porte.", "Elle la livre, il le porte."),
    ],
)
def test_french_articles_go_with_nouns_that_portuguese_gives_another_gender(wrong: str, right: str) -> None:
    assert dressed("The thing.", wrong, "fr") == right


@pytest.mark.parametrize(
    ("made", "right"),
    [
        ("Vos sabés que no podés.", "Tú sabes que no puedes."),
        ("Quedate con vos.", "Quédate contigo."),
        ("Salí, será mamá.", "Salí, será mamá."),
        ("Vuestros hijos.", "Vuestros hijos."),
    ],
)
def test_spanish_says_tu_and_not_vos(made: str, right: str) -> None:
    assert dressed("So.", made, "es") == right


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        ("Yes!", "es", "¡Sí!"),
        ("Really?", "es", "¿De verdad?"),
        ("Okay.", "pt", "Tudo bem."),
        ("Hurry up!", "fr", "Dépêche-toi !"),
        ("Who", "es", "Quién"),
        ("What is the matter?", "es", "¿Qué pasa?"),
        ("Yes, sir.", "fr", "Oui, monsieur."),
        ("Are you kidding me, Ripley?", "es", "¿Estás bromeando, Ripley?"),
        ("Hey, Tom!", "pt", "Ei, Tom!"),
    ],
)
def test_short_utterances_are_said_as_people_say_them(text: str, language: str, said: str) -> None:
    known = phrase(text, "en", language)
    assert known is not None
    assert dressed(text, known, language) == said


def test_only_whole_utterances_are_phrases() -> None:
    for text in ("Yes, kindly.", "No, London.", "See you later, Monday.", "No, Germany."):
        assert phrase(text, "en", "es") is None
    assert phrase("Yes.", "pt", "es") is None
    assert phrase("Yes.", "en", "it") is None


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Calm down, it's me.", ("Calm down,", "it's me.")),
        ("Calm down, Tom.", ("Calm down, Tom.",)),
        ("Now, listen to me.", ("Now, listen to me.",)),
        ("After dinner, we left.", ("After dinner, we left.",)),
        ("Calm down and sit.", ("Calm down and sit.",)),
    ],
)
def test_a_sentence_is_parted_after_a_phrase_of_several_words(text: str, parts: tuple[str, ...]) -> None:
    assert cut(text, "en", "fr") == parts
    assert cut(text, "fr", "en") == cut(text, "en", "it") == (text,)


def test_what_goes_on_has_no_capital_unless_it_is_a_name() -> None:
    assert run_on(["Come on,", "it's late."], ["Vamos,", "¡Es tarde!"]) == "Vamos, ¡es tarde!"
    assert run_on(["Come on,", "Tom is here."], ["Vamos,", "Tom está aquí."]) == "Vamos, Tom está aquí."
    assert run_on(["Come on.", "It's late."], ["Vamos.", "Es tarde."]) == "Vamos. Es tarde."


def test_a_line_that_trails_off_does_so_in_translation_and_is_asked_as_a_full_sentence() -> None:
    assert dressed("Wait...", "Espera.", "es") == "Espera..."
    assert dressed("Wait…", "Attends", "fr") == "Attends…"
    assert dressed("Is it...", "É ele?", "pt") == "É ele?"
    pieces = parts("Well... I saw it... over there. Go…", ("en", "es"))
    assert pieces == ["Well...", "I saw it...", "over there.", "Go…"]
    assert [asked(part, ("en", "es"))[0] for part in pieces] == ["Well.", "I saw it.", "over there.", "Go."]
    assert run_on(pieces[1:3], ["Lo vi...", "Por ahí."]) == "Lo vi... por ahí."


def test_quotation_marks_that_the_source_has_none_of_go() -> None:
    assert dressed("Wolves.", 'Lobos".', "es") == "Lobos."
    assert dressed("Wolves!", "« Des loups !", "fr") == "Des loups !"
    assert dressed('He said "no".', 'Dijo "no".', "es") == 'Dijo "no".'
    assert dressed("He said 'no'.", "Il a dit « non ».", "fr") == "Il a dit « non »."


@pytest.mark.parametrize("step", [("en", "es"), ("en", "fr"), ("en", "pt")])
def test_whom_a_sentence_is_said_to_comes_back_before_its_mark(step: tuple[str, str]) -> None:
    body, called = addressed("I do not know, sir.", *step)
    assert body == "I do not know."
    assert calling("Não sei.", called).endswith(f", {called}.")
    assert addressed("I do not know, Maria.", *step) == ("I do not know, Maria.", "")
