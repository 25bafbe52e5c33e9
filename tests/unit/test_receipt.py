"""Receipts: there when a delivery is whole, gone while it is not, and never at the cost of somebody else's files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dubsync.delivery import receipt
from dubsync.errors import ChecksumMismatch, InputError, UsageError

FACTS = {"title": "film", "made_from": "one"}


def handed(place: Path, files: dict[str, str], facts: dict[str, str] = FACTS) -> None:
    """Package files and hand them over."""
    with receipt.workplace(place) as package:
        for name, text in files.items():
            (package / name).parent.mkdir(parents=True, exist_ok=True)
            (package / name).write_text(text)
        receipt.hand_over(place, package, facts)


def contents(place: Path) -> dict[str, str]:
    return {path.relative_to(place).as_posix(): path.read_text() for path in place.rglob("*") if path.is_file()}


def test_a_delivery_is_its_files_and_a_receipt(tmp_path: Path) -> None:
    handed(tmp_path / "out", {"a.m3u8": "list", "video/1.m4s": "data"})
    assert set(contents(tmp_path / "out")) == {"a.m3u8", "video/1.m4s", "receipt.json"}
    found = receipt.verify(tmp_path / "out")
    assert (found.files, found.size, found.others) == (2, 8, 0)
    assert receipt.is_current(tmp_path / "out", "one")
    assert not receipt.is_current(tmp_path / "out", "two")


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda place: (place / "b").write_text("other"), "b is not what was delivered"),
        (lambda place: (place / "b").write_text("longer than it was"), "b has 18 bytes, not 5"),
        (lambda place: (place / "b").unlink(), "b is missing"),
    ],
)
def test_a_file_that_is_not_as_delivered_is_named(tmp_path: Path, spoil: object, what: str) -> None:
    handed(tmp_path, {"a": "one", "b": "three"})
    spoil(tmp_path)  # type: ignore[operator]
    with pytest.raises(ChecksumMismatch, match=what) as caught:
        receipt.verify(tmp_path)
    assert caught.value.exit_code == 6
    assert not receipt.is_current(tmp_path, "one")
    handed(tmp_path, {"a": "one", "b": "three"})
    assert receipt.verify(tmp_path).files == 2


def test_a_folder_without_a_receipt_is_no_delivery(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no receipt\.json"):
        receipt.verify(tmp_path)
    (tmp_path / "receipt.json").write_text('{"schema": "dubsync.receipt/9", "files": {}}')
    with pytest.raises(InputError, match=r"is no dubsync\.receipt/1"):
        receipt.verify(tmp_path)


def test_what_a_delivery_has_no_more_goes_and_files_of_others_stay(tmp_path: Path) -> None:
    handed(tmp_path, {"es.m3u8": "1", "video/es/1.m4s": "1", "video/fr/1.m4s": "1"})
    (tmp_path / "video/fr/notes.txt").write_text("mine")
    handed(tmp_path, {"es.m3u8": "2"}, {**FACTS, "made_from": "two"})
    assert contents(tmp_path).keys() == {"es.m3u8", "video/fr/notes.txt", "receipt.json"}
    assert not (tmp_path / "video/es").exists()
    assert receipt.verify(tmp_path).others == 1


def test_a_file_of_others_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "es.m3u8").write_text("mine")
    with pytest.raises(UsageError, match=r"es\.m3u8: is there already"):
        handed(tmp_path, {"a": "1", "es.m3u8": "2"})
    assert contents(tmp_path) == {"es.m3u8": "mine"}


@pytest.mark.parametrize(
    ("name", "lay"),
    [
        ("a.m3u8", lambda path: path.symlink_to("gone")),
        ("video", lambda path: path.write_text("a file")),
        ("video", lambda path: path.symlink_to(path.parents[1], target_is_directory=True)),
    ],
    ids=["a link to nothing", "a file where a folder belongs", "a link to a folder elsewhere"],
)
def test_what_others_put_in_the_way_is_refused_before_the_old_receipt_goes(
    tmp_path: Path, name: str, lay: Callable[[Path], object]
) -> None:
    place = tmp_path / "out"
    handed(place, {"b": "two"})
    lay(place / name)
    with pytest.raises(UsageError, match=f"{name}: is there already"):
        handed(place, {"a.m3u8": "list", "video/1.m4s": "data"})
    assert receipt.verify(place).files == 1
    assert not (tmp_path / "1.m4s").exists()


def test_a_delivery_that_was_killed_has_no_receipt_and_the_next_one_finishes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed(tmp_path, {"a": "1", "b": "1", "old": "1"})
    moved: list[Path] = []
    replace = Path.replace

    def killed(self: Path, target: Path) -> Path:
        if target.name == "b":
            raise KeyboardInterrupt
        moved.append(target)
        return replace(self, target)

    with monkeypatch.context() as broken:
        broken.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            handed(tmp_path, {"a": "2", "b": "2", "c": "2"})
    assert (tmp_path / "a") in moved
    assert not (tmp_path / "receipt.json").exists()
    handed(tmp_path, {"a": "2", "b": "2", "c": "2"})
    assert {name: text for name, text in contents(tmp_path).items() if name != "receipt.json"} == {
        "a": "2",
        "b": "2",
        "c": "2",
    }
    assert receipt.verify(tmp_path).others == 0


def test_two_deliveries_do_not_meet_in_one_folder(tmp_path: Path) -> None:
    with receipt.workplace(tmp_path), pytest.raises(UsageError, match="another dubsync works"):
        handed(tmp_path, {"a": "1"})


def test_a_receipt_that_names_files_elsewhere_reaches_none_of_them(tmp_path: Path) -> None:
    (tmp_path / "treasure").write_text("mine")
    place = tmp_path / "out"
    handed(place, {"a": "1"})
    forged = json.loads((place / "receipt.json").read_text())
    forged["files"]["../treasure"] = {"sha256": "0", "size": 4}
    (place / "receipt.json").write_text(json.dumps(forged))
    with pytest.raises(ChecksumMismatch, match=r"\.\./treasure lies outside"):
        receipt.verify(place)
    handed(place, {"a": "2"})
    assert (tmp_path / "treasure").read_text() == "mine"
