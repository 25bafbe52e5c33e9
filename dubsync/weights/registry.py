"""models/registry.toml as nouns: which weights there are, their files and SHA-256, their licence, where they come from.

Nothing here touches the network or the cache. A person's own weights (`dubsync models add`) are
further tables of the same form.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from dubsync import resources
from dubsync.errors import UsageError
from dubsync.weights.prepare import PREPARATIONS

SCHEMA = "dubsync.weights/1"
Source = tuple[str, ...]
"""One way to get a file: places whose bytes are joined in order; nearly always one."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of an entry, as it must be on disk. `size`: bytes. `sources`: tried in order."""

    name: str
    size: int
    sha256: str
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """Weights under one name. `download`: bytes that travel. `shipped`: they lie in models/weights.

    `optional`: no pipeline that comes with dubsync needs them, so `models pull` leaves them out unless they are named.
    """

    name: str
    summary: str
    upstream: str
    licence: str
    commercial_use: bool
    files: tuple[File, ...]
    download: int = 0
    prepare: str | None = None
    shipped: bool = False
    optional: bool = False
    card: str | None = None

    @property
    def digest(self) -> str:
        """Return what identifies these weights, derived files included, without reading any of them."""
        facts = {
            "files": sorted((file.name, file.sha256) for file in self.files),
            "prepare": [self.prepare, PREPARATIONS[self.prepare].version] if self.prepare else None,
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    @property
    def size(self) -> int:
        """Return the bytes of the files on disk, without derived ones."""
        return sum(file.size for file in self.files)


_REQUIRED = {"summary", "upstream", "licence", "commercial_use", "files"}
_ENTRY_KEYS = _REQUIRED | {"download", "sources", "prepare", "shipped", "optional", "card"}
_FILE_KEYS = {"name", "size", "sha256", "sources"}


def registry_file() -> Path:
    """Return the registry that comes with dubsync."""
    return resources.folder("models") / "registry.toml"


def shipped_folder(entry: Entry) -> Path:
    """Return where a shipped entry's files lie."""
    return resources.folder("models") / "weights" / entry.name


def load(path: Path) -> dict[str, Entry]:
    """Read a registry; unknown keys, names that leave their folder and odd checksums are errors."""
    stat = path.stat()
    return dict(_load(path, stat.st_mtime_ns, stat.st_size))


@cache
def _load(path: Path, _changed: int, _size: int) -> Mapping[str, Entry]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not TOML: {error}") from error
    if (schema := tables.pop("schema", None)) != SCHEMA:
        raise UsageError(f"{path}: schema is {schema!r}, expected {SCHEMA!r}", hint="update dubsync, or the file")
    return {name: _entry(name, table, where=f"{path.name}: {name}") for name, table in tables.items()}


def _entry(name: str, table: Mapping[str, Any], *, where: str) -> Entry:
    _check_keys(table, _ENTRY_KEYS, required=_REQUIRED, where=where)
    prepare = table.get("prepare")
    if prepare is not None and prepare not in PREPARATIONS:
        raise UsageError(f"{where}: unknown preparation {prepare!r}", hint=f"known: {', '.join(sorted(PREPARATIONS))}")
    is_shipped = bool(table.get("shipped", False))
    common = table.get("sources", [])
    files = tuple(_file(row, common, where=where) for row in table["files"])
    facts = {key: table[key] for key in ("summary", "upstream", "licence", "commercial_use")}
    facts |= {"download": table.get("download", 0), "card": table.get("card")}
    is_optional = bool(table.get("optional", False))
    return Entry(name, files=files, prepare=prepare, shipped=is_shipped, optional=is_optional, **facts)


def _file(row: Mapping[str, Any], common: list[Any], *, where: str) -> File:
    _check_keys(row, _FILE_KEYS, required={"name", "size", "sha256"}, where=where)
    name, sha256 = str(row["name"]), str(row["sha256"])
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or not path.parts:
        raise UsageError(f"{where}: {name!r} is not a name inside the entry's folder")
    if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
        raise UsageError(f"{where}: {name}: sha256 is not 64 hexadecimal digits")
    sources = tuple(_source(source, name) for source in row.get("sources", common))
    return File(name, int(row["size"]), sha256, sources)


def _source(source: str | list[str], name: str) -> Source:
    parts = [source] if isinstance(source, str) else source
    return tuple(part.replace("{name}", name) for part in parts)


def _check_keys(table: Mapping[str, Any], known: set[str], *, required: set[str], where: str) -> None:
    if unknown := sorted(set(table) - known):
        raise UsageError(f"{where}: unknown key {unknown[0]!r}", hint=f"known keys: {', '.join(sorted(known))}")
    if missing := sorted(required - set(table)):
        raise UsageError(f"{where}: {missing[0]!r} is missing")
