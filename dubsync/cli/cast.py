"""`dubsync cast keep|show|forget`: a series' voices in a bank, so that every episode has the same."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dubsync import casts
from dubsync.audio.bank import NAME
from dubsync.cli.inspect import AsJson, TitlePlace

_out = Console()
cast_app = typer.Typer(help="Voices of a series: keep, show, forget.", no_args_is_help=True)
Bank = Annotated[Path, typer.Option("--bank", help=f"The bank; one called {NAME} beside the films is found by itself.")]


@cast_app.command()
def keep(
    title: TitlePlace,
    *,
    lang: Annotated[str, typer.Option(help="The language of the cast.")],
    bank: Bank,
    speaker: Annotated[list[str] | None, typer.Option(help="Id or name; once for each (default: everybody).")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Put the voice in place of one that is kept.")] = False,
) -> None:
    """Keep the voices of a title for the next ones of the series."""
    report = casts.keep(title, lang, bank, speakers=speaker or [], replace=replace)
    for person in report.kept:
        print(f"{bank}: kept the voice of {person}")
    for person in report.there_already:
        print(f"{bank}: has a voice of {person} already; --replace puts this one in its place")


@cast_app.command()
def show(bank: Bank, *, as_json: AsJson = False) -> None:
    """Show whose voices a bank holds."""
    held = casts.show(bank)
    if as_json:
        print(casts.as_json(held))
        return
    table = Table("person", "language", "engine", "learnt from", "likeness", box=None, pad_edge=False)
    for kept in held:
        likeness = "" if kept.similarity is None else f"{kept.similarity:.2f}"
        table.add_row(kept.person, kept.language, kept.engine, kept.title, likeness)
    _out.print(table)


@cast_app.command()
def forget(person: Annotated[str, typer.Argument(help="The name as `cast show` has it.")], *, bank: Bank) -> None:
    """Erase a person's voices from a bank. What films were made with stays in their title folders."""
    print(f"{bank}: erased {casts.forget(bank, person)} voices of {person}")
