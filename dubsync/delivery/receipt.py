"""The receipt of a delivery, and the folder it is written into last.

    receipt.json       what was delivered: every file with its SHA-256 and size; it is there only when all of them are
    .dubsync-delivery  work in progress; gone when a delivery is done

A delivery is packaged in the hidden folder, then renamed into place, file by file; before the first of them, the old
receipt goes, and a list of what is coming is left, so that a run that was killed is told from somebody else's files.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dubsync import documents, folder
from dubsync.engine.store import make_writable, sha256
from dubsync.errors import ChecksumMismatch, InputError, UsageError

SCHEMA = "dubsync.receipt/1"
NAME = "receipt.json"
_WORK = ".dubsync-delivery"
_COMING = "coming.json"


@dataclass(frozen=True, slots=True)
class Verified:
    """What a receipt says that is true. `others`: files that lie there and are not on it."""

    receipt: Mapping[str, Any]
    files: int
    size: int
    others: int


def read(place: Path) -> dict[str, Any]:
    """Return the receipt of a delivery. Raises InputError where there is none, or none that can be read."""
    path = place / NAME
    if not path.is_file():
        raise InputError(f"{place}: holds no {NAME}", hint="name the folder of a delivery; an unfinished one has none")
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        files = found["files"]
        if found["schema"] == SCHEMA and all({"sha256", "size"} <= set(facts) for facts in files.values()):
            return found
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: cannot be read: {error}", hint="deliver again") from error
    raise InputError(f"{path}: is no {SCHEMA}", hint="it was written by another version: deliver again")


def verify(place: Path) -> Verified:
    """Hash every file of a delivery.

    Raises:
        ChecksumMismatch: one is missing, or not what was delivered.
        InputError: there is no receipt.
    """
    found = read(place)
    files: Mapping[str, Mapping[str, Any]] = found["files"]
    wrong = [f"{name} {what}" for name, facts in files.items() if (what := _fault(place, name, facts))]
    if wrong:
        more = f"; {len(wrong)} files in all" if len(wrong) > 1 else ""
        raise ChecksumMismatch(f"{place}: {wrong[0]}{more}", hint="deliver again: what is wrong is made anew")
    there = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
    return Verified(found, len(files), sum(facts["size"] for facts in files.values()), len(there - {*files, NAME}))


def _fault(place: Path, name: str, facts: Mapping[str, Any]) -> str:
    path = place / name
    if not _stays_inside(place, name):
        return "lies outside the delivery"
    if not path.is_file():
        return "is missing"
    if path.stat().st_size != facts["size"]:
        return f"has {path.stat().st_size} bytes, not {facts['size']}"
    return "" if sha256(path) == facts["sha256"] else "is not what was delivered"


def is_current(place: Path, made_from: str) -> bool:
    """Tell whether the delivery in a folder is whole, and made from the same."""
    try:
        return bool(read(place).get("made_from") == made_from and verify(place))
    except (InputError, ChecksumMismatch):
        return False


@contextmanager
def workplace(place: Path) -> Iterator[Path]:
    """Yield an empty folder inside `place` to package in, and keep other runs out; it is gone afterwards."""
    make_writable(place)
    work = place / _WORK
    work.mkdir(exist_ok=True)
    with folder.lock(work):
        try:
            yield _emptied(work / "package")
        finally:
            shutil.rmtree(work / "package", ignore_errors=True)
            if not (work / _COMING).exists():
                shutil.rmtree(work, ignore_errors=True)


def _emptied(path: Path) -> Path:
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    return path


def hand_over(place: Path, package: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Move a package into place and write its receipt last; return the receipt.

    What an earlier delivery left and this one has no more is removed; files of other people stay.

    Raises:
        UsageError: somebody else's file lies where one of the package belongs; nothing was touched.
    """
    names = sorted(path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file())
    files = {name: {"sha256": sha256(package / name), "size": (package / name).stat().st_size} for name in names}
    ours = _ours(place)
    insist_on_room(place, names)
    documents.save(place / _WORK / _COMING, {"files": sorted({*names, *ours})})
    (place / NAME).unlink(missing_ok=True)
    for name in sorted(ours - set(names)):
        _remove(place, name)
    for name in names:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        _flush(package / name)
        (package / name).replace(place / name)
    receipt = {"schema": SCHEMA, **facts, "files": files}
    documents.save(place / NAME, receipt)
    (place / _WORK / _COMING).unlink()
    return receipt


def _flush(path: Path) -> None:
    """Bring a file to the disk, so that no receipt outlives what it names when the power fails."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _ours(place: Path) -> set[str]:
    """Return the files that an earlier delivery put here, or one that was killed was about to."""
    found: set[str] = set()
    with suppress(InputError):
        found |= set(read(place)["files"])
    with suppress(OSError, ValueError):
        found |= set(json.loads((place / _WORK / _COMING).read_text(encoding="utf-8"))["files"])
    return {name for name in found if _stays_inside(place, name)}


def _stays_inside(place: Path, name: str) -> bool:
    """A receipt may come from anywhere: what it names outside its folder is none of ours."""
    return (place / name).resolve().is_relative_to(place.resolve())


def insist_on_room(place: Path, names: Sequence[str]) -> None:
    """Raise UsageError where somebody else's file lies where one of these belongs."""
    ours = _ours(place)
    hint = "choose another folder with --out, or move it away: files of others are never overwritten"
    for name in names:
        if name not in ours and os.path.lexists(place / name):
            raise UsageError(f"{place / name}: is there already, and is not of a delivery of dubsync", hint=hint)
        for parent in Path(name).parents[:-1]:
            path = place / parent
            if path.is_symlink() or (path.exists() and not path.is_dir()):
                raise UsageError(f"{path}: is there already, and is no folder of a delivery of dubsync", hint=hint)


def _remove(place: Path, name: str) -> None:
    (place / name).unlink(missing_ok=True)
    for parent in Path(name).parents:
        if parent == Path():
            return
        with suppress(OSError):  # somebody else's files are in it
            (place / parent).rmdir()
