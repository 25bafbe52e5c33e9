"""A voice bank: the voices of a series' people in one file, so that they sound the same in every reel and episode.

The file is a zip of arrays (npz, no pickles) with an index. A voice belongs to a person, a language and an engine.
Nothing here asks for consent, and nothing is written unless `save` is called.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dubsync.documents import write_whole
from dubsync.errors import InputError

NAME = "series.dubsync-voices"
SCHEMA = "dubsync.voices/1"
_INDEX = "index"
Voice = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Kept:
    """A voice in the bank. `engine`: name and version of what it belongs to. `title`: the film it was learnt from.

    `similarity`: as it was judged then.
    """

    person: str
    language: str
    engine: str
    title: str
    voice: Voice
    similarity: float | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.person, self.language, self.engine.partition(" ")[0])


def load(path: Path) -> tuple[Kept, ...]:
    """Return the voices of a bank; an absent one holds none.

    Raises InputError when the file is no bank.
    """
    if not path.is_file():
        return ()
    try:
        with np.load(path, allow_pickle=False) as arrays:
            index = json.loads(arrays[_INDEX].tobytes())
            if index["schema"] != SCHEMA:
                raise InputError(f"{path.name}: schema is {index['schema']!r}, expected {SCHEMA!r}")
            return tuple(_kept(row, number, arrays) for number, row in enumerate(index["voices"]))
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path.name}: is no voice bank: {error}", hint="`dubsync cast keep` makes one") from error


def _kept(row: Mapping[str, object], number: int, arrays: Mapping[str, NDArray[np.float32]]) -> Kept:
    voice = {name: arrays[f"{number}/{name}"] for name in row["arrays"]}  # type: ignore[attr-defined]
    facts = {key: str(row[key]) for key in ("person", "language", "engine", "title")}
    similarity = row["similarity"]
    return Kept(**facts, voice=voice, similarity=None if similarity is None else float(str(similarity)))


def save(path: Path, voices: Iterable[Kept]) -> None:
    """Write the bank; it appears whole or not at all."""
    ordered = sorted(voices, key=lambda kept: kept.key)
    rows = [
        {
            "person": kept.person,
            "language": kept.language,
            "engine": kept.engine,
            "title": kept.title,
            "similarity": kept.similarity,
            "arrays": sorted(kept.voice),
        }
        for kept in ordered
    ]
    index = json.dumps({"schema": SCHEMA, "voices": rows}, ensure_ascii=False).encode()
    arrays = {f"{number}/{name}": kept.voice[name] for number, kept in enumerate(ordered) for name in kept.voice}
    out = io.BytesIO()
    np.savez(out, **{_INDEX: np.frombuffer(index, np.uint8), **arrays})  # type: ignore[arg-type]
    write_whole(path, out.getvalue())


def find(voices: Iterable[Kept], person: str, language: str, engine: str) -> Kept | None:
    """Return a person's voice in a language for an engine, whatever the engine's version."""
    key = (person, language, engine.partition(" ")[0])
    return next((kept for kept in voices if kept.key == key), None)
