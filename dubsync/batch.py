"""Titles x languages from one file. A title that fails does not stop the others; run again, only what is missing runs.

schema = "dubsync.batch/1"
languages = ["es", "pt"]        # for every title that names none
pipeline = "film"               # or a .toml file, beside the batch file like every file that is named here
consent = "consent.toml"        # like `bank`: for every title that names none
out = "delivered"               # each title gets a folder in it
deliver = ["hls"]               # packages to make of each title (docs/delivery.md)
[[title]]
film = "one.mp4"                # beside the batch file
languages = ["es"]
consent = "consent.toml"
bank = "series.dubsync-voices"  # the voices of the series
out = "delivered/one"
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubsync import documents, folder, pipeline
from dubsync.engine.events import Sink
from dubsync.engine.runner import Runner
from dubsync.errors import BadPipeline, DubsyncError, Flag, Flagged, InputError, Severity, StageFailed, SystemRefused
from dubsync.text.language import normal_tag
from dubsync.verbs import Localized, localize, quiet
from dubsync.wishes import Wish

if TYPE_CHECKING:
    from dubsync.delivery import Delivered

SCHEMA = "dubsync.batch/1"
_KEYS = {"schema", "languages", "pipeline", "title", "set", "consent", "bank", "out", "deliver"}
_TITLE_KEYS = {"film", "languages", "pipeline", "consent", "bank", "out", "folder", "set", "deliver"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One title of a batch. `deliver`: the specs it is packaged by afterwards."""

    film: Path
    languages: tuple[str, ...]
    wish: Wish
    deliver: tuple[str, ...] = ()

    def package(self, spec: str) -> Path | None:
        """Return where a package goes: beside what `out` holds, or None for its place in the title folder."""
        return self.wish.out / Path(spec).stem if self.wish.out else None


@dataclass(frozen=True, slots=True)
class Batch:
    """A checked batch file. `table`: what it says for titles that it does not list; `out`: where those go."""

    file: Path
    entries: tuple[Entry, ...]
    table: Mapping[str, Any] = field(default_factory=dict)

    @property
    def out(self) -> Path | None:
        return self.file.parent / self.table["out"] if "out" in self.table else None

    def entry(self, film: Path) -> Entry:
        """Return what is asked for a film that came by itself: as listed, if the file lists one of its name."""
        listed = (entry for entry in self.entries if entry.film.name == film.name)
        return next((replace(entry, film=film) for entry in listed), None) or _entry(
            self.file, self.table, {"film": str(film.absolute())}
        )


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a title: `made`, with `packages`, or the error that stopped it, at the latest in packaging."""

    entry: Entry
    made: Localized | None = None
    error: DubsyncError | None = None
    packages: tuple[Delivered, ...] = ()

    @property
    def flags(self) -> tuple[Flag, ...]:
        return (*(self.made.flags if self.made else ()), *(flag for each in self.packages for flag in each.flags))


def load(file: Path, *, needs_titles: bool = True) -> Batch:
    """Read and check a batch file; for a folder in which films arrive it need not list any."""
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadPipeline(f"{file.name} is not TOML: {error}") from error
    _check_keys(file, table, _KEYS, "")
    if table.get("schema") != SCHEMA:
        raise BadPipeline(f'{file.name}: schema is {table.get("schema")!r}, not "{SCHEMA}"')
    titles = table.get("title", [])
    if not isinstance(titles, list) or not all(isinstance(title, dict) for title in titles):
        raise BadPipeline(f"{file.name}: titles are tables", hint='say [[title]], and below it film = "one.mp4"')
    if not titles and needs_titles:
        raise BadPipeline(f"{file.name}: it lists no [[title]]")
    if not needs_titles:
        _entry(file, table, {"film": "a film that it does not list"})  # says what is wrong before the first one comes
    entries = tuple(_entry(file, table, title) for title in titles)
    if needs_titles:  # films that arrive are kept apart by where they are put
        _insist_on_places(file, entries)
    return Batch(file, entries, table)


def _insist_on_places(file: Path, entries: Sequence[Entry]) -> None:
    """Raise BadPipeline where one title's files would be written over by those of another."""
    taken: dict[Path, str] = {}
    homes: dict[Path, Path] = {}
    for entry in entries:
        home = entry.wish.folder or folder.place_of(entry.film)
        first = homes.setdefault(home.resolve(), entry.film)
        if first.resolve() != entry.film.resolve():
            what = f"{first.name} and {entry.film.name} have one title folder, {home}"
            raise BadPipeline(f"{file.name}: {what}", hint="give one of them a folder of its own")
        places = {place.resolve(): place for place in _places(entry, home)}
        for whole, place in places.items():
            if whole in taken:
                what = f"{taken[whole]} and {entry.film.name} both go to {place}"
                raise BadPipeline(f"{file.name}: {what}", hint="give one of them an out of its own")
        taken |= dict.fromkeys(places, entry.film.name)


