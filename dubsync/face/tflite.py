"""Reads a TFLite model file as data: tensors with their constants, operators in order, inputs and outputs.

TFLite files are FlatBuffers (https://flatbuffers.dev/internals): a table is a list of offsets to its fields. Field
numbers are those of TensorFlow's `schema.fbs`. Only what the MediaPipe face mesh holds is read: no quantised, no
sparse tensors.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from flatbuffers import flexbuffers  # type: ignore[import-untyped]
from numpy.typing import NDArray

_TYPES = {0: np.float32, 1: np.float16, 2: np.int32, 3: np.uint8, 4: np.int64}

_OPERATORS = {
    0: "ADD", 3: "CONV_2D", 4: "DEPTHWISE_CONV_2D", 6: "DEQUANTIZE", 17: "MAX_POOL_2D", 18: "MUL", 22: "RESHAPE",
    34: "PAD", 45: "STRIDED_SLICE", 54: "PRELU",
}  # fmt: skip
"""By schema number: what the attention mesh is made of, beside three operators of its own."""
_CUSTOM = 32

# Options by operator: field number, struct code, default. Names are the schema's.
_CONVOLUTION = {"padding": (0, "b", 0), "stride_w": (1, "i", 0), "stride_h": (2, "i", 0)}
_OPTIONS: dict[str, dict[str, tuple[int, str, int]]] = {
    "CONV_2D": _CONVOLUTION | {"activation": (3, "b", 0), "dilation_w": (4, "i", 1), "dilation_h": (5, "i", 1)},
    "DEPTHWISE_CONV_2D": _CONVOLUTION
    | {"activation": (4, "b", 0), "dilation_w": (5, "i", 1), "dilation_h": (6, "i", 1)},
    "MAX_POOL_2D": _CONVOLUTION | {"filter_w": (3, "i", 0), "filter_h": (4, "i", 0)},
    "ADD": {"activation": (0, "b", 0)},
    "MUL": {"activation": (0, "b", 0)},
    "STRIDED_SLICE": {"begin_mask": (0, "i", 0), "end_mask": (1, "i", 0), "shrink_axis_mask": (4, "i", 0)},
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor; `constant` is None where it is computed."""

    name: str
    shape: tuple[int, ...]
    constant: NDArray[Any] | None


@dataclass(frozen=True, slots=True)
class Operator:
    """One step: `kind` (schema name, or the custom operator's own), tensors by number, options by name."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Model:
    """The first subgraph of a TFLite file."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class _Table:
    """A FlatBuffers table at `position` of `buffer`."""

    def __init__(self, buffer: bytes, position: int) -> None:
        self._buffer, self._position = buffer, position

    def _field(self, number: int) -> int | None:
        """Return where the field's bytes are, None when it is left at its default."""
        vtable = self._position - self._unpack("<i", self._position)
        if 4 + 2 * number >= self._unpack("<H", vtable):
            return None
        offset = self._unpack("<H", vtable + 4 + 2 * number)
        return self._position + offset if offset else None

    def _unpack(self, code: str, position: int) -> Any:
        return struct.unpack_from(code, self._buffer, position)[0]

    def scalar(self, number: int, code: str, default: int = 0) -> int:
        position = self._field(number)
        return default if position is None else int(self._unpack("<" + code, position))

    def table(self, number: int) -> _Table | None:
        position = self._field(number)
        return None if position is None else _Table(self._buffer, position + self._unpack("<I", position))

    def tables(self, number: int) -> list[_Table]:
        start, count = self._vector(number)
        places = range(start, start + 4 * count, 4)
        return [_Table(self._buffer, place + self._unpack("<I", place)) for place in places]

    def array(self, number: int, kind: Any) -> NDArray[Any]:
        start, count = self._vector(number)
        return np.frombuffer(self._buffer, kind, count, start)

    def text(self, number: int) -> str:
        return self.array(number, np.uint8).tobytes().decode()

    def _vector(self, number: int) -> tuple[int, int]:
        position = self._field(number)
        if position is None:
            return 0, 0
        start = position + self._unpack("<I", position)
        return start + 4, self._unpack("<I", start)


def parse(content: bytes) -> Model:
    """Read the bytes of a TFLite file.

    Raises ValueError when it is not one, or holds what is not read here.
    """
    if content[4:8] != b"TFL3":
        raise ValueError("not a TFLite file")
    model = _Table(content, struct.unpack_from("<I", content)[0])
    graph = model.tables(2)[0]
    kinds = [_kind(code) for code in model.tables(1)]
    buffers = [buffer.array(0, np.uint8) for buffer in model.tables(4)]
    return Model(
        tensors=tuple(_tensor(tensor, buffers) for tensor in graph.tables(0)),
        operators=tuple(_operator(operator, kinds) for operator in graph.tables(3)),
        inputs=tuple(graph.array(1, np.int32).tolist()),
        outputs=tuple(graph.array(2, np.int32).tolist()),
    )


def _kind(code: _Table) -> str:
    number = max(code.scalar(0, "b"), code.scalar(3, "i"))
    if number == _CUSTOM:
        return code.text(1)
    if number not in _OPERATORS:
        raise ValueError(f"TFLite operator {number} is not known here")
    return _OPERATORS[number]


def _tensor(tensor: _Table, buffers: list[NDArray[Any]]) -> Tensor:
    shape = tuple(tensor.array(0, np.int32).tolist())
    content = buffers[tensor.scalar(2, "I")]
    if tensor.table(6) is not None:
        raise ValueError("sparse TFLite tensors are not read here")
    constant = content.view(_TYPES[tensor.scalar(1, "b")]).reshape(shape) if content.size else None
    return Tensor(tensor.text(3), shape, constant)


def _operator(operator: _Table, kinds: list[str]) -> Operator:
    kind = kinds[operator.scalar(0, "I")]
    options: dict[str, Any] = {}
    custom = operator.array(5, np.uint8)
    if custom.size:
        options = dict(flexbuffers.Loads(custom.tobytes()))
    elif kind in _OPTIONS:
        table = operator.table(4)
        options = {
            name: default if table is None else table.scalar(number, code, default)
            for name, (number, code, default) in _OPTIONS[kind].items()
        }
    inputs, outputs = (tuple(operator.array(number, np.int32).tolist()) for number in (1, 2))
    return Operator(kind, inputs, outputs, options)
