"""Whatever a line holds, it comes back from a file as it went; whatever a file holds, it is read or refused."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from dubsync import edits
from dubsync.errors import InputError
from dubsync.text.exchange import FORMATS, Entry, Languages, read, write
from dubsync.text.sentences import Spoken, breaks, deal, plan
from dubsync.timing import Span
from dubsync.title import Line, content_id

WORDS = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="<>&{}"), min_size=1, max_size=12)
TEXTS = st.lists(WORDS, min_size=1, max_size=8).map(" ".join).filter(lambda text: "-->" not in text)
TIMES = st.integers(0, 7_200_000).map(lambda milliseconds: Fraction(milliseconds, 1000))


@st.composite
def entries(draw: st.DrawFn) -> list[Entry]:
    found = []
    for number in range(draw(st.integers(1, 6))):
        start, length = draw(TIMES), draw(st.integers(1, 20_000))
        span = Span(start, start + Fraction(length, 1000))
        speaker = draw(st.none() | TEXTS)
        found.append(Entry(draw(TEXTS), span, content_id("line", number), speaker, draw(st.just("") | TEXTS)))
    return found


@settings(max_examples=60, deadline=None)
@given(entries(), st.sampled_from(FORMATS))
def test_a_script_comes_back_from_every_format(lines: list[Entry], kind: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"film.{kind}"
        path.write_bytes(write(lines, kind, Languages("en", "es")).encode())
        found = read(path)
    assert [(one.id, one.span, one.speaker, one.text, one.note) for one in found] == [
        (one.id, one.span, one.speaker, one.text, one.note) for one in lines
    ]


SIGNS = (
    *(
        "<i>",
        "</i>",
        "a < b",
        "&amp;",
        "&lt;b&gt;",
        "AT&T",
        "{x}",
        "{\\an8}",
        "-->",
        "->",
        "\n",
        "\n2\n",
        "|",
        "%7C",
        "42",
    ),
    *("{line-0123abcd|Ana}", "NOTE", "WEBVTT", "00:00:01,000 --> 00:00:02,000", "שלום עולם", "مرحبا", "👩\u200d🚀"),
    *("e\u0301", "\u200f", "\\N", '"', ";", "=1+1", "<v Ana>", "]]>", "<![CDATA[", "\u2028", "\x85", "word"),
)
HARD = st.lists(st.sampled_from(SIGNS), min_size=1, max_size=5).map(" ".join).filter(str.strip)


@settings(max_examples=400, deadline=None)
@given(HARD, st.none() | HARD, st.just("") | HARD, st.sampled_from(FORMATS))
def test_no_word_is_lost_whatever_signs_stand_in_a_line(text: str, speaker: str | None, note: str, kind: str) -> None:
    line = Entry(text, Span(Fraction(1), Fraction(2)), "line-0123abcd", speaker, note)
    other = Entry("Last.", Span(Fraction(3), Fraction(4)), "line-0123abce")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"film.{kind}"
        path.write_bytes(write([line, other], kind, Languages("en", "es")).encode())
        found = read(path)
    assert [one.id for one in found] == [line.id, other.id]
    assert [one.span for one in found] == [line.span, other.span]
    assert _plain(found[0].text) == _plain(text)
    assert _plain(found[0].speaker or "") == _plain(speaker or "")
    assert _plain(found[0].note) == _plain(note)


def _plain(text: str) -> str:
    """White space apart, and the arrow that no subtitle can hold."""
    return " ".join(text.replace("-->", "→").split())


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode), st.sampled_from([*FORMATS, "ass"]))
def test_any_bytes_are_read_or_refused_in_words(raw: bytes, kind: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"film.{kind}"
        path.write_bytes(raw)
        try:
            assert read(path)
        except InputError as error:
            assert "film" in error.message  # noqa: PT017 - either outcome is right


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(TEXTS, st.sampled_from("ab"), st.integers(0, 3000)), min_size=1, max_size=8))
def test_planning_covers_every_word_of_every_line_once(drawn: list[tuple[str, str, int]]) -> None:
    lines, clock = [], Fraction(0)
    for text, speaker, gap in drawn:
        clock += Fraction(gap, 1000)
        lines.append(Spoken(text, Span(clock, clock + 1), speaker))
        clock += 1
    covered = [""] * len(lines)
    for sentence in plan(lines, "en"):
        assert len({piece.line for piece in sentence.pieces}) == len(sentence.pieces)
        for piece in sentence.pieces:
            covered[piece.line] += piece.text
    assert ["".join(text.split()) for text in covered] == ["".join(line.text.split()) for line in lines]


@settings(max_examples=100, deadline=None)
@given(TEXTS, st.lists(st.integers(1, 50), min_size=1, max_size=5), st.sampled_from(["es", "zh"]))
def test_dealing_loses_no_word_and_leaves_no_part_empty(text: str, weights: list[int], language: str) -> None:
    parts = deal(text, weights, language)
    if parts is None:
        return
    assert len(parts) == len(weights)
    assert all(part.strip() for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1500), st.integers(10, 900)), min_size=1, max_size=60))
def test_utterances_hold_every_word_once_and_are_short(drawn: list[tuple[int, int]]) -> None:
    spans, clock = [], Fraction(0)
    for gap, length in drawn:
        clock += Fraction(gap, 1000)
        spans.append(Span(clock, clock + Fraction(length, 1000)))
        clock = spans[-1].end
    firsts = breaks(["word"] * len(spans), spans)
    assert firsts[0] == 0
    assert list(firsts) == sorted(set(firsts))
    for start, stop in zip(firsts, [*firsts[1:], len(spans)], strict=True):
        assert spans[stop - 1].end - spans[start].start <= 12


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), TEXTS, st.booleans()), max_size=12))
def test_edits_and_undos_never_drop_or_empty_a_line(changes: list[tuple[int, str, bool]]) -> None:
    lines = [Line(content_id("line", n), f"u{n}", f"text {n}", Span(Fraction(n), Fraction(n + 1))) for n in range(4)]
    records: list[edits.Edit] = []
    for number, text, takes_back in changes:
        if takes_back and records:
            target = records[number % len(records)]
            records.append(edits.new(line=target.line, at=None, who="a", before={}, after={}, undo=target.id))
        else:
            records.append(edits.edit(lines[number], who="a", text=text))
    applied = edits.apply(lines, records)
    assert [line.id for line in applied.lines] == [line.id for line in lines]
    assert all(line.text.strip() for line in applied.lines)
