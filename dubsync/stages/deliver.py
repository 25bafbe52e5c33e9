"""deliver: the finished files, copied out of the store to where people look for them."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dubsync.documents import beside, write_whole
from dubsync.engine.stage import Axis, Context, Made, Unit, stage
from dubsync.errors import Flag, Severity, UsageError
from dubsync.stages import _deliverables as deliverables
from dubsync.stages import _subtitles
from dubsync.stages.credentials import finished
from dubsync.text.subtitles import write

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class DeliverParams:
    """`sdh`: also subtitles for people who do not hear, with speakers and music marked. `--out` says where."""

    sdh: bool = False


@stage(
    over=Axis.LANGUAGE,
    needs=("source", "speakers", "script", "render", "check"),
    optional=("mix", "shots", "faces", "stems", "credentials"),
    params=DeliverParams,
    version=6,
    always=True,
)
def deliver(unit: Unit, made: Made, ctx: Context, params: DeliverParams) -> Mapping[str, Any]:
    language = unit.language or ""
    folder = ctx.deliver_to or ctx.folder / "out" / language
    names = []
    described = _described(made, ctx, language) if params.sdh else ()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for origin, name in (*_files(made, ctx.film.stem, language), *described):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            _copy_whole(origin, folder / name)
            names.append(name)
    except OSError as error:
        raise UsageError(
            f"{folder}: cannot be written: {error.strerror}", hint="choose another folder with --out; nothing is lost"
        ) from error
    ctx.flags += _left_behind(folder, names, ctx.film.stem, language)
    return {"files": names}


def _files(made: Made, film: str, language: str) -> Iterator[tuple[Path, str]]:
    """Yield each file to hand over, and the name it gets."""
    rendered, video = made.one("render"), finished(made)
    yield video, f"{film}.{language}{video.suffix}"
    for name in rendered.value["subtitles"]:
        yield rendered.file(name), name
    for mix in made.all("mix") if made.has("mix") else ():
        yield from ((mix.file(name), name) for name in ("dub.wav", *mix.value.get("stems", ())))
    for name in ("report.json", "report.html"):
        yield made.one("check").file(name), name


def _described(made: Made, ctx: Context, language: str) -> tuple[tuple[Path, str], ...]:
    """Write the subtitles for people who do not hear; return them as files to hand over."""
    shown = _subtitles.laid_out(_subtitles.described(made, language), made, ctx, language)
    names = [f"{language}.sdh.{kind}" for kind in ("srt", "vtt")]
    for name in names:
        write_whole(ctx.out / name, write(shown, name.rsplit(".", 1)[1], language=language).encode())
    ctx.flag(Flag(
        Severity.INFO, "sdh-draft", language, "who is marked as speaking unseen, and where music plays, is a guess",
        "read the marks against the picture, and name the speakers",
    ))  # fmt: skip
    return tuple((ctx.out / name, name) for name in names)


def _left_behind(folder: Path, names: Sequence[str], film: str, language: str) -> Iterator[Flag]:
    """Yield a flag for files of an earlier run (a dub, stems, ...) that lie there and do not belong to this one.

    They stay: somebody may need them, and what was made from them is not for us to know.
    """
    kinds = [
        "dub.wav",
        f"{language}.sdh.srt",
        f"{language}.sdh.vtt",
        *(f"{film}.{language}{end}" for end in (".mp4", ".mkv")),
    ]
    stems = sorted(str(path.relative_to(folder)) for path in (folder / deliverables.FOLDER).rglob("*.wav"))
    left = [name for name in (*kinds, *stems) if name not in names and (folder / name).is_file()]
    if left:
        more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
        yield Flag(
            Severity.INFO, "left-from-before", language,
            f"of an earlier run, and not of this one, there are still {', '.join(left[:_SHOWN])}{more}",
            "move them away before the folder is handed on, or make what they belong to again",
        )  # fmt: skip


def _copy_whole(origin: Path, target: Path) -> None:
    """Copy a file so that it appears whole or not at all; one that is there already, byte for byte, is left alone."""
    if target.is_file() and filecmp.cmp(origin, target, shallow=False):
        return
    with beside(target) as draft:
        with draft.open("wb") as copy, origin.open("rb") as content:
            shutil.copyfileobj(content, copy, 1 << 20)
            copy.flush()
            os.fsync(copy.fileno())
        draft.replace(target)
