"""`dubsync pipelines`, `backends` and `doctor`: what there is, and whether this machine is fit for it."""

from __future__ import annotations

import json
import platform
import shutil
import sys
from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dubsync.cli.inspect import AsJson

_out = Console()
pipelines_app = typer.Typer(help="Pipelines: list, show.", no_args_is_help=True)
backends_app = typer.Typer(help="Backends: list, show.", no_args_is_help=True)


def mount(app: typer.Typer) -> None:
    """Add this family's verbs."""
    app.add_typer(pipelines_app, name="pipelines")
    app.add_typer(backends_app, name="backends")
    app.command()(doctor)


@pipelines_app.command("list")
def list_pipelines() -> None:
    """List the pipelines that come with dubsync."""
    from dubsync import pipeline

    for name in pipeline.names():
        _out.print(f"{name:<12} {pipeline.load(name).about}", highlight=False)


@pipelines_app.command("show")
def show_pipeline(name: Annotated[str, typer.Argument(help="A name, or a .toml file.")]) -> None:
    """Show a pipeline's stages with their parameters, after defaults, and their engines."""
    from dubsync import pipeline

    chosen = pipeline.load(name)
    _out.print(chosen.about, highlight=False)
    for step in chosen.steps:
        engines = ", ".join(f"{engine.kind}: {engine.name}" for engine in step.engines)
        _out.print(f"[bold]{step.name}[/bold] over {step.stage.over} v{step.stage.version} {engines}", highlight=False)
        if step.params is not None:
            shown = {field: getattr(step.params, field) for field in step.params.__dataclass_fields__}
            _out.print("  " + ", ".join(f"{key} = {value!r}" for key, value in shown.items()), highlight=False)


@backends_app.command("list")
def list_backends() -> None:
    """List the installed backends."""
    from dubsync.backends import registry

    for name in registry.names():
        _out.print(name, highlight=False)


@backends_app.command("show")
def show_backend(name: Annotated[str, typer.Argument(help="A name from `dubsync backends list`.")]) -> None:
    """Show what a backend says of itself."""
    from dubsync.backends import registry

    facts = registry.capabilities(name)
    for field in facts.__dataclass_fields__:
        _out.print(f"{field:<15} {getattr(facts, field)}", highlight=False)


def doctor(*, as_json: AsJson = False) -> None:
    """Say whether this machine is fit: Python, packages, weights, room on disk, processors, GPU."""
    facts = _facts()
    if as_json:
        print(json.dumps(facts))
        return
    table = Table("what", "found", box=None, pad_edge=False)
    for key, value in facts.items():
        table.add_row(key, str(value))
    _out.print(table)
    if facts["weights missing"]:
        _out.print("fetch what is missing with `dubsync models pull`")


def _facts() -> dict[str, object]:
    from dubsync import weights
    from dubsync.verbs import slots_by_default
    from dubsync.weights.cache import cache_folder

    place = cache_folder()
    while not place.exists():
        place = place.parent
    usual = weights.usual()
    return {
        "dubsync": version("dubsync"),
        "python": sys.version.split()[0],
        "machine": platform.machine(),
        "processors": slots_by_default(),
        "gpu": _gpu(),
        **{package: version(package) for package in ("av", "torch", "onnxruntime", "faster-whisper")},
        "weights cache": str(cache_folder()),
        "room there": f"{shutil.disk_usage(place).free / 1e9:.1f} GB",
        "weights in place": sum(weights.is_present(name) for name in usual),
        "weights missing": ", ".join(name for name in usual if not weights.is_present(name)),
    }


def _gpu() -> str:
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none that torch can use"
