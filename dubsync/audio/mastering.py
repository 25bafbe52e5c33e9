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
Delivery = Callable[[Iterator[Samples]], Iterator[Samples]]
"""Yields a finished mix as it is heard when it has been delivered: marked, coded, decoded."""


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
        """Return the true peak allowed; where the source itself is louder, half a dB over the source's."""
        return self.ceiling if self.target is not None else max(self.ceiling, source_peak + _AS_SOURCE_DB)


TOLERANCE_LU = 0.5
"""How far a delivery may miss its loudness."""
ROUNDS = 3
"""Times the gain is corrected: the limiter takes some of what each correction gave."""
_DELIVERED_ROUNDS = 5
"""Times at most the mix is coded and heard, its limiter lowered by what coding raised the peaks."""
_METERS_DB = 0.05
"""What two meters of true peak disagree by."""
_AS_SOURCE_DB = 0.5
"""What a delivery's peak may exceed a loud source's by: coding raises peaks, and a limiter would touch the source."""
_LEAST_SLOPE = 0.25
"""Of loudness over gain: the limiter takes at most three quarters."""
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


@dataclass(frozen=True, slots=True)
class Mastered:
    """How a mix is brought to its profile, and how that was heard after delivery. `ceiling_db`: the peak allowed."""

    how: Mastering
    heard: Meter
    missed_lu: float
    ceiling_db: float

    @property
    def is_too_loud(self) -> bool:
        """Whether the delivered peak is over its ceiling."""
        return self.heard.true_peak > self.ceiling_db

    @property
    def fault(self) -> float:
        """How far it is from what was promised: 0 is well."""
        return max(0.0, self.heard.true_peak - self.ceiling_db) + max(0.0, abs(self.missed_lu) - TOLERANCE_LU)


def master(
    mix: Mix, facts: WavFacts, profile: Profile, source: Meter, spoken: NDArray[np.bool_], delivery: Delivery
) -> Mastered:
    """Find the gains and the limiter by which the mix meets the profile after delivery, in a few passes over it.

    `source`: has heard the original. `spoken`: tenths of a second that hold dialogue. What comes nearest is returned.
    """
    ceiling = profile.ceiling_db(source.true_peak)
    search = _Search(profile, _loud_enough(mix, facts, profile, source, spoken))
    tried: list[Mastered] = []
    while len(tried) < _DELIVERED_ROUNDS:
        sound = delivery(search.found.render(mix, facts.sample_rate))
        heard = loudness.measure(sound, facts.sample_rate, facts.channels)
        missed = gain_for(profile, heard, source, spoken)
        tried.append(Mastered(search.found, heard, missed, ceiling))
        over = heard.true_peak + _METERS_DB - ceiling
        if over <= 0 and abs(missed) <= TOLERANCE_LU / 2:
            break
        search.correct(missed, lower_db=over + _METERS_DB if over > 0 else 0.0)
    return min(tried, key=lambda each: each.fault)


def _loud_enough(mix: Mix, facts: WavFacts, profile: Profile, source: Meter, spoken: NDArray[np.bool_]) -> Mastering:
    """Find the gains before anything is coded, which moves loudness by next to nothing."""
    search = _Search(profile, Mastering(0.0, 0.0, profile.ceiling_db(source.true_peak)))
    for _ in range(ROUNDS):
        blocks = search.found.render(mix, facts.sample_rate)
        heard = loudness.measure(blocks, facts.sample_rate, facts.channels, with_peak=False)
        missed = gain_for(profile, heard, source, spoken)
        if abs(missed) < _NEAR_LU:
            break
        search.correct(missed)
    return search.found


class _Search:
    """Goes from one mastering to a better one; learns how much of a gain the limiter leaves (a secant)."""

    def __init__(self, profile: Profile, start: Mastering) -> None:
        self.found = start
        self._profile = profile
        self._slope = 1.0
        self._before: tuple[float, float] | None = None

    def correct(self, missed: float, *, lower_db: float = 0.0) -> None:
        """Take the LU that the last one missed, and how far its limiter must come down."""
        gain = self._gain
        if self._before is not None and abs(gain - self._before[0]) > _NEAR_LU:
            slope = (self._before[1] - missed) / (gain - self._before[0])
            self._slope = float(np.clip(slope, _LEAST_SLOPE, 1.0))
        self._before = None if lower_db else (gain, missed)  # under another ceiling nothing can be compared
        self._set(gain + missed / self._slope, self.found.ceiling_db - lower_db)

    @property
    def _gain(self) -> float:
        return self.found.line_db if self._profile.lifts_lines_only else self.found.gain_db

    def _set(self, gain: float, ceiling: float) -> None:
        if self._profile.lifts_lines_only:  # the rest must stay the source's
            self.found = Mastering(0.0, float(np.clip(gain, -_MOST_LINE_DB, _MOST_LINE_DB)), ceiling)
        else:
            self.found = Mastering(gain, 0.0, ceiling)
