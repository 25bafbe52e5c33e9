"""The title folder: where everything made from a film lives, and the promise that the film is still the same one.

film.dubsync/  title.json  consent.toml  casting.toml  glossary.csv  edits/  store/  runs/  out/
"""

from __future__ import annotations

import fcntl
import filecmp
import json
import os
import shlex
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from dubsync import documents
from dubsync.engine.store import make_writable, sha256
from dubsync.errors import InputError, SourceChanged, UnreadableMedia, UsageError
from dubsync.title import Title

SCHEMA = "dubsync.title/1"
SUFFIX = ".dubsync"
HUMAN_FILES = ("consent.toml", "signers.toml", "casting.toml", "glossary.csv", "series.dubsync-voices")
"""People's files that may also lie beside the film; those in the title folder come first."""


def open_title(film: Path, *, folder: Path | None = None) -> Title:
    """Return the title of a film, or of a title folder; makes the folder when it is not there.

    Raises UnreadableMedia, NoAudio or UnsupportedStream before anything is written, SourceChanged when the film is
    not the one the folder was begun with.
    """
    film = film.absolute().resolve() if film.is_dir() else film.absolute()
    if _is_title(film):
        folder, film = film, Path(_read(film).film)
    folder = folder or place_of(film)
    if (folder / "title.json").is_file():
        return _reopen(film, folder)
    from dubsync.media.probe import probe  # PyAV takes 0.1 s to import

    probe(film)
    make_writable(folder)
    title = Title(film.stem, str(film.resolve()), str(folder.resolve()))
    _write(title, film)
    return title


def known_title(place: Path, *, folder: Path | None = None) -> Title:
    """Return a title that was begun before, named by its film or its folder; change nothing."""
    place = place.absolute()
    folder = folder or place_of(place)
    if not _is_title(folder):
        raise _never_begun(place)
    title = _read(folder)
    return replace(title, film=str(place.resolve())) if place.is_file() else title


def place_of(place: Path) -> Path:
    """Return the title folder that a path names: the path itself, or the folder beside the film."""
    return place if place.suffix == SUFFIX or _is_title(place) else place.with_name(place.stem + SUFFIX)


def _is_title(place: Path) -> bool:
    return (place / "title.json").is_file()


def _never_begun(place: Path) -> InputError:
    if not place.exists():
        return InputError(f"{place}: there is no such film or title folder", hint="check the path")
    if place.is_dir():
        return InputError(f"{place}: is no title folder (no title.json)", hint="name the film, or its title folder")
    command = shlex.join(["dubsync", "localize", str(place), "--lang", "LANGUAGE"])
    return InputError(f"{place}: was never begun", hint=f"run `{command}` first")


def add_languages(title: Title, languages: tuple[str, ...]) -> Title:
    """Note the languages the title is worked on in."""
    folder = Path(title.folder)
    with _noting(folder):
        known = tuple(dict.fromkeys((*_read(folder).languages, *languages)))
        content = json.loads((folder / "title.json").read_text(encoding="utf-8"))
        if content["title"]["languages"] != list(known):
            content["title"]["languages"] = list(known)
            documents.save(folder / "title.json", content)
    return replace(title, languages=known)


def film_digest(title: Title) -> str:
    """Return the SHA-256 the film had when it was last looked at whole."""
    digest: str = json.loads((Path(title.folder) / "title.json").read_text(encoding="utf-8"))["sha256"]
    return digest


def humans(title: Title, *, consent: Path | None = None, bank: Path | None = None) -> dict[str, Path]:
    """Return where people's files lie that are not in the title folder; those that were named come first."""
    found = {}
    for name in HUMAN_FILES:
        beside = Path(title.film).with_name(name)
        if not _is_there(Path(title.folder) / name) and _is_there(beside):
            found[name] = beside
    if consent:
        if not consent.is_file():
            raise UsageError(f"no consent record at {consent}", hint="make one with `dubsync consent new`")
        found["consent.toml"] = consent
    if bank:
        if not bank.is_file():
            raise UsageError(f"no voice bank at {bank}", hint="make one with `dubsync cast keep`")
        found["series.dubsync-voices"] = bank
    return found


