"""Pipelines: what `pipelines/*.toml` says, checked and resolved into the engine's steps.

    schema = "dubsync.pipeline/1"
    about = "one line for `dubsync pipelines list`"
    stages = ["source", "shots", ...]        # the order is the order of work
    [engines]                                # which backend serves which kind
    voice = "voice.kokoro"
    mt = { name = "mt.human", fallback = "mt.marian" }     # a table gives it options
    [stage.shots]                            # parameters, after defaults; `retries` for transient failures
    max_seconds = 10

A key that is not known is an error that names the nearest one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from dubsync import resources
from dubsync import stages as rooms
from dubsync.backends import registry
from dubsync.engine.plan import Engine, Step
from dubsync.engine.stage import Stage
from dubsync.errors import BadPipeline, InputError, UnknownBackend

SCHEMA = "dubsync.pipeline/1"
_KEYS = {"schema", "about", "stages", "engines", "stage", "allow_non_commercial"}
_STEP_KEYS = {"retries"}


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A checked pipeline. `steps` in the order of work."""

    name: str
    about: str
    steps: tuple[Step, ...]
    allow_non_commercial: bool = False

    def engines(self) -> tuple[Engine, ...]:
        """Return every engine that some step uses, once, those that step in for another too."""
        named = [engine for step in self.steps for engine in step.engines]
        both = [one for engine in named for one in (engine, engine.fallback) if one]
        return tuple({engine.name: engine for engine in both}.values())

    def has(self, stage: str) -> bool:
        return any(step.name == stage for step in self.steps)

    def param(self, stage: str, name: str) -> Any:
        """Return a parameter of a stage that the pipeline has."""
        return next(getattr(step.params, name) for step in self.steps if step.name == stage)


def folder() -> Path:
    """Return where the packaged pipelines are, installed or in a checkout."""
    return resources.folder("pipelines")


def names() -> tuple[str, ...]:
    """Return the names of the packaged pipelines."""
    return names_in(folder())


def load(name: str, *, settings: Mapping[str, Mapping[str, Any]] | None = None) -> Pipeline:
    """Return the pipeline of this name, or that of a `.toml` file; `settings`: parameters by stage, over the file's."""
    path, table = table_of(name, folder(), "pipeline")
    return _Reader(path.name, table, settings or {}).pipeline(path.stem)


def names_in(place: Path) -> tuple[str, ...]:
    """Return the names of the TOML files in a folder."""
    return tuple(sorted(path.stem for path in place.glob("*.toml")))


