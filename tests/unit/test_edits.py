"""People's edits: kept for ever, found again, conflicts shown, nothing emptied."""

from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from dubsync import edits
from dubsync.errors import InputError, UsageError
from dubsync.timing import Span
from dubsync.title import Line

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FIRST = Line("line-00000001", "utterance-1", "Hola.", Span(Fraction(1), Fraction(2)))
SECOND = Line("line-00000002", "utterance-2", "Adiós.", Span(Fraction(3), Fraction(5)))


def codes(applied: edits.Applied) -> list[str]:
    return [flag.code for flag in applied.flags]


def test_an_edit_replaces_the_machines_text_and_nothing_else() -> None:
    applied = edits.apply([FIRST, SECOND], [edits.edit(FIRST, who="Ana", text="¡Buenas!")])
    assert [line.text for line in applied.lines] == ["¡Buenas!", "Adiós."]
    assert not applied.flags


def test_edits_survive_the_file(tmp_path: Path) -> None:
    path = edits.path_of(tmp_path, "es")
    records = [edits.edit(FIRST, who="Ana", text="Uno", span=Span(Fraction(1, 3), Fraction(2)))]
    edits.append(path, records)
    assert list(edits.read(path)) == records
    assert edits.apply([FIRST], edits.read(path)).lines[0].span.start == Fraction(1, 3)


def test_an_undo_brings_the_text_back_and_undoing_the_undo_the_edit(tmp_path: Path) -> None:
    path = tmp_path / "es.jsonl"
    record = edits.edit(FIRST, who="Ana", text="Uno")
    edits.append(path, [record])
    undone = edits.undo(path, record.id, who="Ana")
    assert edits.apply([FIRST], edits.read(path)).lines[0].text == "Hola."
    edits.undo(path, undone.id, who="Ana")
    assert edits.apply([FIRST], edits.read(path)).lines[0].text == "Uno"
    assert len(edits.read(path)) == 3


def test_undoing_what_never_was_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no edit"):
        edits.undo(tmp_path / "es.jsonl", "edit-00000000", who="Ana")


def test_two_editors_on_one_line_give_a_conflict_that_shows_both() -> None:
    one = edits.edit(FIRST, who="Ana", text="Uno", when=NOON)
    two = edits.edit(FIRST, who="Luis", text="Dos", when=NOON + timedelta(seconds=1))
    applied = edits.apply([FIRST], [one, two])
    assert codes(applied) == ["edit-conflict"]
    assert "Uno" in applied.flags[0].what
    assert "Dos" in applied.flags[0].what
    assert applied.lines[0].text == "Dos"


def test_the_same_change_by_two_people_is_no_conflict() -> None:
    both = [edits.edit(FIRST, who=who, text="Uno") for who in ("Ana", "Luis")]
    assert not edits.apply([FIRST], both).flags


def test_a_human_text_stands_when_the_machine_changes_its_mind() -> None:
    record = edits.edit(FIRST, who="Ana", text="Uno")
    applied = edits.apply([Line(FIRST.id, "utterance-1", "Buenas.", FIRST.span)], [record])
    assert applied.lines[0].text == "Uno"
    assert codes(applied) == ["edit-conflict"]
    assert "Buenas." in applied.flags[0].what


def test_a_locked_line_keeps_its_text_whatever_the_machine_says_later() -> None:
    record = edits.edit(FIRST, who="Ana", lock=True)
    applied = edits.apply([Line(FIRST.id, "utterance-1", "Otra cosa.", FIRST.span)], [record])
    assert applied.lines[0].text == "Hola."
    assert applied.lines[0].lock


def test_an_edit_finds_its_line_by_time_when_ids_have_changed() -> None:
    moved = Line("line-0000000f", "utterance-9", "Hola", Span(Fraction(11, 10), Fraction(21, 10)))
    applied = edits.apply([SECOND, moved], [edits.edit(FIRST, who="Ana", text="Uno")])
    assert [line.text for line in applied.lines] == ["Adiós.", "Uno"]


def test_an_edit_whose_line_is_gone_is_reported_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "es.jsonl"
    edits.append(path, [edits.edit(FIRST, who="Ana", text="Uno")])
    applied = edits.apply([SECOND], edits.read(path))
    assert codes(applied) == ["edit-unplaced"]
    assert applied.lines == (SECOND,)
    assert len(edits.read(path)) == 1


def test_a_line_cannot_be_emptied() -> None:
    with pytest.raises(UsageError, match="emptied"):
        edits.edit(FIRST, who="Ana", text="  ")
    forged = edits.new(line=FIRST.id, at=None, who="Ana", before={}, after={"text": ""})
    applied = edits.apply([FIRST], [forged])
    assert applied.lines == (FIRST,)
    assert codes(applied) == ["edit-ignored"]


def test_an_unknown_field_is_an_error_with_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        edits.edit(FIRST, who="Ana", colour="red")
    assert "speaker" in caught.value.hint


def test_a_row_cut_short_by_a_crash_does_not_harm_the_others(tmp_path: Path) -> None:
    path = tmp_path / "es.jsonl"
    edits.append(path, [edits.edit(FIRST, who="Ana", text="Uno")])
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    edits.append(path, [edits.edit(SECOND, who="Ana", text="Dos")])
    assert [record.after["text"] for record in edits.read(path)] == ["Uno", "Dos"]


def test_a_damaged_row_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "es.jsonl"
    path.write_text('not json at all}\n{"id": 1}\n')
    with pytest.raises(InputError, match="row 1"):
        edits.read(path)


def test_two_cues_of_one_import_that_lie_in_one_line_are_joined() -> None:
    parts = [
        edits.new(
            line=None, at=Span(Fraction(3), Fraction(4)), who="Ana", before={}, after={"text": "Hasta"}, when=NOON
        ),
        edits.new(
            line=None, at=Span(Fraction(4), Fraction(5)), who="Ana", before={}, after={"text": "luego."}, when=NOON
        ),
    ]
    applied = edits.apply([FIRST, SECOND], parts)
    assert applied.lines[1].text == "Hasta luego."
    assert not applied.flags


def _write(path: Path, who: str) -> None:
    for number in range(20):
        edits.append(path, [edits.edit(FIRST, who=who, text=f"{who} {number}")])


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "es.jsonl"
    writers = [multiprocessing.get_context("fork").Process(target=_write, args=(path, f"p{n}")) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(edits.read(path)) == 80
