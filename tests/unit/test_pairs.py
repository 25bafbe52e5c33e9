"""Sentence pairs for the bench that somebody brings: catalogues, memories, tables, and what of them is a sentence."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

import pytest

from dubsync.cli.bench import _by_language
from dubsync.errors import InputError
from dubsync.text import pairs

LINES = {
    "Who goes there?": "Quem vai lá?",
    "We must hurry, or all is lost.": "Temos de nos apressar, ou tudo está perdido.",
    "“I will not fight.”": "“Eu não vou lutar.”",
}
OTHERS = {
    "Save game": "Salvar jogo",
    "You have $gold gold pieces.": "Você tem $gold moedas de ouro.",
    "This is <b>very</b> bold.": "Isto é <b>muito</b> ousado.",
    "female^I am ready now.": "Estou pronta agora.",
    "First line of it.\nSecond line.": "Primeira linha.\nSegunda linha.",
    "So be it.": "Seja.",
    "It stays as it is.": "It stays as it is.",
    "Nobody translated this one.": "",
    " ".join(["Word"] * 26) + ".": "Uma frase longa demais.",
}


def catalogue(path: Path, texts: Mapping[str, str], *, language: str = "pt_BR", order: str = "<") -> Path:
    """Write what msgfmt writes."""
    texts = {"": f"Content-Type: text/plain; charset=UTF-8\nLanguage: {language}\n", **texts}
    sides = [[text.encode() for text in side] for side in (texts.keys(), texts.values())]
    head, at, tables, body = 28, 28 + 16 * len(texts), b"", b""
    for side in sides:
        for text in side:
            tables += struct.pack(f"{order}2I", len(text), at + len(body))
            body += text + b"\0"
    magic = struct.pack(f"{order}7I", 0x950412DE, 0, len(texts), head, head + 8 * len(texts), 0, 0)
    path.write_bytes(magic + tables + body)
    return path


@pytest.mark.parametrize("order", ["<", ">"])
def test_of_a_catalogue_what_reads_like_a_sentence_is_taken(tmp_path: Path, order: str) -> None:
    held = pairs.read([catalogue(tmp_path / "game.mo", {**LINES, **OTHERS}, order=order)], "pt")
    assert {one.source: one.references for one in held} == {
        **{english: (there,) for english, there in LINES.items()},
        "So be it.": ("Seja.",),
    }


def test_the_same_english_comes_once_with_every_translation_and_its_place_hangs_on_nothing_else(tmp_path: Path) -> None:
    first = catalogue(tmp_path / "a.mo", LINES)
    second = catalogue(tmp_path / "b.mo", {"Who goes there?": "Quem está aí?", "I saw nobody.": "Não vi ninguém."})
    held = pairs.read([first, second], "pt")
    assert {one.source: one.references for one in held}["Who goes there?"] == ("Quem vai lá?", "Quem está aí?")
    assert [one.source for one in pairs.read([second, first], "pt")] == [one.source for one in held]
    assert len(held) == 4


def test_of_plural_forms_the_first_is_taken(tmp_path: Path) -> None:
    one = catalogue(tmp_path / "a.mo", {"There is one wolf.\0There are wolves.": "Há um lobo.\0Há lobos."})
    assert [(each.source, each.references) for each in pairs.read([one], "pt")] == [
        ("There is one wolf.", ("Há um lobo.",))
    ]


def test_memories_and_tables_are_read_too(tmp_path: Path) -> None:
    table = tmp_path / "a.tsv"
    table.write_text("Who goes there?\tQuem vai lá?\tsomebody\n\nI saw nobody.\tNão vi ninguém.\n")
    memory = tmp_path / "a.tmx"
    memory.write_text(
        '<tmx version="1.4"><header/><body><tu><tuv xml:lang="en"><seg>I saw nobody.</seg></tuv>'
        '<tuv xml:lang="pt-BR"><seg>Não vi ninguém.</seg></tuv></tu></body></tmx>'
    )
    assert [one.source for one in pairs.read([table], "pt")] == ["Who goes there?", "I saw nobody."]
    assert [one.references for one in pairs.read([memory], "pt")] == [("Não vi ninguém.",)]


def test_a_space_that_does_not_break_is_a_space(tmp_path: Path) -> None:
    held = pairs.read([catalogue(tmp_path / "a.mo", {"Who goes there?": "Qui va\xa0là\u202f?"}, language="fr")], "fr")
    assert held[0].references == ("Qui va là ?",)


def test_what_is_no_catalogue_or_in_another_language_is_an_error_that_names_it(tmp_path: Path) -> None:
    whole = catalogue(tmp_path / "game.mo", LINES)
    for name, raw in {"cut.mo": whole.read_bytes()[:-20], "odd.mo": b"hello", "none.mo": b""}.items():
        (tmp_path / name).write_bytes(raw)
        with pytest.raises(InputError, match=name):
            pairs.read([tmp_path / name], "pt")
    with pytest.raises(InputError, match="holds pt_BR, not es"):
        pairs.read([whole], "es")
    with pytest.raises(InputError, match="no sentence"):
        pairs.read([catalogue(tmp_path / "labels.mo", {"Save": "Salvar"})], "pt")
    with pytest.raises(InputError) as raised:
        pairs.read([tmp_path / "game.po"], "pt")
    assert "msgfmt" in raised.value.hint


def test_the_command_takes_several_files_of_a_language() -> None:
    assert _by_language(["pt=a.mo", "pt-BR=b.mo", "es=c=d.tsv"]) == {
        "pt": [Path("a.mo"), Path("b.mo")],
        "es": [Path("c=d.tsv")],
    }
    for wrong in ("a.mo", "pt="):
        with pytest.raises(InputError, match="--pairs"):
            _by_language([wrong])
