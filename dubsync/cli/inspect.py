"""`dubsync plan`, `status`, `check`, `explain` and `gc`: look, and change nothing but rubbish."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from dubsync import verbs as api
from dubsync.cli.wishes import languages_from, wish_from
from dubsync.cli.words import counted
from dubsync.engine.plan import ASKED_EACH_TIME, Forecast

_out = Console()

TitlePlace = Annotated[Path, typer.Argument(help="The film, or its title folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on the last line of stdout.")]


def mount(app: typer.Typer) -> None:
    """Add this family's verbs."""
    for verb in (plan, status, check, explain, gc):
        app.command()(verb)


def plan(
    title: TitlePlace,
    *,
    lang: Annotated[str, typer.Option(help="Language or languages: es, or es,pt.")],
    pipeline: Annotated[str, typer.Option(help="A name from `dubsync pipelines list`, or a .toml file.")] = "film",
    folder: Annotated[Path | None, typer.Option(help="The title folder.")] = None,
    consent: Annotated[Path | None, typer.Option(help="The consent record, if it is not beside the film.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="stage.parameter=value, over the pipeline's.")
    ] = None,
    why: Annotated[bool, typer.Option("--why", help="Name, for each unit that would run, what differs.")] = False,
    ready: Annotated[
        bool,
        typer.Option("--ready", help="Print only the ids of units that can run now, for `dubsync work`."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what a run would do."""
    wish = wish_from(pipeline=pipeline, folder=folder, consent=consent, settings=settings)
    rows = api.plan(title, languages_from(lang), wish)
    if ready:
        print("".join(f"{row.id}\n" for row in rows if row.is_ready), end="")
        return
    print_forecast(rows, as_json=as_json, is_why=why)


def print_forecast(rows: list[Forecast], *, as_json: bool, is_why: bool) -> None:
    """Print what would run: every unit with its reason, or a line per stage. What is asked each time is no work."""
    asked = sum(row.runs and row.why == ASKED_EACH_TIME for row in rows)
    run = sum(row.runs for row in rows) - asked
    if as_json:
        units = [{**asdict(row), "ready": row.is_ready} for row in rows]
        print(json.dumps({"units": units, "run": run, "asked": asked}))
        return
    table = Table("stage", "language", "unit", "would", *(["why"] if is_why else []), box=None, pad_edge=False)
    for row in rows:
        if row.runs or not is_why:
            reason = [row.why] if is_why else []
            table.add_row(row.stage, row.language or "", row.unit or "each", _fate(row), *reason)
    if table.row_count:
        _out.print(table)
    _out.print(f"{run} would run, {asked} are asked each time, {len(rows) - run - asked} are made already")


def _fate(row: Forecast) -> str:
    if not row.runs:
        return "be used again"
    return "be asked" if row.why == ASKED_EACH_TIME else "run"


def status(title: TitlePlace, *, as_json: AsJson = False) -> None:
    """Say how far each language of a title has come."""
    found = api.status(title)
    if as_json:
        print(json.dumps({each.language: asdict(each) for each in found}))
        return
    table = Table("language", "units made", "still to run", "flags", box=None, pad_edge=False)
    for each in found:
        table.add_row(
            each.language, f"{each.made} of {each.known}", ", ".join(each.waiting) or "nothing", str(len(each.flags))
        )
    _out.print(table)
    for each in found:
        for flag in each.flags:
            _out.print(f"{each.language}  {flag.severity}  {flag.where}: {flag.what}", highlight=False, soft_wrap=True)


def check(title: TitlePlace, *, as_json: AsJson = False) -> None:
    """Hash the film and everything made from it; end with 6 if a byte is not as it was."""
    count = api.check(title)
    print(json.dumps({"sound": count}) if as_json else f"the film and {count} products are as they were written")


def explain(
    title: TitlePlace,
    words: Annotated[
        list[str] | None, typer.Argument(help="Stages, languages, units or flag codes to narrow it to.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Say how products came to be: inputs, parameters, engines, seed, seconds, flags."""
    found = api.explain(title, words or ())
    if as_json:
        print(json.dumps({"products": found}))
        return
    for manifest in found:
        _print_manifest(manifest)
    if not found:
        _out.print("nothing fits; say a stage, a language, a unit's id or a flag's code, as `dubsync plan` shows them")


def _print_manifest(manifest: dict[str, Any]) -> None:
    recipe = manifest["recipe"]
    language = recipe["unit"]["language"] or ""
    _out.print(f"[bold]{manifest['stage']}[/bold] {language} {recipe['unit']['key']}", highlight=False)
    _out.print(f"  fingerprint {manifest['fingerprint'][:16]}  {manifest['seconds']} s  seed {manifest['seed']}")
    for kind, engine in recipe["engines"].items():
        _out.print(f"  {kind}: {engine['name']} {engine['version']}", highlight=False)
    if recipe["params"]:
        _out.print(f"  parameters: {', '.join(f'{k} = {v}' for k, v in recipe['params'].items())}", highlight=False)
    for stage, products in recipe["inputs"].items():
        _out.print(f"  from {stage}: {len(products)} product{'s' if len(products) > 1 else ''}", highlight=False)
    for name, digest in recipe["reads"].items():
        _out.print(f"  reads {name}: {digest[:16] if digest else 'absent'}", highlight=False)
    for flag in manifest["flags"]:
        _out.print(
            f"  {flag['severity']} {flag['code']} {flag['where']}: {flag['what']} {flag['hint']}", highlight=False
        )


def gc(title: TitlePlace, *, as_json: AsJson = False) -> None:
    """Remove products that nothing refers to any more."""
    count, freed = api.gc(title)
    print(
        json.dumps({"removed": count, "bytes": freed})
        if as_json
        else f"{counted(count, 'product')} removed, {freed / 1e6:.1f} MB freed"
    )
