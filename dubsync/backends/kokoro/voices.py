"""Kokoro's voices: as published, and as arrays that are kept for a speaker.

A Voice holds: `timbre` (rows, 128) and `prosody` (rows, 128), one row for each length in tokens, or one for all;
`pitch` (3,) mean log F0 as the model speaks, as it shall be, and the factor of its range; `eq` (bands,) dB; a fitted
voice also the `native` timbre of the language that it may be mixed with, and `shades` (sounds, bands) dB (shades.py).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dubsync.backends.kokoro.engine import PROSODY, TIMBRE
from dubsync.backends.kokoro.speech import CENTRES
from dubsync.errors import UsageError

Array = NDArray[np.float32]
LEFT_OUT = ("af_nicole", "am_santa", "em_santa", "pm_santa")
"""Whispering and acting voices: they can be cast by hand, but are never chosen as anybody's nearest."""


class Library:
    """The published voices in a folder of weights."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._folder = folder / "voices"

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(file.stem for file in self._folder.glob("*.bin")))

    def style(self, name: str) -> Array:
        """Return the styles of a voice, (510, 256)."""
        file = self._folder / f"{name}.bin"
        if not file.exists():
            raise UsageError(f"voice.kokoro has no voice {name!r}", hint="it has " + ", ".join(self.names()))
        return np.fromfile(file, "<f4").reshape(-1, 256).astype(np.float32)


def plain(timbre: Array, prosody: Array) -> dict[str, Array]:
    """Return a Voice of one voice's timbre and another's (or its own) prosody, pitch and spectrum left alone."""
    return {
        "timbre": timbre[:, TIMBRE].astype(np.float32),
        "prosody": prosody[:, PROSODY].astype(np.float32),
        "pitch": np.array([0.0, 0.0, 1.0], np.float32),
        "eq": np.zeros(len(CENTRES), np.float32),
    }
