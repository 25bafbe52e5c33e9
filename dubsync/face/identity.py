"""Whose face it is, as a vector: dlib's recognition network (King, "Dlib-ml", 2009; weights CC0).

Used to measure that a re-synthesised face is still its owner's; nothing is decided by it. The weights come as npm
@vladmandic/face-api carries them: one file of values, partly in 8 bits, and a JSON list of names and shapes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from dubsync.face import align
from dubsync.face.convert import Graph
from dubsync.face.detect import Picture, session
from dubsync.face.geometry import Landmarks

VALUES, LAYOUT = "face_recognition_model.bin", "face_recognition_model-weights_manifest.json"
_SIDE = 150
_MEAN_COLOUR = (122.782, 117.001, 104.298)
_PLACES = {
    263: (0.8595674595992, 0.2134981538014),
    362: (0.6460604764104, 0.2289674387677),
    33: (0.1205750620789, 0.2137274526848),
    133: (0.3340850613712, 0.2290642403242),
    2: (0.4901123135679, 0.6277975316475),
}
"""Where eye corners and the nose's base lie in the network's picture (dlib, `get_face_chip_details`), less a border."""
_BORDER = 0.25
_BLOCKS = (
    "conv32_1", "conv32_2", "conv32_3", "conv64_down", "conv64_1", "conv64_2", "conv64_3", "conv128_down", "conv128_1",
    "conv128_2", "conv256_down", "conv256_1", "conv256_2", "conv256_down_out",
)  # fmt: skip

Values = Mapping[str, NDArray[np.float32]]


class Recogniser:
    """Tells faces apart. `folder`: the prepared weights."""

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        self._session = session(folder / "recogniser.onnx", threads)

    def embed(self, picture: Picture, landmarks: Landmarks) -> NDArray[np.float32]:
        """Return a vector (128,) of the face (468, 3) in an RGB picture.

        The same person's vectors lie within about 0.6 of each other (Euclidean), other people's beyond.
        """
        square = align.crop(picture, _alignment(landmarks), _SIDE)
        (vector,) = self._session.run(None, {"picture": square[None]})
        return np.asarray(vector[0], np.float32)


def similarity(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return the cosine of two vectors of `Recogniser.embed`."""
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


def _alignment(landmarks: Landmarks) -> align.Affine:
    """Return the similarity that takes five points to their places, in the least-squares sense."""
    goal = (np.array(list(_PLACES.values())) + _BORDER) / (1 + 2 * _BORDER) * _SIDE
    points = landmarks[list(_PLACES), :2].astype(np.float64)
    source = (points - points.mean(axis=0)) @ (1, 1j)
    target = (goal - goal.mean(axis=0)) @ (1, 1j)
    turn = np.vdot(source, target) / np.vdot(source, source)
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    shift = goal.mean(axis=0) - linear @ points.mean(axis=0)
    return np.column_stack([linear, shift]).astype(np.float32)


def prepare(source: Path, out: Path) -> None:
    """Write `recogniser.onnx` into the folder `out` from the two files in the folder `source`."""
    values = _values((source / VALUES).read_bytes(), json.loads((source / LAYOUT).read_text(encoding="utf-8")))
    (out / "recogniser.onnx").write_bytes(_network(values))


def _values(content: bytes, layout: list[dict[str, Any]]) -> Values:
    """Read the named arrays; those in 8 bits have a scale and a least value."""
    values, position = {}, 0
    for entry in layout[0]["weights"]:
        packed = entry.get("quantization")
        kind = np.dtype(np.uint8 if packed else np.float32)
        raw = np.frombuffer(content, kind, int(np.prod(entry["shape"])), position)
        position += raw.nbytes
        array = raw.astype(np.float64) * packed["scale"] + packed["min"] if packed else raw
        values[entry["name"]] = array.reshape(entry["shape"]).astype(np.float32)
    if position != len(content):
        raise ValueError(f"{VALUES} holds {len(content)} bytes, its layout says {position}")
    return values


def _network(values: Values) -> bytes:
    graph = Graph()
    colours = graph.add("Sub", graph.add("Cast", "picture", to=TensorProto.FLOAT), graph.constant(_MEAN_COLOUR))
    unit = graph.add("Mul", colours, graph.constant(1 / 256))
    made = graph.add("Transpose", unit, perm=(0, 3, 1, 2))
    made = graph.add("Relu", _convolution(graph, values, "conv32_down", made, stride=2))
    made = graph.add("MaxPool", made, kernel_shape=(3, 3), strides=(2, 2))
    for name in _BLOCKS:
        made = _block(graph, values, name, made)
    made = graph.add("ReduceMean", made, axes=[2, 3], keepdims=0)
    graph.add("MatMul", made, graph.constant(values["fc"]), output="vector")
    picture = helper.make_tensor_value_info("picture", TensorProto.UINT8, (1, _SIDE, _SIDE, 3))
    vector = helper.make_tensor_value_info("vector", TensorProto.FLOAT, (1, 128))
    return bytes(graph.model([picture], [vector]).SerializeToString(deterministic=True))


def _block(graph: Graph, values: Values, name: str, source: str) -> str:
    """Add a residual block; one that halves the picture averages the short way, and pads what has come out smaller."""
    is_halving = "down" in name
    made = graph.add("Relu", _convolution(graph, values, f"{name}/conv1", source, stride=2 if is_halving else 1))
    made = _convolution(graph, values, f"{name}/conv2", made, stride=1)
    if is_halving:
        source = graph.add("AveragePool", source, kernel_shape=(2, 2), strides=(2, 2))
        if name.startswith("conv256"):  # 8 pixels come out as 3, and 4 as 1, where the short way has 4 and 2
            made = graph.add("Pad", made, graph.constant([0, 0, 0, 0, 0, 0, 1, 1], np.int64))
        *_, inputs, outputs = values[f"{name}/conv1/conv/filters"].shape
        if outputs > inputs:
            source = graph.add("Pad", source, graph.constant([0, 0, 0, 0, 0, outputs - inputs, 0, 0], np.int64))
    return graph.add("Relu", graph.add("Add", made, source))


def _convolution(graph: Graph, values: Values, name: str, source: str, *, stride: int) -> str:
    """Add a convolution with its scale folded in; those with a stride do not pad."""
    filters, gain = values[f"{name}/conv/filters"], values[f"{name}/scale/weights"]
    bias = values[f"{name}/conv/bias"] * gain + values[f"{name}/scale/biases"]
    weights = (filters * gain).transpose(3, 2, 0, 1)
    border = 0 if stride > 1 else 1
    return graph.add(
        "Conv", source, graph.constant(weights), graph.constant(bias), strides=(stride, stride), pads=(border,) * 4
    )
