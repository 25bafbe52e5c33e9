"""Are lips seen closed where the new voice says p, b or m? Told by the face found again in the finished picture."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dubsync.mouth import shape
from dubsync.mouth.closures import lips_of, seen_closed
from dubsync.quality.mouths import Watched
from dubsync.title import Phone

_FEWEST_FRAMES = 25


def seen(
    watched: Sequence[Watched], times: NDArray[np.float64], phones: Mapping[str, Collection[Phone]]
) -> NDArray[np.bool_]:
    """Return for each p, b and m on screen whether the lips are closed, in a frame of it or the one nearest to it.

    `times`: seconds of each film frame; `phones`: by speaker. Closed is what lies under `mouth.closures.SEEN_CLOSED` of
    the range in which the same face opens in the original; faces seen for less than a second are left out.
    """
    found = [np.zeros(0, bool)]
    for track in watched:
        said = sorted(phones.get(track.speaker or "", ()), key=lambda one: one.span.start)
        if not said or len(track.numbers) < _FEWEST_FRAMES:
            continue
        gaps = shape.opening(shape.moving(track.after))
        found.append(seen_closed(gaps, times[track.numbers], said, lips_of(shape.moving(track.before))))
    return np.concatenate(found)
