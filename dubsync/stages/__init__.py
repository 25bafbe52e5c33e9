"""The stages, one file each, named after what they make. Loaded by name, one at a time."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path

from dubsync.engine.plan import Expansion
from dubsync.engine.stage import Axis, Stage

EXPANSIONS = {
    Axis.SHOT: Expansion("shots", "shots"),
    Axis.TAKE: Expansion("shots", "shots"),
    Axis.LINE: Expansion("script", "lines"),
}
"""What names the units of an axis; the other axes have one unit per title or language."""


@cache
def names() -> tuple[str, ...]:
    """Return the name of every stage."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py")))


def load(name: str) -> Stage:
    """Return the stage of this name."""
    stage = getattr(import_module(f"dubsync.stages.{name}"), name)
    assert isinstance(stage, Stage), f"stages/{name}.py does not declare a stage {name}"
    return stage
