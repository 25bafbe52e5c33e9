"""Fields of an interlaced picture: whether to code them as such, and what is told where that is not as it was.

A film may be of two kinds, a progressive head before interlaced pictures for instance, and a track coded again is of
one. Several places are looked at beforehand; what the frames turn out to be while they are coded is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from dubsync.errors import Flag, Severity
from dubsync.media.read import frames
from dubsync.media.table import FrameTable

_PLACES = 12
"""Looked at, evenly spread over the key pictures: some tenths of a second for any film."""


def are_woven(path: Path, table: FrameTable) -> bool:
    """Tell whether any of several key pictures is interlaced; of a film without an index the first frame is asked."""
    keys = table.keys if table.is_indexed else table.keys[:1]
    chosen = keys[np.linspace(0, len(keys) - 1, min(len(keys), _PLACES)).astype(int)].tolist()
    return any(frame.interlaced_frame for key in chosen for _, frame in frames(path, key, key + 1, table=table))


@dataclass
class Fields:
    """How frames were coded again. `are_kept`: as fields, first ones first."""

    are_kept: bool
    _lost: int = 0
    _parted: int = 0

    def see(self, frame: av.VideoFrame) -> None:
        """Count a frame that is coded."""
        self._lost += frame.interlaced_frame and not self.are_kept
        self._parted += self.are_kept and not frame.interlaced_frame

    @property
    def flags(self) -> tuple[Flag, ...]:
        """Return what is not as it was, once all frames are coded."""
        found = []
        if self._lost:
            what = f"the fields of {self._lost} frames stay woven, but are coded as whole frames"
            hint = "code it as H.264, or deinterlace the film first"
            found.append(Flag(Severity.WARNING, "interlaced", "picture", what, hint))
        if self._parted:
            what = f"{self._parted} progressive frames were coded as fields, as others of the film are"
            found.append(Flag(Severity.INFO, "mixed-fields", "picture", what, "players may deinterlace them too"))
        return tuple(found)
