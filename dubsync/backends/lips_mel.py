"""lips.mel: whether a mouth goes with a voice, judged by a model that moves no mouth of dubsync.

From log-mel energies alone, made on the same clean clips and spoken corpus as the articulation, which hears them too,
but without the recogniser's features: what drives a mouth must not be its own judge.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dubsync.backends.protocols import Capabilities, Samples
from dubsync.mouth import sync
from dubsync.mouth.hearing import at_times

MODEL = "articulation"
_USUAL, _SWING = 0.10, 0.06
"""An ordinary mouth's mean opening and its spread, in eye distances."""


class MelLips:
    """Measures how a mouth goes with its sound."""

    capabilities = Capabilities(name="lips.mel", version="1", weights=(MODEL,))

    def __init__(self, *, folder: Path | None = None) -> None:
        self._folder = folder

    @cached_property
    def _judge(self) -> sync.Judge:
        from dubsync.weights import resolve

        return sync.load_judge(self._folder or resolve(MODEL))

    def opening(self, speech: Samples, seconds: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the course of the lips' gap at each time within mono 16 kHz speech; its size means nothing."""
        expected = at_times(self._judge.expects(speech)[:, :1], seconds)[:, 0]
        return np.asarray(np.maximum(0, _USUAL + _SWING * expected), np.float32)

    def sync(self, landmarks: NDArray[np.float32], fps: float, speech: Samples) -> sync.Sync:
        """Return offset and confidence of a face (n, 468, 3) beside the sound from its first frame on."""
        return sync.score(landmarks, fps, speech, self._judge)
