"""Scripts as files: out and in again without loss; what is broken is refused, what is missing is not invented."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from dubsync.errors import InputError
from dubsync.text.exchange import FORMATS, Entry, Languages, read, write
from dubsync.timing import Span

SPANISH = Languages("en", "es")
LINES = (
    Entry(
        '¿"Quién", va?; 1 < 2 & 3', Span(Fraction(1), Fraction(5, 2)), "line-0123abcd", "Ana; B", "a|b\nc", "Who goes?"
    ),
    Entry("= suma, - resta", Span(Fraction(3600), Fraction(36001, 10)), "line-0123abce", None, "", "x"),
    Entry("مرحبا 👋", Span(Fraction(3700), Fraction(3701)), "line-0123abcf", "Speaker 2"),
)


def file(folder: Path, text: str, name: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_back_id_time_speaker_text_and_note(kind: str, tmp_path: Path) -> None:
    found = read(file(tmp_path, write(LINES, kind, SPANISH), f"film.{kind}"))
    facts = [(one.id, one.span, one.speaker, one.text, one.note) for one in found]
    assert facts == [(one.id, one.span, one.speaker, one.text, one.note) for one in LINES]


@pytest.mark.parametrize("kind", ["xliff", "csv", "json"])
def test_files_for_translators_show_the_original(kind: str, tmp_path: Path) -> None:
    assert read(file(tmp_path, write(LINES, kind, SPANISH), f"film.{kind}"))[0].source == "Who goes?"


def test_xliff_2_of_another_tool_is_read(tmp_path: Path) -> None:
    text = (
        '<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" version="2.0" srcLang="en" trgLang="es"><file id="f">'
        '<unit id="line-0123abcd"><notes><note category="time">0:00:01.000 0:00:02.000</note><note>hm</note></notes>'
        "<segment><source>A</source><target>Uno <pc id='1'>dos</pc></target></segment>"
        "<segment><source>B</source><target>tres</target></segment></unit></file></xliff>"
    )
    (entry,) = read(file(tmp_path, text, "film.xlf"))
    assert entry == Entry("Uno dos tres", Span(Fraction(1), Fraction(2)), "line-0123abcd", None, "hm", "A B")


def test_a_semicolon_table_from_a_spreadsheet_is_read(tmp_path: Path) -> None:
    (entry,) = read(file(tmp_path, "\ufeffid;text;note\nline-0123abcd;Hola, tú;\n", "film.csv"))
    assert (entry.id, entry.text, entry.span) == ("line-0123abcd", "Hola, tú", None)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("film.csv", "id,words\n1,Hola\n"),
        ("film.csv", 'id,text\n1,"Hola\n'),
        ("film.csv", "id,start,end,text\n1,5,2,Hola\n"),
        ("film.csv", "id,start,end,text\n1,soon,2,Hola\n"),
        ("film.csv", "id,text\n"),
        ("film.json", "{"),
        ("film.json", "[1, 2]"),
        ("film.json", '{"lines": ["a"]}'),
        ("film.json", "[" * 100_000),
        ("film.xliff", "<tmx/>"),
        ("film.xliff", '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><xliff>&a;</xliff>'),
        ("film.doc", "x"),
    ],
)
def test_a_broken_script_is_an_error_that_names_the_file(name: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="film"):
        read(file(tmp_path, text, name))


def test_an_unknown_format_is_an_error() -> None:
    with pytest.raises(InputError, match="docx"):
        write(LINES, "docx", SPANISH)
