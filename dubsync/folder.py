"""The title folder: where everything made from a film lives, and the promise that the film is still the same one.

film.dubsync/  title.json  consent.toml  casting.toml  glossary.csv  edits/  store/  runs/  out/
"""

from __future__ import annotations

import fcntl
import filecmp
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from dubsync import documents
from dubsync.engine.store import make_writable, sha256
from dubsync.errors import InputError, SourceChanged, UnreadableMedia, UsageError
from dubsync.title import Title

SCHEMA = "dubsync.title/1"
SUFFIX = ".dubsync"
HUMAN_FILES = ("consent.toml", "casting.toml", "glossary.csv", "series.dubsync-voices")
"""People's files that may also lie beside the film; those in the title folder come first."""


def open_title(film: Path, *, folder: Path | None = None) -> Title:
    """Return the title of a film, or of a title folder; makes the folder when it is not there.

    Raises UnreadableMedia, NoAudio or UnsupportedStream before anything is written, SourceChanged when the film is
    not the one the folder was begun with.
    """
    film = film.absolute().resolve() if film.is_dir() else film.absolute()
    if film.suffix == SUFFIX and film.is_dir():
        folder, film = film, Path(_read(film).film)
    folder = folder or film.with_name(film.stem + SUFFIX)
    if (folder / "title.json").is_file():
        return _reopen(film, folder)
    from dubsync.media.probe import probe  # PyAV takes 0.1 s to import

    probe(film)
    make_writable(folder)
    title = Title(film.stem, str(film.resolve()), str(folder.resolve()))
    _write(title, film)
    return title


def known_title(place: Path) -> Title:
    """Return a title that was begun before, named by its film or its folder; change nothing."""
    place = place.absolute()
    folder = place if place.suffix == SUFFIX else place.with_name(place.stem + SUFFIX)
    if not (folder / "title.json").is_file():
        raise InputError(f"{place} was never begun", hint=f"run `dubsync localize {place} --lang LANGUAGE` first")
    return replace(_read(folder), folder=str(folder.resolve()))


def add_languages(title: Title, languages: tuple[str, ...]) -> Title:
    """Note the languages the title is worked on in."""
    folder = Path(title.folder)
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
        if not (Path(title.folder) / name).is_file() and beside.is_file():
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
def lock(folder: Path) -> Iterator[None]:
    """Keep a second run out of the folder."""
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"another dubsync works in {folder}", hint="wait until it is done, or stop it: nothing is lost"
            ) from None
        yield


def _reopen(film: Path, folder: Path) -> Title:
    title = _read(folder)
    content = json.loads((folder / "title.json").read_text(encoding="utf-8"))
    if not film.is_file():
        raise UnreadableMedia(
            f"{film}: no such film", hint=f"the title was begun with it; everything made from it is in {folder}"
        )
    if content["stamp"] != _stamp(film):
        if sha256(film) != content["sha256"]:
            raise SourceChanged(
                f"{film.name} is not the film that {folder.name} was begun with",
                hint="put the first film back, or give the new one a folder of its own with --folder",
            )
        title = replace(title, film=str(film.resolve()))
        _write(title, film, digest=content["sha256"])
    return replace(title, film=str(film.resolve()), folder=str(folder.resolve()))


def _read(folder: Path) -> Title:
    try:
        content = json.loads((folder / "title.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: its title.json cannot be read: {error}") from error
    return documents.from_json(Title, content["title"], where=f"{folder.name}/title.json")


def _write(title: Title, film: Path, *, digest: str | None = None) -> None:
    content = {"schema": SCHEMA, "title": title, "sha256": digest or sha256(film), "stamp": _stamp(film)}
    documents.save(Path(title.folder) / "title.json", content)


def _stamp(film: Path) -> list[int]:
    facts = film.stat()
    return [facts.st_size, facts.st_mtime_ns, facts.st_ino]
