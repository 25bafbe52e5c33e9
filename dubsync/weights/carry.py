"""Weights without a network: pack entries into a tar file, unpack it elsewhere, and add a checkpoint of your own.

A packed tar holds `<entry>/<file>` as fetched. Unpacking checks every file against the registry on this machine, so it
does not matter who carried it. What is derived is derived again here.
"""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from dubsync.documents import write_whole
from dubsync.errors import InputError, MissingWeights, UsageError
from dubsync.weights import cache, entries, entry, registry, verify
from dubsync.weights.registry import Entry, File

if TYPE_CHECKING:
    import torch

_FORMATS = {".safetensors", ".onnx", ".tflite", ".bin", ".npz", ".spm", ".json", ".txt", ".yml", ".toml", ".md"}
_PICKLES = {".pt", ".pth", ".ckpt"}


def pack(path: Path, names: Sequence[str], progress: Callable[[str], None] = lambda name: None) -> None:
    """Write the entries' files, verified first, into a tar file, which appears whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with tarfile.open(partial, "w") as archive:
            for name in names:
                progress(name)
                verify(name)
                wanted = entry(name)
                for file in wanted.files:
                    archive.add(cache.entry_folder(wanted) / file.name, arcname=f"{name}/{file.name}", recursive=False)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def unpack(path: Path, progress: Callable[[str], None] = lambda name: None) -> tuple[str, ...]:
    """Put the entries of a packed tar into the cache; return their names."""
    try:
        with tarfile.open(path) as archive:
            members = {member.name: member for member in archive.getmembers() if member.isfile()}
            names = tuple(dict.fromkeys(name.split("/", 1)[0] for name in members))
            for name in names:
                progress(name)
                wanted = entry(name)
                if wanted.shipped:
                    continue
                with cache.lock(name):
                    cache.install(wanted, _Packed(archive, members, name).provide)
            return names
    except (tarfile.TarError, OSError) as error:
        raise InputError(
            f"{path}: cannot be unpacked: {error}", hint="it should be made by `dubsync models pack`"
        ) from error


@dataclass(frozen=True, slots=True)
class _Packed:
    """One entry inside a packed tar."""

    archive: tarfile.TarFile
    members: Mapping[str, tarfile.TarInfo]
    name: str

    def provide(self, file: File, out: IO[bytes]) -> None:
        member = self.members.get(f"{self.name}/{file.name}")
        stream = self.archive.extractfile(member) if member else None
        if stream is None:
            hint = "pack the entry again with the same dubsync version"
            raise MissingWeights(f"the packed file holds no {self.name}/{file.name}", hint=hint)
        shutil.copyfileobj(stream, out)


@dataclass(frozen=True, slots=True)
class Brought:
    """What a person says of the checkpoint that they bring."""

    name: str
    licence: str
    commercial_use: bool
    summary: str = "added by hand"
    upstream: str = "brought by the user"


def add(files: Sequence[Path], brought: Brought) -> Entry:
    """Copy a checkpoint into the cache under a new name and put it on record (`<cache>/added.toml`).

    A PyTorch checkpoint is turned into safetensors here and now, reading tensors only; other pickles are refused.
    """
    if brought.name in entries():
        raise UsageError(f"weights called {brought.name!r} exist already", hint="choose another name")
    if not files:
        raise UsageError("no file was given to add")
    for path in files:
        _check_format(path)
    folder = cache.weights_folder() / f".adding-{brought.name}"
    folder.mkdir()
    try:
        copies = [_copy(path, folder) for path in files]
        rows = tuple(File(copy.name, copy.stat().st_size, cache.sha256(copy)) for copy in copies)
        made = Entry(brought.name, brought.summary, brought.upstream, brought.licence, brought.commercial_use, rows)
        cache.install(made, lambda file, out: _read(folder / file.name, out))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _record(made)
    return made


def _check_format(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.suffix not in _FORMATS | _PICKLES:
        known = " ".join(sorted(_FORMATS | _PICKLES))
        raise UsageError(f"{path.name}: not a format that weights are kept in", hint=f"known: {known}")


def _copy(path: Path, folder: Path) -> Path:
    if path.suffix not in _PICKLES:
        return Path(shutil.copy(path, folder / path.name))
    target = folder / f"{path.stem}.safetensors"
    _to_safetensors(path, target)
    return target


def _to_safetensors(path: Path, target: Path) -> None:
    import pickle

    import torch
    from safetensors.torch import save_file

    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError) as error:
        hint = "bring it as safetensors or ONNX"
        raise InputError(f"{path.name}: holds more than tensors, and is not opened", hint=hint) from error
    tensors = dict(_tensors(checkpoint))
    if not tensors:
        raise InputError(f"{path.name}: holds no tensors")
    save_file({name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}, str(target))


def _tensors(value: object, prefix: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    import torch

    if isinstance(value, torch.Tensor):
        yield prefix or "tensor", value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _tensors(item, f"{prefix}.{key}" if prefix else str(key))


def _read(path: Path, out: IO[bytes]) -> None:
    with path.open("rb") as file:
        shutil.copyfileobj(file, out)


def _record(made: Entry) -> None:
    import tomli_w

    path = cache.cache_folder() / "added.toml"
    known = registry.load(path) if path.is_file() else {}
    tables = {name: as_table(each) for name, each in {**known, made.name: made}.items()}
    write_whole(path, tomli_w.dumps({"schema": registry.SCHEMA, **tables}).encode())


def as_table(made: Entry) -> dict[str, object]:
    """Return the entry as a registry table."""
    return {
        "summary": made.summary,
        "upstream": made.upstream,
        "licence": made.licence,
        "commercial_use": made.commercial_use,
        "files": [{"name": file.name, "size": file.size, "sha256": file.sha256} for file in made.files],
    }
