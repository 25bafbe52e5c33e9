"""Who may ask the desk, and what its pages may do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_stand import HOUSE, LINE, Tags, open_desk, page_of, records, send, version_of
from starlette.testclient import TestClient
from title_stand import make_title

from dubsync.review.guard import House


@pytest.fixture
def title(tmp_path: Path) -> Path:
    return make_title(tmp_path / "film.dubsync")


@pytest.fixture
def desk(title: Path) -> Iterator[TestClient]:
    with open_desk(title) as client:
        yield client


def test_every_page_forbids_what_is_not_of_this_desk(desk: TestClient) -> None:
    for address in ("/", page_of(desk), "/static/htmx.min.js", "/nothing"):
        headers = desk.get(address).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"


def test_no_page_has_script_or_style_of_its_own(desk: TestClient) -> None:
    send(desk, text="Buenas.", action="save")
    for address in ("/", page_of(desk), page_of(desk) + "/ahead"):
        tags = Tags(desk.get(address).text)
        assert tags.of("style") == []
        assert [
            attrs for _, attrs in tags.found if any(name == "style" or name.startswith("on") for name in attrs)
        ] == []
        assert all((script["src"] or "").startswith("/static/") for script in tags.of("script"))


def test_a_name_that_is_not_of_this_machine_is_turned_away(desk: TestClient) -> None:
    assert desk.get("/", headers={"Host": "rebound.example:8765"}).status_code == 421
    assert desk.get("/", headers={"Host": "192.168.0.7:8765"}).status_code == 421
    for host in ("localhost:8765", "[::1]:8765", "127.0.0.1"):
        assert desk.get("/", headers={"Host": host}).status_code == 200


def test_a_desk_that_is_open_to_others_still_answers_to_no_foreign_name(title: Path) -> None:
    with open_desk(title, house=House("0.0.0.0")) as desk:
        assert desk.get("/", headers={"Host": "192.168.0.7:8765"}).status_code == 200
        assert desk.get("/", headers={"Host": "rebound.example:8765"}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_page_from_elsewhere_cannot_write(desk: TestClient, title: Path, headers: dict[str, str]) -> None:
    fields = {"token": HOUSE.token, "based_on": version_of(desk), "text": "Buenas.", "action": "save"}
    assert desk.post(f"{page_of(desk)}/lines/{LINE}", data=fields, headers=headers).status_code == 403
    assert records(title) == ()


def test_a_form_without_the_token_of_this_start_cannot_write(desk: TestClient, title: Path) -> None:
    for token in ("", "of yesterday", "é"):
        answer = send(desk, token=token, text="Buenas.", action="save")
        assert answer.status_code == 422
        assert "reload the page" in answer.text
    assert records(title) == ()


def test_the_desk_leads_nowhere_else(desk: TestClient) -> None:
    for back in ("//elsewhere.example", "https://elsewhere.example", "/\\elsewhere.example"):
        answer = desk.post("/name", data={"token": HOUSE.token, "who": "Ana", "back": back})
        assert answer.headers["location"] == "/"