def table_of(name: str, place: Path, what: str) -> tuple[Path, dict[str, Any]]:
    """Return the file of this name in a folder, or the `.toml` file that is named itself, and what is in it.

    Raises:
        BadPipeline: there is none, or it is not TOML. `what`: what such a file is called.
    """
    path = Path(name) if name.endswith(".toml") else place / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(names_in(place))
        raise BadPipeline(f'there is no {what} "{name}"', hint=f"known: {known}; or give a .toml file")
    try:
        return path, tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadPipeline(f"{path.name} is not TOML: {error}") from error


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns one TOML table into a pipeline; every message names the file."""

    file: str
    table: Mapping[str, Any]
    settings: Mapping[str, Mapping[str, Any]]

    def pipeline(self, name: str) -> Pipeline:
        self._check_keys(self.table, _KEYS, "")
        if self.table.get("schema") != SCHEMA:
            raise BadPipeline(f'{self.file}: schema is {self.table.get("schema")!r}, not "{SCHEMA}"')
        listed = self.table.get("stages")
        if not isinstance(listed, list) or not listed:
            raise BadPipeline(f"{self.file}: stages must list at least one stage")
        for key in self.table.get("stage", {}):
            if key not in listed:
                raise BadPipeline(f"{self.file}: [stage.{key}] is not in stages", hint=nearest(key, listed))
        for key in self.settings:
            if key not in listed:
                raise BadPipeline(f'pipeline "{name}" has no stage "{key}"', hint=nearest(key, listed))
        stages = [self._stage(each) for each in listed]
        self._check_needs(stages)
        self._check_engines(stages)
        allowed = bool(self.table.get("allow_non_commercial", False))
        steps = tuple(self._step(stage, allow_non_commercial=allowed) for stage in stages)
        return Pipeline(name, str(self.table.get("about", "")), steps, allowed)

    def _stage(self, name: str) -> Stage:
        if name not in rooms.names():
            raise BadPipeline(f'{self.file}: unknown stage "{name}"', hint=nearest(name, rooms.names()))
        return rooms.load(name)

    def _check_needs(self, stages: Iterable[Stage]) -> None:
        before: set[str] = set()
        for stage in stages:
            for need in stage.needs:
                if need not in before:
                    raise BadPipeline(f"{self.file}: {stage.name} needs {need}, which does not come before it")
            before.add(stage.name)

    def _check_engines(self, stages: Iterable[Stage]) -> None:
        kinds = {kind for stage in stages for kind in stage.backends}
        self._check_keys(self.table.get("engines", {}), kinds, "[engines] ")

    def _step(self, stage: Stage, *, allow_non_commercial: bool) -> Step:
        said = {**self.table.get("stage", {}).get(stage.name, {}), **self.settings.get(stage.name, {})}
        retries = said.pop("retries", 0)
        chosen = self.table.get("engines", {})
        engines = tuple(
            _engine(self.file, kind, chosen[kind], allow_non_commercial=allow_non_commercial)
            for kind in stage.backends
            if kind in chosen
        )
        return Step(stage, self._params(stage, said), engines, retries)

    def _params(self, stage: Stage, said: Mapping[str, Any]) -> Any:
        if stage.params is None:
            self._check_keys(said, _STEP_KEYS, f"[stage.{stage.name}] ")
            return None
        from dubsync.documents import from_json

        self._check_keys(said, {field.name for field in fields(stage.params)} | _STEP_KEYS, f"[stage.{stage.name}] ")
        try:
            return from_json(stage.params, dict(said), where=f"{self.file}: [stage.{stage.name}]")
        except InputError as error:
            raise BadPipeline(error.message, hint=defaults(stage)) from error

    def _check_keys(self, table: Mapping[str, Any], known: Iterable[str], where: str) -> None:
        known = sorted(known)
        for key in table:
            if key not in known:
                raise BadPipeline(f'{self.file}: {where}unknown key "{key}"', hint=nearest(key, known))


def _engine(file: str, kind: str, said: str | Mapping[str, Any], *, allow_non_commercial: bool) -> Engine:
    options = dict(said) if isinstance(said, Mapping) else {"name": said}
    name = options.pop("name", None)
    if not isinstance(name, str):
        raise BadPipeline(f"{file}: [engines] {kind} must be a name, or a table with a name")
    if name not in registry.names():
        raise UnknownBackend(f'{file}: unknown backend "{name}"', hint=nearest(name, registry.names()))
    capabilities = registry.capabilities(name)
    if not capabilities.commercial_use and not allow_non_commercial:
        raise BadPipeline(
            f"{file}: {name} ({capabilities.licence}) may not be used commercially",
            hint="say allow_non_commercial = true in the pipeline if your use is not commercial",
        )
    identity = {**registry.identity(name), "options": options}
    if "fallback" not in options:
        return Engine(kind, name, identity, options, capabilities=capabilities)
    if not capabilities.scripted:
        raise BadPipeline(f"{file}: {name} takes no fallback", hint="only an engine that works from a script does")
    other = _engine(file, kind, options.pop("fallback"), allow_non_commercial=allow_non_commercial)
    return Engine(
        kind, name, {**identity, "fallback": {"name": other.name, **other.identity}}, options, other, capabilities
    )


def defaults(stage: Stage) -> str:
    """Return the stage's parameters with their defaults, for a hint."""
    if stage.params is None:
        return f"{stage.name} has no parameters"
    shown = (
        f"{field.name} = {field.default!r}" if field.default is not MISSING else field.name
        for field in fields(stage.params)
    )
    return f"{stage.name} takes: {', '.join(shown)}"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a hint that names what was probably meant."""
    from rapidfuzz import process

    known = list(known)
    match = process.extractOne(word, known, score_cutoff=60)
    return f'did you mean "{match[0]}"?' if match else f"known: {', '.join(known)}"
