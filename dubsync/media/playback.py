"""What was packaged, played back: every frame decoded, every border between segments looked at.

Raises IntegrityError where it does not play as the film it was made from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av
from av.container import InputContainer

from dubsync.errors import IntegrityError, UnreadableMedia
from dubsync.media import boxes
from dubsync.media.package import Track
from dubsync.media.sound import Samples, to_samples_array
from dubsync.media.table import FrameTable, opened
from dubsync.timing import clock, to_samples

_HINT = "report it: it should not happen; the dub itself is untouched"


class Joined:
    """Files one after the other, as a player receives them; one of them is open at a time."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._waiting = list(reversed(files))
        self._open: BinaryIO | None = None

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, none at the end."""
        while True:
            if self._open is None:
                if not self._waiting:
                    return b""
                self._open = self._waiting.pop().open("rb")
            if content := self._open.read(size):
                return content
            self._open.close()
            self._open = None

    def close(self) -> None:
        """Let go of the file that is open."""
        if self._open is not None:
            self._open.close()


def borders(track: Track, *, is_picture: bool) -> None:
    """Check that segments follow each other without a gap, are what the playlists say, and begin with a key picture."""
    place = 0
    for number, (piece, path) in enumerate(zip(track.pieces, track.files[1:], strict=True), 1):
        found = boxes.read(path)
        where = f"{track.folder.name}/{piece.name}"
        if found.number != number or found.start != place or found.start != piece.start:
            raise IntegrityError(f"{where}: begins at {found.start}, the one before ends at {place}", hint=_HINT)
        if found.duration != piece.ticks or path.stat().st_size != piece.size:
            raise IntegrityError(f"{where}: is not as long as its playlist says", hint=_HINT)
        if is_picture and not found.begins_with_key:
            raise IntegrityError(f"{where}: does not begin with a key picture", hint=_HINT)
        place = found.end


def picture(track: Track, table: FrameTable) -> None:
    """Decode a packaged picture; it has the film's frames, each at its time, the first at zero."""
    with _playing(track) as container:
        _insist_on_frames(container, container.streams.video[0], table, track.folder.name, Fraction(0))


def film_picture(path: Path, table: FrameTable, start: Fraction) -> None:
    """Decode the picture of a film file, which begins at `start`, and compare it with the film it was made from."""
    with opened(path) as container:
        _insist_on_frames(container, container.streams.video[0], table, path.name, start)


def _insist_on_frames(container: Any, stream: Any, table: FrameTable, name: str, start: Fraction) -> None:
    stream.thread_type = "AUTO"
    count = 0
    for frame in container.decode(stream):
        if frame.is_corrupt or frame.pts is None or count >= len(table):
            raise IntegrityError(f"{name}: frame {count} cannot be decoded, or is one too many", hint=_HINT)
        time = frame.pts * frame.time_base - start
        if abs(time - table.time(count)) > frame.time_base:
            raise IntegrityError(
                f"{name}: frame {count} is shown at {clock(time)}, not at {clock(table.time(count))}", hint=_HINT
            )
        count += 1
    if count != len(table):
        raise IntegrityError(f"{name}: has {count} frames, the film {len(table)}", hint=_HINT)


def sound(track: Track) -> Iterator[Samples]:
    """Yield a packaged sound track, decoded; insist that it has no hole and lasts as long as the picture."""
    rate = track.unit.denominator
    total = to_samples(track.seconds, rate)
    with _playing(track) as container:
        stream = container.streams.audio[0]
        place: int | None = None
        for frame in container.decode(stream):
            start = round((frame.pts or 0) * Fraction(frame.time_base or 0) * rate)
            if place is not None and start != place:
                raise IntegrityError(f"{track.folder.name}: its sound has a hole at {clock(Fraction(place, rate))}")
            place = start + frame.samples
            yield to_samples_array(frame)
    if place is None or not 0 <= place - total < frame.samples:
        raise IntegrityError(
            f"{track.folder.name}: its sound ends at {clock(Fraction(place or 0, rate))}, the picture at "
            f"{clock(track.seconds)}",
            hint=_HINT,
        )


def _playing(track: Track) -> InputContainer:
    try:
        return av.open(Joined(track.files), "r", format="mp4")
    except av.FFmpegError as error:
        raise UnreadableMedia(f"{track.folder.name}: does not play: {error.strerror}", hint=_HINT) from error


@dataclass(frozen=True, slots=True)
class Heard:
    """What a player finds in a playlist: tracks by kind, and the picture's packets."""

    pictures: int
    sounds: int
    frames: int


def playlist(path: Path) -> Heard:
    """Read a multivariant playlist to its end with FFmpeg's own reader of HLS."""
    options = {"allowed_extensions": "ALL", "allowed_segment_extensions": "ALL", "extension_picky": "0"}
    try:
        with av.open(str(path), "r", format="hls", options=options) as container:
            video = container.streams.video[0]
            frames = sum(1 for packet in container.demux() if packet.size and packet.stream_index == video.index)
            return Heard(len(container.streams.video), len(container.streams.audio), frames)
    except (av.FFmpegError, IndexError) as error:
        raise IntegrityError(f"{path.name}: a player cannot read it: {error}", hint=_HINT) from error


def has_index_in_front(path: Path) -> bool:
    """Tell whether an MP4's index lies before its data, so that it plays while it is still being fetched."""
    kinds = (kind for kind, _, _ in boxes.outermost(path))
    return next((kind for kind in kinds if kind in ("moov", "mdat")), "") == "moov"
