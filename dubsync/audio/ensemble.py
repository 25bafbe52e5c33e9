"""Choose one candidate for each of several people, where candidates of two people may not go together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Rows = NDArray[np.intp]
_BETTER = 1e-6


def choose(worth: Sequence[Numbers], clash: Numbers, start: Sequence[int]) -> list[int]:
    """Return the number of a candidate for each person: the most worth in all, less what each pair clashes.

    `worth`: (candidates,) for each person, -inf of one that is out of the question; `clash`: (all, all), symmetric, of
    the candidates of all people in a row, at least 0; `start`: which are chosen before. Two people are changed at a
    time until no change of two is better: not always the best of all choices, but the same one every time.
    """
    ends = np.cumsum([len(one) for one in worth])
    rows = [np.arange(end - len(one), end) for one, end in zip(worth, ends, strict=True)]
    chosen = [int(one[number]) for one, number in zip(rows, start, strict=True)]
    if len(worth) == 1:
        return [int(np.argmax(worth[0]))]
    is_moved = True
    while is_moved:
        is_moved = False
        for one, other in combinations(range(len(worth)), 2):
            rest = [row for person, row in enumerate(chosen) if person not in (one, other)]
            together = _worth(worth[one], rows[one], clash, rest)[:, None] + _worth(
                worth[other], rows[other], clash, rest
            )
            together = together - clash[np.ix_(rows[one], rows[other])]
            best = np.unravel_index(int(np.argmax(together)), together.shape)
            now = chosen[one] - rows[one][0], chosen[other] - rows[other][0]
            if together[best] > together[now] + _BETTER:
                chosen[one], chosen[other] = int(rows[one][best[0]]), int(rows[other][best[1]])
                is_moved = True
    return [int(row - own[0]) for row, own in zip(chosen, rows, strict=True)]


def _worth(worth: Numbers, rows: Rows, clash: Numbers, rest: list[int]) -> Numbers:
    """Return what each of a person's candidates is worth beside what is chosen for the rest."""
    beside: Numbers = worth - clash[rows][:, rest].sum(axis=1)
    return beside
