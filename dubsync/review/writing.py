"""What people write at the desk, read from a form and checked, and laid among the edits."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from dubsync import scripts
from dubsync.errors import UsageError
from dubsync.review.sheet import Row, Sheet

MOST_CHARACTERS = 1000
"""Of a text or note: more than a minute of speech, which no line has room for."""
MOST_OF_A_NAME = 60
MOST_BYTES = 64 * 1024
"""Of a form; a text at its longest takes 12 bytes a character when it is sent."""

Form = Mapping[str, str]


def read_form(body: bytes) -> dict[str, str]:
    """Return the fields of a form as browsers send it. Raises UsageError."""
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50, errors="strict"))
    except ValueError as error:
        raise UsageError("the form cannot be read", hint="reload the page and send it again") from error


def save(sheet: Sheet, row: Row, form: Form, *, who: str) -> None:
    """Lay what a form changes of a line among the edits; nothing where it changes nothing.

    Raises:
        EditConflict: the line is not the version that the form was based on.
        InputError: the line is gone.
        UsageError: the text is empty or too long, the line is locked, or nobody is so called.
    """
    after = changes(row, form, sheet.speakers)
    home = Path(sheet.title.folder)
    scripts.change_line(home, sheet.language, row.line.id, based_on=form.get("based_on", ""), who=who, after=after)


def undo(sheet: Sheet, row: Row, form: Form, *, who: str) -> None:
    """Take an edit of a line back. Raises what `save` does, and UsageError where the edit is not one of this line's."""
    if form.get("edit") not in {one.undo for one in row.past}:
        raise UsageError("this line has no such change to take back", hint="reload the page")
    scripts.undo_on_line(
        Path(sheet.title.folder),
        sheet.language,
        row.line.id,
        form["edit"],
        based_on=form.get("based_on", ""),
        who=who,
    )


def changes(row: Row, form: Form, speakers: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a line that a form gives, checked; those that are as they were among them."""
    line = row.line
    after: dict[str, Any] = {}
    if "note" in form:
        after["note"] = text_of(form["note"], "note")
    if form.get("speaker", line.speaker or "") != (line.speaker or ""):
        if form["speaker"] not in speakers:
            raise UsageError("nobody in this film is so called", hint="choose one of the speakers")
        after["speaker"] = form["speaker"]
    text = text_of(form.get("candidate") or form.get("text", line.text), "text")
    if not text:
        raise UsageError("a line cannot be emptied", hint="give it other words")
    if text != text_of(line.text, "text"):
        after["text"] = text
    if form.get("action") in ("lock", "unlock"):
        after["lock"] = form["action"] == "lock"
    if line.lock and after.get("lock", True) and "text" in after:
        raise UsageError("the line is locked", hint="unlock it, then change it")
    return after


def text_of(said: str, what: str, *, most: int = MOST_CHARACTERS) -> str:
    """Return a text of one row, without characters that control devices. Raises UsageError where it is too long."""
    plain = "".join(letter for letter in said if letter.isspace() or unicodedata.category(letter) != "Cc")
    text = " ".join(plain.split())
    if len(text) > most:
        raise UsageError(f"the {what} has {len(text)} characters; it may have {most}", hint="shorten it")
    return text
