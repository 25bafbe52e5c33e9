"""The store: every product under the digest of what made it. A product appears whole or not at all.

    store/ab/abcd.../   manifest.json product.json and the product's files
    store/last/         for each unit the recipe of its newest product, to say what changed since
    store/tmp/          work in progress; emptied at the start of a run

A manifest lists each file with its SHA-256. A file whose size and time are not those the digest was last taken at is
hashed again before it is used, so a damaged product is found and made anew, never used.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dubsync.engine.stage import Product, Unit
from dubsync.errors import CorruptStore, Flag, Severity, UsageError

MANIFEST = "manifest.json"
_STAMPS = "stamps.json"


def canonical(value: object) -> bytes:
    """Return the one JSON spelling of a value: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest_of(value: object) -> str:
    """Return the SHA-256 of a JSON-able value."""
    return hashlib.sha256(canonical(value)).hexdigest()


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Store:
    """Products by fingerprint, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, fingerprint: str) -> Path:
        return self.folder / fingerprint[:2] / fingerprint

    def get(self, fingerprint: str, unit: Unit) -> Product | None:
        """Return the product, or None if there is none; a damaged one raises CorruptStore."""
        folder = self.path(fingerprint)
        if not (folder / MANIFEST).is_file():
            return None
        manifest = self._manifest(folder)
        self._check(folder, manifest)
        return Product(manifest["stage"], unit, folder, manifest["digest"], _flags(manifest))

    def _manifest(self, folder: Path) -> dict[str, Any]:
        try:
            manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            if digest_of(_content(manifest["files"], manifest["flags"])) == manifest["digest"]:
                return manifest
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _corrupt(folder, "its manifest cannot be read") from error
        raise _corrupt(folder, "its manifest does not match its digest")

    def _check(self, folder: Path, manifest: Mapping[str, Any], *, thorough: bool = False) -> None:
        """Hash each file whose size or time is not what it was when its digest was taken."""
        known = {} if thorough else _read_stamps(folder)
        stamps = {}
        for name, promised in manifest["files"].items():
            try:
                stamp = _stamp(folder / name)
            except OSError as error:
                raise _corrupt(folder, f"{name} is missing") from error
            if known.get(name) != stamp and sha256(folder / name) != promised:
                raise _corrupt(folder, f"{name} is not what was written")
            stamps[name] = stamp
        if stamps != known:
            with suppress(OSError):  # they only spare the next hashing, and a title that is archived cannot be written
                _write(folder / _STAMPS, canonical(stamps))

    def products(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (fingerprint, manifest) of every product."""
        for folder in sorted(self.folder.glob("[0-9a-f][0-9a-f]/*")):
            yield folder.name, self._manifest(folder)

    def verify(self) -> int:
        """Hash every file of every product; return how many there are, raise CorruptStore at the first bad one."""
        count = 0
        for fingerprint, manifest in self.products():
            self._check(self.path(fingerprint), manifest, thorough=True)
            count += 1
        return count

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """Give a fresh folder on the store's own file system; what is left of it afterwards is removed."""
        parent = self.folder / "tmp"
        parent.mkdir(parents=True, exist_ok=True)
        folder = parent / secrets.token_hex(8)
        folder.mkdir()  # not mkdtemp: whoever may read the title folder may read its products
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def commit(self, fingerprint: str, folder: Path, manifest: dict[str, Any]) -> str:
        """Move a finished folder into the store; return the digest of what it holds.

        `manifest` says stage, unit, recipe, seed, seconds and flags; files and digest are added here. Where two
        machines make one product, the first to come stays: others may have begun to use it. A damaged one does not.
        """
        files = {str(p.relative_to(folder)): sha256(p) for p in sorted(folder.rglob("*")) if p.is_file()}
        digest = digest_of(_content(files, manifest["flags"]))
        for name in files:
            _flush(folder / name)
        _write(folder / MANIFEST, canonical({**manifest, "files": files, "digest": digest}))
        target = self.path(fingerprint)
        target.parent.mkdir(parents=True, exist_ok=True)
        while not _moved(folder, target):
            known = self._sound(target)
            if known is not None:
                return known
            _put_aside(target, folder)
        _flush(target.parent)
        _write(target / _STAMPS, canonical({name: _stamp(target / name) for name in files}))
        return digest

    def _sound(self, folder: Path) -> str | None:
        """Return the digest of a product whose every file is as promised, None for a damaged one."""
        try:
            manifest = self._manifest(folder)
            self._check(folder, manifest, thorough=True)
        except CorruptStore:
            return None
        return str(manifest["digest"])

    def discard(self, fingerprint: str) -> None:
        """Remove a product."""
        shutil.rmtree(self.path(fingerprint), ignore_errors=True)

    def sweep(self) -> None:
        """Remove what killed runs left unfinished."""
        shutil.rmtree(self.folder / "tmp", ignore_errors=True)

    def last(self, stage: str, unit: Unit) -> dict[str, Any] | None:
        """Return the recipe of the unit's newest product."""
        path = self._last_path(stage, unit)
        if not path.is_file():
            return None
        try:
            recipe: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            return None  # only an aid for `plan --why`: a torn one is as good as none
        return recipe

    def newest(self, language: str) -> Iterator[Product]:
        """Yield the newest product of every unit of a language, those of units that are gone among them."""
        for path in sorted((self.folder / "last").glob(f"*/{language}.*.json")):
            unit = Unit(path.stem.partition(".")[2], language)
            last = self.last(path.parent.name, unit)
            product = self.get(last["fingerprint"], unit) if last else None
            if product is not None:
                yield product

    def remember(self, stage: str, unit: Unit, fingerprint: str, recipe: Mapping[str, Any]) -> None:
        """Keep the recipe of the unit's newest product."""
        path = self._last_path(stage, unit)
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, canonical({"fingerprint": fingerprint, "recipe": recipe}))

    def remembered(self) -> set[str]:
        """Return the fingerprints of every unit's newest product."""
        return {json.loads(path.read_text())["fingerprint"] for path in (self.folder / "last").glob("*/*.json")}

    def _last_path(self, stage: str, unit: Unit) -> Path:
        return self.folder / "last" / stage / f"{unit.language or 'title'}.{unit.key}.json"


