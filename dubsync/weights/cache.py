"""The weights cache: one folder per entry and version, which appears whole or not at all.

    <cache>/weights/<name>-<digest>/        the files, and what was derived from them
                                manifest.json     name, size and SHA-256 of every file, derived ones included
                                checked.json      size and modification time of each file when its hash was last right

A file whose size and time are as they were when it was last hashed is taken as right; `verify` hashes all.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from dubsync.documents import write_whole
from dubsync.errors import ChecksumMismatch
from dubsync.weights.prepare import PREPARATIONS
from dubsync.weights.registry import Entry, File, shipped_folder

MANIFEST = "manifest.json"
CHECKED = "checked.json"
Provide = Callable[[File, IO[bytes]], None]
"""Writes the bytes of a file of the entry to a stream."""


def cache_folder() -> Path:
    """Return $DUBSYNC_CACHE, else $XDG_CACHE_HOME/dubsync, else ~/.cache/dubsync."""
    if chosen := os.environ.get("DUBSYNC_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "dubsync"


def weights_folder() -> Path:
    """Return the folder that entries are kept in, made when absent."""
    folder = cache_folder() / "weights"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def entry_folder(entry: Entry) -> Path:
    """Return where this version of the entry is, or would be."""
    return shipped_folder(entry) if entry.shipped else cache_folder() / "weights" / f"{entry.name}-{entry.digest[:12]}"


def is_present(entry: Entry) -> bool:
    """Tell whether the entry is there; says nothing of its bytes."""
    return (entry_folder(entry) / MANIFEST).is_file() or (entry.shipped and entry_folder(entry).is_dir())


@contextmanager
def lock(name: str) -> Iterator[None]:
    """Hold the entry against other processes; the operating system lets go when this one dies."""
    with (weights_folder() / f".{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def install(entry: Entry, provide: Provide) -> Path:
    """Take every file from `provide`, check it, derive what is to be derived, and put the folder in place."""
    stage = Path(tempfile.mkdtemp(dir=weights_folder(), prefix=f".{entry.name}-"))
    stage.chmod(0o755)
    try:
        for file in entry.files:
            _take(file, stage / file.name, provide, entry.name)
        derived = _derive(entry, stage)
        files = {file.name: [file.size, file.sha256] for file in entry.files} | derived
        manifest = {"entry": entry.name, "files": files}
        write_whole(stage / MANIFEST, json.dumps(manifest, indent=1).encode())
        target = entry_folder(entry)
        if target.exists():
            shutil.rmtree(target)
        stage.replace(target)
        _sync_folder(target.parent)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return target


def elsewhere(entry: Entry, file: File) -> Path | None:
    """Return the same file in another version of the entry, whose hash is right: it need not travel again."""
    for folder in sorted(weights_folder().glob(f"{entry.name}-????????????")):
        path = folder / file.name
        if path.is_file() and path.stat().st_size == file.size and sha256(path) == file.sha256:
            return path
    return None


def _take(file: File, path: Path, provide: Provide, name: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w+b") as out:
        provide(file, out)
        out.flush()
        os.fsync(out.fileno())
    hint = "what was fetched is not what is on record; nothing was kept"
    _check(path, file.size, file.sha256, where=f"{name}/{file.name}", hint=hint)


def _derive(entry: Entry, stage: Path) -> dict[str, list[Any]]:
    """Run the entry's preparation and move what it made beside the files; return its part of the manifest."""
    if entry.prepare is None:
        return {}
    out = stage / ".derived"
    out.mkdir()
    PREPARATIONS[entry.prepare].load()(stage, out)
    derived = {}
    for path in sorted(out.rglob("*")):
        if path.is_file():
            name = path.relative_to(out).as_posix()
            derived[name] = [path.stat().st_size, sha256(path)]
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            path.replace(stage / name)
    shutil.rmtree(out)
    return derived


def check(entry: Entry, *, thorough: bool) -> None:
    """Raise ChecksumMismatch when a file is not as promised; `thorough` hashes also what looks unchanged."""
    folder = entry_folder(entry)
    seen = {} if thorough else _read_json(folder / CHECKED)
    now: dict[str, list[int]] = {}
    hint = f"run `dubsync models pull {entry.name}` to fetch it again"
    if entry.shipped:
        hint = "restore the file from the repository"
    if thorough and not entry.shipped:
        with suppress(OSError):
            (folder / CHECKED).unlink(missing_ok=True)  # what is found damaged now must not be taken as right later
    for name, (size, digest) in _promised(entry, folder).items():
        path = folder / name
        now[name] = _stamp(path)
        if now[name] != seen.get(name):
            _check(path, size, digest, where=str(path), hint=hint)
    if now != seen and not entry.shipped:
        with suppress(OSError):  # a shared cache may be read-only: then it is hashed each time
            write_whole(folder / CHECKED, json.dumps(now).encode())


def _promised(entry: Entry, folder: Path) -> dict[str, list[Any]]:
    """Return name to [size, sha256]: the registry's word for its files, the manifest's for derived ones."""
    manifest = {} if entry.shipped else _read_json(folder / MANIFEST).get("files", {})
    return {**manifest, **{file.name: [file.size, file.sha256] for file in entry.files}}


def _check(path: Path, size: int, digest: str, *, where: str, hint: str) -> None:
    actual_size = path.stat().st_size if path.is_file() else None
    if actual_size is None:
        raise ChecksumMismatch(f"{where}: the file is gone", hint=hint)
    if actual_size != size:
        raise ChecksumMismatch(f"{where}: {actual_size} bytes, expected {size}", hint=hint)
    if (actual := sha256(path)) != digest:
        raise ChecksumMismatch(f"{where}: SHA-256 is {actual}, expected {digest}", hint=hint)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stamp(path: Path) -> list[int]:
    try:
        stat = path.stat()
    except OSError:
        return []
    return [stat.st_size, stat.st_mtime_ns]


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
