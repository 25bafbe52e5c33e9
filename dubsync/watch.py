"""A folder in which films arrive: each is localized once, as a batch file says, and packaged if it says so.

    watch(Path("inbox"), Path("batch.toml"), settle_s=30)

The folder is read again and again, because file systems over a network tell of nothing. A film is taken when its size
and time have not changed for `settle_s`, and known by its SHA-256 from then on, whatever it is called. What came of
each is kept in `watch.json` in the batch's `out`; nothing is written where films arrive.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dubsync import batch as batches
from dubsync import documents, folder
from dubsync import pipeline as pipelines
from dubsync.batch import Batch, Entry, Result
from dubsync.engine.events import Sink
from dubsync.engine.runner import Runner
from dubsync.engine.store import digest_of, make_writable, sha256
from dubsync.errors import BadPipeline, DubsyncError, InputError, Severity, StageFailed, UsageError
from dubsync.text.language import normal_tag
from dubsync.verbs import quiet

SCHEMA = "dubsync.watch/1"
NAME = "watch.json"
FILMS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".mxf", ".avi", ".ts", ".m2ts", ".mts", ".mpg", ".mpeg", ".vob")
_UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".filepart", ".upload", ".uploading")
_TRIES = 3
"""How often a film is tried of which the failing may pass: a full disk, an endpoint that does not answer."""
_MAY_PASS = (4, 5)
_LATER_S = 60.0
_SOON_S, _LATE_S = 0.05, 10.0


@dataclass(frozen=True, slots=True)
class Tools:
    """What watching needs of the world; tests bring their own clock. `saying` is told what happens, in words."""

    runner: Runner
    sink: Sink = quiet
    saying: Callable[[str], None] = lambda what: None
    offline: bool = False
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Watched:
    """How it stands: a row for each film, and whether somebody stopped it. `arriving`: names of films not yet whole."""

    out: Path
    films: tuple[Mapping[str, Any], ...]
    arriving: tuple[str, ...]
    is_stopped: bool

    @property
    def failed(self) -> tuple[Mapping[str, Any], ...]:
        return tuple(film for film in self.films if film["state"] == "failed")

    def as_object(self) -> dict[str, Any]:
        """Return the JSON object of `--json`."""
        done = sum(film["state"] == "done" for film in self.films)
        return {
            "films": [dict(film) for film in self.films],
            "done": done,
            "failed": len(self.failed),
            "arriving": list(self.arriving),
        }


def watch(inbox: Path, batch: Path, tools: Tools, *, settle_s: float = 30.0, once: bool = False) -> Watched:
    """Localize what lies in a folder and what arrives there, until somebody stops it (an interrupt).

    `settle_s`: seconds a file must stay as it is. `once`: end when everything that has settled is done.

    Raises:
        UsageError, BadPipeline: the batch file does not say what to do, or another watch works for it.
        InputError: there is no such folder.
    """
    listed = batches.load(batch, needs_titles=False)
    out = _outbox(inbox, listed)
    _insist_on_sense(listed)
    make_writable(out)
    watcher = _Watcher(inbox, listed, out, tools, settle_s)
    with folder.lock(out):
        try:
            watcher.run(once=once)
            is_stopped = False
        except KeyboardInterrupt:
            watcher.put_back()
            is_stopped = True
        watcher.insist_on_saved()
    return Watched(out, watcher.rows(), watcher.arriving(), is_stopped)


def check(found: Watched) -> None:
    """Raise StageFailed when a film failed."""
    if not found.failed:
        return
    first = found.failed[0]
    raise StageFailed(
        f"{len(found.failed)} of {len(found.films)} films failed; first {first['file']}: {first['what']}",
        title=str(first["file"]),
        stage="",
        unit="",
        attempts=int(first["attempts"]),
        cause=str(first["what"]),
        hint="mend it; a film is tried again when it, its consent or the batch file changes",
    )


def _outbox(inbox: Path, listed: Batch) -> Path:
    if not inbox.is_dir():
        raise InputError(f"{inbox}: is no folder", hint="name the folder in which films arrive")
    if listed.out is None:
        raise BadPipeline(f"{listed.file.name}: says no out", hint='say where films go: out = "delivered"')
    out = listed.out.absolute()
    if out.resolve().is_relative_to(inbox.resolve()):
        raise UsageError(f"{out}: lies where films arrive", hint="nothing is written there: choose another out")
    return out


def _insist_on_sense(listed: Batch) -> None:
    """Raise what every film that comes would fail with: a language or pipeline that nobody knows."""
    for entry in (listed.entry(Path("any")), *listed.entries):
        pipelines.load(entry.wish.pipeline, settings=entry.wish.settings)
        for language in entry.languages:
            normal_tag(language)


def is_film(path: Path) -> bool:
    """Tell by its name whether a file is a film that is all there: not hidden, not a part of one on its way."""
    name = path.name.lower()
    is_whole = not name.startswith((".", "~", "_")) and Path(path.stem.lower()).suffix not in _UNFINISHED
    return is_whole and path.suffix.lower() in FILMS


@dataclass(frozen=True, slots=True)
class _Seen:
    """A file as it was when it was last looked at, and since when it has been so, on the clock."""

    stamp: tuple[int, int]
    since: float


@dataclass
class _Watcher:
    inbox: Path
    listed: Batch
    out: Path
    tools: Tools
    settle_s: float
    seen: dict[str, _Seen] = field(default_factory=dict)
    later: dict[str, float] = field(default_factory=dict)
    films: dict[str, dict[str, Any]] = field(default_factory=dict)
    stamps: dict[str, list[Any]] = field(default_factory=dict)
    is_saved: bool = True

    def run(self, *, once: bool) -> None:
        """Look, take what has settled, wait; `once`: until nothing of what lay there at first is left to settle."""
        self.films, self.stamps = _load(self.out / NAME)
        pause = min(max(self.settle_s / 3, _SOON_S), _LATE_S)
        self.look()
        end = self.tools.clock() + self.settle_s
        while True:
            for path in self.settled():
                self.take(path)
            if once and self.tools.clock() >= end:
                return
            self.tools.sleep(pause)
            self.look()

    def look(self) -> None:
        """Note what lies in the folder, and since when each file has not changed."""
        now, there = self.tools.clock(), dict[str, _Seen]()
        try:
            paths = sorted(path for path in self.inbox.iterdir() if is_film(path))
        except OSError as error:
            self.tools.saying(f"{self.inbox}: cannot be read, and is looked at again: {error.strerror}")
            self.seen = {}
            return
        for path in paths:
            stamp = _stamp(path)
            if stamp is not None:
                before = self.seen.get(path.name)
                there[path.name] = before if before and before.stamp == stamp else _Seen(stamp, now)
        self.seen = there

    def settled(self) -> list[Path]:
        """Return the films to work on, those first that have been there longest."""
        now = self.tools.clock()
        ready = [
            (seen.since, name)
            for name, seen in self.seen.items()
            if now - seen.since >= self.settle_s and seen.stamp[0] > 0 and self.later.get(name, 0.0) <= now
        ]
        return [self.inbox / name for _, name in sorted(ready)]

    def arriving(self) -> tuple[str, ...]:
        """Return the names of the files that have not settled."""
        now = self.tools.clock()
        return tuple(name for name, seen in self.seen.items() if now - seen.since < self.settle_s)

    def take(self, path: Path) -> None:
        """Work on a film, unless that was done, or failed and nothing has changed."""
        digest = self._digest(path)
        if digest is None:
            return
        entry, known = self.listed.entry(path), self.films.get(digest, {})
        asked = _asked(entry)
        if known.get("state") == "done" and known["asked"] == asked:
            return
        beside = _beside(path, entry)
        is_as_before = known.get("asked") == asked and known.get("beside") == beside
        attempts = known["attempts"] if is_as_before else 0
        if is_as_before and (attempts >= _TRIES or not known["may_pass"]):
            if known["state"] == "working":
                what = f"it ended the process that worked on it, {attempts} times: is there enough memory?"
                self._keep(digest, {**known, "state": "failed", "may_pass": False, "what": what})
            return
        place = known.get("place") or self._free_place(path.stem, digest)
        film = {"file": path.name, "place": place, "asked": asked, "beside": beside}
        self._keep(digest, {**film, "state": "working", "attempts": attempts + 1, "may_pass": True, "what": ""})
        self.tools.saying(f"{path.name}: {', '.join(entry.languages)}")
        result = batches.run(
            self._placed(entry, place), runner=self.tools.runner, sink=self.tools.sink, offline=self.tools.offline
        )
        self._keep(digest, {**film, "attempts": attempts + 1, **_outcome(result)})
        if result.error:
            self.later[path.name] = self.tools.clock() + _LATER_S * (attempts + 1)
            self.tools.saying(f"{path.name}: failed: {batches.why(result.error, path.name)}")

    def _digest(self, path: Path) -> str | None:
        """Return the file's SHA-256; None if it changed or went while it was read, and must settle anew."""
        stamp = _stamp(path)
        if stamp is None or stamp != self.seen[path.name].stamp:
            return None
        known = self.stamps.get(path.name)
        if known and tuple(known[:2]) == stamp:
            return str(known[2])
        try:
            digest = sha256(path)
        except OSError as error:
            self.tools.saying(f"{path.name}: cannot be read, and is tried again: {error.strerror}")
            return None
        if _stamp(path) != stamp:
            return None
        self.stamps[path.name] = [*stamp, digest]
        self._save()
        return digest

    def _free_place(self, stem: str, digest: str) -> str:
        """Return a film's name in the outbox; a second film of the same name gets the start of its digest behind it."""
        taken = {film["place"] for film in self.films.values()}
        return stem if stem not in taken else f"{stem}.{digest[:8]}"

    def _placed(self, entry: Entry, place: str) -> Entry:
        """Return the entry with its folders in the outbox, but for those that the batch file names for this title."""
        is_its_own = entry.wish.out is not None and entry.wish.out.absolute() != self.out / entry.film.stem
        out = entry.wish.out if is_its_own else self.out / place
        title = entry.wish.folder or self.out / f"{place}{folder.SUFFIX}"
        return replace(entry, wish=replace(entry.wish, out=out, folder=title))

    def put_back(self) -> None:
        """Note that the film at work was not finished: being stopped is no failure."""
        for digest, film in self.films.items():
            if film["state"] == "working":
                self._keep(digest, {**film, "state": "waiting", "attempts": film["attempts"] - 1})

    def rows(self) -> tuple[Mapping[str, Any], ...]:
        """Return what came of each film, in the order in which they came; what failed and was taken away is over."""
        shown = ("file", "place", "state", "attempts", "flags", "packages", "what")
        known = [film for film in self.films.values() if film["state"] == "done" or film["file"] in self.seen]
        return tuple({key: film[key] for key in shown if key in film} for film in known)

    def _keep(self, digest: str, film: dict[str, Any]) -> None:
        self.films[digest] = film
        self._save()

    def _save(self) -> None:
        """Keep how it stands; where that fails, as on a full disk, the next film brings another chance."""
        try:
            self._write()
        except OSError as error:
            self.is_saved = False
            self.tools.saying(f"{self.out / NAME}: cannot be written, and is tried again: {error.strerror}")

    def _write(self) -> None:
        documents.save(self.out / NAME, {"schema": SCHEMA, "films": self.films, "stamps": self.stamps})
        self.is_saved = True

    def insist_on_saved(self) -> None:
        """Try once more to keep what could not be kept; raise OSError where it cannot be either."""
        if not self.is_saved:
            self._write()


