"""Pages out of templates, and which lines of a sheet a page shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from dubsync.review.sheet import Row, Sheet
from dubsync.text.language import is_right_to_left
from dubsync.text.language import name as language_name
from dubsync.timing import clock

if TYPE_CHECKING:
    from jinja2 import Environment

_PLACE = re.compile(r"(?<![\w./])/(?:[^/\s,:;\"'`]+/)+")
"""The folders of an absolute path, up to one with a space in its name."""
STATIC = Path(__file__).parent / "static"
MOST_ROWS = 100
"""Lines on a page; a film of two hours has some two thousand."""
SHOWN = {
    "all": "all lines",
    "flagged": "flagged or too long",
    "unlocked": "not locked",
    "changed": "changed since the last run",
}
_BELONGS: Mapping[str, Callable[[Row], bool]] = {
    "all": lambda row: True,
    "flagged": lambda row: row.has_worry,
    "unlocked": lambda row: not row.line.lock,
    "changed": lambda row: row.is_changed,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines a reader wants to see: of `SHOWN`, one `speaker`, and from which `page` on, the first being 1."""

    show: str = "all"
    speaker: str = ""
    page: int = 1
    line: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Wanted:
        """Return what an address asks for; what it says wrongly counts as not said."""
        page = query.get("page", "")
        show, speaker, line = (query.get(name, "") for name in ("show", "speaker", "line"))
        number = int(page) if page.isascii() and page.isdecimal() and len(page) < 6 else 1
        return cls(show if show in SHOWN else "all", speaker, number, line)

    def address(self, **changes: Any) -> str:
        """Return the query of this, or of this with changes."""
        other = replace(self, **changes)
        fields = {"show": other.show, "speaker": other.speaker, "page": other.page, "line": other.line}
        usual = Wanted()
        return "?" + urlencode({name: value for name, value in fields.items() if value != getattr(usual, name)})


@dataclass(frozen=True, slots=True)
class Leaf:
    """The rows of one page, out of `count` that are wanted."""

    rows: tuple[Row, ...]
    count: int
    page: int
    pages: int


def leaf(sheet: Sheet, wanted: Wanted) -> Leaf:
    """Return the page that is wanted, or that the wanted line is on; the nearest where there is no such page."""
    belongs = _BELONGS[wanted.show]
    rows = [row for row in sheet.rows if belongs(row) and wanted.speaker in ("", row.line.speaker)]
    place = next((index for index, row in enumerate(rows) if row.line.id == wanted.line), None)
    pages = max(1, -(-len(rows) // MOST_ROWS))
    page = min(max(wanted.page, 1), pages) if place is None else place // MOST_ROWS + 1
    return Leaf(tuple(rows[(page - 1) * MOST_ROWS : page * MOST_ROWS]), len(rows), page, pages)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("dubsync.review"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["direction"] = lambda tag: "rtl" if is_right_to_left(tag) else "ltr"
    environment.filters["language"] = language_name
    environment.filters["said"] = _said
    environment.filters["bare"] = without_paths
    environment.filters["counted"] = lambda number, noun: f"{number} {noun}" if number == 1 else f"{number} {noun}s"
    return environment


def without_paths(text: str) -> str:
    """Return a message with the names of files and without their places, which are nobody's business elsewhere.

    >>> without_paths("/home/ana/film.mp4: no such film; it is in /home/ana/film.dubsync")
    'film.mp4: no such film; it is in film.dubsync'
    """
    return _PLACE.sub("", text)


def _said(value: object) -> str:
    """Return a field of an edit in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):  # a span, as edits keep it
        return " to ".join(clock(Fraction(str(each))) for each in value.values())
    return "nothing" if value in (None, "") else str(value)


def render(template: str, values: Mapping[str, Any]) -> str:
    """Return a page, or a part of one, from `templates/TEMPLATE.html.j2`."""
    return _environment().get_template(f"{template}.html.j2").render(values)
