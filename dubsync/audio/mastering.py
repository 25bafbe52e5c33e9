"""Loudness profiles: what a finished mix must measure, and the gains that bring it there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import loudness
from dubsync.audio.limiter import limit
from dubsync.audio.loudness import Meter
from dubsync.audio.wav import WavFacts

Samples = NDArray[np.float32]
Mix = Callable[[float], Iterator[Samples]]
"""Makes the mix afresh, its dubbed lines raised by so many dB."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A delivery's sound. `target`: LUFS, None: as the source. `ceiling`: dBTP. `of_dialogue`: gated on speech."""

    name: str
    target: float | None
    ceiling: float
    of_dialogue: bool = False

    @property
    def lifts_lines_only(self) -> bool:
        """Whether only the dubbed lines may move, because the rest must stay the source's, bit for bit."""
        return self.target is None

    def ceiling_db(self, source_peak: float) -> float:
        """Return the true peak allowed; a source that is louder itself is left as it is."""
        return self.ceiling if self.target is not None else max(self.ceiling, source_peak + 0.2)


ROUNDS = 3
"""Times the gain is corrected: the limiter takes some of what each correction gave."""
_NEAR_LU = 0.05
_MOST_LINE_DB = 3.0


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("source", None, -1.0),
        Profile("ebu-r128", -23.0, -1.0),
        Profile("netflix", -27.0, -2.0, of_dialogue=True),
        Profile("streaming", -14.0, -1.0),
    )
}


def gain_for(profile: Profile, mixed: Meter, source: Meter, spoken: NDArray[np.bool_]) -> float:
    """Return the dB by which the mix must be raised to meet the profile. `spoken`: tenths of a second with dialogue."""
    if profile.target is None:
        return source.integrated() - mixed.integrated()
    return profile.target - mixed.integrated(within=spoken if profile.of_dialogue else None)


@dataclass(frozen=True, slots=True)
class Mastering:
    """How a mix is brought to its profile. `line_db`: for the dubbed lines alone; `gain_db`: for everything."""

    gain_db: float
    line_db: float
    ceiling_db: float

    def render(self, mix: Mix, sample_rate: int) -> Iterator[Samples]:
        return self.limited(mix(self.line_db), sample_rate)

    def limited(self, blocks: Iterable[Samples], sample_rate: int) -> Iterator[Samples]:
        return limit(blocks, sample_rate, ceiling_db=self.ceiling_db, gain_db=self.gain_db)


def master(mix: Mix, facts: WavFacts, profile: Profile, source: Meter, spoken: NDArray[np.bool_]) -> Mastering:
    """Find the gains by which the mix meets the profile, in a few passes over it.

    `source`: has heard the original. `spoken`: tenths of a second that hold dialogue.
    """
    found = Mastering(0.0, 0.0, profile.ceiling_db(source.true_peak))
    for _ in range(ROUNDS):
        blocks = found.render(mix, facts.sample_rate)
        heard = loudness.measure(blocks, facts.sample_rate, facts.channels, with_peak=False)
        change = gain_for(profile, heard, source, spoken)
        if abs(change) < _NEAR_LU:
            break
        if profile.lifts_lines_only:
            found = Mastering(
                0.0, float(np.clip(found.line_db + change, -_MOST_LINE_DB, _MOST_LINE_DB)), found.ceiling_db
            )
        else:
            found = Mastering(found.gain_db + change, 0.0, found.ceiling_db)
    return found
