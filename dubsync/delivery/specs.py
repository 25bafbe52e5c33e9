"""Delivery specs: what `pipelines/delivery/*.toml` says, checked.

    schema = "dubsync.delivery/1"
    about = "one line"
    form = "segments"            # or "file", "stems"; the other keys are those of the form

A key that is not known is an error that names the nearest one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from dubsync import pipeline
from dubsync.documents import from_json, to_json
from dubsync.engine.store import digest_of
from dubsync.errors import BadPipeline, InputError

SCHEMA = "dubsync.delivery/1"


@dataclass(frozen=True, slots=True)
class Segments:
    """Streams. `segment_seconds`: wished for; `longest_seconds`: refused beyond, where key pictures are rare.

    `original`: the film as it was, too. `sounds`: "all" lists every language's sound with every picture, "fitting" only
    sounds whose mouths the picture shows. `ceiling_dbtp`: above it a true peak that coding raised is flagged.
    """

    manifests: tuple[Literal["hls", "dash"], ...]
    segment_seconds: float = 6.0
    longest_seconds: float = 20.0
    original: bool = True
    sounds: Literal["all", "fitting"] = "all"
    ceiling_dbtp: float = -1.0


@dataclass(frozen=True, slots=True)
class File:
    """One MP4. `tracks`: the dub's alone, or the film's own too. `copied_sound`: codecs that are not coded again."""

    tracks: Literal["dub", "all"] = "dub"
    copied_sound: tuple[str, ...] = ("aac",)
    ceiling_dbtp: float = -1.0


@dataclass(frozen=True, slots=True)
class Stems:
    """The sound in parts. `lines`: every line alone, too."""

    lines: bool = True


_FORMS: Mapping[str, type[Segments] | type[File] | type[Stems]] = {"segments": Segments, "file": File, "stems": Stems}


@dataclass(frozen=True, slots=True)
class Spec:
    """A checked spec. `digest`: of all that it says about the files."""

    name: str
    about: str
    params: Segments | File | Stems

    @property
    def needs_stems(self) -> bool:
        """Whether dubs must have been mixed with stems."""
        return isinstance(self.params, Stems)

    @property
    def digest(self) -> str:
        return digest_of({"form": type(self.params).__name__, "params": to_json(self.params)})


def folder() -> Path:
    """Return where the packaged specs are, installed or in a checkout."""
    return pipeline.folder() / "delivery"


def names() -> tuple[str, ...]:
    """Return the names of the packaged specs."""
    return pipeline.names_in(folder())


def load(name: str) -> Spec:
    """Return the spec of this name, or that of a `.toml` file. Raises BadPipeline."""
    path, table = pipeline.table_of(name, folder(), "delivery spec")
    if table.get("schema") != SCHEMA:
        raise BadPipeline(f'{path.name}: schema is {table.get("schema")!r}, not "{SCHEMA}"')
    kind = _FORMS.get(str(table.get("form")))
    if kind is None:
        raise BadPipeline(f"{path.name}: form is {table.get('form')!r}", hint=f"known: {', '.join(_FORMS)}")
    return Spec(path.stem, str(table.get("about", "")), _params(path.name, kind, table))


def _params(
    file: str, kind: type[Segments] | type[File] | type[Stems], table: Mapping[str, Any]
) -> Segments | File | Stems:
    said = {key: value for key, value in table.items() if key not in ("schema", "about", "form")}
    known = sorted(field.name for field in fields(kind))
    for key in said:
        if key not in known:
            raise BadPipeline(f'{file}: unknown key "{key}"', hint=pipeline.nearest(key, known))
    try:
        params: Segments | File | Stems = from_json(kind, said, where=file)
    except InputError as error:
        raise BadPipeline(error.message, hint=f"known keys: {', '.join(known)}") from error
    if isinstance(params, Segments):
        _check(file, params)
    return params


def _check(file: str, params: Segments) -> None:
    if not params.manifests:
        raise BadPipeline(f"{file}: manifests is empty", hint='say for example manifests = ["hls"]')
    if not 0 < params.segment_seconds <= params.longest_seconds:
        raise BadPipeline(f"{file}: segment_seconds must be more than 0 and at most longest_seconds")
