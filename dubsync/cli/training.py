"""`dubsync train`: weights from a recipe; killed, it goes on where it was."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from dubsync.errors import InputError, UsageError

_out = Console()


def mount(app: typer.Typer) -> None:
    """Add this family's verbs."""
    app.command()(train)


def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe from models/recipes.")],
    *,
    corpus: Annotated[Path, typer.Option(help="The folder with what the recipe learns from.")],
    run: Annotated[Path, typer.Option(help="Where state and result go; the same folder goes on.")],
    threads: Annotated[int, typer.Option(help="Processors to use.", min=1)] = 1,
) -> None:
    """Train weights as a recipe says; the same recipe, data and seed give the same weights on a CPU."""
    kind = _kind(recipe)
    if kind == "mt.marian":
        from dubsync.text.marian.train import train as train_translator

        _out.print(str(train_translator(recipe, corpus=corpus, run=run, threads=threads)), highlight=False)
        return
    if kind in ("mouth.articulation", "mouth.painter"):
        from dubsync.backends.mouth_recipes import train as train_mouth

        _out.print(str(train_mouth(recipe, corpus=corpus, run=run, threads=threads)), highlight=False)
        return
    raise UsageError(
        f'{recipe.name}: nothing trains "{kind}"', hint="known kinds: mt.marian, mouth.articulation, mouth.painter"
    )


def _kind(recipe: Path) -> str:
    try:
        return str(tomllib.loads(recipe.read_text(encoding="utf-8")).get("kind", ""))
    except OSError as error:
        raise InputError(f"{recipe}: cannot be read: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{recipe.name} is not TOML: {error}") from error
