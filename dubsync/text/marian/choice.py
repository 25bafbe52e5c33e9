"""Which of the ways that a search found is taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dubsync.text.address import is_mixed, manner
from dubsync.text.grammar import misfits

if TYPE_CHECKING:
    from dubsync.text.marian.beam import Way

WORSE = 0.6
"""Nats a piece by which a shorter way may be less likely than the best one."""

MIXED = 0.2
"""Nats a piece that a way loses which addresses somebody as a friend and as a stranger at once, or whose subject and
verb do not agree."""


def likeliest(ways: Sequence[Way], language: str, wanted: str | None = None) -> str:
    """Return the text of the likeliest way, where those that mix two manners of address, or break a rule of grammar,
    count for less, and those of another manner than the `wanted` one still less."""

    def worth(way: Way) -> float:
        is_other = wanted is not None and manner(way.text, language) not in {wanted, None}
        is_wrong = is_mixed(way.text, language) or bool(misfits(way.text, language))
        return way.score - MIXED * is_wrong - WORSE * is_other

    return max(ways, key=worth).text