def _is_there(file: Path) -> bool:
    """Tell whether people have put a file there; a link that leads nowhere is for its reader to complain of."""
    return file.is_file() or file.is_symlink()


def bring(file: Path, target: Path) -> None:
    """Copy a file that people bring into the title folder; it appears whole, and only if it is not there already."""
    if not file.is_file():
        raise InputError(f"{file}: there is no such file", hint="check the path")
    if target.is_file() and filecmp.cmp(file, target, shallow=False):
        return
    part = target.with_name(f".{target.name}.part")
    shutil.copyfile(file, part)
    part.replace(target)


@contextmanager
def lock(folder: Path, *, is_shared: bool = False) -> Iterator[None]:
    """Keep a second run out of the folder. `is_shared`: others that share it may work in it at the same time."""
    kind = fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX
    with (folder / ".lock").open("a+") as file:  # to be read and written: network file systems insist on both
        if not _locked(file, kind):
            time.sleep(GLANCE)
            if not _locked(file, kind):
                raise UsageError(
                    f"another dubsync works in {folder}", hint="wait until it is done, or stop it: nothing is lost"
                )
        yield


GLANCE = 0.2
"""Seconds after which a lock is tried again: somebody may only have looked whether there is one."""


def _locked(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_worked_on(folder: Path) -> bool:
    """Tell whether a run goes on in a title folder; change nothing. Where nobody may write, none does."""
    path = folder / ".lock"
    if not os.access(path, os.W_OK):
        return False
    with path.open("r+") as file:
        return not _locked(file, fcntl.LOCK_EX)


@contextmanager
def _noting(folder: Path) -> Iterator[None]:
    """Wait for one's turn to read and write title.json: many machines may work on a title."""
    with (folder / ".noting").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _reopen(film: Path, folder: Path) -> Title:
    title = replace(_read(folder), film=str(film.resolve()))
    content = json.loads((folder / "title.json").read_text(encoding="utf-8"))
    if not film.is_file() or content["stamp"] != _stamp(film):
        insist_on_film(title)
        with _noting(folder):
            _write(replace(_read(folder), film=title.film), film, digest=content["sha256"])
    return title


def insist_on_film(title: Title) -> None:
    """Read the film whole; raise UnreadableMedia when it is gone, SourceChanged when it is another one."""
    film, folder = Path(title.film), Path(title.folder)
    if not film.is_file():
        raise UnreadableMedia(
            f"{film}: no such film", hint=f"the title was begun with it; everything made from it is in {folder}"
        )
    if sha256(film) != film_digest(title):
        raise SourceChanged(
            f"{film.name} is not the film that {folder.name} was begun with",
            hint="put the first film back, or give the new one a folder of its own with --folder",
        )


def _read(folder: Path) -> Title:
    try:
        content = json.loads((folder / "title.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: its title.json cannot be read: {error}") from error
    title = documents.from_json(Title, content["title"], where=f"{folder.name}/title.json")
    return replace(title, film=str(_film_of(title, folder)), folder=str(folder.resolve()))


def _film_of(title: Title, folder: Path) -> Path:
    """Return where the film lies: where it was, or, when both were moved together, beside the folder."""
    noted = Path(title.film)
    beside = folder.absolute().with_name(noted.name)
    return beside.resolve() if not noted.is_file() and beside.is_file() else noted


def _write(title: Title, film: Path, *, digest: str | None = None) -> None:
    content = {"schema": SCHEMA, "title": title, "sha256": digest or sha256(film), "stamp": _stamp(film)}
    documents.save(Path(title.folder) / "title.json", content)


def _stamp(film: Path) -> list[int]:
    facts = film.stat()
    return [facts.st_size, facts.st_mtime_ns, facts.st_ino]
