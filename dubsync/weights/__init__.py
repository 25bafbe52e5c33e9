"""Weights by name: `resolve("kokoro")` is a folder whose files are those on record, fetched when they are not here yet.

resolve   a folder to load from              pull      fetch beforehand, with progress
verify    hash everything again              pack, unpack    carry weights to a machine without network
add       bring your own checkpoint          entries, digest   what there is, without touching the files
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

from dubsync.errors import ChecksumMismatch, MissingWeights, UsageError
from dubsync.weights import cache, registry
from dubsync.weights.registry import Entry, File
from dubsync.weights.sources import Carriers

__all__ = [
    "Entry",
    "File",
    "Progress",
    "digest",
    "entries",
    "entry",
    "is_present",
    "pull",
    "resolve",
    "usual",
    "verify",
]

Progress = Callable[[str, int, int], None]
"""Called with an entry's name, the bytes that have travelled and the bytes that will."""


def entries() -> dict[str, Entry]:
    """Return all weights by name: those of the registry and those a person added."""
    known = registry.load(registry.registry_file())
    added = cache.cache_folder() / "added.toml"
    return {**(registry.load(added) if added.is_file() else {}), **known}


def entry(name: str) -> Entry:
    """Return one entry; an unknown name is an error that says what there is."""
    known = entries()
    if name not in known:
        raise UsageError(f"no weights are called {name!r}", hint=f"known: {', '.join(sorted(known))}")
    return known[name]


def digest(name: str) -> str:
    """Return what identifies the entry's bytes, derived files included, without reading them."""
    return entry(name).digest


def is_present(name: str) -> bool:
    """Tell whether the entry is in the cache (or ships with dubsync)."""
    return cache.is_present(entry(name))


def resolve(name: str, *, offline: bool = False, allow_non_commercial: bool = False) -> Path:
    """Return the folder with the entry's files, fetching them first when they are not in the cache.

    `offline`, or DUBSYNC_OFFLINE=1, never opens a socket. Weights without commercial use need `allow_non_commercial`.
    Raises MissingWeights, ChecksumMismatch.
    """
    wanted = entry(name)
    _check_licence(wanted, allow_non_commercial=allow_non_commercial)
    if not cache.is_present(wanted):
        pull([name], offline=offline)
    cache.check(wanted, thorough=False)
    return cache.entry_folder(wanted)


def pull(names: Iterable[str], progress: Progress = lambda name, done, total: None, *, offline: bool = False) -> None:
    """Fetch what is absent or damaged. An entry is fetched by one process, and appears whole or not at all."""
    wanted = [entry(name) for name in names]
    with Carriers(cache.weights_folder()) as carriers:
        for each in wanted:
            with cache.lock(each.name):
                if not _is_sound(each):
                    _fetch(each, carriers, progress, offline=offline or os.environ.get("DUBSYNC_OFFLINE") == "1")


def verify(name: str) -> None:
    """Hash every file of an entry; raise MissingWeights when it is not here, ChecksumMismatch when it is damaged."""
    wanted = entry(name)
    if not cache.is_present(wanted):
        raise MissingWeights(f"{name}: not in the cache", hint=f"run `dubsync models pull {name}`")
    cache.check(wanted, thorough=True)


def _is_sound(wanted: Entry) -> bool:
    if not cache.is_present(wanted):
        return False
    try:
        cache.check(wanted, thorough=False)
    except ChecksumMismatch:
        if wanted.shipped:
            raise
        return False
    return True


def _fetch(wanted: Entry, carriers: Carriers, progress: Progress, *, offline: bool) -> None:
    if wanted.shipped:
        raise MissingWeights(f"{wanted.name}: not where it should be", hint=_elsewhere(wanted))
    already = carriers.travelled
    total = wanted.download or wanted.size
    carriers.meter = lambda travelled: progress(wanted.name, min(travelled - already, total), total)
    cache.install(wanted, lambda file, out: _provide(wanted, file, out, None if offline else carriers))
    progress(wanted.name, total, total)


def _elsewhere(wanted: Entry) -> str:
    if wanted.shipped:
        return "it comes with dubsync: the installation is incomplete"
    return (
        f"where there is network run `dubsync models pull {wanted.name}` "
        f"and `dubsync models pack weights.tar {wanted.name}`, then here `dubsync models unpack weights.tar`"
    )


def _provide(wanted: Entry, file: File, out: IO[bytes], carriers: Carriers | None) -> None:
    """Write a file from another version of the entry, or from the first of its sources that can be reached."""
    if (known := cache.elsewhere(wanted, file)) is not None:
        with known.open("rb") as content:
            shutil.copyfileobj(content, out)
        return
    if carriers is None:
        raise MissingWeights(f"{wanted.name}: not in the cache, and --offline was asked for", hint=_elsewhere(wanted))
    failures: list[str] = []
    hint = ""
    for source in file.sources:
        out.seek(0)
        out.truncate()
        try:
            for place in source:
                carriers.copy(place, out)
        except (MissingWeights, OSError) as error:
            failures.append(str(error))
            hint = hint or getattr(error, "hint", "")
        else:
            return
    reasons = "; ".join(failures) or "the registry names no source"
    raise MissingWeights(f"{wanted.name}: {file.name} cannot be fetched: {reasons}", hint=hint or _elsewhere(wanted))


def _check_licence(wanted: Entry, *, allow_non_commercial: bool) -> None:
    if not wanted.commercial_use and not allow_non_commercial:
        raise UsageError(
            f"{wanted.name}: its licence ({wanted.licence}) forbids commercial use",
            hint="set `allow_non_commercial = true` in the pipeline when your use is not commercial",
        )


def usual() -> tuple[str, ...]:
    """Return the names of what the pipelines that come with dubsync need: all but the optional ones."""
    return tuple(name for name, each in entries().items() if not each.optional)
