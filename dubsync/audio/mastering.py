"""Loudness profiles: what a finished mix must measure, and how far it is from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dubsync.audio.loudness import Meter


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
