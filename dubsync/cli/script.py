"""`dubsync script export|import|undo`: lines out to people, and people's work back in."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from dubsync import edits, folder, scripts
from dubsync.cli.inspect import AsJson, TitlePlace
from dubsync.cli.words import counted
from dubsync.documents import to_json
from dubsync.errors import UsageError
from dubsync.text.exchange import FORMATS
from dubsync.text.language import normal_tag

_out = Console()
script_app = typer.Typer(help="Scripts: export, import, undo an edit.", no_args_is_help=True)
Lang = Annotated[str, typer.Option("--lang", help="The language of the script.")]


def mount(app: typer.Typer) -> None:
    """Add this family's verbs."""
    app.add_typer(script_app, name="script")


@script_app.command("export")
def export(
    title: TitlePlace,
    *,
    lang: Lang,
    kind: Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")] = "srt",
    out: Annotated[Path | None, typer.Option(help="The file (default: TITLE.LANG.FORMAT here).")] = None,
) -> None:
    """Write a language's lines to a file that people and their tools can edit."""
    if kind not in FORMATS:
        raise UsageError(f'there is no script format "{kind}"', hint=f"known: {', '.join(FORMATS)}")
    known = folder.known_title(title)
    place = out or Path(f"{known.name}.{normal_tag(lang)}.{kind}")
    print(scripts.export_script(Path(known.folder), lang, kind, place))


@script_app.command("import")
def import_(
    title: TitlePlace,
    file: Annotated[Path, typer.Argument(help="The edited script; its ending says the format.")],
    *,
    lang: Lang,
    who: Annotated[
        str | None, typer.Option(help="Whose work it is (default: the name you are logged in with).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take an edited script in; the next `dubsync localize` re-makes only the lines that differ."""
    known = folder.known_title(title)
    report = scripts.import_script(Path(known.folder), lang, file, who=who or getpass.getuser())
    if as_json:
        print(json.dumps(to_json(report)))
        return
    _out.print(
        f"{counted(len(report.changed), 'line')} changed, {len(report.unchanged)} as they were, "
        f"{len(report.untouched)} not in the file, {report.pending} wait for the first run",
        highlight=False,
    )
    for entry in (*report.unplaced, *report.empty):
        why = "is empty: the line keeps its text" if entry in report.empty else "fits no line"
        _out.print(f"  {why}: {entry.id or ''} {entry.text}", highlight=False, markup=False)


@script_app.command("undo")
def undo(
    title: TitlePlace,
    edit: Annotated[str, typer.Argument(help="The edit's id, as edits/LANG.jsonl has it.")],
    *,
    lang: Lang,
    who: Annotated[str | None, typer.Option(help="Who undoes it.")] = None,
) -> None:
    """Take one edit back; the record of both stays."""
    known = folder.known_title(title)
    path = edits.path_of(Path(known.folder), normal_tag(lang))
    print(f"undone by {edits.undo(path, edit, who=who or getpass.getuser()).id}")
