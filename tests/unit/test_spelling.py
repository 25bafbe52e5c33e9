"""Words that nobody knows: the list made of a Hunspell dictionary, what passes as known, and what a draft does then."""

from __future__ import annotations

from pathlib import Path

import pytest

from dubsync import weights
from dubsync.text import hunspell
from dubsync.text.drafting import draft, unsure
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


def said(texts: dict[str, str], text: str) -> tuple[str, list[str]]:
    def odd(source: str, made: str) -> tuple[str, ...]:
        return tuple(word for word in made.split() if word.startswith("zz"))

    best, made = draft(text, {}, lambda part: texts.get(part, "zzb"), odd)
    return best, [flag.code for flag in (*made[0].flags("line"), *unsure(made, (), "line"))]


def test_a_made_up_word_makes_the_line_be_said_part_by_part_and_the_doubt_be_told() -> None:
    assert said({"One, two.": "zza dos", "One,": "Uno,", "two.": "dos."}, "One, two.") == ("Uno, dos.", ["word-unsure"])


def test_a_made_up_word_that_no_way_cures_is_flagged() -> None:
    assert said({}, "One, two.") == ("zzb", ["word-unknown"])


def test_a_line_of_known_words_has_no_flag() -> None:
    assert said({"One.": "Uno."}, "One.") == ("Uno.", [])


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
