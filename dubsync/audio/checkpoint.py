"""Read a TensorFlow checkpoint (V2 bundle: `model.index`, `model.data-00000-of-00001`) without TensorFlow.

The index is a LevelDB table of protocol buffers (tensor_bundle.proto); only uncompressed blocks and float32 tensors
are read. Field numbers: BundleEntryProto dtype 1, shape 2, offset 4, size 5; TensorShapeProto dim 2, size 1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.errors import PermanentError

_FLOAT32 = 1
_FOOTER = 48
Fields = dict[int, list[Any]]


def read(folder: Path, name: str = "model") -> dict[str, NDArray[np.float32]]:
    """Return the float32 tensors by name."""
    index = (folder / f"{name}.index").read_bytes()
    content = np.memmap(folder / f"{name}.data-00000-of-00001", np.uint8, "r")
    tensors = {}
    for key, value in _entries(index):
        entry = _fields(value)
        if key and entry.get(1, [0])[0] == _FLOAT32:
            offset, size = entry.get(4, [0])[0], entry.get(5, [0])[0]
            raw = content[offset : offset + size].tobytes()
            tensors[key.decode()] = np.frombuffer(raw, "<f4").reshape(_shape(entry))
    return tensors


def _shape(entry: Fields) -> list[int]:
    if 2 not in entry:
        return []
    return [_fields(dimension).get(1, [0])[0] for dimension in _fields(entry[2][0]).get(2, [])]


def _entries(index: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the key and value of each tensor: the footer points to the index block, which points to the data blocks."""
    footer = index[-_FOOTER:]
    at = 0
    for _ in range(2):  # the metaindex handle, which is skipped
        _, at = _varint(footer, at)
    offset, at = _varint(footer, at)
    size, _ = _varint(footer, at)
    for _, handle in _block(index, offset, size):
        start, at = _varint(handle, 0)
        length, _ = _varint(handle, at)
        yield from _block(index, start, length)


def _block(index: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the entries of a table block; keys share prefixes with the key before."""
    if index[offset + size] != 0:
        raise PermanentError("the checkpoint's index is compressed, which is not read here")
    block = index[offset : offset + size]
    (restarts,) = struct.unpack("<I", block[-4:])
    end, at, key = len(block) - 4 - 4 * restarts, 0, b""
    while at < end:
        shared, at = _varint(block, at)
        fresh, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + fresh]
        at += fresh
        yield key, block[at : at + length]
        at += length


def _varint(buffer: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = buffer[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _fields(message: bytes) -> Fields:
    """Return a protocol buffer's fields by number, nested messages as bytes."""
    at, found = 0, dict[int, list[Any]]()
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        value: Any
        if kind == 0:
            value, at = _varint(message, at)
        elif kind == 2:
            length, at = _varint(message, at)
            value, at = message[at : at + length], at + length
        else:
            width, form = (8, "<Q") if kind == 1 else (4, "<I")
            (value,) = struct.unpack(form, message[at : at + width])
            at += width
        found.setdefault(tag >> 3, []).append(value)
    return found