def _places(entry: Entry, home: Path) -> list[Path]:
    """Return where a title's dubs and packages go: `out` itself, or a folder in it for each of several languages."""
    tags = {language.replace("_", "-").lower() for language in entry.languages}
    out = entry.wish.out
    dubs = [out] if out and len(tags) == 1 else [(out or home / "out") / tag for tag in sorted(tags)]
    return dubs + [entry.package(spec) or home / "delivery" / Path(spec).stem for spec in entry.deliver]


def _entry(file: Path, table: Mapping[str, Any], title: Mapping[str, Any]) -> Entry:
    _check_keys(file, title, _TITLE_KEYS, "[[title]] ")
    if "film" not in title:
        raise BadPipeline(f"{file.name}: a [[title]] names no film")
    languages = title.get("languages", table.get("languages", []))
    if not languages:
        raise BadPipeline(f"{file.name}: {title['film']} has no languages", hint='say languages = ["es"]')
    said = {**{key: table[key] for key in ("consent", "bank") if key in table}, **title}
    place = {key: file.parent / said[key] for key in ("consent", "bank", "out", "folder") if key in said}
    if "out" in table and "out" not in title:
        place["out"] = file.parent / table["out"] / Path(title["film"]).stem
    wish = Wish(
        pipeline=_named(file, title.get("pipeline", table.get("pipeline", "film"))),
        settings=_merged(table.get("set", {}), title.get("set", {})),
        **place,
    )
    deliver = _specs(file, said.get("deliver", table.get("deliver")), wish)
    return Entry(file.parent / title["film"], tuple(languages), wish, deliver)


def _named(file: Path, name: str) -> str:
    """Return a pipeline or spec as it is named, or as a file beside the batch file."""
    return str(file.parent / name) if name.endswith(".toml") else name


def _specs(file: Path, said: str | list[str] | None, wish: Wish) -> tuple[str, ...]:
    """Return the specs that are asked for; raise BadPipeline where what the wish makes cannot be packaged by them."""
    if not said:
        return ()
    names = [said] if isinstance(said, str) else said
    from dubsync.delivery import specs
    from dubsync.delivery.dubs import insist_on_dub

    found = tuple(_named(file, name) for name in names)
    made_by = pipeline.load(wish.pipeline, settings=wish.settings)
    insist_on_dub(made_by, hint='choose a pipeline that makes one, such as pipeline = "film", or leave deliver out')
    for name in found:
        if specs.load(name).needs_stems and not made_by.param("mix", "stems"):
            what = f'"{name}" packages stems, and the pipeline {made_by.name} mixes without them'
            raise BadPipeline(f"{file.name}: {what}", hint="say [set.mix] stems = true")
    if len({Path(name).stem for name in found}) < len(found):
        raise BadPipeline(f"{file.name}: two of {', '.join(names)} go to one folder", hint="give the file another name")
    return found


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {key: {**one.get(key, {}), **other.get(key, {})} for key in (*one, *other)}


def _check_keys(file: Path, table: Mapping[str, Any], known: set[str], where: str) -> None:
    for key, value in table.items():
        if key not in known:
            raise BadPipeline(f'{file.name}: {where}unknown key "{key}"', hint=pipeline.nearest(key, sorted(known)))
        is_right, what, example = _FORMS.get(key, _AS_TEXT)
        if not is_right(value):
            raise BadPipeline(f"{file.name}: {where}{key} = {value!r} is not {what}", hint=example.format(key))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _are_settings(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(each, dict) for each in value.values())


