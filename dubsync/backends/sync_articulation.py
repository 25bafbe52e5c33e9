"""sync.articulation: a mouth is held against what the model that drives mouths expects of the sound.

Opening, width and jaw expected are correlated with those seen. Stretches of 20 real clips by speakers the weights were
not taught with (version 0.2.0), decided by `stages/_owners.py`, in shares of about 375 draws a length:

    seconds                                        1     1.5    2     3     6
    alone, its own speech: tied                   .72   .90   .94   .98   .99
    alone, another's speech: tied (wrong)         .10   .12   .09   .08   .03
    two mouths that move: the right one is tied   .52   .78   .90   .96   .98
    two mouths that move: the wrong one is tied   .005  .005  .003  .005  0

The judge that reports use (`mouth/sync.py`) is independent of this model but knows less: of two mouths over 3 s it
prefers the right one in 95 of 100 cases, this one in 99.
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

    capabilities = Capabilities(name="sync.articulation", version="2", weights=WEIGHTS)

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
