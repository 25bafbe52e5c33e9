"""`dubsync localize` and `dubsync batch`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from dubsync import batch as batches
from dubsync import verbs as api
from dubsync.cli.inspect import print_forecast
from dubsync.cli.progress import Bars
from dubsync.cli.wishes import languages_from, wish_from
from dubsync.cli.words import counted
from dubsync.errors import Flag, Flagged, Severity, UsageError

_out = Console()
_err = Console(stderr=True)


def mount(app: typer.Typer) -> None:
    """Add this family's verbs."""
    app.command()(localize)
    app.command()(batch)


def localize(
    film: Annotated[Path, typer.Argument(help="The film, or its title folder.")],
    *,
    lang: Annotated[str, typer.Option(help="Language or languages: es, or es,pt.")],
    out: Annotated[Path | None, typer.Option(help="Where the results go (default: film.dubsync/out/LANG).")] = None,
    pipeline: Annotated[str, typer.Option(help="A name from `dubsync pipelines list`, or a .toml file.")] = "film",
    consent: Annotated[Path | None, typer.Option(help="The consent record, if it is not beside the film.")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="The title folder (default: film.dubsync beside the film).")
    ] = None,
    transcript: Annotated[Path | None, typer.Option(help="Subtitles of what is said, instead of recognition.")] = None,
    script: Annotated[Path | None, typer.Option(help="Lines in the language, instead of translation.")] = None,
    me: Annotated[Path | None, typer.Option(help="Music and effects without speech, instead of separation.")] = None,
    recorded: Annotated[
        Path | None,
        typer.Option(help="Lines that people spoke: one WAV on the film's clock, or a folder (pipeline adr)."),
    ] = None,
    bank: Annotated[
        Path | None, typer.Option(help="The voices of the series, if they are not beside the film.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="stage.parameter=value, over the pipeline's.")
    ] = None,
    slots: Annotated[int | None, typer.Option(help="Workers at once (default: one per processor).", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on the last line of stdout.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="End with 7 if anything was flagged.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Never open a connection.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run, and stop.")] = False,
) -> None:
    """Make the film in other languages."""
    wish = wish_from(
        pipeline=pipeline, out=out, folder=folder, consent=consent, offline=offline, slots=slots, settings=settings
    )
    wish = replace(wish, transcript=transcript, script=script, me=me, recorded=recorded, bank=bank)
    languages = languages_from(lang)
    if dry_run:
        print_forecast(api.plan(film, languages, wish), as_json=as_json, is_why=True)
        return
    with Bars(is_quiet=as_json) as bars:
        made = api.localize(film, languages, wish, sink=bars, fetching=bars.fetching)
    if as_json:
        print(json.dumps(as_object(made)))
    else:
        _print(made)
    check_strict(made.flags, is_strict=strict)


def as_object(made: api.Localized) -> dict[str, Any]:
    """Return the JSON object of `--json`."""
    return {
        "title": made.title.name,
        "folder": made.title.folder,
        "languages": {
            dub.language: {
                "video": dub.video,
                "subtitles": list(dub.subtitles),
                "report": dub.report,
                "flags": [
                    {"severity": f.severity, "code": f.code, "where": f.where, "what": f.what} for f in dub.flags
                ],
            }
            for dub in made.dubs
        },
        "units": {"ran": made.summary.ran, "reused": made.summary.reused},
        "seconds": round(made.summary.seconds, 3),
    }


def check_strict(flags: tuple[Flag, ...], *, is_strict: bool) -> None:
    """Raise Flagged when `--strict` was asked for and something is not as it should be."""
    serious = [flag for flag in flags if flag.severity is not Severity.INFO]
    if is_strict and serious:
        raise Flagged(f"{counted(len(serious), 'flag')} raised", hint="they are in the report, in words")


def _print(made: api.Localized) -> None:
    for dub in made.dubs:
        _out.print(f"[bold]{dub.language}[/bold]  {dub.video or 'no video was asked for'}", soft_wrap=True)
        page = Path(dub.report).with_suffix(".html") if dub.report else None
        for path in (*dub.subtitles, dub.report, page):
            if path:
                _out.print(f"    {path}", soft_wrap=True)
        for flag in dub.flags:
            colour = {"info": "dim", "warning": "yellow", "error": "red"}[flag.severity.value]
            _out.print(
                f"    [{colour}]{flag.severity}[/{colour}] {flag.where}: {flag.what}", soft_wrap=True, highlight=False
            )
    summary = made.summary
    ran = counted(summary.ran, "unit")
    _out.print(f"{ran} ran, {summary.reused} made already, {summary.seconds:.1f} s", highlight=False)


def batch(
    file: Annotated[Path, typer.Argument(help="The batch file: titles, languages, pipeline.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on the last line of stdout.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="End with 7 if anything was flagged.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Never open a connection.")] = False,
    slots: Annotated[int | None, typer.Option(help="Workers at once (default: one per processor).", min=1)] = None,
    on: Annotated[str | None, typer.Option(help="Workers on other machines: dask://HOST:PORT (docs/farm.md).")] = None,
) -> None:
    """Make many titles in many languages; one that fails does not stop the others."""
    listed = batches.load(file)
    results = []
    if on and slots:
        raise UsageError("--slots is said to each `dubsync worker`, not with --on")
    with api.runner_for(slots, on) as runner:
        for entry in listed.entries:
            with Bars(is_quiet=as_json) as bars:
                if not as_json:
                    _err.print(f"[bold]{entry.film}[/bold] {', '.join(entry.languages)}")
                results.append(batches.run(entry, runner=runner, sink=bars, offline=offline))
    if as_json:
        print(json.dumps(batches.as_object(results)))
    else:
        _print_batch(results)
    batches.save(results, listed)
    batches.check(results, is_strict=strict)


def _print_batch(results: list[batches.Result]) -> None:
    table = Table("title", "language", "state", "flags", "ran", "reused", "seconds", "what", box=None, pad_edge=False)
    for row in batches.rows(results):
        packages = row.pop("packages", [])
        row["what"] = "  ".join([row["what"], *packages])
        table.add_row(*(str(value) for value in row.values()))
    _out.print(table)
