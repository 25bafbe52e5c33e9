"""The desk's addresses: what is read, what is written, and what is said when something cannot be done.

/                                    the titles
/t/TITLE/LANGUAGE                    the film, its lines and what to do about them
/t/TITLE/LANGUAGE/lines/LINE         a line; POST changes it, /undo takes an edit back, /fit measures a draft
/t/TITLE/LANGUAGE/ahead, /report     what the next run would do; the report
/media/TITLE/NAME                    the source, a dub, a sound or subtitles, in ranges
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

from dubsync.errors import DubsyncError, EditConflict, InputError, SystemRefused, UsageError
from dubsync.review import playing, view, writing
from dubsync.review.guard import REPORT_POLICY, Guard, House
from dubsync.review.overview import ahead, overview
from dubsync.review.sheet import Row, Sheet, measure_draft, read_sheet
from dubsync.review.shelf import Shelf
from dubsync.review.view import Wanted

NAME_COOKIE = "dubsync-who"
_OWN_PAGE = re.compile(r"/t/[\w-]+/[\w-]+")
_STATUS = ((EditConflict, 409), (InputError, 404), (UsageError, 422), (DubsyncError, 500))


def make_app(shelf: Shelf, house: House, *, who: str) -> FastAPI:
    """Return the desk of a shelf. `who`: the name of edits where a browser has not said another."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.shelf, app.state.house, app.state.who = shelf, house, who
    app.add_middleware(Guard, house=house)
    app.mount("/static", StaticFiles(directory=view.STATIC), name="static")
    app.get("/")(titles)
    app.post("/name")(name)
    app.get("/media/{title}/{name}")(media)
    app.get("/t/{title}/{language}")(desk)
    app.get("/t/{title}/{language}/ahead")(next_run)
    app.get("/t/{title}/{language}/report")(report)
    app.get("/t/{title}/{language}/lines/{line}")(row_now)
    app.post("/t/{title}/{language}/lines/{line}")(change)
    app.post("/t/{title}/{language}/lines/{line}/undo")(undo)
    app.post("/t/{title}/{language}/lines/{line}/fit")(fit)
    app.add_exception_handler(DubsyncError, _problem)
    app.add_exception_handler(OSError, _refused)
    app.add_exception_handler(RequestValidationError, _misread)
    return app


