"""Backends by name, through the entry-point group `dubsync.backends`: ours and other people's by the same door.

Listing reads names only. What a backend can do is asked of its class; its engine is opened when a unit runs.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from dubsync.backends.protocols import Capabilities
from dubsync.engine.plan import Engine
from dubsync.errors import MissingExtra, UnknownBackend

GROUP = "dubsync.backends"


@cache
def _points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def names() -> tuple[str, ...]:
    """Return the name of every installed backend, without importing one."""
    return tuple(sorted(_points()))


def _class(name: str) -> Any:
    try:
        point = _points()[name]
    except KeyError:
        raise UnknownBackend(f'unknown backend "{name}"', hint=f"known: {', '.join(names())}") from None
    try:
        return point.load()
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"{name} needs the package {error.name}, which is not installed", hint=f"pip install {error.name}"
        ) from error


def capabilities(name: str) -> Capabilities:
    """Return what a backend says of itself."""
    found: Capabilities = _class(name).capabilities
    return found


def identity(name: str) -> dict[str, Any]:
    """Return what makes results of this backend repeatable: its version and the digests of its weights."""
    from dubsync import weights

    facts = capabilities(name)
    return {"version": facts.version, "weights": {each: weights.digest(each) for each in facts.weights}}


def check(name: str) -> None:
    """Raise MissingExtra when a backend lacks what it runs in; one that cannot tell is taken to be complete."""
    checked = getattr(_class(name), "check", None)
    if checked is not None:
        checked()


def open_engine(engine: Engine) -> Any:
    """Open the backend; this loads its weights. DUBSYNC_OFFLINE keeps it from fetching them."""
    from dubsync import weights

    facts = capabilities(engine.name)
    is_allowed = not facts.commercial_use  # the pipeline that names such an engine has allowed it
    for each in facts.weights:
        weights.resolve(each, offline=bool(os.environ.get("DUBSYNC_OFFLINE")), allow_non_commercial=is_allowed)
    fallback = {"fallback": open_engine(engine.fallback)} if engine.fallback else {}
    return _class(engine.name)(**engine.options, **fallback)
