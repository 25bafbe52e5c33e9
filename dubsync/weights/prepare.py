"""Conversions that are made once, right after weights were fetched, by name.

The registry names a preparation, never an import path; which function that is stands here. A preparation reads the
entry's files in `source_dir` and writes derived files into the empty folder `out_dir`; the same files give the same
bytes. Raising the version makes every cache prepare anew.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Prepare = Callable[[Path, Path], None]


@dataclass(frozen=True, slots=True)
class Preparation:
    """A function `(source_dir, out_dir) -> None` as "module:name", imported when it is needed."""

    function: str
    version: int

    def load(self) -> Prepare:
        module, name = self.function.split(":")
        prepare: Prepare = getattr(importlib.import_module(module), name)
        return prepare


PREPARATIONS: dict[str, Preparation] = {
    "face-mesh": Preparation("dubsync.face.prepare:prepare", version=1),
    "face-recogniser": Preparation("dubsync.face.identity:prepare", version=1),
    "kokoro": Preparation("dubsync.backends.kokoro.graphs:prepare", version=2),
    "resemblyzer": Preparation("dubsync.backends.speaker_resemblyzer:prepare", version=1),
    "hunspell": Preparation("dubsync.text.hunspell:prepare", version=1),
    "spleeter": Preparation("dubsync.backends.stems_spleeter:prepare", version=1),
}
