"""What a stream offers, in the words that playlists share: pictures, sounds, subtitles, and who sees which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from dubsync.media.package import Piece, Track


@dataclass(frozen=True, slots=True)
class Picture:
    """A packaged picture. `width`, `height`: as displayed, turned and with square pixels. `range`: SDR, PQ or HLG.

    `languages`: whose mouths it shows.
    """

    id: str
    track: Track
    width: int
    height: int
    rate: Fraction
    range: str
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sound:
    """A packaged sound track. `picture`: id of the picture whose mouths speak it; "" if that is not in the package.

    `is_dub`: made by dubsync; `is_machine`: by synthetic voices; `is_first`: the language's own track, not a commentary
    or another mix.
    """

    id: str
    track: Track
    language: str
    name: str
    channels: int
    layout: str
    picture: str
    is_dub: bool
    is_machine: bool
    is_first: bool


@dataclass(frozen=True, slots=True)
class Subtitles:
    """A WebVTT file. `path`: where it lies. `described`: for people who do not hear. `is_machine`: nobody read it."""

    id: str
    path: Path
    language: str
    name: str
    seconds: Fraction
    described: bool = False
    is_machine: bool = False


@dataclass(frozen=True, slots=True)
class Presentation:
    """What people watch in one language: its picture, its sound, and what else they may choose."""

    language: str
    picture: Picture
    sound: Sound
    others: tuple[Sound, ...]
    subtitles: tuple[Subtitles, ...]
    disclosure: str = ""

    @property
    def sounds(self) -> tuple[Sound, ...]:
        return (self.sound, *self.others)


def target_seconds(tracks: Sequence[Track]) -> int:
    """Return what playlists declare as the longest segment, rounded as they round each."""
    return max(int(piece.shown + Fraction(1, 2)) for track in tracks for piece in track.pieces) or 1


def bits_a_second(track: Track) -> tuple[int, int]:
    """Return (peak, mean) bits a second, the peak over stretches of half to one and a half of the longest segment."""
    total = sum(piece.size for piece in track.pieces)
    mean = round(total * 8 / track.seconds)
    shortest, longest = track.longest / 2, track.longest * Fraction(3, 2)
    rates = [rate for first in range(len(track.pieces)) for rate in _rates(track.pieces[first:], shortest, longest)]
    return max([mean, *rates]), mean


def _rates(pieces: Sequence[Piece], shortest: Fraction, longest: Fraction) -> list[int]:
    """Return the rates of the stretches that begin with the first of these segments."""
    rates, size, seconds = [], 0, Fraction(0)
    for piece in pieces:
        size, seconds = size + piece.size, seconds + piece.shown
        if seconds > longest:
            break
        if seconds >= shortest:
            rates.append(-(-size * 8 // seconds))
    return rates
