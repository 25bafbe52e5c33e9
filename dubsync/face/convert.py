"""Writes a TFLite model, as `dubsync.face.tflite` reads it, as ONNX: the same network for onnxruntime.

Four-dimensional tensors, (n, h, w, c) in TFLite, are (n, c, h, w) here; others keep their layout. Besides ordinary
operators the MediaPipe attention mesh has three of its own, which look at a region of a feature map: a matrix from
landmarks (`Landmarks2TransformMatrix`), sampling under it (`TransformTensorBilinear`), and points through it
(`TransformLandmarks`). They are spelled out in ONNX after MediaPipe's kernels (mediapipe/util/tflite/operations).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from dubsync.face.tflite import Model, Operator

_OPSET, _IR_VERSION = 17, 8
_TO_NCHW, _TO_NHWC = (0, 3, 1, 2), (0, 2, 3, 1)
_PADDING = {0: "SAME_UPPER", 1: "VALID"}


class Graph:
    """An ONNX graph in the making. A value is known by its name."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def add(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add a node with one output and return the output's name."""
        name = output or f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, values: Any, kind: Any = np.float32) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values, dtype=kind), name))
        return name

    def slice(self, source: str, axis: int, start: int, stop: int) -> str:
        start_, stop_, axis_ = (self.constant([number], np.int64) for number in (start, stop, axis))
        return self.add("Slice", source, start_, stop_, axis_)

    def model(self, inputs: list[Any], outputs: list[Any]) -> onnx.ModelProto:
        """Return the finished, checked model, without the nodes that no output needs."""
        needed = {value.name for value in outputs}
        kept = []
        for node in reversed(self._nodes):
            if needed & set(node.output):
                kept.append(node)
                needed |= set(node.input)
        constants = [constant for constant in self._constants if constant.name in needed]
        graph = helper.make_graph(kept[::-1], "face", inputs, outputs, constants)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
        onnx.checker.check_model(made)
        return made


