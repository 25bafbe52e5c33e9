"""`dubsync verify`: what a media file says of itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from dubsync import verbs as api
from dubsync.cli.inspect import AsJson
from dubsync.errors import Unmarked

if TYPE_CHECKING:
    from dubsync.rights.verify import Found, Testimony

_out = Console()


def mount(app: typer.Typer) -> None:
    """Add this verb."""
    app.command()(verify)


def verify(
    media: Annotated[Path, typer.Argument(help="A film or sound file, a copy coded anew too.")],
    *,
    title: Annotated[Path | None, typer.Option(help="A film or title folder: is it one of its dubs?")] = None,
    as_json: AsJson = False,
) -> None:
    """Say whether a file is marked as synthetic: tags, watermark, C2PA. End with 8 if nothing says so."""
    found = api.verify(media, title=title)
    if as_json:
        print(json.dumps(_told(found)))
    else:
        _print(found)
    if not found.is_synthetic:
        hint = "that proves nothing: marks can be taken out, and other programs leave others"
        raise Unmarked(f"{media}: nothing in it says that it is synthetic", hint=hint)


def _told(found: Testimony) -> dict[str, Any]:
    manifest = found.manifest
    return {
        "media": str(found.media),
        "synthetic": found.is_synthetic,
        "disclosure": found.disclosure,
        "watermarks": [_row(each) for each in found.marks],
        "c2pa": manifest and {
            "intact": manifest.is_intact, "issuer": manifest.issuer, "synthetic": manifest.is_synthetic,
            "claims": list(manifest.claims), "dub": manifest.dub, "faults": list(manifest.faults),
        },
        "c2pa_not_looked": found.not_looked or None,
        "sound_tracks": found.tracks,
        "known": found.is_known,
    }  # fmt: skip


def _row(found: Found) -> dict[str, Any]:
    mark = found.mark
    return {
        "track": found.track,
        "id": None if mark.payload is None else str(mark.payload),
        "score": round(mark.score, 1),
        "confidence": round(1 - mark.chance, 6),
        "seconds": mark.seconds,
        "stretches": [list(stretch) for stretch in mark.stretches],
        "speed": round(1 + mark.speed, 4),
        "language": found.language,
    }


def _print(found: Testimony) -> None:
    lines = [f"disclosure  {found.disclosure or 'no tag'}"]
    lines += [_sentence(each) for each in found.marks] or [
        f"watermark   none heard in {found.tracks} sound track{'' if found.tracks == 1 else 's'}"
    ]
    lines.append(f"C2PA        {_signed(found)}")
    if found.is_known is not None:
        lines.append(f"title       {'a dub of this title' if found.is_known else 'not known as a dub of this title'}")
    for line in lines:
        _out.print(line, highlight=False, soft_wrap=True, markup=False)


def _sentence(found: Found) -> str:
    mark = found.mark
    name = "unreadable" if mark.payload is None else str(mark.payload)
    places = ", ".join(f"{start:g}-{end:g} s" for start, end in mark.stretches)
    language = f", known as the dub into {found.language}" if found.language else ""
    return f"watermark   {name}{language}: sound track {found.track}, {places}, score {mark.score:.1f}"


def _signed(found: Testimony) -> str:
    manifest = found.manifest
    if manifest is None:
        return f"not looked for: {found.not_looked}" if found.not_looked else "no manifest"
    state = "intact" if manifest.is_intact else f"NOT intact ({', '.join(manifest.faults)})"
    return f"manifest of {manifest.issuer or 'nobody'}, {state}: {'; '.join(manifest.claims)}"
