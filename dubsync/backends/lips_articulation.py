"""lips.articulation: how far a mouth is open while it says this, by the model that also moves dubsync's mouths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dubsync.backends.protocols import Capabilities, Samples
from dubsync.mouth import articulation, hearing, shape

EAR, MODEL = "whisper-tiny-en", "articulation"


class ArticulationLips:
    """Says the opening of an average mouth; only its course counts, its size is every actor's own."""

    capabilities = Capabilities(name="lips.articulation", version="2", weights=(EAR, MODEL))

    def __init__(self, *, threads: int = 1, ear: Path | None = None, model: Path | None = None) -> None:
        from dubsync.weights import resolve

        self._ear = hearing.Ear(ear or resolve(EAR), threads=threads)
        self._model = articulation.load(model or resolve(MODEL))

    def opening(self, speech: Samples, seconds: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the gap between the lips at each time within mono 16 kHz speech, in eye distances."""
        features = self._ear.hear(speech)
        coefficients = self._model.coefficients(features)
        share = articulation.activity(speech, len(features))
        gap = shape.opening(self._model.decode(coefficients, self._model.mean_shape))
        rest = np.float32(shape.opening(self._model.mean_shape[None])[0] * 0.3)
        course = rest + share * (gap - rest)
        return np.asarray(hearing.at_times(course[:, None], seconds)[:, 0], np.float32)
