"""Loops: text in which a neural decoder fell into saying the same thing again and again."""

from __future__ import annotations

from collections.abc import Sequence

_LONGEST_UNIT = 8


def is_loop(text: str, *, times: int = 4) -> bool:
    """Tell whether some group of words is said `times` times in a row, six words at least in all.

    >>> is_loop("no no no no"), is_loop("I know, I know, I know, I know"), is_loop("la la la la la la la")
    (False, True, True)
    """
    words = [word.strip(".,;:!?¡¿\"'").casefold() for word in text.split()]
    if len(words) < 2 and len(text) >= 8 * times:
        words = list(text)
    return any(_repeats(words, unit) >= max(times, -(-6 // unit)) for unit in range(1, _LONGEST_UNIT + 1))


def _repeats(words: Sequence[str], unit: int) -> int:
    """Return the most times that `unit` words follow themselves."""
    best = run = 0
    for index in range(unit, len(words)):
        run = run + 1 if words[index] == words[index - unit] else 0
        best = max(best, run)
    return best // unit + 1 if best >= unit else 1
