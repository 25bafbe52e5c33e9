"""How long each token lasts: natural durations fitted to the time there is, never faster or slower than speech bears.

A rate of 1.2 says the line in 1 / 1.2 of its natural time. Pauses and phones are scaled alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dubsync.audio.slots import FASTEST, SLOWEST

Array = NDArray[np.float32]

LEAD, TAIL, MARK_AT_END = 2, 1, 3
"""Frames of silence heard before and after, and of a last full stop: the model's own, up to half a second, would delay
every line."""


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


def unheard(frames: NDArray[np.int64], raw: Array, *, tail_token: bool) -> tuple[NDArray[np.int64], int, int]:
    """Return the frames to make, and how many of them to cut off again before and after.

    The silences at both ends are made as long as the model itself makes them: with less it swallows the first and last
    sounds (heard back, 26 % of Spanish words wrong with 4 frames before them, 3 % so), with more it murmurs.
    """
    made = frames.copy()
    ends = [0, -1, -2] if tail_token and len(frames) > 2 else [0, -1]
    made[ends] = np.maximum(frames[ends], np.rint(raw[ends]).astype(np.int64))
    before = int(made[0] - frames[0])
    return made, before, int((made - frames).sum()) - before


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
