"""What splicing needs of H.264 (ITU-T H.264, ISO 14496-15): units of a packet, parameter sets, the avcC record."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_IDR, _SPS, _PPS, _DELIMITER = 5, 7, 8, 9
_PROFILES = {66: "baseline", 77: "main", 100: "high", 110: "high10", 122: "high422", 244: "high444"}
_IDS = 32


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """An avcC record taken apart. `head`: its first five bytes; `tail`: what the high profiles append."""

    head: bytes
    sequence: tuple[bytes, ...]
    picture: tuple[bytes, ...]
    tail: bytes

    @classmethod
    def parse(cls, record: bytes) -> ParameterSets | None:
        """Take an avcC record apart; None if it is not one with four-byte lengths."""
        if len(record) < 7 or record[0] != 1 or record[4] & 3 != 3:
            return None
        sequence, position = _sets(record, 6, record[5] & 31)
        picture, position = _sets(record, position + 1, record[position])
        return cls(record[:5], sequence, picture, record[position:])

    @property
    def profile(self) -> str | None:
        """x264's name of the profile, None if it makes no such."""
        return _PROFILES.get(self.head[1])

    def free_id(self) -> int | None:
        """Return an id that no set bears yet."""
        used = {_golomb(unit[4:]) for unit in self.sequence} | {_golomb(unit[1:]) for unit in self.picture}
        return next((number for number in range(1, _IDS) if number not in used), None)

    def joined(self, other: tuple[bytes, ...]) -> bytes:
        """Return the record with the sets of another encoder added, at the higher level of both."""
        sequence = (*self.sequence, *(unit for unit in other if kind(unit) == _SPS))
        picture = (*self.picture, *(unit for unit in other if kind(unit) == _PPS))
        head = bytearray(self.head)
        head[3] = max(unit[3] for unit in sequence)
        parts = [bytes(head), bytes([0xE0 | len(sequence)])]
        parts += [struct.pack(">H", len(unit)) + unit for unit in sequence]
        parts += [bytes([len(picture)])]
        parts += [struct.pack(">H", len(unit)) + unit for unit in picture]
        return b"".join((*parts, self.tail))


def kind(unit: bytes) -> int:
    """Return the type of a unit."""
    return unit[0] & 31


def is_idr(packet: bytes) -> bool:
    """Tell whether a packet with four-byte lengths begins anew: nothing after it refers to anything before."""
    return any(kind(unit) == _IDR for unit in _counted_units(packet))


def counted(stream: bytes) -> bytes:
    """Return an encoder's packet with lengths instead of start codes, without parameter sets and delimiters."""
    kept = [unit for unit in units(stream) if kind(unit) not in (_SPS, _PPS, _DELIMITER)]
    return b"".join(struct.pack(">I", len(unit)) + unit for unit in kept)


def units(stream: bytes) -> tuple[bytes, ...]:
    """Return the units of a byte stream with start codes (annex B)."""
    pieces = stream.split(b"\0\0\1")[1:]
    return tuple(piece.rstrip(b"\0") for piece in pieces[:-1]) + tuple(pieces[-1:])


def _counted_units(packet: bytes) -> Iterator[bytes]:
    position = 0
    while position + 4 < len(packet):
        length = int.from_bytes(packet[position : position + 4], "big")
        yield packet[position + 4 : position + 4 + length]
        position += 4 + length


def _sets(record: bytes, position: int, count: int) -> tuple[tuple[bytes, ...], int]:
    found = []
    for _ in range(count):
        length = int.from_bytes(record[position : position + 2], "big")
        found.append(record[position + 2 : position + 2 + length])
        position += 2 + length
    return tuple(found), position


def _golomb(content: bytes) -> int:
    """Read the unsigned Exp-Golomb number that content begins with (H.264, 9.1)."""
    bits = "".join(f"{byte:08b}" for byte in content[:8])
    zeros = len(bits) - len(bits.lstrip("0"))
    return int(bits[zeros : 2 * zeros + 1], 2) - 1
