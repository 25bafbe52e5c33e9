"""A film whose sounds are known: two people, music, a door, wind and a laugh, each with its time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import features
from dubsync.testing import sounds
from dubsync.testing.media import FilmSpec, make_film

RATE = 44100
ANA, BEN = "af_heart", "am_michael"
LINES = (
    (ANA, 6.0, "I told you not to come here again."),
    (BEN, 8.6, "But the door was open, and nobody answered."),
    (ANA, 11.8, "Then you should have waited in the garden."),
    (ANA, 19.4, "It was raining the whole night long."),
    (BEN, 25.0, "You could have called me before you left."),
    (ANA, 36.0, "My telephone is still lying in the car."),
    (BEN, 39.0, "I can go and look for it, if you give me the key."),
    (ANA, 48.0, "It is on the table in the kitchen."),
)
"""Who says what, from which second on."""
LENGTH_S = 56.0
LAUGH_S = 22.6
QUIET_DB = -62.0


@dataclass(frozen=True, slots=True)
class Sounding:
    """`music`, `other`: (start, end) of what is heard, in seconds; `lines`: (speaker, start, end) of what is said."""

    music: tuple[tuple[float, float], ...]
    other: Mapping[str, tuple[float, float]]
    lines: tuple[tuple[str, float, float], ...]


def bed() -> tuple[NDArray[np.float32], Sounding]:
    """Return all but the speech, and the truth without it.

    A theme opens the film; a door slams in a silence; wind blows; a band begins under a line and plays on under others.
    """
    sound = sounds.noise(LENGTH_S, RATE, colour=0.5) * np.float32(10 ** ((QUIET_DB + 26) / 20))
    music = ((0.5, 5.0), (40.5, 51.5))
    other = {"door": (16.0, 16.5), "wind": (28.5, 35.0)}
    _lay(sound, sounds.chords(4.5, RATE), music[0][0])
    _lay(sound, sounds.door(RATE), other["door"][0])
    _lay(sound, sounds.noise(6.5, RATE, colour=1.0), other["wind"][0])
    _lay(sound, 0.6 * sounds.band(11.0, RATE), music[1][0])
    return sound, Sounding(music, other, ())


def make(path: Path, engine: Any) -> Sounding:
    """Write the film, its lines said by a voice engine that knows Kokoro's voices; return what is true of it."""
    sound, truth = bed()
    lines = []
    for name, start, text in LINES:
        said = engine.speak(text, voice=engine.named(name, "en"), language="en", seconds=None, seed=0)
        speech = features.trim_silence(features.resample(said.samples, said.sample_rate, RATE), RATE)
        _lay(sound, 0.35 * speech / np.abs(speech).max(), start)
        lines.append((name, start, start + len(speech) / RATE))
    laugh = sounds.laugh(np.random.default_rng(0), RATE)
    _lay(sound, 0.3 * laugh / np.abs(laugh).max(), LAUGH_S)
    spec = FilmSpec(frames=round(LENGTH_S * 25), sample_rate=RATE, flashes=())
    make_film(path, spec, sound=np.stack([sound, sound], axis=1))
    other = {**truth.other, "laugh": (LAUGH_S, LAUGH_S + len(laugh) / RATE)}
    return Sounding(truth.music, other, tuple(lines))


def _lay(sound: NDArray[np.float32], part: NDArray[Any], start_s: float) -> None:
    """Fade the ends of a part for 20 ms and add it to a sound."""
    edge = np.minimum(1, np.arange(len(part)) / (0.02 * RATE))
    first = round(start_s * RATE)
    sound[first : first + len(part)] += (part * edge * edge[::-1]).astype(np.float32)
