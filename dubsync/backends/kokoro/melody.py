"""The melody of a line: at its speaker's pitch and range, and rising at the end of a question where the actor's does.

The model itself hardly raises its voice for a question mark.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import features

Array = NDArray[np.float32]

FRAMES_PER_SECOND = 80
"""The model's values of F0."""
RISES_FROM, RISES_TO = 1.0, 5.0
"""Semitones over the line's middle pitch: a smaller rise is none, and no voice is taken higher."""
_END_S, _LED_S = 0.12, 0.35
"""The end that is heard in the original, and the time in which the dub rises to it."""
_LEAST_VOICED = 20
"""Hundredths of a second with a pitch: of less, nothing is claimed."""


def moved(pitch: Array, curve: Array) -> Array:
    """Move log pitch from the model's mean to the speaker's and widen its range. `curve`: (from, to, range), ln Hz."""
    source, target, spread = (float(value) for value in curve)
    return np.where(_voiced(pitch), _bounded((np.log(np.maximum(pitch, 1)) - source) * spread + target), pitch)


def rise(samples: Array, sample_rate: int) -> float:
    """Return how many semitones over its middle a line ends, at most `RISES_TO`; 0 where it does not rise."""
    pitch = features.pitch(features.trim_silence(samples, sample_rate), sample_rate)
    heard = np.log2(pitch[pitch > 0])
    last = round(100 * _END_S)
    if len(heard) < _LEAST_VOICED:
        return 0.0
    semitones = 12 * float(np.median(heard[-last:]) - np.median(heard[:-last]))
    return min(semitones, RISES_TO) if semitones >= RISES_FROM else 0.0


def risen(pitch: Array, semitones: float) -> Array:
    """Return F0 (..., n) that climbs in its last third of a second to so many semitones over its middle."""
    voiced = np.flatnonzero(_voiced(pitch.ravel()))
    if semitones <= 0 or len(voiced) == 0:
        return pitch
    logarithms = np.log(np.maximum(pitch, 1))
    goal = float(np.median(logarithms.ravel()[voiced])) + semitones * np.log(2) / 12
    share = np.clip((np.arange(pitch.size) - voiced[-1]) / (_LED_S * FRAMES_PER_SECOND) + 1, 0, 1)
    climbing = (1 - share) * logarithms + share * np.maximum(goal, logarithms)
    return np.where(_voiced(pitch), _bounded(climbing), pitch)


def is_question(text: str) -> bool:
    """Tell whether a text ends in a question mark.

    >>> is_question("¿Vienes?"), is_question('Dijo: "¿Vienes?"'), is_question("¿Vienes? Bien.")
    (True, True, False)
    """
    return text.rstrip(" \u00a0\u202f\"'”»)!…").endswith("?")


def _voiced(pitch: Array) -> NDArray[np.bool_]:
    return pitch > 40


def _bounded(logarithms: NDArray[Any]) -> Array:
    return np.asarray(np.clip(np.exp(logarithms), 50, 500), np.float32)
