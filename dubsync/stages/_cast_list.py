"""casting.toml: what people decided about the speakers of a film, by the speaker's id or name.

[voices]
"Speaker 1" = "em_alex"
[address]
"Speaker 1" = "formal"        # or "informal": how others are addressed (usted or tú, vous or tu)
[gender]
"Speaker 1" = "female"        # or "male", "neutral"
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dubsync.errors import InputError
from dubsync.title import Casting, Speaker

FILE = "casting.toml"
VALUES: Mapping[str, tuple[str, ...]] = {
    "voices": (),
    "address": ("formal", "informal"),
    "gender": ("female", "male", "neutral"),
}
"""The tables, and what may be said in each; nothing: anything."""


def read(path: Path, people: Sequence[Speaker], *more: str) -> Casting:
    """Return what the file decides, by speaker id; nothing if there is no file. `more`: ids that are no people's.

    Raises:
        InputError: it is no TOML, or names a table, a person or a value that there is not.
    """
    if not path.exists():
        return Casting()
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{FILE}: not TOML: {error}") from error
    unknown = sorted(set(tables) - set(VALUES))
    if unknown:
        raise InputError(f"{FILE}: unknown table {unknown[0]!r}", hint=f"it holds {', '.join(VALUES)}")
    ids = {person.name: person.id for person in people} | {id_: id_ for id_ in (*(one.id for one in people), *more)}
    return Casting(**{name: _table(name, tables.get(name, {}), ids) for name in VALUES})


def _table(name: str, table: Any, ids: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    if not isinstance(table, dict):
        raise InputError(f"{FILE}: {name} is not a table", hint=f"write [{name}] and one row a speaker")
    for who, value in table.items():
        if who not in ids:
            raise InputError(f"{FILE}: nobody is called {who!r}", hint=f"the film has {', '.join(sorted(ids))}")
        if VALUES[name] and value not in VALUES[name]:
            raise InputError(f"{FILE}: {name} of {who!r} is {value!r}", hint=f"write {' or '.join(VALUES[name])}")
    return tuple((ids[who], str(value)) for who, value in table.items())
