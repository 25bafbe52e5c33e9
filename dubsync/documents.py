"""Nouns to JSON and back. Fractions are written as "num/den"; unknown keys and wrong types are errors.

`to_json` and `from_json` work on plain values; `save` and `load` on files, which appear whole or not at all.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from enum import Enum
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

from dubsync import title
from dubsync.errors import InputError
from dubsync.timing import Span

T = TypeVar("T")


def to_json(value: Any) -> Any:
    """Return the plain JSON value of a noun."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    return value


@lru_cache(maxsize=64)
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter  # slow to import, and `import dubsync` must stay fast

    for noun in (Span, *(value for value in vars(title).values() if is_dataclass(value))):
        noun.__pydantic_config__ = {"extra": "forbid"}  # type: ignore[union-attr]
    return TypeAdapter(kind)


def from_json(kind: type[T], value: Any, *, where: str = "document") -> T:
    """Return the noun of type `kind` (a dataclass or tuple[noun, ...]) that a plain JSON value describes."""
    from pydantic import ValidationError

    try:
        result: T = _adapter(cast(Hashable, kind)).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"{where}: {place or 'value'}: {first['msg'].lower()}", hint="compare it with docs/products.md"
        ) from error
    return result


def load(kind: type[T], path: Path) -> T:
    """Read a noun from a JSON file."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name}: cannot be read as JSON: {error}") from error
    return from_json(kind, value, where=path.name)


def save(path: Path, value: Any) -> None:
    """Write a noun or plain value as JSON; the file appears whole or not at all."""
    write_whole(path, (json.dumps(to_json(value), ensure_ascii=False, indent=1) + "\n").encode())


def write_whole(path: Path, content: bytes) -> None:
    """Write bytes beside the target, flush them to disk, and rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with beside(path) as draft:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Yield an empty file in the same folder, to be written and renamed; what is not renamed is gone afterwards."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    draft.touch(exist_ok=False)  # not mkstemp, which would shut out everybody else from a folder that is shared
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)