def make_writable(folder: Path) -> None:
    """Make the folder, and find out now whether it can be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return
    except OSError as error:
        raise UsageError(
            f"cannot write to {folder}: {error.strerror or error}",
            hint="choose another place with --folder or --out, or free the disk",
        ) from error


def _content(files: Mapping[str, str], flags: object) -> dict[str, object]:
    return {"files": files, "flags": flags}


def _flags(manifest: Mapping[str, Any]) -> tuple[Flag, ...]:
    return tuple(Flag(**{**flag, "severity": Severity(flag["severity"])}) for flag in manifest["flags"])


def flags_json(flags: list[Flag]) -> list[dict[str, str]]:
    """Return flags as plain JSON."""
    return [{**asdict(flag), "severity": flag.severity.value} for flag in flags]


def _corrupt(folder: Path, what: str) -> CorruptStore:
    return CorruptStore(
        f"product {folder.name[:12]} is damaged: {what}", hint="run `dubsync localize` again: it is made anew"
    )


def _moved(folder: Path, target: Path) -> bool:
    """Rename a folder; return False where another stands already."""
    try:
        folder.rename(target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return False
    return True


def _put_aside(target: Path, work: Path) -> None:
    """Remove a damaged product in one step; another machine may have done so already."""
    aside = work.with_name(f"{work.name}.aside")
    with suppress(FileNotFoundError):
        target.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


def _stamp(path: Path) -> list[int]:
    facts = path.stat()
    return [facts.st_size, facts.st_mtime_ns, facts.st_ino]


def _read_stamps(folder: Path) -> dict[str, list[int]]:
    try:
        stamps: dict[str, list[int]] = json.loads((folder / _STAMPS).read_bytes())
    except (OSError, ValueError):
        return {}  # no stamps: every file is hashed
    return stamps


def _write(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{secrets.token_hex(8)}")
    with draft.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
