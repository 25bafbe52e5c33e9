"""sync.articulation: a mouth is held against what the model that drives mouths expects of the sound.

Opening, width and jaw expected are correlated with those seen; `stages/_owners.py` decides by what many stretches say
together. A second alone says little, three seconds nearly always enough. It is the model that moves the mouths, so
reports ask another, independent judge (`mouth/sync.py`), which knows less.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dubsync.backends.protocols import Capabilities, Samples
from dubsync.face import speaking
from dubsync.mouth import articulation, shape, sync
from dubsync.mouth.hearing import Ear

WEIGHTS = ("whisper-tiny-en", "articulation")
_MOVES = 0.01
"""What a mouth that moves scores at least, so that it is told from one at rest."""


class ArticulationScorer:
    """Scores faces by the articulation weights; a mouth at rest scores nothing."""

    capabilities = Capabilities(name="sync.articulation", version="3", weights=WEIGHTS)

    def __init__(self, *, threads: int = 1) -> None:
        self._threads = threads
        self._last: tuple[bytes, NDArray[np.float32]] = (b"", np.zeros((0, 3), np.float32))

    @cached_property
    def _ear(self) -> Ear:
        from dubsync.weights import resolve

        return Ear(resolve("whisper-tiny-en"), threads=self._threads)

    @cached_property
    def _model(self) -> articulation.Articulation:
        from dubsync.weights import resolve

        return articulation.load(resolve("articulation"))

    def score(self, landmarks: NDArray[np.float32], fps: float, speech: Samples) -> float:
        """Return 0 to 1 for a face in successive frames and the speech from the first of them on."""
        if not speaking.is_moving(landmarks):
            return 0.0
        times = np.arange(len(landmarks)) / fps
        return max(_MOVES, sync.fit(landmarks, times, self._expected(speech)))

    def _expected(self, speech: Samples) -> NDArray[np.float32]:
        """Return (n, 3) opening, width and jaw, 50 a second; faces seen together are held against one hearing."""
        content = np.ascontiguousarray(speech).tobytes()
        if self._last[0] != content:
            heard = self._model.coefficients(self._ear.hear(speech))
            self._last = content, shape.measures(self._model.decode(heard, self._model.mean_shape))
        return self._last[1]