def _load(path: Path) -> tuple[dict[str, dict[str, Any]], dict[str, list[Any]]]:
    if not path.is_file():
        return {}, {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["schema"] == SCHEMA:
            return found["films"], found["stamps"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: cannot be read: {error}", hint="move it away: every film is then looked at anew"
        ) from error
    raise InputError(f"{path}: is no {SCHEMA}", hint="move it away: every film is then looked at anew")


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return size and time of a file; None if it has gone."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return (facts.st_size, facts.st_mtime_ns) if path.is_file() else None


def _asked(entry: Entry) -> str:
    """Return the digest of what is asked for a film: done once, it is done again only when this changes.

    Where people's files and the outbox lie is no part of it: the same batch file may be named in several ways.
    """
    wish = {"pipeline": _name(entry.wish.pipeline), "settings": documents.to_json(dict(entry.wish.settings))}
    specs = [_name(spec) for spec in entry.deliver]
    return digest_of({"languages": entry.languages, **wish, "deliver": specs})


def _name(asked: str) -> str:
    """Return a name as it is, of a file its own without the folders before it."""
    return Path(asked).name


def _beside(film: Path, entry: Entry) -> str:
    """Return the digest of people's files for a film: when they change, what failed is tried again."""
    named = [path for path in (entry.wish.consent, entry.wish.bank) if path]
    files = [*named, *(film.with_name(name) for name in folder.HUMAN_FILES)]
    return digest_of([sha256(path) if path.is_file() else "" for path in files])


def _outcome(result: Result) -> dict[str, Any]:
    error: DubsyncError | None = result.error
    flags = sum(flag.severity is not Severity.INFO for flag in result.flags)
    packages = [str(each.folder) for each in result.packages]
    if error is None:
        return {"state": "done", "may_pass": False, "flags": flags, "packages": packages, "what": ""}
    why = batches.why(error, result.entry.film.name)
    what = f"{why}; {error.hint}" if error.hint else why
    may_pass = error.exit_code in _MAY_PASS
    return {"state": "failed", "may_pass": may_pass, "flags": flags, "packages": packages, "what": what}
