"""Of each person's candidates one is chosen: the most worth in all, less what pairs clash."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import ensemble

Numbers = NDArray[np.float64]


def total(worth: list[Numbers], clash: Numbers, chosen: tuple[int, ...] | list[int]) -> float:
    starts = np.cumsum([0, *(len(one) for one in worth)])
    rows = [start + number for start, number in zip(starts, chosen, strict=False)]
    pairs = clash[np.ix_(rows, rows)]
    return float(sum(one[number] for one, number in zip(worth, chosen, strict=True)) - np.triu(pairs, 1).sum())


def clashes(count: int, seed: int) -> Numbers:
    found = np.maximum(0, np.random.default_rng(seed).normal(0, 0.2, (count, count)))
    return np.asarray(found + found.T)


def test_the_choice_is_the_best_of_all_or_hardly_less() -> None:
    best, random = 0, []
    for seed in range(20):
        worth = [np.random.default_rng(100 * seed + person).uniform(0, 0.5, 4) for person in range(5)]
        clash = clashes(20, seed)
        everything = [total(worth, clash, choice) for choice in product(range(4), repeat=5)]
        found = total(worth, clash, ensemble.choose(worth, clash, [0] * 5))
        random.append(np.mean([one <= found for one in everything]))
        best += found > max(everything) - 1e-9
    assert best >= 18
    assert min(random) > 0.99


def test_two_give_way_together_where_neither_alone_would() -> None:
    worth = [np.array([0.5, 0.4]), np.array([0.5, 0.4])]
    clash = np.zeros((4, 4))
    for one, other, much in ((0, 2, 0.5), (0, 3, 0.6), (1, 2, 0.6)):
        clash[one, other] = clash[other, one] = much
    assert ensemble.choose(worth, clash, [0, 0]) == [1, 1]


def test_what_is_out_of_the_question_is_not_chosen_even_where_it_was() -> None:
    worth = [np.array([0.1, -np.inf]), np.array([0.3, 0.2])]
    assert ensemble.choose(worth, np.zeros((4, 4)), [1, 1]) == [0, 0]


def test_one_alone_gets_the_worthiest() -> None:
    assert ensemble.choose([np.array([0.1, 0.3, 0.2])], np.zeros((3, 3)), [0]) == [1]


def test_nobody_is_moved_without_need() -> None:
    worth = [np.array([0.3, 0.3]), np.array([0.3, 0.3]), np.array([0.3])]
    assert ensemble.choose(worth, np.zeros((5, 5)), [0, 1, 0]) == [0, 1, 0]
