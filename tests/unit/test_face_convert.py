"""TFLite read and written as ONNX, on a model put together here byte by byte."""

from typing import Any

import flatbuffers
import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from dubsync.face import tflite
from dubsync.face.convert import Conversion, Graph

CONV_2D, PAD, ADD, PRELU, RESHAPE, UNKNOWN = 3, 34, 0, 54, 22, 99
Field = tuple[int, str, Any]


class Writer:
    """Writes a TFLite model of float32 and int32 tensors."""

    def __init__(self) -> None:
        self.builder = flatbuffers.Builder(1024)

    def table(self, *fields: Field) -> int:
        """Write a table of (number, kind, value): "offset" refers to something written before."""
        add = {"offset": self.builder.PrependUOffsetTRelativeSlot, "int8": self.builder.PrependInt8Slot,
               "int32": self.builder.PrependInt32Slot, "uint32": self.builder.PrependUint32Slot}  # fmt: skip
        self.builder.StartObject(12)
        for number, kind, value in fields:
            add[kind](number, value, 0)
        return int(self.builder.EndObject())

    def offsets(self, items: list[int]) -> int:
        self.builder.StartVector(4, len(items), 4)
        for item in reversed(items):
            self.builder.PrependUOffsetTRelative(item)
        return int(self.builder.EndVector())

    def array(self, values: Any, kind: Any = np.int32) -> int:
        return int(self.builder.CreateNumpyVector(np.asarray(values, kind)))

    def tensor(self, name: str, shape: tuple[int, ...], buffer: int, kind: int = 0) -> int:
        sizes, label = self.array(shape), self.builder.CreateString(name)
        return self.table((0, "offset", sizes), (1, "int8", kind), (2, "uint32", buffer), (3, "offset", label))

    def operator(self, code: int, inputs: list[int], output: int, options: int | None = None) -> int:
        sources, targets = self.array(inputs), self.array([output])
        extra: list[Field] = [] if options is None else [(4, "offset", options)]
        return self.table((0, "uint32", code), (1, "offset", sources), (2, "offset", targets), *extra)

    def finish(self, codes: list[int], constants: list[Any], tensors: list[int], steps: list[int], ends: Any) -> bytes:
        """Write the rest; `ends`: numbers of the input and the output tensor."""
        contents = [self.array(np.frombuffer(values.tobytes(), np.uint8), np.uint8) for values in constants]
        buffers = self.offsets([self.table(), *(self.table((0, "offset", content)) for content in contents)])
        kinds = self.offsets([self.table((0, "int8", code), (3, "int32", code)) for code in codes])
        parts = [self.offsets(tensors), self.array([ends[0]]), self.array([ends[1]]), self.offsets(steps)]
        graph = self.table(*((number, "offset", part) for number, part in enumerate(parts)))
        graphs = self.offsets([graph])
        self.builder.Finish(self.table((1, "offset", kinds), (2, "offset", graphs), (4, "offset", buffers)), b"TFL3")
        return bytes(self.builder.Output())


FILTERS = np.random.default_rng(3).normal(0, 1, (4, 3, 3, 2)).astype(np.float32)
BIAS = np.arange(4, dtype=np.float32)
SLOPE = np.float32([[[0.1, 0.2, 0.3, 0.4]]])


def small_model(first_code: int = PAD) -> bytes:
    """Pad, a 3 x 3 convolution of stride 2, PReLU, and a reshape that shows the layout."""
    writer = Writer()
    widths = np.int32([[0, 0], [1, 0], [0, 1], [0, 0]])
    tensors = [
        writer.tensor("in", (1, 6, 8, 2), 0),
        writer.tensor("widths", (4, 2), 1, kind=2),
        writer.tensor("padded", (1, 7, 9, 2), 0),
        writer.tensor("filters", FILTERS.shape, 2),
        writer.tensor("bias", BIAS.shape, 3),
        writer.tensor("features", (1, 3, 4, 4), 0),
        writer.tensor("slope", SLOPE.shape, 4),
        writer.tensor("active", (1, 3, 4, 4), 0),
        writer.tensor("out", (1, 48), 0),
    ]
    options = writer.table((0, "int8", 1), (1, "int32", 2), (2, "int32", 2))
    steps = [
        writer.operator(0, [0, 1], 2),
        writer.operator(1, [2, 3, 4], 5, options),
        writer.operator(2, [5, 6], 7),
        writer.operator(3, [7], 8),
    ]
    return writer.finish([first_code, CONV_2D, PRELU, RESHAPE], [widths, FILTERS, BIAS, SLOPE], tensors, steps, (0, 8))


def expected(picture: np.ndarray) -> np.ndarray:
    """Return what the model says by its definition, in numpy."""
    padded = np.pad(picture, ((1, 0), (0, 1), (0, 0)))
    features = np.zeros((3, 4, 4))
    for row in range(3):
        for column in range(4):
            window = padded[2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            features[row, column] = (FILTERS * window).sum(axis=(1, 2, 3)) + BIAS
    return np.where(features > 0, features, features * SLOPE).ravel()


def test_a_model_is_read_as_it_was_written() -> None:
    model = tflite.parse(small_model())
    assert [operator.kind for operator in model.operators] == ["PAD", "CONV_2D", "PRELU", "RESHAPE"]
    assert model.operators[1].options == {
        "padding": 1, "stride_w": 2, "stride_h": 2, "activation": 0, "dilation_w": 1, "dilation_h": 1,
    }  # fmt: skip
    assert model.tensors[3].constant is not None
    assert np.array_equal(model.tensors[3].constant, FILTERS)
    assert (model.inputs, model.outputs) == ((0,), (8,))


def test_the_converted_network_gives_what_the_definition_says() -> None:
    graph = Graph()
    network = Conversion(tflite.parse(small_model()), graph, "picture")
    graph.add("Identity", network.value("out"), output="result")
    source = helper.make_tensor_value_info("picture", TensorProto.FLOAT, (1, 2, 6, 8))
    target = helper.make_tensor_value_info("result", TensorProto.FLOAT, (1, 48))
    session = onnxruntime.InferenceSession(graph.model([source], [target]).SerializeToString())
    picture = np.random.default_rng(0).normal(0, 1, (6, 8, 2)).astype(np.float32)
    (found,) = session.run(None, {"picture": picture.transpose(2, 0, 1)[None]})
    assert np.allclose(found[0], expected(picture), atol=1e-5)


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="not a TFLite file"):
        tflite.parse(b"\0" * 64)
    with pytest.raises(ValueError, match="operator 99"):
        tflite.parse(small_model(first_code=UNKNOWN))
    with pytest.raises(ValueError, match="no output 'nothing'"):
        Conversion(tflite.parse(small_model()), Graph(), "picture").value("nothing")
