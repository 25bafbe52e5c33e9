"""deliver: the finished files, copied out of the store to where people look for them."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dubsync.documents import beside
from dubsync.engine.stage import Axis, Context, Made, Unit, stage
from dubsync.errors import UsageError


@dataclass(frozen=True, slots=True)
class DeliverParams:
    """Nothing to choose: `--out` says where."""


@stage(over=Axis.LANGUAGE, needs=("render", "mix", "check"), params=DeliverParams, version=1, always=True)
def deliver(unit: Unit, made: Made, ctx: Context, params: DeliverParams) -> Mapping[str, Any]:
    language = unit.language or ""
    folder = ctx.deliver_to or ctx.folder / "out" / language
    names = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for origin, name in _files(made, ctx.film.stem, language):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            _copy_whole(origin, folder / name)
            names.append(name)
    except OSError as error:
        raise UsageError(
            f"{folder}: cannot be written: {error.strerror}", hint="choose another folder with --out; nothing is lost"
        ) from error
    return {"files": names}


def _files(made: Made, film: str, language: str) -> Iterator[tuple[Path, str]]:
    """Yield each file to hand over, and the name it gets."""
    rendered = made.one("render")
    video = rendered.file(rendered.value["video"])
    yield video, f"{film}.{language}{video.suffix}"
    for name in rendered.value["subtitles"]:
        yield rendered.file(name), name
    for name in ("dub.wav", *made.one("mix").value.get("stems", ())):
        yield made.one("mix").file(name), name
    for name in ("report.json", "report.html"):
        yield made.one("check").file(name), name


def _copy_whole(origin: Path, target: Path) -> None:
    """Copy a file so that it appears whole or not at all; one that is there already, byte for byte, is left alone."""
    if target.is_file() and filecmp.cmp(origin, target, shallow=False):
        return
    with beside(target) as draft:
        with draft.open("wb") as copy, origin.open("rb") as content:
            shutil.copyfileobj(content, copy, 1 << 20)
            copy.flush()
            os.fsync(copy.fileno())
        draft.chmod(0o644)
        draft.replace(target)
