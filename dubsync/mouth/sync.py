"""Does this mouth say this sound, and when? A measure from what speech asks of a mouth and what the mouth does.

Lips, jaw and corners that `articulation` expects from the sound are correlated with those that were measured, at
every lag. Offset: where they agree best. Confidence: how far that agreement stands out from the other lags.
The weights that a mouth is *driven* by must not judge it: a second set (`judge.safetensors`), which hears log-mel
energies alone and no recogniser, is what reports use. Both learn from the same clean clips, and since the driving
weights hear the energies too, beside the recogniser, the judge knows less but is no stranger to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dubsync.mouth import shape
from dubsync.mouth.articulation import Layer
from dubsync.mouth.hearing import at_times, log_mel

Array = NDArray[np.float32]
JUDGE = "judge.safetensors"

_WEIGHTS = (1.0, 0.5, 0.5)
"""What opening, width and jaw count for in the agreement."""
_REACH_S, _ASIDE_S = 0.6, 0.13
"""Seconds: how far lags are tried, and how near the best one they tell nothing, for a mouth moves slowly."""
_FEWEST = 12


@dataclass(frozen=True, slots=True)
class Sync:
    """`offset`: frames the picture is ahead of the sound (negative: behind). `confidence`: 0 none, above 2 plain.

    `agreement`: the weighted correlation at the best lag, -1 to 1.
    """

    offset: int
    confidence: float
    agreement: float


@dataclass(frozen=True, slots=True)
class Judge:
    """Sound to opening, width and jaw, standardised; independent of the features that drive mouths."""

    layer: Layer
    centre: Array
    scale: Array

    def expects(self, samples: Array) -> Array:
        """Return (n, 3), 50 a second, for mono 16 kHz sound."""
        return self.layer(np.asarray((log_mel(samples) - self.centre) / self.scale, np.float32))


def load_judge(folder: Path) -> Judge:
    """Read the judge from the articulation weights' folder."""
    from safetensors.numpy import load_file

    arrays = load_file(folder / JUDGE)
    layer = Layer(arrays["0.weight"], arrays["0.bias"], int(arrays["0.dilation"][0]))
    return Judge(layer, arrays["centre"], arrays["scale"])


def save_judge(judge: Judge, path: Path) -> None:
    """Write the judge."""
    from safetensors.numpy import save_file

    layer = {"0.weight": judge.layer.weight, "0.bias": judge.layer.bias}
    layer["0.dilation"] = np.array([judge.layer.dilation], np.int32)
    save_file({**layer, "centre": judge.centre, "scale": judge.scale}, path)


def score(landmarks: Array, rate: Fraction | float, samples: Array, judge: Judge) -> Sync:
    """Return how well a face (n, 468, 3) fits mono 16 kHz sound that begins with its first frame."""
    times = np.arange(len(landmarks)) / float(rate)
    return score_at(landmarks, times, judge.expects(samples), float(rate))


def score_at(landmarks: Array, times: NDArray[np.float64], expected: Array, rate: float) -> Sync:
    """Return the same for frames shown at `times`, seconds on the clock of `expected` (m, 3), 50 a second."""
    return agreement_curve(shape.measures(shape.moving(landmarks)), times, expected, rate)


def agreement_curve(shown: Array, times: NDArray[np.float64], expected: Array, rate: float) -> Sync:
    """Return the same for a mouth given as opening, width and jaw (n, 3). `rate`: frames a second."""
    if len(shown) < _FEWEST:
        return Sync(0, 0.0, 0.0)
    reach = round(_REACH_S * rate)
    lags = np.arange(-reach, reach + 1)
    found = np.array([_agreement(at_times(expected, times + lag / rate), shown) for lag in lags])
    best = int(np.argmax(found))
    far = found[np.abs(lags - lags[best]) > _ASIDE_S * rate]
    spread = float(np.std(far)) + 0.02
    return Sync(int(lags[best]), float((found[best] - np.mean(far)) / spread), float(found[best]))


def fit(landmarks: Array, times: NDArray[np.float64], expected: Array) -> float:
    """Return -1 to 1 how well a face goes with a sound that is known to be in time: for choosing who speaks.

    `expected`: (m, 3) opening, width and jaw, 50 a second, on the clock of `times`.
    """
    if len(landmarks) < _FEWEST:
        return 0.0
    shown = shape.measures(shape.moving(landmarks))
    return max(_agreement(at_times(expected, times + shift), shown) for shift in (-0.08, -0.04, 0.0, 0.04, 0.08))


def _agreement(expected: Array, shown: Array) -> float:
    """Return the weighted mean of the three correlations; a mouth that does not move agrees with nothing."""
    total = 0.0
    for weight, one, other in zip(_WEIGHTS, expected.T, shown.T, strict=True):
        if one.std() > 1e-6 and other.std() > 1e-4:
            total += weight * float(np.corrcoef(one, other)[0, 1])
    return total / sum(_WEIGHTS)
