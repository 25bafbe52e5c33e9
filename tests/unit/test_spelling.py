"""Words that nobody knows: the list made of a Hunspell dictionary, what passes as known, and what a draft does then."""

from __future__ import annotations

from pathlib import Path

import pytest

from dubsync import weights
from dubsync.backends.mt_marian import MarianTranslator
from dubsync.backends.protocols import SourceLine
from dubsync.errors import Severity
from dubsync.text import hunspell
from dubsync.text.drafting import Draft, draft, unsure
from dubsync.text.spelling import strange

AFFIXES = """SET UTF-8
FLAG long
NEEDAFFIX ()
FORBIDDENWORD {}
SFX S. Y 2
SFX S. 0 s [^sxl]
SFX S. al aux al
SFX V. Y 2
SFX V. er e/S. er
SFX V. er é er
PFX R' Y 1
PFX R' 0 re [^aeiou]
PFX L' Y 1
PFX L' 0 l' [aeiou]
"""
STEMS = "6\nchat/S.\ncheval/S.\nparler/V.R'\narbre/S.L'\nfaux/{}\nmi-temps\tpo:nom\nab/()S."


@pytest.fixture
def known(tmp_path: Path) -> hunspell.Words:
    (tmp_path / "index.aff").write_text(AFFIXES, encoding="utf-8")
    (tmp_path / "index.dic").write_text(STEMS, encoding="utf-8")
    hunspell.prepare(tmp_path, tmp_path)
    return hunspell.Words.of(tmp_path)


@pytest.mark.parametrize(
    "word", ["chat", "Chats", "chevaux", "parle", "parles", "parlé", "reparler", "mi", "temps", "abs"]
)
def test_stems_endings_on_endings_beginnings_and_parts_are_words(word: str, known: hunspell.Words) -> None:
    assert word in known


@pytest.mark.parametrize("word", ["chatss", "chevals", "faux", "ab", "l'arbre", "rearbre", "zzz", "\U0001f600"])
def test_what_the_rules_do_not_make_is_none(word: str, known: hunspell.Words) -> None:
    assert word not in known


@pytest.mark.parametrize(
    ("language", "source", "text", "found"),
    [
        ("es", "Let's go.", "¡Vámonos!", ()),
        ("es", "Give it to him.", "Quitándoselo, dígamelo, hagámosles.", ()),
        ("es", "You have it.", "Tenés.", ()),
        ("es", "Ha.", "Jajaja, hmm, nooo.", ()),
        ("es", "Ask Tom and the orcs.", "Tomás, los orcs y Keldrix.", ()),
        ("es", "A rare word.", "Una desconspecció rara. Grocel.", ("desconspecció", "Grocel")),
        ("fr", "The man.", "L'homme s'arrête à l’arbre, etait.", ()),
        ("fr", "The man.", "L'hobbe.", ("L'hobbe",)),
    ],
)
def test_only_what_cannot_be_a_word_a_name_or_a_cry_is_strange(
    language: str, source: str, text: str, found: tuple[str, ...]
) -> None:
    spanish = ["los", "una", "rara", "y", "vamos", "quitando", "diga", "hagamos", "tener", "tom", "dígame"]
    french = ["homme", "arrête", "arbre", "à", "était"]
    assert strange(source, text, language, {"es": spanish, "fr": french}[language]) == found


def test_a_made_up_word_is_flagged() -> None:
    text, made = draft("One.", {}, lambda part: "Uzzo.", lambda source, said: ("Uzzo",))
    assert text == "Uzzo."
    (flag,) = made[0].flags("line")
    assert (flag.code, flag.where) == ("word-unknown", "line")
    assert "Uzzo" in flag.what


def test_a_draft_without_made_up_words_is_better_than_one_with() -> None:
    assert Draft("One.", "Uzzo.", {}, ("Uzzo",)).faults > Draft("One.", "Uno.", {}).faults == 0


def test_it_is_told_that_a_line_was_said_otherwise_unless_that_did_not_help() -> None:
    (flag,) = unsure(Draft("One.", "Uno.", {}), ["Uzzo"], "line")
    assert (flag.code, flag.severity) == ("word-unsure", Severity.INFO)
    assert not unsure(Draft("One.", "Uzzo.", {}, ("Uzzo",)), ["Uzzo"], "line")
    assert not unsure(Draft("One.", "Uno.", {}), [], "line")


class Few:
    """A language of so few words that the engine's best is not in it."""

    def __init__(self, unknown: str) -> None:
        self.unknown = unknown

    def __contains__(self, word: object) -> bool:
        return word != self.unknown


def test_the_engine_says_a_line_otherwise_whose_word_the_language_lacks() -> None:
    for name in MarianTranslator.capabilities.weights:
        if not weights.is_present(name):
            pytest.skip(f"the weights {name} are not in the cache: run `dubsync models pull`")

    def translated(*unknown: str) -> tuple[str, list[str]]:
        engine = MarianTranslator(words={"es": Few(*unknown)} if unknown else None)
        asked = [SourceLine("line", "My boss just fired me.", 60.0)]
        (made,) = engine.translate(asked, source="en", target="es", glossary={}, progress=lambda share: None)
        return made.candidates[0].text, [flag.code for flag in made.flags]

    assert translated("despió")[1] == ["draft-translation", "word-unsure"]
    assert "despió" not in translated("despió")[0]
    assert translated()[1] == ["draft-translation", "word-unsure"]
    text, codes = translated("jefe")
    assert ("jefe" in text.lower()) == ("word-unknown" in codes)


@pytest.mark.parametrize(
    ("language", "words"),
    [("es", "abriéndose ensalada dámelo"), ("fr", "mangeaient chevaux"), ("pt", "anoitecer canções")],
)
def test_the_real_lists_know_what_is_built_by_their_rules(language: str, words: str) -> None:
    if not weights.is_present(f"words-{language}"):
        pytest.skip(f"the weights words-{language} are not in the cache: run `dubsync models pull`")
    known = hunspell.Words.of(weights.resolve(f"words-{language}"))
    assert all(word in known for word in words.split())
    assert "desconspecció" not in known
