"""What CMAF asks of the ISO base media format (ISO 14496-12, 23000-19): segments written, and read back.

A segment is one fragment: `styp`, `moof`, `mdat`. Frames are decoded at the times at which, in ascending order, frames
are shown; the offset to a frame's own time is never negative, and the track's edit list takes the delay off again. So
a segment that begins with a key picture has that picture's time.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dubsync.errors import ChecksumMismatch

TRACK = 1
_SYNC, _OTHER = 0x02000000, 0x01010000
_BASE_IS_MOOF = 0x020000
_RUN_FIELDS = 0x000001 | 0x000100 | 0x000200 | 0x000400 | 0x000800  # data offset; duration, size, flags, offset of each
_BRANDS = b"msdh" + struct.pack(">I", 0) + b"msdh" + b"msix" + b"cmfs"


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


FILE_TYPE = _box(b"ftyp", b"iso6" + struct.pack(">I", 512) + b"iso6cmfcmp41")
"""The first box of an init segment: a CMAF track."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One coded frame. `duration`, `offset` (presentation after decoding time): in the track's unit."""

    data: bytes
    duration: int
    offset: int = 0
    is_key: bool = True


@dataclass(frozen=True, slots=True)
class Fragment:
    """What a segment says of itself. `sizes`, `durations`, `offsets`: of its samples; times in the track's unit."""

    number: int
    start: int
    durations: tuple[int, ...]
    sizes: tuple[int, ...]
    offsets: tuple[int, ...]
    begins_with_key: bool

    @property
    def duration(self) -> int:
        return sum(self.durations)

    @property
    def end(self) -> int:
        return self.start + self.duration

    @property
    def first_shown(self) -> int:
        """The earliest presentation time of its samples."""
        times = [self.start]
        for duration in self.durations[:-1]:
            times.append(times[-1] + duration)
        return min(time + offset for time, offset in zip(times, self.offsets, strict=True))


def segment(number: int, start: int, samples: Sequence[Sample]) -> bytes:
    """Return the media segment that holds the samples. `start`: decoding time of the first, in the track's unit."""
    run = b"".join(
        struct.pack(">IIIi", each.duration, len(each.data), _SYNC if each.is_key else _OTHER, each.offset)
        for each in samples
    )
    head = _fragment(number, start, len(samples), run, 0)
    data_at = len(head) + 8
    data = b"".join(each.data for each in samples)
    return _box(b"styp", _BRANDS) + _fragment(number, start, len(samples), run, data_at) + _box(b"mdat", data)


def _fragment(number: int, start: int, count: int, run: bytes, data_at: int) -> bytes:
    header = _full(b"mfhd", 0, 0, struct.pack(">I", number))
    track = _full(b"tfhd", 0, _BASE_IS_MOOF, struct.pack(">I", TRACK))
    time = _full(b"tfdt", 1, 0, struct.pack(">Q", start))
    samples = _full(b"trun", 1, _RUN_FIELDS, struct.pack(">Ii", count, data_at) + run)
    return _box(b"moof", header + _box(b"traf", track + time + samples))


def _full(kind: bytes, version: int, flags: int, content: bytes) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags) + content)


def boxes(content: bytes, start: int = 0, stop: int | None = None) -> Iterator[tuple[str, int, int]]:
    """Yield (kind, first byte of the content, end) of the boxes that lie in a stretch of bytes."""
    stop = len(content) if stop is None else stop
    while start + 8 <= stop:
        size = int.from_bytes(content[start : start + 4], "big")
        if size < 8 or start + size > stop:
            raise ValueError(f"a box of {size} bytes at {start} does not fit")
        yield content[start + 4 : start + 8].decode("latin-1"), start + 8, start + size
        start += size


def outermost(path: Path) -> Iterator[tuple[str, int, int]]:
    """Yield (kind, first byte, end) of a file's outermost boxes; the last one of a cut file ends beyond it."""
    size, place = path.stat().st_size, 0
    with path.open("rb") as file:
        while place + 8 <= size:
            file.seek(place)
            head = file.read(16)
            length = int.from_bytes(head[:4], "big")
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            end = place + length if length else size  # 0: to the end of the file
            if end < place + 8:
                return
            yield head[4:8].decode("latin-1"), place, end
            place = end


def find(content: bytes, *path: str) -> tuple[int, int] | None:
    """Return where the content of the first box on a path of kinds begins and ends; None: there is none."""
    start, stop = 0, len(content)
    for wanted in path:
        place = next(((first, end) for kind, first, end in boxes(content, start, stop) if kind == wanted), None)
        if place is None:
            return None
        start, stop = place
    return start, stop


def read(path: Path) -> Fragment:
    """Return what a segment written by `segment` says of itself.

    Raises:
        ChecksumMismatch: it is no such segment, or its data is not as long as its samples together.
    """
    content = path.read_bytes()
    try:
        return _fragment_of(content)
    except (ValueError, struct.error, TypeError) as error:
        raise ChecksumMismatch(f"{path.name}: is no whole segment: {error}", hint="deliver again") from error


def _fragment_of(content: bytes) -> Fragment:
    number = _at(content, ">I", 4, "moof", "mfhd")[0]
    start = _at(content, ">Q", 4, "moof", "traf", "tfdt")[0]
    count, data_at = _at(content, ">Ii", 4, "moof", "traf", "trun")
    place = find(content, "moof", "traf", "trun")
    assert place is not None, "it was read just now"
    rows = [struct.unpack_from(">IIIi", content, place[0] + 12 + 16 * index) for index in range(count)]
    data, moof = find(content, "mdat"), find(content, "moof")
    if data is None or moof is None or moof[0] - 8 + data_at != data[0]:
        raise ValueError("its data lies elsewhere")
    if sum(row[1] for row in rows) != data[1] - data[0]:
        raise ValueError("its samples are longer or shorter than its data")
    durations, sizes, flags, offsets = zip(*rows, strict=True)
    return Fragment(number, start, durations, sizes, offsets, flags[0] == _SYNC)


def _at(content: bytes, form: str, skipped: int, *path: str) -> tuple[int, ...]:
    place = find(content, *path)
    if place is None:
        raise ValueError(f"no {path[-1]} box")
    return struct.unpack_from(form, content, place[0] + skipped)
