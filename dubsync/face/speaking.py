"""Does this mouth move with this sound? A measure from landmarks and loudness alone.

It tells a mouth that moves from one that rests, and among several the one that moves with the voice, when the
difference is plain. Rhythm alone is a weak witness (matched pairs correlate 0.1 to 0.6, others reach 0.4), so the
amount of movement counts as much, and callers must demand a clear lead.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dubsync.face.geometry import Landmarks, mouth_opening

RESTING = 0.012
"""Standard deviation of the lip opening, in eye distances, below which a mouth does not speak (jitter is 0.005)."""
_LIVELY = 0.06
_LAGS_S = 0.2


def movement(landmarks: Landmarks) -> float:
    """Return how much the lips open and close: the standard deviation of their gap in eye distances."""
    opening = mouth_opening(landmarks)
    return float(np.std(opening)) if len(opening) > 1 else 0.0


def rhythm(landmarks: Landmarks, fps: float, speech: NDArray[np.float32], *, sample_rate: int = 16000) -> float:
    """Return the best correlation of lip opening and loudness within 0.2 s of lag, -1 to 1.

    `speech`: mono, from the time of the first landmark on.
    """
    opening = mouth_opening(landmarks)
    hop = sample_rate / fps
    edges = np.round(np.arange(len(opening) + 1) * hop).astype(int)
    power = [float(np.mean(speech[a:b] ** 2)) if b > a and a < len(speech) else 0.0 for a, b in pairwise(edges)]
    loudness = np.log10(np.asarray(power) + 1e-7)
    reach = round(_LAGS_S * fps)
    return max((_correlation(opening, loudness, lag) for lag in range(-reach, reach + 1)), default=0.0)


def score(landmarks: Landmarks, fps: float, speech: NDArray[np.float32]) -> float:
    """Return 0 to 1: how far this mouth looks as if it says this; 0 for a mouth at rest."""
    moved = movement(landmarks)
    if moved < RESTING:
        return 0.0
    presence = min(1.0, moved / _LIVELY)
    return presence * (0.5 + 0.5 * max(0.0, rhythm(landmarks, fps, speech)))


def _correlation(one: NDArray[np.float32], other: NDArray[np.float64], lag: int) -> float:
    first, second = (one[lag:], other[: len(other) - lag]) if lag >= 0 else (one[:lag], other[-lag:])
    if len(first) < 5 or np.std(first) < 1e-6 or np.std(second) < 1e-6:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
