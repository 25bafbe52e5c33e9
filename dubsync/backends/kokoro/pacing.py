"""How long each token lasts: natural durations fitted to the time there is, never faster or slower than speech bears.

A rate of 1.2 says the line in 1 / 1.2 of its natural time. Pauses and phones are scaled alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

SLOWEST, FASTEST = 0.85, 1.2
LEAD, TAIL, MARK_AT_END = 2, 1, 3
"""Frames of silence before and after, and of a last full stop: the model's own, up to half a second, would delay every
line."""
SETTLING = 12
"""Frames before each piece in which the model settles, at most its own; all but `LEAD` are cut off again. With fewer
it swallows the first sounds (heard back, 26 % of words wrong at 4 frames, 3 % at 12); with more it murmurs."""


def natural(raw: Array, *, tail_token: bool, is_last: bool) -> Array:
    """Return the natural frames of each token with the silence around the words cut short.

    `tail_token`: the last token is a punctuation mark. Between pieces of one line the full stop keeps its pause.
    """
    frames = np.maximum(raw.astype(np.float32), 1)
    frames[0] = LEAD
    frames[-1] = min(frames[-1], TAIL)
    if tail_token and len(frames) > 2:
        frames[-2] = min(frames[-2], MARK_AT_END if is_last else 5 * MARK_AT_END)
    return frames


def fit(frames: float, wanted: float | None) -> float:
    """Return how many frames to take for a line that naturally takes `frames`, given the frames there are."""
    return frames if wanted is None else float(np.clip(wanted, frames / FASTEST, frames / SLOWEST))


def allocate(natural_frames: Array, total: int) -> NDArray[np.int64]:
    """Return whole frames for each token, at least one each, that sum to `total`, in proportion to the natural ones."""
    total = max(total, len(natural_frames))
    share = natural_frames * (total / float(natural_frames.sum()))
    whole: NDArray[np.int64] = np.maximum(1, np.floor(share)).astype(np.int64)
    missing = total - int(whole.sum())
    order = np.argsort(-(share - whole), kind="stable")
    if missing >= 0:
        whole[order[:missing]] += 1
    while missing < 0:
        longest = np.argsort(-(whole - share), kind="stable")
        takers = [index for index in longest if whole[index] > 1][:-missing]
        whole[takers] -= 1
        missing += len(takers)
    return whole
