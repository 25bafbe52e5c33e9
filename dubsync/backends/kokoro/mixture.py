"""Which mixture of published voices sounds like somebody to an encoder.

What a mixture sounds like is nearly the mixture of what its voices sound like; so the weights are the solution of a
small ridge regression that starts from the nearest voice. How far they may reach beyond the voices is bounded.

The nearest voice keeps a weight of one before all are divided by their sum; so less is mixed in than was solved for
where voices are added, and more where they are taken away.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

RIDGE = 0.03
REACH = 3.5
"""Sum of the weights' sizes; a mixture that stays between its voices has 1."""


def solve(prints: Array, nearest: int, aim: Array) -> NDArray[np.float64]:
    """Return the weights (voices,) of what sounds like `aim` (d,); they sum to one, and some are negative.

    `prints`: (voices, d), what each voice sounds like; `nearest`: which of them to start from.
    """
    away = prints.astype(np.float64) - prints[nearest]
    missed = aim.astype(np.float64) - prints[nearest]
    ridge = RIDGE
    while True:  # a wider ridge brings the weights back to the nearest voice, whose size is 1
        weights: NDArray[np.float64] = np.linalg.solve(away @ away.T + ridge * np.eye(len(away)), away @ missed)
        weights[nearest] += 1
        total = float(weights.sum())
        if total > 0 and float(np.abs(weights).sum()) <= REACH * total:
            return np.asarray(weights / total, np.float64)
        ridge *= 1.3
