"""Scripts out of a title folder and in again: every change becomes an edit, nothing is thrown away."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from title_stand import put
from words_stand import utterance

from dubsync import edits
from dubsync.engine.stage import Unit
from dubsync.errors import EditConflict, InputError, UnknownLanguage
from dubsync.scripts import change_line, export_script, import_script, read_script, undo_on_line, version
from dubsync.text.exchange import FORMATS, read
from dubsync.timing import Span
from dubsync.title import Line, Speaker

SAID = (utterance("Hello.", 1, 2, speaker="speaker-1"), utterance("Who is there?", 3, 5, speaker="speaker-2"))
LINES = (
    Line("line-00000001", SAID[0].id, "Hola.", SAID[0].span, "speaker-1", note="suave"),
    Line("line-00000002", SAID[1].id, "¿Quién es?", SAID[1].span, "speaker-2"),
)
PEOPLE = (Speaker("speaker-1", "Speaker 1", 1.0), Speaker("speaker-2", "Speaker 2", 2.0))


@pytest.fixture
def title(tmp_path: Path) -> Path:
    folder = tmp_path / "film.dubsync"
    put(folder, "transcript", Unit("title"), {"language": "en", "confidence": 1.0, "utterances": SAID})
    put(folder, "speakers", Unit("title"), {"speakers": PEOPLE, "utterances": SAID, "faces": {}})
    put(folder, "script", Unit("es", "es"), {"lines": LINES})
    return folder


def texts(folder: Path, lines: Sequence[Line] = LINES) -> list[str]:
    return [line.text for line in edits.apply(lines, edits.read(edits.path_of(folder, "es"))).lines]


@pytest.mark.parametrize("kind", FORMATS)
def test_an_unchanged_script_comes_back_without_an_edit(kind: str, title: Path, tmp_path: Path) -> None:
    out = export_script(title, "es", kind, tmp_path / f"script.{kind}")
    report = import_script(title, "es", out, who="Ana")
    assert report.unchanged == ("line-00000001", "line-00000002")
    assert (report.changed, report.untouched, report.unplaced, report.empty) == ((), (), (), ())
    assert not edits.path_of(title, "es").exists()


@pytest.mark.parametrize("kind", FORMATS)
def test_a_changed_line_becomes_one_edit(kind: str, title: Path, tmp_path: Path) -> None:
    out = export_script(title, "es", kind, tmp_path / f"script.{kind}")
    out.write_text(out.read_text(encoding="utf-8").replace("Hola.", "Buenas."), encoding="utf-8")
    report = import_script(title, "es", out, who="Ana")
    assert report.changed == ("line-00000001",)
    assert texts(title) == ["Buenas.", "¿Quién es?"]
    (record,) = edits.read(edits.path_of(title, "es"))
    assert (record.who, dict(record.before), dict(record.after)) == ("Ana", {"text": "Hola."}, {"text": "Buenas."})


def test_an_export_shows_names_original_and_edits_made_since(title: Path, tmp_path: Path) -> None:
    edits.append(edits.path_of(title, "es"), [edits.edit(LINES[1], who="Ana", text="¿Quién anda ahí?")])
    first, second = read(export_script(title, "Spanish", "csv", tmp_path / "script.csv"))
    assert (first.speaker, first.source, first.note) == ("Speaker 1", "Hello.", "suave")
    assert second.text == "¿Quién anda ahí?"


def test_a_subtitle_file_without_ids_is_placed_by_time_and_its_parts_joined(title: Path, tmp_path: Path) -> None:
    (tmp_path / "film.es.srt").write_text(
        "1\n00:00:01,100 --> 00:00:01,900\nBuenos días.\n\n"
        "2\n00:00:03,000 --> 00:00:03,900\n¿Quién\n\n3\n00:00:04,000 --> 00:00:05,000\nanda ahí?\n\n"
        "4\n00:00:30,000 --> 00:00:31,000\nNadie.\n\n5\n00:00:40,000 --> 00:00:41,000\n \n"
    )
    report = import_script(title, "es", tmp_path / "film.es.srt", who="Ana")
    assert report.changed == ("line-00000001", "line-00000002")
    assert [entry.text for entry in report.unplaced] == ["Nadie."]
    assert len(report.empty) == 1
    assert texts(title) == ["Buenos días.", "¿Quién anda ahí?"]
    assert "Nadie." in edits.path_of(title, "es").read_text(encoding="utf-8")


def test_a_script_brought_before_the_first_run_waits_for_its_lines(tmp_path: Path) -> None:
    folder = tmp_path / "film.dubsync"
    (tmp_path / "film.es.srt").write_text(
        "1\n00:00:01,000 --> 00:00:02,000\nBuenas.\n\n2\n00:00:03,000 --> 00:00:05,000\n¿Y tú?\n"
    )
    report = import_script(folder, "es", tmp_path / "film.es.srt", who="Ana")
    assert report.pending == 2
    assert texts(folder) == ["Buenas.", "¿Y tú?"]


def test_a_line_that_the_file_leaves_out_keeps_its_text(title: Path, tmp_path: Path) -> None:
    (tmp_path / "part.csv").write_text("id,text\nline-00000002,¿Tú?\n")
    report = import_script(title, "es", tmp_path / "part.csv", who="Ana")
    assert report.untouched == ("line-00000001",)
    assert texts(title) == ["Hola.", "¿Tú?"]


def test_a_new_time_or_speaker_is_an_edit_too(title: Path, tmp_path: Path) -> None:
    out = export_script(title, "es", "csv", tmp_path / "script.csv")
    changed = out.read_text(encoding="utf-8").replace("0:00:01.000", "0:00:01.250").replace("Speaker 1", "Speaker 2")
    out.write_text(changed, encoding="utf-8")
    import_script(title, "es", out, who="Ana")
    line = edits.apply(LINES, edits.read(edits.path_of(title, "es"))).lines[0]
    assert (line.span, line.speaker) == (Span(Fraction(5, 4), Fraction(2)), "speaker-2")


def test_a_language_without_a_script_cannot_be_exported(title: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no fr script"):
        export_script(title, "fr", "srt", tmp_path / "x.srt")
    with pytest.raises(UnknownLanguage):
        export_script(title, "Spansh", "srt", tmp_path / "x.srt")


def changed(title: Path, source: Path, old: str, new: str, name: str) -> Path:
    """Return a copy of an export in which somebody changed words."""
    copy = source.with_name(f"{name}{source.suffix}")
    text = source.read_text(encoding="utf-8")
    assert old in text
    copy.write_text(text.replace(old, new), encoding="utf-8")
    return copy


def flags(title: Path) -> list[str]:
    return [flag.what for flag in edits.apply(LINES, edits.read(edits.path_of(title, "es"))).flags]


@pytest.mark.parametrize("kind", FORMATS)
def test_two_editors_of_one_line_give_a_conflict_that_shows_both(kind: str, title: Path, tmp_path: Path) -> None:
    out = export_script(title, "es", kind, tmp_path / f"script.{kind}")
    import_script(title, "es", changed(title, out, "Hola.", "Buenas.", "ana"), who="Ana")
    import_script(title, "es", changed(title, out, "Hola.", "Qué tal.", "luis"), who="Luis")
    assert texts(title) == ["Qué tal.", "¿Quién es?"]
    (what,) = flags(title)
    assert "Ana wrote 'Buenas.'" in what
    assert "wrote 'Qué tal.'" in what


def test_an_editor_who_saw_the_lines_before_takes_back_nobody_elses_work(title: Path, tmp_path: Path) -> None:
    out = export_script(title, "es", "csv", tmp_path / "script.csv")
    import_script(title, "es", changed(title, out, "Hola.", "Buenas.", "ana"), who="Ana")
    report = import_script(title, "es", changed(title, out, "¿Quién es?", "¿Quién va?", "luis"), who="Luis")
    assert texts(title) == ["Buenas.", "¿Quién va?"]
    assert report.changed == ("line-00000002",)
    assert flags(title) == []


def test_a_later_export_is_what_its_editor_saw(title: Path, tmp_path: Path) -> None:
    out = export_script(title, "es", "csv", tmp_path / "script.csv")
    import_script(title, "es", changed(title, out, "Hola.", "Buenas.", "ana"), who="Ana")
    again = export_script(title, "es", "csv", tmp_path / "again.csv")
    import_script(title, "es", changed(title, again, "Buenas.", "Muy buenas.", "luis"), who="Luis")
    assert texts(title) == ["Muy buenas.", "¿Quién es?"]
    assert flags(title) == []


def test_the_same_change_by_two_editors_is_one(title: Path, tmp_path: Path) -> None:
    out = export_script(title, "es", "csv", tmp_path / "script.csv")
    for who in ("Ana", "Luis"):
        import_script(title, "es", changed(title, out, "Hola.", "Buenas.", who), who=who)
    assert len(edits.read(edits.path_of(title, "es"))) == 1


def test_an_undone_import_brings_back_what_was_before_it(title: Path, tmp_path: Path) -> None:
    out = export_script(title, "es", "xliff", tmp_path / "script.xliff")
    import_script(title, "es", changed(title, out, "Hola.", "Buenas.", "ana"), who="Ana")
    (record,) = edits.read(edits.path_of(title, "es"))
    edits.undo(edits.path_of(title, "es"), record.id, who="Luis")
    assert texts(title) == ["Hola.", "¿Quién es?"]


def test_a_torn_row_of_exports_is_passed_over(title: Path, tmp_path: Path) -> None:
    out = export_script(title, "es", "csv", tmp_path / "script.csv")
    with (title / "exports" / "es.jsonl").open("a") as file:
        file.write('{"lines": [{"id')
    import_script(title, "es", changed(title, out, "Hola.", "Buenas.", "ana"), who="Ana")
    assert texts(title) == ["Buenas.", "¿Quién es?"]


def seen(title: Path, line: str = "line-00000001") -> str:
    return version(next(each for each in read_script(title, "es").lines if each.id == line))


def change(title: Path, text: str, based_on: str, *, who: str = "Ana") -> None:
    change_line(title, "es", "line-00000001", based_on=based_on, who=who, after={"text": text})


def test_a_change_based_on_what_is_there_becomes_an_edit_and_the_line_is_made_anew(title: Path) -> None:
    change(title, "Buenas.", seen(title))
    script = read_script(title, "es")
    assert [line.text for line in script.changed()] == ["Buenas."]
    assert texts(title) == ["Buenas.", "¿Quién es?"]


def test_a_change_based_on_what_is_no_longer_there_is_refused_and_writes_nothing(title: Path) -> None:
    before = seen(title)
    change(title, "Buenas.", before)
    content = edits.path_of(title, "es").read_bytes()
    with pytest.raises(EditConflict):
        change(title, "Qué tal.", before, who="Luis")
    assert edits.path_of(title, "es").read_bytes() == content


def test_a_refused_change_leaves_no_empty_file_of_edits(title: Path) -> None:
    with pytest.raises(EditConflict):
        change(title, "Buenas.", "another version")
    with pytest.raises(InputError, match="no line line-0000000f any more"):
        change_line(title, "es", "line-0000000f", based_on="", who="Ana", after={"text": "Nada."})
    assert not edits.path_of(title, "es").exists()


def test_a_change_that_changes_nothing_is_no_edit(title: Path) -> None:
    assert change_line(title, "es", "line-00000001", based_on=seen(title), who="Ana", after={"text": "Hola."}) == ()
    assert not edits.path_of(title, "es").exists()


def test_of_many_who_change_a_line_at_once_one_wins_and_the_others_are_told(title: Path) -> None:
    before = seen(title)

    def attempt(number: int) -> bool:
        try:
            change(title, f"Texto {number}.", before, who=f"person {number}")
        except EditConflict:
            return False
        return True

    with ThreadPoolExecutor(8) as people:
        assert sum(people.map(attempt, range(16))) == 1
    assert len(edits.read(edits.path_of(title, "es"))) == 1


def test_an_edit_undone_after_a_run_brings_back_what_the_machine_had(title: Path) -> None:
    change(title, "Buenas.", seen(title))
    edited = read_script(title, "es").lines
    put(title, "script", Unit("es", "es"), {"lines": edited, "unedited": LINES[:1]})
    (record,) = read_script(title, "es").records
    assert read_script(title, "es").changed() == ()
    undo_on_line(title, "es", "line-00000001", record.id, based_on=seen(title), who="Luis")
    assert [line.text for line in read_script(title, "es").changed()] == ["Hola."]


def test_edits_that_a_run_took_in_do_not_conflict_with_themselves(title: Path) -> None:
    change(title, "Buenas.", seen(title))
    change(title, "Muy buenas.", seen(title), who="Luis")
    put(title, "script", Unit("es", "es"), {"lines": read_script(title, "es").lines, "unedited": LINES[:1]})
    assert read_script(title, "es").flags == ()


def test_a_line_of_a_parted_utterance_is_exported_with_its_own_words(title: Path, tmp_path: Path) -> None:
    parted = utterance("Who?", 3, 4, speaker="speaker-2")
    put(title, "speakers", Unit("title"), {"speakers": PEOPLE, "utterances": (SAID[0], parted), "faces": {}})
    put(title, "script", Unit("es", "es"), {"lines": (LINES[0], replace(LINES[1], utterance=parted.id))})
    assert read(export_script(title, "es", "csv", tmp_path / "script.csv"))[1].source == "Who?"
