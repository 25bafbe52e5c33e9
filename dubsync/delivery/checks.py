"""What is measured of a package before it counts: it plays as the film it was made from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dubsync.audio import loudness
from dubsync.errors import Flag, IntegrityError, Severity
from dubsync.media.probe import Film
from dubsync.media.sound import Samples, sound

_SAME_LU = 0.2
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


def same_sound(
    film: Film, number: int, heard: Iterable[Samples], name: str, ceiling_dbtp: float
) -> tuple[Checked, tuple[Flag, ...]]:
    """Measure a packaged sound and the track it was made from; `heard`: the package, decoded.

    Raises:
        IntegrityError: it is louder or softer than the track it was made from.
    """
    track = film.source.audio[number]
    wanted = loudness.measure(sound(film.path, film.table, track=number), track.sample_rate, track.channels)
    got = loudness.measure(heard, track.sample_rate, track.channels)
    moved = got.integrated() - wanted.integrated()
    if abs(moved) > _SAME_LU:
        raise IntegrityError(
            f"{name}: is {moved:+.1f} LU off the track it was made from", hint="report it: it should not happen"
        )
    flags: tuple[Flag, ...] = ()
    if got.true_peak > max(ceiling_dbtp, wanted.true_peak + _SAME_DB):
        what = f"coding raised its true peak to {got.true_peak:.1f} dBTP ({wanted.true_peak:.1f} before)"
        hint = f"give the dub a lower ceiling, {ceiling_dbtp:g} dBTP were wished for"
        flags = (Flag(Severity.WARNING, "peak-raised", name, what, hint),)
    seconds = float(film.table.duration)
    return Checked(name, seconds, lufs=round(got.integrated(), 2), dbtp=round(got.true_peak, 2)), flags
