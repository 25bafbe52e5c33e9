"""How long a dubbed line shall last, given how long the original lasts and the silence after it."""

from __future__ import annotations

COMFORTABLE = 1.08
"""Rate up to which a line is hurried before it is let run into the silence after it."""
SLOWEST, FASTEST = 0.85, 1.2
"""Rates that speech bears; an engine may bear less."""


def aim(natural: float, *, own: float, slot: float) -> float:
    """Return the duration to ask for, given the original's own time and the slot with the silence after it.

    >>> aim(2.0, own=2.1, slot=3.0), round(aim(2.4, own=2.0, slot=3.0), 2), round(aim(2.4, own=2.0, slot=2.1), 2)
    (2.1, 2.22, 2.1)
    """
    if natural <= own * COMFORTABLE:
        return own
    return max(own, min(slot, natural / COMFORTABLE))