_AS_TEXT = (_is_text, "a text", 'say {} = "..."')
_FORMS: Mapping[str, tuple[Callable[[object], bool], str, str]] = {
    "title": (lambda value: True, "", ""),
    "languages": (_are_texts, "a list of languages", 'say languages = ["es"]'),
    "deliver": (
        lambda value: _is_text(value) or _are_texts(value),
        "a name or a list of names",
        'say deliver = ["hls"]',
    ),
    "set": (_are_settings, "a table of stages", "say [set.STAGE], and below it PARAMETER = VALUE"),
}
"""What a value must be, by key: a test, what it is called, and an example. Titles are looked at one by one."""


def run(entry: Entry, *, runner: Runner, sink: Sink = quiet, offline: bool = False) -> Result:
    """Make one title with workers that stay for the next; an error is returned, not raised."""
    try:
        wish = replace(entry.wish, offline=offline)
        made = localize(entry.film, entry.languages, wish, sink=sink, runner=runner)
    except DubsyncError as error:
        return Result(entry, error=error)
    except OSError as error:
        return Result(entry, error=SystemRefused.by(error))
    return _packaged(Result(entry, made))


def _packaged(result: Result) -> Result:
    """Package what was made; an error keeps what was packaged before it."""
    entry, made = result.entry, result.made
    assert made is not None, "only what was made is packaged"
    for spec in entry.deliver:
        from dubsync.delivery import deliver  # it loads what reads films

        try:
            package = deliver(Path(made.title.folder), entry.languages, spec, out=entry.package(spec))
        except DubsyncError as error:
            return replace(result, error=error)
        except OSError as error:
            return replace(result, error=SystemRefused.by(error))
        result = replace(result, packages=(*result.packages, package))
    return result


def rows(results: list[Result]) -> list[dict[str, Any]]:
    """Return one row per title and language for the summary."""
    found = []
    for result in results:
        for language in result.entry.languages:
            found.append({"title": result.entry.film.stem, "language": language, **_facts(result, language)})
    return found


def _facts(result: Result, language: str) -> dict[str, Any]:
    error = result.error
    what = error.message if error else ""
    if result.made is None:
        return {"state": "failed", "flags": 0, "ran": 0, "reused": 0, "seconds": 0.0, "what": what}
    dub = next(each for each in result.made.dubs if each.language == normal_tag(language))
    summary = result.made.summary
    serious = sum(flag.severity is not Severity.INFO for flag in dub.flags)
    return {
        "state": "failed" if error else "done",
        "flags": serious,
        "ran": summary.ran,
        "reused": summary.reused,
        "seconds": round(summary.seconds, 1),
        "what": what or dub.video or "",
        **({"packages": [str(package.folder) for package in result.packages]} if result.packages else {}),
    }


def as_object(results: list[Result]) -> dict[str, Any]:
    """Return the JSON object of `--json`."""
    return {
        "titles": rows(results),
        "done": sum(result.error is None for result in results),
        "failed": sum(result.error is not None for result in results),
    }


def save(results: list[Result], batch: Batch) -> Path:
    """Write the summary beside the batch file."""
    path = batch.file.with_suffix(".summary.json")
    documents.save(path, as_object(results))
    return path


def why(error: DubsyncError, film: str) -> str:
    """Return what an error says, without the name of the film, which is said already."""
    return error.message.removeprefix(f"{film}: ")


def check(results: list[Result], *, is_strict: bool) -> None:
    """Raise StageFailed when a title failed, Flagged when one was flagged and `is_strict`."""
    failed = [result for result in results if result.error]
    if failed:
        first = failed[0]
        assert first.error is not None, "a failed title has an error"
        film = first.entry.film.name
        raise StageFailed(
            f"{len(failed)} of {len(results)} titles failed; first {film}: {why(first.error, film)}",
            title=first.entry.film.stem,
            stage="",
            unit="",
            attempts=1,
            cause=str(first.error),
            hint=first.error.hint or "mend them and run the batch again: only what is missing runs",
        )
    flags = [flag for result in results for flag in result.flags if flag.severity is not Severity.INFO]
    if is_strict and flags:
        raise Flagged(f"flags were raised: {len(flags)}", hint="they are in the reports, in words")
