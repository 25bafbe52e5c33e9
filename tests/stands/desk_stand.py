"""The translators' desk as a browser meets it, in this process."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from dubsync import edits
from dubsync.review.app import make_app
from dubsync.review.guard import House
from dubsync.review.shelf import collected
from dubsync.scripts import read_script

HOUSE = House("127.0.0.1", "the token")
LINE = "line-00000001"
HTMX = {"HX-Request": "true"}


def open_desk(*titles: Path, house: House = HOUSE, language: str | None = None) -> TestClient:
    app = make_app(collected(titles, language), house, who="Ana")
    return TestClient(app, base_url="http://127.0.0.1:8765", follow_redirects=False)


def page_of(desk: TestClient, language: str = "es") -> str:
    """Return the address of the first title's page, as the list of titles links to it."""
    found = re.search(rf'href="(/t/[\w-]+/{language})"', desk.get("/").text)
    assert found, "the list of titles leads to the language"
    return found[1]


def version_of(desk: TestClient, line: str = LINE) -> str:
    row = desk.get(f"{page_of(desk)}/lines/{line}", headers=HTMX).text
    return re.findall(r'name="based_on" value="(\w+)"', row)[0]


def send(desk: TestClient, part: str = "", *, line: str = LINE, **form: str) -> Any:
    fields = {"token": HOUSE.token, "based_on": version_of(desk, line) if "based_on" not in form else "", **form}
    return desk.post(f"{page_of(desk)}/lines/{line}{part}", data=fields, headers=HTMX)


def texts(title: Path) -> list[str]:
    return [line.text for line in read_script(title, "es").lines]


def records(title: Path) -> tuple[edits.Edit, ...]:
    return edits.read(edits.path_of(title, "es"))


class Tags(HTMLParser):
    """Collects (tag, attributes) of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.found if name == tag]
