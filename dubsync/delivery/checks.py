"""What is measured of a package before it counts: it plays as the film it was made from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dubsync.audio import loudness
from dubsync.errors import Flag, IntegrityError, Severity
from dubsync.media.probe import Film
from dubsync.media.sound import Samples, sound

_COPIED_LU, _CODED_LU, _OTHER_LU = 0.05, 0.2, 2.0
"""By which loudness may differ: of a copy, of sound that was coded without a word, of anything at all. Coding takes the
highest tones away, which quiet hiss has most of."""
_SAME_DB = 0.2
"""By which coding may raise a true peak without a word."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A rendition that was played back. `frames` of a picture, `lufs` and `dbtp` of a sound, `cues` of subtitles."""

    name: str
    seconds: float
    frames: int | None = None
    lufs: float | None = None
    dbtp: float | None = None
    cues: int | None = None

    def facts(self) -> dict[str, Any]:
        """Return what the receipt says of it."""
        known = {"frames": self.frames, "lufs": self.lufs, "dbtp": self.dbtp, "cues": self.cues}
        return {"seconds": round(self.seconds, 6), **{key: value for key, value in known.items() if value is not None}}


@dataclass(frozen=True, slots=True)
class Made:
    """A packaged sound. `is_coded`: it was coded again. `ceiling_dbtp`: wished for; a peak that coding raises over it
    is flagged."""

    name: str
    heard: Iterable[Samples]
    is_coded: bool
    ceiling_dbtp: float


def same_sound(film: Film, number: int, made: Made) -> tuple[Checked, tuple[Flag, ...]]:
    """Measure a packaged sound and the track it was made from.

    Raises:
        IntegrityError: it is another sound, or a copy that is louder or softer.
    """
    track, name = film.source.audio[number], made.name
    wanted = loudness.measure(sound(film.path, film.table, track=number), track.sample_rate, track.channels)
    got = loudness.measure(made.heard, track.sample_rate, track.channels)
    moved = got.integrated() - wanted.integrated()
    if abs(moved) > (_OTHER_LU if made.is_coded else _COPIED_LU):
        raise IntegrityError(
            f"{name}: is {moved:+.2f} LU off the track it was made from", hint="report it: it should not happen"
        )
    flags = []
    if abs(moved) > _CODED_LU:
        what = f"coding moved its loudness by {moved:+.1f} LU"
        flags.append(Flag(Severity.WARNING, "loudness-moved", name, what, "measure it against what you promised"))
    if got.true_peak > max(made.ceiling_dbtp, wanted.true_peak + _SAME_DB):
        what = f"coding raised its true peak to {got.true_peak:.1f} dBTP ({wanted.true_peak:.1f} before)"
        hint = f"give the dub a lower ceiling, {made.ceiling_dbtp:g} dBTP were wished for"
        flags.append(Flag(Severity.WARNING, "peak-raised", name, what, hint))
    seconds = float(film.table.duration)
    return Checked(name, seconds, lufs=round(got.integrated(), 2), dbtp=round(got.true_peak, 2)), tuple(flags)
