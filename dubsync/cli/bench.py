"""`dubsync bench`: figures about speed, mouth, voice and text; every number in the documents comes from here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from dubsync.cli.inspect import AsJson
from dubsync.errors import InputError

_out = Console()
bench_app = typer.Typer(help="Measure: speed, mouth, voice, text.", no_args_is_help=True)


def mount(app: typer.Typer) -> None:
    """Add this family's verbs."""
    app.add_typer(bench_app, name="bench")


@bench_app.command()
def speed(
    clip: Annotated[Path | None, typer.Option(help="A clip with speech (default: the sample film).")] = None,
    *,
    consent: Annotated[Path | None, typer.Option(help="Its consent record (default: beside it).")] = None,
    training: Annotated[float, typer.Option(help="Seconds of training for each speaker.")] = 120.0,
    long: Annotated[bool, typer.Option(help="Also run a film ten times as long.")] = True,
    as_json: AsJson = False,
) -> None:
    """Time whole runs: full, second language, re-run, voice only; peak memory, also of a film ten times as long."""
    from dubsync import bench

    film = clip or Path("samples/film.mp4")
    record = consent or film.with_name("consent.toml")
    for path in (film, record):
        if not path.is_file():
            raise InputError(f"{path}: no such file", hint="give --clip and --consent, or run it in a checkout")
    _show(bench.speed(bench.Speed(film, record, training_s=training, is_long=long)), as_json=as_json)


def _show(figures: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(figures))
        return
    for key, value in figures.items():
        _out.print(f"{key:<18} {value}", highlight=False)
