"""The Marian `.bin` file (version 1) with int8 weights, read and written.

Layout: version, count; per tensor four 64-bit numbers (name length, type, rank, bytes); the names, zero-terminated;
the shapes, 32-bit; the distance to the data, padded to 256 bytes; the data. An int8 matrix is kept transposed (the
embeddings are not) and is followed by its scale: weight = int8 / scale.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dubsync.errors import IntegrityError

FLOAT32, INT8, BYTES = 0x404, 0x4101, 0x101
CONFIGURATION = "special:model.yml"
ALIGNMENT = 256

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor as it lies in the file. `kind`: FLOAT32, INT8 or BYTES. `raw`: its bytes, padding included."""

    name: str
    kind: int
    shape: tuple[int, ...]
    raw: bytes


def read(path: Path) -> dict[str, Tensor]:
    """Return the tensors by name, in the order of the file."""
    data = path.read_bytes()
    try:
        return {tensor.name: tensor for tensor in _parse(data)}
    except (struct.error, UnicodeDecodeError, ValueError) as cause:
        raise IntegrityError(f"{path} is not a whole Marian model: {cause}", hint="Fetch it again.") from cause


def _parse(data: bytes) -> Iterable[Tensor]:
    version, count = struct.unpack_from("<QQ", data)
    if version != 1 or count > 10_000:
        raise ValueError(f"version {version} with {count} tensors is unknown")
    at = 16
    heads = [struct.unpack_from("<QQQQ", data, at + 32 * index) for index in range(count)]
    at += 32 * count
    names = []
    for length, *_ in heads:
        names.append(data[at : at + length - 1].decode())
        at += length
    shapes = []
    for _, _, rank, _ in heads:
        shapes.append(struct.unpack_from(f"<{rank}i", data, at))
        at += 4 * rank
    at += 8 + struct.unpack_from("<Q", data, at)[0]
    for name, shape, (_, kind, _, size) in zip(names, shapes, heads, strict=True):
        if at + size > len(data):
            raise ValueError(f"it ends inside {name}")
        yield Tensor(name, kind, shape, data[at : at + size])
        at += size


def write(path: Path, tensors: Iterable[Tensor]) -> None:
    """Write the tensors, in order, as Marian does."""
    entries = list(tensors)
    head = struct.pack("<QQ", 1, len(entries))
    for entry in entries:
        head += struct.pack("<QQQQ", len(entry.name.encode()) + 1, entry.kind, len(entry.shape), len(entry.raw))
    head += b"".join(entry.name.encode() + b"\0" for entry in entries)
    head += b"".join(struct.pack(f"<{len(entry.shape)}i", *entry.shape) for entry in entries)
    gap = -(len(head) + 8) % ALIGNMENT
    path.write_bytes(head + struct.pack("<Q", gap) + bytes(gap) + b"".join(entry.raw for entry in entries))


def values(tensor: Tensor) -> Floats:
    """Return the weights as floats in their logical shape (rows are inputs, embeddings are rows by piece)."""
    count = int(np.prod(tensor.shape))
    if tensor.kind == FLOAT32:
        return np.frombuffer(tensor.raw, np.float32, count).reshape(tensor.shape)
    whole = np.frombuffer(tensor.raw, np.int8, count).astype(np.float32) / scale(tensor)
    if is_embedding(tensor.name):
        return whole.reshape(tensor.shape)
    return np.ascontiguousarray(whole.reshape(tensor.shape[::-1]).T)


def scale(tensor: Tensor) -> float:
    """Return the scale of an int8 tensor."""
    return float(np.frombuffer(tensor.raw, np.float32, 1, int(np.prod(tensor.shape)))[0])


def is_embedding(name: str) -> bool:
    return name.endswith("Wemb")


def float_tensor(name: str, weights: Floats) -> Tensor:
    raw = np.ascontiguousarray(weights, np.float32).tobytes()
    return Tensor(name, FLOAT32, weights.shape, _pad(raw))


def int8_tensor(name: str, weights: Floats) -> Tensor:
    """Quantise over the whole range of the matrix: the largest weight becomes 127."""
    factor = 127.0 / max(float(np.abs(weights).max()), 1e-9)
    whole = np.clip(np.rint(weights * factor), -127, 127).astype(np.int8)
    stored = whole if is_embedding(name) else whole.T
    return Tensor(name, INT8, weights.shape, _pad(np.ascontiguousarray(stored).tobytes() + struct.pack("<f", factor)))


def _pad(raw: bytes) -> bytes:
    return raw + bytes(-len(raw) % ALIGNMENT)
