"""What a stage is: a pure function from the products of earlier stages to one product.

    @stage(over=Axis.SHOT, needs=("source", "shots"), params=FacesParams, version=3)
    def faces(unit: Unit, made: Made, ctx: Context, params: FacesParams) -> dict[str, object]: ...

The function writes files into `ctx.out` and returns a small JSON-able value, kept as `product.json`. Which stages
run, in which order, with which parameters and backends is said by a pipeline file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from dubsync.errors import Flag


class Axis(StrEnum):
    """What a stage is repeated over."""

    TITLE = "title"
    SHOT = "shot"
    LANGUAGE = "language"
    LINE = "line"
    TAKE = "take"

    @property
    def is_per_language(self) -> bool:
        return self in (Axis.LANGUAGE, Axis.LINE, Axis.TAKE)


@dataclass(frozen=True, slots=True)
class Unit:
    """One piece of work. `key` is unique within the stage; `item` is the shot's or line's own JSON, None otherwise."""

    key: str
    language: str | None = None
    item: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Product:
    """What a unit made: a folder of files, and `value`, what the function returned."""

    stage: str
    unit: Unit
    folder: Path
    digest: str
    flags: tuple[Flag, ...] = ()

    @cached_property
    def value(self) -> Any:
        return json.loads((self.folder / "product.json").read_text(encoding="utf-8"))

    def file(self, name: str) -> Path:
        return self.folder / name


@runtime_checkable
class Checked(Protocol):
    """Parameters that name what may not be there: looked at before any work, not when their stage's turn comes."""

    def check(self) -> None:
        """Raise a UsageError if a run with them would fail."""


class Made:
    """The products of earlier stages that this unit may use: those its stage names in `needs`.

    A unit of a shot, take or line sees, of stages over the same axis, only the product of its own shot or line.
    """

    def __init__(self, products: Mapping[str, tuple[Product, ...]]) -> None:
        self._products = products

    def one(self, stage: str) -> Product:
        """Return the only product of `stage`."""
        (product,) = self._products[stage]
        return product

    def all(self, stage: str) -> tuple[Product, ...]:
        """Return every product of `stage`, in the order of its units."""
        return self._products[stage]

    def has(self, stage: str) -> bool:
        """Tell whether the pipeline holds this optional need."""
        return stage in self._products


@dataclass
class Context:
    """What a running unit may reach besides its inputs.

    `humans`: where people's files lie that are not in the title folder. `deliver_to`: the folder `--out` names.
    `make_room`: closes every engine, before work that takes much memory; those that are held on to stay.
    `capabilities`: what the chosen engine of each kind says of itself; reading it opens no engine.
    """

    out: Path
    film: Path
    folder: Path
    seed: int
    language: str | None = None
    backends: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    capabilities: Mapping[str, Any] = field(default_factory=dict)
    humans: Mapping[str, Path] = field(default_factory=dict)
    deliver_to: Path | None = None
    progress: Callable[[float], None] = lambda share: None
    make_room: Callable[[], None] = lambda: None
    flags: list[Flag] = field(default_factory=list)
    threads: int = 1

    def backend(self, kind: str) -> Any:
        """Return the warm engine of this kind ("voice", "face", ...) that the pipeline chose."""
        return self.backends[kind]()

    def flag(self, flag: Flag) -> None:
        """Say that the result is not as good as it should be."""
        self.flags.append(flag)

    def human(self, name: str) -> Path:
        """Return a file that people edit; only those the stage names in `reads`."""
        return self.humans.get(name, self.folder / name)


StageFunction = Callable[[Unit, Made, Context, Any], "Mapping[str, Any] | None"]


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage as it was declared.

    `optional`: needs that a pipeline may leave out. `reads`: people's files in the title folder, whose contents count
    as inputs ("{language}" and "{unit}" are filled in); `may_read`: the same, but the recipe does not mention one that
    is not there. "FILE.toml#TABLE" is one table of a file. `backends`: kinds of engine it uses. `always`: it is cheap
    and runs each time (what it reads may expire); an equal result still stops the wave.
    """

    name: str
    function: StageFunction
    over: Axis
    needs: tuple[str, ...]
    version: int
    params: type[Any] | None = None
    optional: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    may_read: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    always: bool = False


def stage(  # noqa: PLR0913 - a declaration: every field is named at the call
    *,
    over: Axis,
    version: int,
    needs: tuple[str, ...] = (),
    params: type[Any] | None = None,
    optional: tuple[str, ...] = (),
    reads: tuple[str, ...] = (),
    may_read: tuple[str, ...] = (),
    backends: tuple[str, ...] = (),
    always: bool = False,
) -> Callable[[StageFunction], Stage]:
    """Declare the decorated function a stage; it is named after its product, which is the function's name."""

    def declare(function: StageFunction) -> Stage:
        return Stage(
            name=function.__name__,
            function=function,
            over=over,
            needs=needs,
            version=version,
            params=params,
            optional=optional,
            reads=reads,
            may_read=may_read,
            backends=backends,
            always=always,
        )

    return declare
