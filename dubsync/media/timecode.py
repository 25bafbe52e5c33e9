"""The timecode a film begins with, as its container says."""

from __future__ import annotations

from fractions import Fraction

from av.container import InputContainer

from dubsync.timing import from_timecode


def start_timecode(container: InputContainer, frame_rate: Fraction) -> Fraction:
    """Return the seconds since midnight at which the first frame stands; 0 where nothing, or no timecode, is said."""
    for said in (container.metadata, *(stream.metadata for stream in container.streams)):
        text = said.get("timecode")
        if text:
            try:
                return from_timecode(text, frame_rate)
            except ValueError:
                continue
    return Fraction(0)
