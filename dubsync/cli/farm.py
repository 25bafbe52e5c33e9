"""`dubsync work` and `dubsync worker`: for whoever spreads titles over machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from dubsync import farm as api
from dubsync.cli.progress import Bars
from dubsync.cli.wishes import wish_from

_out = Console()
_err = Console(stderr=True)


def mount(app: typer.Typer) -> None:
    """Add this family's verbs."""
    app.command()(work)
    app.command()(worker)


def work(
    units: Annotated[list[str], typer.Argument(metavar="UNIT...", help="Ids from `dubsync plan --json`.")],
    *,
    title: Annotated[Path, typer.Option(help="The film, or its title folder, which all machines share.")],
    pipeline: Annotated[str, typer.Option(help="A name from `dubsync pipelines list`, or a .toml file.")] = "film",
    folder: Annotated[Path | None, typer.Option(help="The title folder.")] = None,
    consent: Annotated[Path | None, typer.Option(help="The consent record, if it is not beside the film.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="stage.parameter=value, over the pipeline's.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where deliver/LANG puts its files, for that language alone.")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Never open a connection.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on the last line of stdout.")] = False,
) -> None:
    """Make single units of a title; any number of machines may do so at once (docs/farm.md)."""
    wish = wish_from(pipeline=pipeline, out=out, folder=folder, consent=consent, offline=offline, settings=settings)
    with Bars(is_quiet=as_json) as bars:
        made = api.work(title, units, wish, sink=bars, fetching=bars.fetching)
    if as_json:
        print(json.dumps(as_object(made)))
        return
    for unit in made.units:
        what = f"ran, {unit.seconds:.1f} s" if unit.is_new else "made already"
        _out.print(f"{unit.id}: {what}", highlight=False, soft_wrap=True)


def as_object(made: api.Worked) -> dict[str, Any]:
    """Return the JSON object of `--json`."""
    return {
        "title": made.title.name,
        "folder": made.title.folder,
        "units": [
            {
                "id": unit.id,
                "state": "ran" if unit.is_new else "reused",
                "seconds": round(unit.seconds, 3),
                "flags": [
                    {"severity": f.severity, "code": f.code, "where": f.where, "what": f.what} for f in unit.flags
                ],
            }
            for unit in made.units
        ],
    }


def worker(
    *,
    on: Annotated[str, typer.Option(help="The scheduler: dask://HOST:PORT.")],
    slots: Annotated[int | None, typer.Option(help="Units at once (default: one per processor).", min=1)] = None,
) -> None:
    """Work for `dubsync batch --on` until the scheduler goes away (docs/farm.md)."""
    from dubsync.engine.cluster import serve
    from dubsync.verbs import slots_by_default

    serve(on, slots or slots_by_default(), lambda what: _err.print(what, highlight=False))
