"""The translators' desk: its pages, and changes that lose nobody's words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from desk_stand import HOUSE, HTMX, LINE, Tags, open_desk, page_of, records, send, texts, version_of
from starlette.testclient import TestClient
from title_stand import LINES, make_title, script, span

from dubsync import edits, folder
from dubsync.errors import Flag, Severity
from dubsync.review.writing import MOST_BYTES, MOST_CHARACTERS
from dubsync.scripts import read_script
from dubsync.title import Candidate


@pytest.fixture
def title(tmp_path: Path) -> Path:
    return make_title(tmp_path / "film.dubsync")


@pytest.fixture
def desk(title: Path) -> Iterator[TestClient]:
    with open_desk(title) as client:
        yield client


def test_the_titles_show_how_far_each_language_is(desk: TestClient) -> None:
    page = desk.get("/").text
    assert "2 lines" in page
    assert "units made" in page


def test_a_line_shows_its_time_in_the_films_timecode_who_says_it_and_both_texts(desk: TestClient) -> None:
    page = desk.get(page_of(desk)).text
    assert "01:00:01;00" in page, "one second after the hour at which the film begins"
    for said in ("Mara", "Hello.", "Hola.", "Muy buenos días."):
        assert said in page


def test_each_text_has_the_language_and_direction_it_is_written_in(tmp_path: Path) -> None:
    lines = (replace(LINES[0], text="مرحبا.", candidates=()),)
    with open_desk(make_title(tmp_path / "film.dubsync", "ar", lines=lines)) as desk:
        tags = Tags(desk.get(page_of(desk, "ar")).text)
    (words,) = tags.of("textarea")
    assert (words["lang"], words["dir"]) == ("ar", "rtl")
    assert {(p["lang"], p["dir"]) for p in tags.of("p") if p.get("class") == "original"} == {("en", "ltr")}


def test_a_changed_text_becomes_an_edit_of_who_sits_there_and_nothing_else_is_written(
    desk: TestClient, title: Path
) -> None:
    before = {path for path in title.rglob("*") if path.is_file() and path.name != "stamps.json"}
    desk.post("/name", data={"token": HOUSE.token, "who": "Łucja"})
    answer = send(desk, text="Buenas.\r\n  noches.", note="suave", action="save")
    assert (answer.status_code, answer.headers["hx-trigger"]) == (200, "lines-changed")
    (record,) = records(title)
    assert (record.who, dict(record.before)) == ("Łucja", {"text": "Hola.", "note": ""})
    assert dict(record.after) == {"text": "Buenas. noches.", "note": "suave"}
    after = {path for path in title.rglob("*") if path.is_file() and path.name != "stamps.json"}
    assert after - before == {edits.path_of(title, "es")}


def test_saving_what_is_there_writes_nothing(desk: TestClient, title: Path) -> None:
    assert send(desk, text="Hola.", note="", action="save").status_code == 200
    assert not edits.path_of(title, "es").exists()


def test_enter_in_a_field_saves_and_presses_no_candidate(desk: TestClient) -> None:
    form = desk.get(page_of(desk)).text.partition('<form class="words"')[2].partition("</form>")[0]
    first = Tags(form).of("button")[0]
    assert (first["name"], first["value"]) == ("action", "save"), "browsers press the first button of a form"


def test_a_candidate_that_is_chosen_becomes_the_text(desk: TestClient, title: Path) -> None:
    send(desk, text="Something half written", candidate="Muy buenos días.")
    assert texts(title)[0] == "Muy buenos días."


def test_of_two_who_write_the_second_is_shown_both_texts_and_neither_is_lost(desk: TestClient, title: Path) -> None:
    seen = version_of(desk)
    send(desk, text="Buenas.", action="save")
    fields = {"token": HOUSE.token, "based_on": seen, "text": "Qué tal.", "action": "save"}
    answer = desk.post(f"{page_of(desk)}/lines/{LINE}", data=fields, headers=HTMX)
    assert answer.status_code == 409
    assert "Buenas." in answer.text
    assert "Qué tal.</textarea>" in answer.text
    assert texts(title)[0] == "Buenas."
    now = re.findall(r'name="based_on" value="(\w+)"', answer.text)[0]
    again = desk.post(f"{page_of(desk)}/lines/{LINE}", data={**fields, "based_on": now}, headers=HTMX)
    assert (again.status_code, texts(title)[0]) == (200, "Qué tal.")


def test_an_edit_can_be_undone_and_brought_back(desk: TestClient, title: Path) -> None:
    send(desk, text="Buenas.", action="save")
    for wanted in ("Hola.", "Buenas.", "Hola."):
        row = desk.get(f"{page_of(desk)}/lines/{LINE}", headers=HTMX).text
        (edit,) = re.findall(r'name="edit" value="([\w-]+)"', row)
        assert send(desk, "/undo", edit=edit).status_code == 200
        assert texts(title)[0] == wanted
    assert len(records(title)) == 4


def test_an_undo_of_a_line_that_somebody_changed_meanwhile_is_refused(desk: TestClient, title: Path) -> None:
    send(desk, text="Buenas.", action="save")
    seen = version_of(desk)
    send(desk, text="Muy buenas.", action="save")
    fields = {"token": HOUSE.token, "based_on": seen, "edit": records(title)[0].id}
    assert desk.post(f"{page_of(desk)}/lines/{LINE}/undo", data=fields, headers=HTMX).status_code == 409
    assert texts(title)[0] == "Muy buenas."


def test_an_edit_of_another_line_is_not_undone_by_this_one(desk: TestClient, title: Path) -> None:
    send(desk, text="Buenas.", action="save")
    fields = {"token": HOUSE.token, "based_on": version_of(desk, LINES[1].id), "edit": records(title)[0].id}
    answer = desk.post(f"{page_of(desk)}/lines/{LINES[1].id}/undo", data=fields, headers=HTMX)
    assert (answer.status_code, texts(title)[0]) == (422, "Buenas.")


def test_who_undid_a_change_is_named_to_who_wrote_meanwhile(desk: TestClient, title: Path) -> None:
    send(desk, text="Buenas.", action="save")
    seen = version_of(desk)
    edits.undo(edits.path_of(title, "es"), records(title)[0].id, who="Luis")
    fields = {"token": HOUSE.token, "based_on": seen, "text": "Qué tal.", "action": "save"}
    answer = desk.post(f"{page_of(desk)}/lines/{LINE}", data=fields, headers=HTMX)
    assert "in the script now, by Luis" in answer.text


def test_a_locked_line_is_changed_only_once_it_is_unlocked(desk: TestClient, title: Path) -> None:
    send(desk, text="Buenas.", action="lock")
    assert read_script(title, "es").lines[0].lock
    refused = send(desk, text="Qué tal.", action="save")
    assert (refused.status_code, texts(title)[0]) == (422, "Buenas.")
    assert "the line is locked" in refused.text
    assert "Qué tal.</textarea>" in refused.text
    send(desk, text="Qué tal.", action="unlock")
    assert (texts(title)[0], read_script(title, "es").lines[0].lock) == ("Qué tal.", False)


def test_a_line_can_be_given_to_another_speaker_of_the_film_only(desk: TestClient, title: Path) -> None:
    assert send(desk, speaker="speaker-2").status_code == 200
    assert read_script(title, "es").lines[0].speaker == "speaker-2"
    assert send(desk, speaker="speaker-9").status_code == 422


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("  \r\n ", "a line cannot be emptied"),
        ("a" * 5000, f"the text has 5000 characters; it may have {MOST_CHARACTERS}"),
        ("a" * MOST_BYTES, "that is too much for a line"),
    ],
)
def test_a_text_that_no_line_can_have_is_refused_in_one_sentence(
    desk: TestClient, title: Path, text: str, sentence: str
) -> None:
    answer = send(desk, text=text, action="save")
    assert answer.status_code == 422
    assert sentence in answer.text
    assert records(title) == ()


def test_what_is_said_instead_of_an_answer_leaves_what_is_being_written_where_it_is(
    desk: TestClient, title: Path
) -> None:
    unsaved = [send(desk, token="of yesterday", text="Buenas."), send(desk, text="a" * MOST_BYTES)]
    edits.path_of(title, "es").parent.touch()  # as good as a disk that takes nothing
    unsaved.append(send(desk, text="Buenas.", action="save"))
    assert [answer.status_code for answer in unsaved] == [422, 422, 500]
    assert {answer.headers["hx-retarget"] for answer in unsaved} == {"#message"}
    assert "the disk refused it" in unsaved[-1].text


def test_a_name_that_no_browser_would_keep_is_refused(desk: TestClient) -> None:
    answer = desk.post("/name", data={"token": HOUSE.token, "who": "A" * 61})
    assert (answer.status_code, "it may have 60" in answer.text) == (422, True)


def test_numbers_of_any_length_can_be_written(desk: TestClient) -> None:
    assert send(desk, "/fit", text="9" * MOST_CHARACTERS).status_code == 200


def test_markup_in_a_text_a_note_or_a_name_is_shown_and_not_obeyed(desk: TestClient) -> None:
    bad = "<script>alert(1)</script>"
    desk.post("/name", data={"token": HOUSE.token, "who": bad})
    send(desk, text=f'</textarea>{bad}"', note=f'">{bad}', action="save")
    page = desk.get(page_of(desk)).text
    assert bad not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert all("src" in script for script in Tags(page).of("script"))


def test_a_line_that_is_gone_is_said_and_what_was_written_is_shown(desk: TestClient, title: Path) -> None:
    seen = version_of(desk)
    script(title, LINES[1:])
    answer = send(desk, based_on=seen, text="Buenas.", action="save")
    assert answer.status_code == 404
    assert "no longer in the script" in answer.text
    assert "Buenas." in answer.text
    assert records(title) == ()


def test_a_draft_is_measured_as_candidates_are(desk: TestClient) -> None:
    known = send(desk, "/fit", text="Muy buenos días.").text
    assert "takes 1.3 s, has 1.0 s" in known
    assert "too long" in known
    assert "takes about" in send(desk, "/fit", text="Nada.").text


def test_subtitles_are_measured_by_how_fast_people_read(tmp_path: Path) -> None:
    with open_desk(make_title(tmp_path / "film.dubsync", is_read=True)) as desk:
        answer = send(desk, "/fit", text="x" * 18)
    assert "takes 1.1 s to read, has 1.0 s" in answer.text
    assert "about 17 characters" in answer.text


def test_flags_stand_at_their_line_and_can_be_asked_for(tmp_path: Path) -> None:
    flag = Flag(Severity.WARNING, "line-too-long", LINES[1].id, "takes long", "shorten it")
    draft = Flag(Severity.WARNING, "draft-translation", "es", "nobody has read it")
    with open_desk(make_title(tmp_path / "film.dubsync", flags=(flag, draft))) as desk:
        page = desk.get(page_of(desk) + "?show=flagged").text
    assert [row["id"] for row in Tags(page).of("li") if "line" in (row.get("class") or "").split()] == [LINES[1].id]
    assert "takes long" in page
    assert "1 flag of the whole" in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("?show=unlocked", [LINES[1].id]),
        ("?show=changed", [LINES[0].id]),
        ("?speaker=speaker-2", [LINES[1].id]),
        ("?show=nonsense&page=99", [LINES[0].id, LINES[1].id]),
    ],
)
def test_lines_are_shown_by_what_is_asked_for(desk: TestClient, query: str, shown: list[str]) -> None:
    send(desk, text="Buenas.", action="lock")
    rows = Tags(desk.get(page_of(desk) + query).text).of("li")
    assert [row["id"] for row in rows if "line" in (row.get("class") or "").split()] == shown


def test_a_long_film_comes_in_pages_and_a_line_is_found_on_its_own(tmp_path: Path) -> None:
    many = tuple(
        replace(LINES[0], id=f"line-{number:08}", span=span(number, number + 1), candidates=(Candidate("Hola."),))
        for number in range(250)
    )
    with open_desk(make_title(tmp_path / "film.dubsync", lines=many)) as desk:
        page = desk.get(page_of(desk) + "?line=line-00000220").text
    assert "page 3 of 3" in page
    assert len(Tags(page).of("textarea")) == 50
    assert len([one for one in Tags(page).of("a") if one.get("data-line")]) == 250, "the timeline has every line"


def test_edits_that_meet_others_are_shown_at_their_line(desk: TestClient, title: Path) -> None:
    path = edits.path_of(title, "es")
    edits.append(path, [edits.edit(LINES[0], who=who, text=text) for who, text in (("Ana", "A."), ("Luis", "B."))])
    page = desk.get(page_of(desk)).text
    assert "edit-conflict" in page
    assert "Ana wrote" in page


def test_a_damaged_row_of_edits_is_said_in_one_sentence(desk: TestClient, title: Path) -> None:
    page = page_of(desk)
    path = edits.path_of(title, "es")
    path.parent.mkdir()
    path.write_text('{"nonsense": 1}\n{"more": 2}\n')
    answer = desk.get(page)
    assert answer.status_code == 404
    assert "es.jsonl: row 1" in answer.text
    assert "es.jsonl: row 1" in desk.get("/").text


def test_a_run_that_goes_on_is_said_and_lines_can_be_changed_meanwhile(desk: TestClient, title: Path) -> None:
    assert "A run is going on" not in desk.get(page_of(desk) + "/ahead").text
    with folder.lock(title):
        assert "A run is going on" in desk.get(page_of(desk) + "/ahead").text
        assert "A run is going on" in desk.get("/").text
        assert send(desk, text="Buenas.", action="save").status_code == 200


def test_what_the_next_run_makes_anew_is_said_with_the_command_and_without_paths(desk: TestClient, title: Path) -> None:
    send(desk, text="Buenas.", action="save")
    said = desk.get(page_of(desk) + "/ahead").text
    assert "1 line changed since the last run" in said
    assert "dubsync localize film.mp4 --lang es" in said
    for page in ("/", page_of(desk), page_of(desk) + "/ahead", page_of(desk) + "/report"):
        assert str(title.parent) not in desk.get(page).text


def test_without_script_code_of_the_page_a_change_leads_back_to_the_line(desk: TestClient, title: Path) -> None:
    fields = {"token": HOUSE.token, "based_on": version_of(desk), "text": "Buenas.", "action": "save"}
    answer = desk.post(f"{page_of(desk)}/lines/{LINE}", data=fields)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{page_of(desk)}?line={LINE}#{LINE}")
    refused = desk.post(f"{page_of(desk)}/lines/{LINE}", data=fields | {"text": "Qué tal."})
    assert refused.status_code == 409
    assert "<!doctype html>" in refused.text
    assert "Qué tal.</textarea>" in refused.text


@pytest.mark.parametrize("address", ["/t/title-00000000/es", "/t/../es", "/nothing", "/media/title-00000000/source"])
def test_what_is_not_there_is_not_found(desk: TestClient, address: str) -> None:
    assert desk.get(address).status_code == 404


def test_a_language_that_the_title_does_not_have_is_said(desk: TestClient) -> None:
    place = page_of(desk).removesuffix("/es")
    assert "is not worked on in fr" in desk.get(f"{place}/fr").text
    assert desk.get(f"{place}/Spansh").status_code == 422
