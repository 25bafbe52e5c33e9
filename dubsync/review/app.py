"""The desk's addresses: what is read, what is written, and what is said when something cannot be done.

/                                    the titles
/t/TITLE/LANGUAGE                    the film, its lines and what to do about them
/t/TITLE/LANGUAGE/lines/LINE         a line; POST changes it, /undo takes an edit back, /fit measures a draft
/t/TITLE/LANGUAGE/ahead, /report     what the next run would do; the report
/media/TITLE/NAME                    the source, a dub, a sound or subtitles, in ranges
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from dubsync.errors import DubsyncError, EditConflict, InputError, SystemRefused, UsageError
from dubsync.review import playing, view, writing
from dubsync.review.guard import MESSAGE, REPORT_POLICY, Guard, House
from dubsync.review.overview import ahead, overview
from dubsync.review.sheet import Row, Sheet, read_sheet
from dubsync.review.shelf import Shelf
from dubsync.review.view import Wanted
from dubsync.review.writing import Form

NAME_COOKIE = "dubsync-who"
_OWN_PAGE = re.compile(r"/t/[\w-]+/[\w-]+")
_STATUS = ((EditConflict, 409), (InputError, 404), (UsageError, 422), (DubsyncError, 500))
_LANGUAGE = "/t/{title}/{language}"
_LINE = _LANGUAGE + "/lines/{line}"


def make_app(shelf: Shelf, house: House, *, who: str) -> Starlette:
    """Return the desk of a shelf. `who`: the name of edits where a browser has not said another."""
    app = Starlette(
        routes=[
            Route("/", titles),
            Route("/name", _posted(name), methods=["POST"]),
            Route("/media/{title}/{name}", media),
            Route(_LANGUAGE, desk),
            Route(_LANGUAGE + "/ahead", next_run),
            Route(_LANGUAGE + "/report", report),
            Route(_LINE, row_now, methods=["GET"]),
            Route(_LINE, _posted(change), methods=["POST"]),
            Route(_LINE + "/undo", _posted(undo), methods=["POST"]),
            Route(_LINE + "/fit", _posted(fit), methods=["POST"]),
            Mount("/static", StaticFiles(directory=view.STATIC)),
        ],
        middleware=[Middleware(Guard, house=house)],
        exception_handlers={DubsyncError: _problem, OSError: _refused, HTTPException: _misled},
    )
    app.state.shelf, app.state.house, app.state.who = shelf, house, who
    return app


def _posted(answer: Callable[[Request, Form], Response]) -> Callable[[Request], Any]:
    """Read the form that a page of this desk sent, and answer it beside the server's loop."""

    async def endpoint(request: Request) -> Response:
        form = await _written(request)
        return await run_in_threadpool(answer, request, form)

    return endpoint


async def _written(request: Request) -> Form:
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


def _sheet(request: Request) -> Sheet:
    shelf: Shelf = request.app.state.shelf
    known = shelf.title(request.path_params["title"])
    return read_sheet(known, shelf.tag(known, request.path_params["language"]))


def titles(request: Request) -> Response:
    """Show the titles and their languages."""
    shelf: Shelf = request.app.state.shelf
    return _page(request, "titles", {"titles": [overview(shelf, title_id) for title_id in shelf.folders]})


def name(request: Request, form: Form) -> Response:
    """Remember who sits at this browser."""
    back = form.get("back", "")
    answer = RedirectResponse(back if _OWN_PAGE.fullmatch(back) else "/", status_code=303)
    said = writing.text_of(form.get("who", ""), "name", most=writing.MOST_OF_A_NAME)
    if said:
        answer.set_cookie(NAME_COOKIE, said.encode().hex(), httponly=True, samesite="strict", max_age=365 * 86400)
    return answer


def desk(request: Request) -> Response:
    """Show a language of a title."""
    sheet, wanted = _sheet(request), Wanted.read(request.query_params)
    values = {
        "sheet": sheet,
        "leaf": view.leaf(sheet, wanted),
        "wanted": wanted,
        "shown": view.SHOWN,
        "media": playing.playables(sheet.title, sheet.language),
        "has_report": playing.report_page(sheet.title, sheet.language) is not None,
    }
    return _page(request, "desk", values)


def next_run(request: Request) -> Response:
    """Show what the next run would do."""
    sheet = _sheet(request)
    return _page(request, "_ahead", {"sheet": sheet, "ahead": ahead(sheet.title, sheet.language)})


