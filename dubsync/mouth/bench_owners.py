"""How often is a moving mouth tied to the right voice? Clips are put beside each other as if all were in one shot.

Every stretch of every clip lends its voice; its own face, and one of another clip that moves too, are in the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.backends.mouth_clips import RATE, Clip
from dubsync.backends.protocols import SyncScorer
from dubsync.face import speaking

SECONDS = 3.0
"""Of each stretch."""
_QUIET = 0.003
"""Root mean square of a stretch in which nobody is heard."""
OWN, OTHER = "own", "other"
Decide = Callable[[Mapping[str, float], float], str | None]
"""Scores of faces seen together, and for how long, to the face that is tied to the voice."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A moving face for `SECONDS`, and the sound over it. `landmarks`: (n, 468, 3)."""

    clip: str
    landmarks: NDArray[np.float32]
    rate: float
    speech: NDArray[np.float32]


def stretches(clip: Clip) -> Iterator[Stretch]:
    """Yield the clip's stretches, one after the other, in which the face is seen throughout, moves, and speaks."""
    count, shown = round(SECONDS * clip.rate), clip.shown - clip.lag
    for first in range(0, len(clip.numbers) - count + 1, count):
        rows = slice(first, first + count)
        start = round(float(shown[first]) * RATE)
        speech = clip.samples[max(0, start) : start + round(SECONDS * RATE)]
        is_whole = int(clip.numbers[rows][-1] - clip.numbers[first]) == count - 1 and start >= 0
        is_heard = len(speech) > 0.9 * SECONDS * RATE and float(np.sqrt(np.mean(speech**2))) > _QUIET
        if is_whole and is_heard and speaking.is_moving(clip.landmarks[rows]):
            yield Stretch(clip.name, clip.landmarks[rows], clip.rate, speech)


def measured(cut: Sequence[Stretch], scorer: SyncScorer, decide: Decide) -> dict[str, Any]:
    """Return shares: `own`, `other`, `neither` of pairs of mouths that both move; `alone` of a foreign mouth alone.

    Each clip's voices weigh the same, however long it is. `clips`, `pairs`: how many were asked.
    """
    by_clip: dict[str, list[NDArray[np.float64]]] = {}
    pairs = 0
    for voice in cut:
        mine = scorer.score(voice.landmarks, voice.rate, voice.speech)
        found = []
        for face in (one for one in cut if one.clip != voice.clip):
            foreign = scorer.score(face.landmarks, face.rate, voice.speech)
            tied = decide({OWN: mine, OTHER: foreign}, SECONDS)
            found.append((tied == OWN, tied == OTHER, tied is None, decide({OTHER: foreign}, SECONDS) == OTHER))
        pairs += len(found)
        by_clip.setdefault(voice.clip, []).append(np.mean(np.array(found, float).reshape(-1, 4), axis=0))
    shares = np.mean([np.mean(rows, axis=0) for rows in by_clip.values()], axis=0)
    names = ("own", "other", "neither", "alone")
    return {name: round(float(share), 4) for name, share in zip(names, shares, strict=True)} | {
        "clips": len(by_clip), "stretches": len(cut), "pairs": pairs,
    }  # fmt: skip