class Conversion:
    """Adds the operators of a TFLite model to a graph. The model's input is the value `picture` (1, c, h, w)."""

    def __init__(self, model: Model, graph: Graph, picture: str) -> None:
        self._model, self._graph = model, graph
        self._names: dict[int, str] = {model.inputs[0]: picture}
        self._constants = {n: t.constant for n, t in enumerate(model.tensors) if t.constant is not None}
        for operator in model.operators:
            self._add(operator)

    def value(self, name: str) -> str:
        """Return the graph's name of the model's output `name`, in the model's own layout."""
        for number in self._model.outputs:
            if self._model.tensors[number].name == name:
                return self._as_nhwc(number)
        raise ValueError(f"the model has no output {name!r}")

    def _add(self, operator: Operator) -> None:
        if operator.kind == "DEQUANTIZE":
            self._constants[operator.outputs[0]] = self._constant(operator.inputs[0]).astype(np.float32)
            return
        write = _WRITERS.get(operator.kind)
        if write is None:
            raise ValueError(f"no way is known to write {operator.kind} as ONNX")
        self._names[operator.outputs[0]] = write(self, operator)

    def _constant(self, number: int) -> NDArray[Any]:
        return self._constants[number]

    def _shape(self, number: int) -> tuple[int, ...]:
        return self._model.tensors[number].shape

    def _operand(self, number: int, rank: int) -> str:
        """Return a computed value, or a constant laid out to be combined with a value of this rank."""
        if number in self._names:
            return self._names[number]
        values = self._constant(number)
        if rank == 4:
            values = values.reshape((1,) * (4 - values.ndim) + values.shape).transpose(_TO_NCHW)
        return self._graph.constant(values)

    def _as_nhwc(self, number: int) -> str:
        name = self._names[number]
        return self._graph.add("Transpose", name, perm=_TO_NHWC) if len(self._shape(number)) == 4 else name

    def _activated(self, name: str, activation: int) -> str:
        if activation == 0:
            return name
        if activation != 1:
            raise ValueError(f"TFLite activation {activation} is not known here")
        return self._graph.add("Relu", name)

    def _convolution(self, operator: Operator) -> str:
        source, filters, bias = operator.inputs
        options, is_depthwise = operator.options, operator.kind == "DEPTHWISE_CONV_2D"
        weights = self._constant(filters).transpose((3, 0, 1, 2) if is_depthwise else _TO_NCHW)
        made = self._graph.add(
            "Conv",
            self._names[source],
            self._graph.constant(weights),
            self._graph.constant(self._constant(bias)),
            group=self._shape(source)[3] if is_depthwise else 1,
            kernel_shape=weights.shape[2:],
            strides=(options["stride_h"], options["stride_w"]),
            dilations=(options["dilation_h"], options["dilation_w"]),
            auto_pad=_PADDING[options["padding"]],
        )
        return self._activated(made, options["activation"])

    def _pool(self, operator: Operator) -> str:
        options = operator.options
        return self._graph.add(
            "MaxPool",
            self._names[operator.inputs[0]],
            kernel_shape=(options["filter_h"], options["filter_w"]),
            strides=(options["stride_h"], options["stride_w"]),
            auto_pad=_PADDING[options["padding"]],
        )

    def _arithmetic(self, operator: Operator) -> str:
        rank = len(self._shape(operator.outputs[0]))
        operands = [self._operand(number, rank) for number in operator.inputs]
        kind = {"ADD": "Add", "MUL": "Mul"}[operator.kind]
        return self._activated(self._graph.add(kind, *operands), operator.options["activation"])

    def _prelu(self, operator: Operator) -> str:
        slope = self._constant(operator.inputs[1]).reshape(-1, 1, 1)
        return self._graph.add("PRelu", self._names[operator.inputs[0]], self._graph.constant(slope))

    def _pad(self, operator: Operator) -> str:
        widths = self._constant(operator.inputs[1])[list(_TO_NCHW)]
        return self._graph.add("Pad", self._names[operator.inputs[0]], self._graph.constant(widths.T.ravel(), np.int64))

    def _reshape(self, operator: Operator) -> str:
        shape = self._shape(operator.outputs[0])
        made = self._graph.add("Reshape", self._as_nhwc(operator.inputs[0]), self._graph.constant(shape, np.int64))
        return self._graph.add("Transpose", made, perm=_TO_NCHW) if len(shape) == 4 else made

    def _strided_slice(self, operator: Operator) -> str:
        source, *bounds = operator.inputs
        begin, end, step = (self._constant(number).astype(np.int64) for number in bounds)
        shape, options = self._shape(source), operator.options
        if options["shrink_axis_mask"]:
            raise ValueError("a slice that drops an axis is not known here")
        for axis, size in enumerate(shape):
            begin[axis] = 0 if options["begin_mask"] >> axis & 1 else begin[axis]
            end[axis] = size if options["end_mask"] >> axis & 1 else end[axis]
        axes = [_TO_NCHW.index(axis) if len(shape) == 4 else axis for axis in range(len(shape))]
        limits = [self._graph.constant(values, np.int64) for values in (begin, end, axes, step)]
        return self._graph.add("Slice", self._names[source], *limits)

    def _landmarks_to_matrix(self, operator: Operator) -> str:
        """Matrix (1, 4, 4) from a region's pixels to the feature map: the box of some landmarks, turned upright."""
        graph, options = self._graph, operator.options
        points = graph.slice(self._names[operator.inputs[0]], 2, 0, 2)
        first, second = (graph.constant([options[f"{side}_rotation_idx"]], np.int64) for side in ("left", "right"))
        along = graph.add(
            "Sub", graph.add("Gather", points, second, axis=1), graph.add("Gather", points, first, axis=1)
        )
        along = graph.add("LpNormalization", along, axis=2, p=2)
        cosine, sine = graph.slice(along, 2, 0, 1), graph.slice(along, 2, 1, 2)
        upright = graph.add("Concat", along, graph.add("Concat", graph.add("Neg", sine), cosine, axis=2), axis=1)
        turned = graph.add("Transpose", upright, perm=(0, 2, 1))
        subset = graph.constant(np.ravel(options["subset_idxs"]), np.int64)
        region = graph.add("MatMul", graph.add("Gather", points, subset, axis=1), turned)
        highest = graph.add("ReduceMax", region, axes=[1], keepdims=1)
        lowest = graph.add("ReduceMin", region, axes=[1], keepdims=1)
        half = graph.constant(0.5)
        centre = graph.add("MatMul", graph.add("Mul", graph.add("Add", highest, lowest), half), upright)
        width, height = options["output_width"], options["output_height"]
        zoom = graph.constant([[[options["scale_x"] / width, options["scale_y"] / height]]])
        linear = graph.add("Mul", turned, graph.add("Mul", graph.add("Sub", highest, lowest), zoom))
        back = graph.add("MatMul", linear, graph.constant([[[width / 2], [height / 2]]]))
        shift = graph.add("Sub", graph.add("Transpose", centre, perm=(0, 2, 1)), back)
        top = graph.add("Concat", linear, graph.constant(np.zeros((1, 2, 1))), shift, axis=2)
        return graph.add("Concat", top, graph.constant([[[0, 0, 1, 0], [0, 0, 0, 1]]]), axis=1)

    def _matrix_parts(self, matrix: str) -> tuple[str, str]:
        """Return the transposed linear part (1, 2, 2) and the shift as a row (1, 1, 2) of a 4 x 4 matrix."""
        rows = self._graph.add("Transpose", self._graph.slice(matrix, 1, 0, 2), perm=(0, 2, 1))
        return self._graph.slice(rows, 1, 0, 2), self._graph.slice(rows, 1, 3, 4)

    def _transform_landmarks(self, operator: Operator) -> str:
        linear, shift = self._matrix_parts(self._names[operator.inputs[1]])
        return self._graph.add("Add", self._graph.add("MatMul", self._names[operator.inputs[0]], linear), shift)

    def _sample(self, operator: Operator) -> str:
        """Bilinear samples of a feature map at a region's pixel centres; zero outside the map."""
        graph = self._graph
        height, width = operator.options["output_height"], operator.options["output_width"]
        _, map_height, map_width, _ = self._shape(operator.inputs[0])
        rows, columns = np.mgrid[:height, :width]
        centres = np.stack([columns.ravel() + 0.5, rows.ravel() + 0.5], axis=1)[None]
        linear, shift = self._matrix_parts(self._names[operator.inputs[1]])
        places = graph.add("Add", graph.add("MatMul", graph.constant(centres), linear), shift)
        unit = graph.constant([[[2 / (map_width - 1), 2 / (map_height - 1)]]])
        places = graph.add("Mul", graph.add("Sub", places, graph.constant(0.5)), unit)
        places = graph.add("Sub", places, graph.constant(1.0))
        # The kernel gives 0 as soon as a place is outside; GridSample would fade over a pixel, so it is pushed far out.
        reach = graph.add("ReduceMax", graph.add("Abs", places), axes=[2], keepdims=1)
        outside = graph.add("Cast", graph.add("Greater", reach, graph.constant(1.0)), to=TensorProto.FLOAT)
        places = graph.add("Add", places, graph.add("Mul", outside, graph.constant(10.0)))
        grid = graph.add("Reshape", places, graph.constant((1, height, width, 2), np.int64))
        source = self._names[operator.inputs[0]]
        return graph.add("GridSample", source, grid, mode="bilinear", padding_mode="zeros", align_corners=1)


_WRITERS: dict[str, Callable[[Conversion, Operator], str]] = {
    "CONV_2D": Conversion._convolution,
    "DEPTHWISE_CONV_2D": Conversion._convolution,
    "MAX_POOL_2D": Conversion._pool,
    "ADD": Conversion._arithmetic,
    "MUL": Conversion._arithmetic,
    "PRELU": Conversion._prelu,
    "PAD": Conversion._pad,
    "RESHAPE": Conversion._reshape,
    "STRIDED_SLICE": Conversion._strided_slice,
    "Landmarks2TransformMatrix": Conversion._landmarks_to_matrix,
    "TransformLandmarks": Conversion._transform_landmarks,
    "TransformTensorBilinear": Conversion._sample,
}
