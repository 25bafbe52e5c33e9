"""Subtitle files: nothing that holds a line is lost without a word."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from dubsync.errors import InputError
from dubsync.text.subtitles import FORMATS, Cue, read, write
from dubsync.timing import Span

CUES = (
    Cue(Span(Fraction(1), Fraction(5, 2)), "¿Hola?\n- Sí & <no>", "line-0123abcd", "Ana, B", "a|note {x}\n100%"),
    Cue(Span(Fraction(3), Fraction(3601)), "12\nfin", "line-0123abce"),
    Cue(Span(Fraction(3602), Fraction(3603)), "مرحبا 👋"),
)


def file(folder: Path, text: str | bytes, name: str = "film.srt") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("kind", FORMATS)
def test_a_marked_file_gives_back_every_cue_with_id_speaker_and_note(kind: str, tmp_path: Path) -> None:
    assert read(file(tmp_path, write(CUES, kind, marked=True), f"film.{kind}")) == CUES


@pytest.mark.parametrize("kind", FORMATS)
def test_a_delivered_file_shows_text_only(kind: str) -> None:
    shown = write(CUES, kind, language="es")
    assert "line-0123abcd" not in shown
    assert "note" not in shown


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_are_recognised(encoding: str, tmp_path: Path) -> None:
    raw = "1\r\n00:00:01,000 --> 00:00:02,000\r\n¿Qué pasó, señor?\r\n".encode(encoding)
    assert [cue.text for cue in read(file(tmp_path, raw))] == ["¿Qué pasó, señor?"]


def test_numbers_blank_lines_and_markup_do_not_matter(tmp_path: Path) -> None:
    text = "\n\n00:00:01.5 --> 00:00:02,5 X1:0\n<i>One</i>\n\nmore\n\n\n7\n0:0:3,000 --> 0:0:4,000\n{\\an8}Two\n"
    cues = read(file(tmp_path, text))
    assert [cue.text for cue in cues] == ["One\n\nmore", "Two"]
    assert cues[0].span.start == Fraction(3, 2)


def test_a_text_that_ends_in_a_number_keeps_it(tmp_path: Path) -> None:
    text = "1\n00:00:01,000 --> 00:00:02,000\nThe answer is\n42\n\n2\n00:00:03,000 --> 00:00:04,000\nReally?\n"
    assert [cue.text for cue in read(file(tmp_path, text))] == ["The answer is\n42", "Really?"]


@pytest.mark.parametrize(
    "text",
    [
        "1\n00:00:01,000 --> 00:00\nHi\n",
        "1\n00:00:05,000 --> 00:00:02,000\nHi\n",
        "1\n00:00:01,000 --> 00:00:02,000\nA\n\n2\n00:00:0x,000 --> 00:00:04,000\nB\n",
    ],
)
def test_a_damaged_time_is_an_error_that_names_the_row(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"film\.srt: row \d"):
        read(file(tmp_path, text))


@pytest.mark.parametrize("raw", [b"", b"\x00\x01\x02", b"just words\n", b"\xff\xfe\x00", b"\x81\x8d\x8f"])
def test_what_is_not_a_subtitle_file_is_an_error(raw: bytes, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read(file(tmp_path, raw))


@pytest.mark.parametrize("name", ["film.docx", "film", "film.xml"])
def test_an_unknown_ending_is_an_error_with_the_known_ones(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(file(tmp_path, "x", name))
    assert "srt" in caught.value.hint


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "no.srt")


def test_vtt_without_its_first_line_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="WEBVTT"):
        read(file(tmp_path, "00:01.000 --> 00:02.000\nHi\n", "film.vtt"))


def test_ttml_frames_ticks_and_offsets_are_exact(tmp_path: Path) -> None:
    text = (
        '<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" ttp:frameRate="30" '
        'ttp:frameRateMultiplier="1000 1001" ttp:tickRate="10"><body><div>'
        '<p begin="00:00:01:15" dur="500ms">A<br/>B</p><p begin="25t" end="3s">C</p></div></body></tt>'
    )
    first, second = read(file(tmp_path, text, "film.ttml"))
    assert first.span == Span(1 + Fraction(15 * 1001, 30000), Fraction(3, 2) + Fraction(15 * 1001, 30000))
    assert (first.text, second.span) == ("A\nB", Span(Fraction(5, 2), Fraction(3)))


BOMB = '<?xml version="1.0"?><!DOCTYPE t [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><tt>&b;</tt>'


@pytest.mark.parametrize("text", [BOMB, "<tt><p>", "<html/>", "<tt>" + "<div>" * 5000 + "</div>" * 5000 + "</tt>"])
def test_bad_xml_and_entity_bombs_are_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read(file(tmp_path, text, "film.ttml"))


def test_a_very_long_line_is_read_whole(tmp_path: Path) -> None:
    words = "word " * 40_000
    (cue,) = read(file(tmp_path, f"1\n00:00:01,000 --> 00:00:02,000\n{words}\n"))
    assert len(cue.text) == len(words.strip())
