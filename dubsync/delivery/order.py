"""What a form of delivery is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dubsync.delivery.checks import Checked
from dubsync.delivery.dubs import FinishedDub
from dubsync.errors import Flag
from dubsync.media.probe import Film


@dataclass(frozen=True, slots=True)
class Order:
    """What is packaged, and where. `spoken`: the film's own language. `place`: an empty folder for the package.

    `spare`: a folder for what is needed on the way. `saying` is told each step.
    """

    title: str
    dubs: Sequence[FinishedDub]
    original: Film
    spoken: str
    place: Path
    spare: Path
    saying: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Built:
    """What lies in the package. `presentations`: by language, the file that each kind of player begins with."""

    presentations: Mapping[str, Mapping[str, str]]
    checked: tuple[Checked, ...]
    flags: tuple[Flag, ...]
