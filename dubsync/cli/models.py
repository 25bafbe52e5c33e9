"""`dubsync models`: which weights there are, and how they get here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Table

from dubsync import weights
from dubsync.errors import ChecksumMismatch, InputError, MissingWeights, UsageError
from dubsync.weights import carry

models_app = typer.Typer(help="Weights: list, fetch, verify, carry, bring your own.", no_args_is_help=True)
_out = Console()
_progress = Console(stderr=True)

Names = Annotated[list[str] | None, typer.Argument(help="Names from `dubsync models list`; none means the usual ones.")]


@models_app.command("list")
def list_(*, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """List the weights that dubsync knows, and whether they are here."""
    known = weights.entries()
    if as_json:
        print(json.dumps({name: _facts(entry) for name, entry in known.items()}))
        return
    table = Table("name", "here", "size", "licence", "what", box=None, pad_edge=False)
    for name, entry in known.items():
        size = f"{entry.size / 1e6:.1f} MB"
        licence = entry.licence if entry.commercial_use else f"{entry.licence} (no commercial use)"
        table.add_row(name, "yes" if weights.is_present(name) else "no", size, licence, entry.summary)
    _out.print(table)


def _facts(entry: weights.Entry) -> dict[str, object]:
    facts = {key: getattr(entry, key) for key in ("summary", "upstream", "licence", "commercial_use", "size", "digest")}
    return {**facts, "present": weights.is_present(entry.name)}


@models_app.command()
def pull(
    names: Names = None,
    *,
    offline: Annotated[bool, typer.Option(help="Only check what is here; never open a connection.")] = False,
) -> None:
    """Fetch weights that are absent or damaged."""
    chosen = names or weights.usual()
    with _bars() as report:
        weights.pull(chosen, report, offline=offline)
    _out.print(f"{len(chosen)} entries are in place.")


@contextmanager
def _bars() -> Iterator[weights.Progress]:
    columns = (TextColumn("{task.description:18}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=_progress) as bars:

        def report(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
                if not bars.console.is_terminal:
                    bars.console.print(f"fetching {name} ({total / 1e6:.0f} MB)")
            bars.update(tasks[name], completed=done)

        yield report


@models_app.command()
def verify(names: Names = None) -> None:
    """Hash every file of the weights that are here; exit 6 when one is damaged."""
    damaged: list[ChecksumMismatch] = []
    for name in names or weights.entries():
        try:
            weights.verify(name)
            print(f"{name}: ok")
        except MissingWeights:
            if names:
                raise
            print(f"{name}: not here")
        except ChecksumMismatch as error:
            print(f"{name}: damaged: {error.message}")
            damaged.append(error)
    if damaged:
        raise damaged[0]


@models_app.command()
def pack(file: Annotated[Path, typer.Argument(help="The tar file to write.")], names: Names = None) -> None:
    """Put fetched weights into one file, to carry to a machine without network."""
    chosen = names or [name for name in weights.entries() if weights.is_present(name)]
    carry.pack(file, chosen, progress=lambda name: print(f"packing {name}"))
    print(f"{file}: {len(chosen)} entries, {file.stat().st_size / 1e6:.1f} MB")


@models_app.command()
def unpack(file: Annotated[Path, typer.Argument(help="A file made by `dubsync models pack`.")]) -> None:
    """Put packed weights into the cache; every file is checked against the registry."""
    names = carry.unpack(file, progress=lambda name: print(f"unpacking {name}"))
    print(f"{len(names)} entries are in place.")


@models_app.command()
def add(
    name: Annotated[str, typer.Argument(help="A new name for the checkpoint.")],
    files: Annotated[list[Path], typer.Argument(help="Its files; PyTorch checkpoints become safetensors.")],
    *,
    licence: Annotated[str | None, typer.Option(help="Its licence, an SPDX name where there is one.")] = None,
    commercial_use: Annotated[
        bool | None, typer.Option("--commercial-use/--no-commercial-use", help="Whether its licence allows it.")
    ] = None,
    summary: Annotated[str, typer.Option(help="What it is.")] = "added by hand",
) -> None:
    """Bring a checkpoint of your own; of `wav2lip` the licence is known, and the tensors are checked."""
    if name == "wav2lip":
        licence, commercial_use = _wav2lip(files, licence, commercial_use=commercial_use)
    if licence is None or commercial_use is None:
        raise UsageError(
            "a checkpoint is added with its rights", hint="say --licence and --commercial-use or --no-commercial-use"
        )
    entry = carry.add(files, carry.Brought(name, licence, commercial_use, summary))
    print(f"{entry.name}: {len(entry.files)} files, {entry.size / 1e6:.1f} MB")


def _wav2lip(files: list[Path], licence: str | None, *, commercial_use: bool | None) -> tuple[str, bool]:
    """Check that the files hold that generator, names and shapes; return its licence and that it forbids commerce."""
    from dubsync.mouth import wav2lip

    if commercial_use:
        raise UsageError("the Wav2Lip checkpoints may not be used commercially", hint="leave out --commercial-use")
    for file in files:
        if not file.is_file():
            raise InputError(f"{file}: no such file")
        wav2lip.load(file)
    return licence or "non-commercial (Wav2Lip)", False
