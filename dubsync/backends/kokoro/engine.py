"""Kokoro's three graphs on onnxruntime: durations, encoding, sound. Arrays in, arrays out; no text, no speakers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.backends.kokoro import graphs

Array = NDArray[np.float32]

RATE = 24000
FRAME = 600
FRAMES_PER_SECOND = RATE // FRAME
TIMBRE, PROSODY = slice(0, 128), slice(128, 256)
_KEPT = 256
"""Lines of which it is known how long they naturally last."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text laid out in time. `text`: (1, 512, frames); `pitch` (Hz, 0 unvoiced) and `energy`: (1, 1, 2 frames)."""

    text: Array
    pitch: Array
    energy: Array


class Engine:
    """The loaded model. `style`: (256,) of which the first half is timbre, the second prosody."""

    def __init__(self, folder: Path, *, threads: int) -> None:
        self._folder, self._threads = folder, threads
        self._sessions: dict[str, Any] = {}
        self._known = lru_cache(_KEPT)(self._durations)

    def durations(self, ids: tuple[int, ...], style: Array) -> Array:
        """Return how many frames each token would naturally last, with the two framing tokens: (len(ids) + 2,).

        A line is asked for again and again while it is fitted and spoken, so answers are kept; they are read-only.
        """
        return self._known(ids, style.astype(np.float32).tobytes())

    def _durations(self, ids: tuple[int, ...], style: bytes) -> Array:
        (raw,) = self._session(graphs.DURATIONS).run(
            [graphs.RAW], {"tokens": _framed(ids), "style": np.frombuffer(style, np.float32).reshape(1, 256)}
        )
        durations = np.asarray(raw, np.float32).ravel()
        durations.flags.writeable = False
        return durations

    def encode(self, ids: tuple[int, ...], style: Array, raw: Array, frames: NDArray[np.int64]) -> Encoded:
        """Lay the tokens out so that each lasts `frames`; `raw` are the natural durations it was made from."""
        speed = (raw / frames).astype(np.float32)[None]
        text, pitch, energy = self._session(graphs.ENCODER).run(
            [graphs.TEXT, graphs.PITCH, graphs.ENERGY],
            {"tokens": _framed(ids), "style": style.reshape(1, 256), "speed": speed},
        )
        assert text.shape[-1] == frames.sum(), (text.shape, frames.sum())
        return Encoded(text, pitch.reshape(1, 1, -1), energy.reshape(1, 1, -1))

    def decode(self, encoded: Encoded, style: Array) -> Array:
        """Return the sound, (frames * 600,) at 24 kHz."""
        (sound,) = self._session(graphs.DECODER).run(
            [graphs.SOUND],
            {
                graphs.TEXT: encoded.text,
                graphs.PITCH: encoded.pitch,
                graphs.ENERGY: encoded.energy,
                "style": style.reshape(1, 256),
            },
        )
        return np.asarray(sound, np.float32).ravel()

    def rest(self) -> None:
        """Let go of what is loaded; it is loaded again when it is needed."""
        self._sessions.clear()

    def _session(self, name: str) -> Any:
        """Return the graph's session, loaded at first use."""
        if name not in self._sessions:
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = self._threads
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            self._sessions[name] = onnxruntime.InferenceSession(
                str(self._folder / name), options, providers=["CPUExecutionProvider"]
            )
        return self._sessions[name]


def _framed(ids: tuple[int, ...]) -> NDArray[np.int64]:
    return np.array([[0, *ids, 0]], np.int64)
