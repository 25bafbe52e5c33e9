"""How far the languages of each title are, and what the next run would do."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from dubsync import folder, scripts, verbs
from dubsync.errors import DubsyncError
from dubsync.review.playing import report_page
from dubsync.review.sheet import newest_flags
from dubsync.review.shelf import Shelf
from dubsync.title import Title
from dubsync.wishes import Wish


@dataclass(frozen=True, slots=True)
class Standing:
    """A language of a title. `made` of `known` units; `problem`: a sentence, where it cannot be told."""

    language: str
    lines: int = 0
    changed: int = 0
    locked: int = 0
    made: int = 0
    known: int = 0
    waiting: tuple[str, ...] = ()
    flags: int = 0
    has_report: bool = False
    problem: str = ""
    hint: str = ""

    @property
    def can_open(self) -> bool:
        return self.lines > 0


@dataclass(frozen=True, slots=True)
class Overview:
    """A title with its languages. `is_busy`: a run goes on in it."""

    id: str
    name: str
    languages: tuple[Standing, ...]
    is_busy: bool
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Ahead:
    """What the next run would do. `waiting`: stages with work; `command`: what to say, beside the film."""

    waiting: tuple[str, ...]
    command: str
    is_busy: bool
    problem: str = ""


def overview(shelf: Shelf, title_id: str) -> Overview:
    """Look at a title; what is wrong with it is said in its place, so that it does not hide the others."""
    try:
        title = shelf.title(title_id)
    except DubsyncError as error:
        return Overview(title_id, shelf.folders[title_id].stem, (), is_busy=False, problem=error.message)
    standings = tuple(_standing(title, tag) for tag in shelf.languages(title))
    return Overview(title_id, title.name, standings, folder.is_worked_on(Path(title.folder)))


def _standing(title: Title, language: str) -> Standing:
    home = Path(title.folder)
    try:
        script = scripts.read_script(home, language)
        flags = newest_flags(home, language)
    except DubsyncError as error:
        return Standing(language, problem=error.message, hint=error.hint)
    known = Standing(
        language,
        lines=len(script.lines),
        changed=len(script.changed()),
        locked=sum(line.lock for line in script.lines),
        flags=sum(len(each) for each in flags.values()),
        has_report=report_page(title, language) is not None,
    )
    try:
        status = verbs.language_status(title, language)
    except DubsyncError as error:
        return replace(known, problem=error.message, hint=error.hint)
    return replace(known, made=status.made, known=status.known, waiting=status.waiting)


def ahead(title: Title, language: str) -> Ahead:
    """Say what the next run would do, by what was asked for last."""
    is_busy = folder.is_worked_on(Path(title.folder))
    try:
        asked = verbs.as_last_asked(title, language)
    except DubsyncError as error:
        return Ahead((), "", is_busy, problem=error.message)
    return Ahead(asked.stages_waiting, command(title, language, asked.wish), is_busy)


def command(title: Title, language: str, wish: Wish) -> str:
    """Return the command that takes the edits in, with the names of files and not their places."""
    film, home = Path(title.film).name, Path(title.folder).name
    words = ["dubsync", "localize", film, "--lang", language]
    pipeline = Path(wish.pipeline)
    if wish.pipeline != Wish().pipeline:
        words += ["--pipeline", pipeline.name if pipeline.suffix == ".toml" else wish.pipeline]
    if home != folder.place_of(Path(film)).name:
        words += ["--folder", home]
    for option, file in (("--consent", wish.consent), ("--bank", wish.bank)):
        words += [option, file.name] if file else []
    for stage, values in wish.settings.items():
        words += [word for name, value in values.items() for word in ("--set", f"{stage}.{name}={_as_said(value)}")]
    return shlex.join(words)


def _as_said(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