def report(request: Request) -> Response:
    """Show the newest report."""
    sheet = _sheet(request)
    page = playing.report_page(sheet.title, sheet.language)
    if page is None:
        raise InputError("there is no report yet", hint="run `dubsync localize` to its end")
    return FileResponse(page, media_type="text/html", headers={"content-security-policy": REPORT_POLICY})


def media(request: Request) -> Response:
    """Send what is played, or the part of it that is asked for."""
    known = request.app.state.shelf.title(request.path_params["title"])
    path = playing.media_file(known, request.path_params["name"])
    return FileResponse(path, media_type=playing.media_type(path), headers={"cache-control": "private, no-cache"})


def row_now(request: Request) -> Response:
    """Show a line as it is now."""
    return _row(request, _sheet(request), {})


def change(request: Request, form: Form) -> Response:
    """Change a line, and show it; what cannot be kept is shown beside what there is."""
    return _write(request, form, writing.save)


def undo(request: Request, form: Form) -> Response:
    """Take an edit of a line back, and show the line."""
    return _write(request, form, writing.undo)


def fit(request: Request, form: Form) -> Response:
    """Say how a text that is being written fits its time."""
    sheet = _sheet(request)
    row = _of(request, sheet, form)
    draft = writing.text_of(form.get("text", ""), "text")
    return _page(request, "_fit", {"fit": row.measure(draft), "sheet": sheet})


def _of(request: Request, sheet: Sheet, form: Form) -> Row:
    row = sheet.row(request.path_params["line"])
    if row is None:
        text = form.get("text", "")
        kept = f"; what you wrote is not kept: {text!r}" if text else ""
        raise InputError(f"this line is no longer in the script{kept}", hint="reload the page")
    return row


def _write(request: Request, form: Form, write: Callable[..., None]) -> Response:
    sheet = _sheet(request)
    row = _of(request, sheet, form)
    try:
        write(sheet, row, form, who=_who(request))
    except UsageError as error:
        return _row(request, _sheet(request), form, problem=error)
    if "hx-request" not in request.headers:
        page = _LANGUAGE.format(**request.path_params)
        return RedirectResponse(f"{page}?line={row.line.id}#{row.line.id}", status_code=303)
    answer = _row(request, _sheet(request), {})
    answer.headers["hx-trigger"] = "lines-changed"
    return answer


def _row(request: Request, sheet: Sheet, form: Form, *, problem: UsageError | None = None) -> Response:
    """Return a line: by itself for a page that has the others, else as a page.

    `problem`: why what is in `form` could not be kept; it is shown then, so that it can be sent again.
    """
    values = {
        "sheet": sheet,
        "row": _of(request, sheet, form),
        "problem": problem,
        "mine": form if problem else None,
        "is_conflict": isinstance(problem, EditConflict),
    }
    template = "_row" if "hx-request" in request.headers else "line"
    return _page(request, template, values, status=_status(problem) if problem else 200)


def _page(request: Request, template: str, values: dict[str, Any], *, status: int = 200) -> Response:
    state = request.app.state
    common = {
        "token": state.house.token,
        "who": _who(request),
        "here": request.url.path,
        "title_id": request.path_params.get("title", ""),
    }
    return HTMLResponse(view.render(template, common | values), status_code=status)


def _who(request: Request) -> str:
    try:
        said = bytes.fromhex(request.cookies.get(NAME_COOKIE, "")).decode()
    except ValueError:
        said = ""  # not of our making
    return said or str(request.app.state.who)


def _status(error: DubsyncError) -> int:
    return next(status for kind, status in _STATUS if isinstance(error, kind))


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, DubsyncError), "only these are sent here"
    return _said(request, error.message, error.hint, _status(error))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, OSError), "only these are sent here"
    return _said(request, f"the disk refused it: {error.strerror}", SystemRefused.by(error).hint, 500)


async def _misled(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "only these are sent here"
    return _said(request, "there is no such page", "go back to the titles", error.status_code)


def _said(request: Request, message: str, hint: str, status: int) -> Response:
    """Say in one sentence what cannot be done: in a page's own place for that, or as a page."""
    values = {"message": message, "hint": hint}
    if "hx-request" not in request.headers:
        return _page(request, "problem", values, status=status)
    answer = _page(request, "_problem", values, status=status)
    answer.headers.update(MESSAGE)
    return answer