async def _written(request: Request) -> dict[str, str]:
    """Return the fields of a form that a page of this desk sent. Raises UsageError."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > writing.MOST_BYTES:
            raise UsageError("that is too much for a line", hint=f"{writing.MOST_CHARACTERS} characters are the most")
    form = writing.read_form(body)
    if not request.app.state.house.accepts(form.get("token", "")):
        raise UsageError("this page is from before the desk was started anew", hint="reload the page and try again")
    return form


def _sheet(request: Request, title: str, language: str) -> Sheet:
    shelf: Shelf = request.app.state.shelf
    known = shelf.title(title)
    return read_sheet(known, shelf.tag(known, language))


Form = Annotated[dict[str, str], Depends(_written)]
Opened = Annotated[Sheet, Depends(_sheet)]


def titles(request: Request) -> Response:
    """Show the titles and their languages."""
    shelf: Shelf = request.app.state.shelf
    return _page(request, "titles", {"titles": [overview(shelf, title_id) for title_id in shelf.folders]})


def name(request: Request, form: Form) -> Response:
    """Remember who sits at this browser."""
    back = form.get("back", "")
    answer = RedirectResponse(back if _OWN_PAGE.fullmatch(back) else "/", status_code=303)
    said = writing.text_of(form.get("who", ""), "name")
    if said:
        answer.set_cookie(NAME_COOKIE, said.encode().hex(), httponly=True, samesite="strict", max_age=365 * 86400)
    return answer


def desk(request: Request, title: str, sheet: Opened, wanted: Annotated[Wanted, Depends()]) -> Response:
    """Show a language of a title."""
    media = playing.playables(sheet.title, sheet.language)
    values = {
        "title_id": title,
        "sheet": sheet,
        "leaf": view.leaf(sheet, wanted),
        "wanted": wanted,
        "shown": view.SHOWN,
        "media": media,
        "has_report": playing.report_page(sheet.title, sheet.language) is not None,
    }
    return _page(request, "desk", values)


def next_run(request: Request, title: str, sheet: Opened) -> Response:
    """Show what the next run would do."""
    values = {"sheet": sheet, "ahead": ahead(sheet.title, sheet.language), "title_id": title}
    return _page(request, "_ahead", values)


def report(sheet: Opened) -> Response:
    """Show the newest report."""
    page = playing.report_page(sheet.title, sheet.language)
    if page is None:
        raise InputError("there is no report yet", hint="run `dubsync localize` to its end")
    return FileResponse(page, media_type="text/html", headers={"content-security-policy": REPORT_POLICY})


def media(request: Request, title: str, name: str) -> Response:
    """Send what is played, or the part of it that is asked for."""
    known = request.app.state.shelf.title(title)
    path = playing.media_file(known, name)
    return FileResponse(path, media_type=playing.media_type(path), headers={"cache-control": "private, no-cache"})


def row_now(request: Request, title: str, sheet: Opened, line: str) -> Response:
    """Show a line as it is now."""
    return _row(request, title, sheet, _of(sheet, line, {}))


def change(request: Request, title: str, sheet: Opened, line: str, form: Form) -> Response:
    """Change a line, and show it; what cannot be kept is shown beside what there is."""
    return _write(request, title, sheet, line, form, writing.save)


def undo(request: Request, title: str, sheet: Opened, line: str, form: Form) -> Response:
    """Take an edit of a line back, and show the line."""
    return _write(request, title, sheet, line, form, writing.undo)


def fit(request: Request, title: str, sheet: Opened, line: str, form: Form) -> Response:
    """Say how a text that is being written fits its time."""
    row = _of(sheet, line, form)
    draft = writing.text_of(form.get("text", ""), "draft")
    values = {"fit": measure_draft(sheet, row, draft), "sheet": sheet, "row": row, "title_id": title}
    return _page(request, "_fit", values)


def _of(sheet: Sheet, line: str, form: dict[str, str]) -> Row:
    row = sheet.row(line)
    if row is None:
        text = form.get("text", "")
        kept = f"; what you wrote is not kept: {text!r}" if text else ""
        raise InputError(f"this line is no longer in the script{kept}", hint="reload the page")
    return row


def _write(request: Request, title: str, sheet: Sheet, line: str, form: dict[str, str], write: Any) -> Response:
    row = _of(sheet, line, form)
    try:
        write(sheet, row, form, who=_who(request))
    except UsageError as error:
        now = read_sheet(sheet.title, sheet.language)
        values = {"problem": error, "mine": form, "is_conflict": isinstance(error, EditConflict)}
        return _row(request, title, now, _of(now, line, form), values, status=_status(error))
    if "hx-request" not in request.headers:
        return RedirectResponse(f"/t/{title}/{sheet.language}?line={line}#{line}", status_code=303)
    now = read_sheet(sheet.title, sheet.language)
    answer = _row(request, title, now, _of(now, line, form))
    answer.headers["hx-trigger"] = "lines-changed"
    return answer


def _row(
    request: Request,
    title: str,
    sheet: Sheet,
    row: Row,
    values: dict[str, Any] | None = None,
    *,
    status: int = 200,
) -> Response:
    """Return a line: by itself for a page that has the others, else as a page."""
    filled = {"title_id": title, "sheet": sheet, "row": row, "problem": None, "mine": None, "is_conflict": False}
    template = "_row" if "hx-request" in request.headers else "line"
    return _page(request, template, filled | (values or {}), status=status)


def _page(request: Request, template: str, values: dict[str, Any], *, status: int = 200) -> Response:
    state = request.app.state
    common = {"token": state.house.token, "who": _who(request), "here": request.url.path}
    return HTMLResponse(view.render(template, common | values), status_code=status)


def _who(request: Request) -> str:
    try:
        said = bytes.fromhex(request.cookies.get(NAME_COOKIE, "")).decode()
    except ValueError:
        said = ""
    return said or str(request.app.state.who)


def _status(error: DubsyncError) -> int:
    return next(status for kind, status in _STATUS if isinstance(error, kind))


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, DubsyncError), "only these are sent here"
    shelf: Shelf = request.app.state.shelf
    values = {"message": shelf.without_paths(error.message), "hint": shelf.without_paths(error.hint)}
    template = "_problem" if "hx-request" in request.headers else "problem"
    return _page(request, template, values, status=_status(error))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, OSError), "only these are sent here"
    refused = SystemRefused.by(error)
    message = SystemRefused(f"the disk refused it: {error.strerror}", hint=refused.hint)
    return await _problem(request, message)


async def _misread(request: Request, _: Exception) -> Response:
    return await _problem(
        request, UsageError("the address of this page is not one of ours", hint="go back to the titles")
    )
