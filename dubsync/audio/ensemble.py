"""Choose one candidate for each of several people, where candidates of two people may not go together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    time until no change of two is better. Then whoever still clashes is given each other candidate for a trial, the
    rest make the best of it, and it is gone on from there if that is better: not always the best of all choices, but
    the same one every time.
    """
    people = _People(worth, clash)
    best = people.settled([int(one[number]) for one, number in zip(people.rows, start, strict=True)])
    while (better := next(people.trials(best), None)) is not None:
        best = better
    return [int(row - own[0]) for row, own in zip(best, people.rows, strict=True)]


class _People:
    """`rows`: of the table, for each person. A choice is a row for each of them."""

    def __init__(self, worth: Sequence[Numbers], clash: Numbers) -> None:
        ends = np.cumsum([len(one) for one in worth])
        self.rows = [np.arange(end - len(one), end) for one, end in zip(worth, ends, strict=True)]
        self._worth, self._clash = np.concatenate(worth), clash

    def settled(self, chosen: Sequence[int]) -> list[int]:
        """Return the choice after changes of two people, until none of them is better."""
        found, is_moved = self._alone(chosen, None), True
        while is_moved:
            is_moved = False
            for one, other in combinations(range(len(found)), 2):
                changed = self._pair(found, one, other)
                is_moved, found = is_moved or changed != found, changed
        return found

    def trials(self, chosen: list[int]) -> Iterator[list[int]]:
        """Yield choices that are better, each found from a trial with one person who clashes."""
        table = self._clash[np.ix_(chosen, chosen)]
        before = self._total(chosen)
        for person in np.flatnonzero(table.sum(axis=1) - np.diag(table) > _BETTER):
            for row in self.rows[person]:
                if row == chosen[person] or not np.isfinite(self._worth[row]):
                    continue
                tried = self._alone([*chosen[:person], int(row), *chosen[person + 1 :]], int(person))
                if self._total(tried) > before + _BETTER:
                    yield self.settled(tried)

    def _total(self, chosen: Sequence[int]) -> float:
        table = self._clash[np.ix_(chosen, chosen)]
        return float(self._worth[list(chosen)].sum() - np.triu(table, 1).sum())

    def _alone(self, chosen: Sequence[int], kept: int | None) -> list[int]:
        """Return the choice after changes of one person at a time, `kept` not among them."""
        found, is_moved = list(chosen), True
        while is_moved:
            is_moved = False
            for person, rows in enumerate(self.rows):
                if person == kept:
                    continue
                beside = self._beside(found, (person,), rows)
                best = int(np.argmax(beside))
                if beside[best] > beside[found[person] - rows[0]] + _BETTER:
                    found[person], is_moved = int(rows[best]), True
        return found

    def _pair(self, chosen: list[int], one: int, other: int) -> list[int]:
        """Return the choice with the best candidates for two people, beside what is chosen for the rest."""
        mine, theirs = self.rows[one], self.rows[other]
        both = (one, other)
        together = self._beside(chosen, both, mine)[:, None] + self._beside(chosen, both, theirs)
        together = together - self._clash[np.ix_(mine, theirs)]
        best = np.unravel_index(int(np.argmax(together)), together.shape)
        if together[best] <= together[chosen[one] - mine[0], chosen[other] - theirs[0]] + _BETTER:
            return chosen
        found = list(chosen)
        found[one], found[other] = int(mine[best[0]]), int(theirs[best[1]])
        return found

    def _beside(self, chosen: Sequence[int], without: tuple[int, ...], rows: Rows) -> Numbers:
        """Return what candidates are worth beside what is chosen for all people but some."""
        rest = [row for person, row in enumerate(chosen) if person not in without]
        beside: Numbers = self._worth[rows] - self._clash[rows][:, rest].sum(axis=1)
        return beside
