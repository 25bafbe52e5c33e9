"""Codecs as playlists name them (RFC 6381), read from what a decoder must know first."""

from __future__ import annotations

from typing import Any

from dubsync.errors import UnsupportedStream

_AAC_ESCAPE = 31


def picture_codec(context: Any) -> str:
    """Return "avc1.640028" or "hvc1.2.4.L120.90" for a track's codec context.

    Raises:
        UnsupportedStream: it is neither H.264 nor HEVC, or its record is not that of MP4.
    """
    name, record = context.codec.canonical_name, bytes(context.extradata or b"")
    if name not in ("h264", "hevc"):
        raise UnsupportedStream(f"a picture in {name} is not streamed", hint="convert the film to H.264 first")
    if len(record) < 13 or record[0] != 1:
        raise UnsupportedStream("the picture's parameters are not in MP4's form", hint="convert the film to MP4 first")
    return f"avc1.{record[1:4].hex()}" if name == "h264" else _hevc(record)


def _hevc(record: bytes) -> str:
    """Spell profile, compatibility, tier, level and constraints (ISO 14496-15, annex E)."""
    space = ("", "A", "B", "C")[record[1] >> 6]
    tier = "H" if record[1] >> 5 & 1 else "L"
    compatible = int(f"{int.from_bytes(record[2:6], 'big'):032b}"[::-1], 2)
    constraints = [f"{byte:X}" for byte in record[6:12]]
    while constraints and constraints[-1] == "0":
        constraints.pop()
    parts = [f"{space}{record[1] & 31}", f"{compatible:X}", f"{tier}{record[12]}", *constraints]
    return "hvc1." + ".".join(parts)


def sound_codec(record: bytes) -> str:
    """Return "mp4a.40.2" for an AudioSpecificConfig (ISO 14496-3): 2 is AAC-LC, 5 HE-AAC; 0 where there is none."""
    if len(record) < 2:
        return "mp4a.40.0"
    kind = record[0] >> 3
    if kind == _AAC_ESCAPE:
        kind = 32 + (int.from_bytes(record[:2], "big") >> 5 & 63)
    return f"mp4a.40.{kind}"
