"""The decoder's convolutions as matrix products: the same numbers as the graph that was published."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dubsync.backends.kokoro import convolutions

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def quantised(width: int, step: int, pads: tuple[int, int], *, bias: bool, stride: int = 1) -> Any:
    """Return a model of one convolution as onnxruntime's dynamic quantisation writes it."""
    random = np.random.default_rng(5)
    node, number = onnx.helper.make_node, onnx.numpy_helper.from_array
    weights = [
        number(random.integers(0, 256, (6, 4, width)).astype(np.uint8), "w"),
        number(np.array(120, np.uint8), "w_zero"),
        number(np.array(0.01, np.float32), "w_scale"),
        number(random.standard_normal(6).astype(np.float32), "bias"),
        number(np.array([1, -1, 1], np.int64), "shape"),
    ]
    shape = {"strides": [stride], "group": 1, "dilations": [step], "kernel_shape": [width], "pads": list(pads)}
    nodes = [
        node("DynamicQuantizeLinear", ["x"], ["q", "q_scale", "q_zero"]),
        node("ConvInteger", ["q", "w", "q_zero", "w_zero"], ["sums"], name="conv", **shape),
        node("Mul", ["q_scale", "w_scale"], ["scale"]),
    ]
    if bias:
        nodes += [
            node("Div", ["bias", "scale"], ["bias_divided"]),
            node("Floor", ["bias_divided"], ["bias_floor"]),
            node("Cast", ["bias_floor"], ["bias_integer"], to=onnx.TensorProto.INT32),
            node("Reshape", ["bias_integer", "shape"], ["bias_shaped"]),
            node("Add", ["sums", "bias_shaped"], ["biased"]),
        ]
    nodes += [
        node("Cast", ["biased" if bias else "sums"], ["numbers"], to=onnx.TensorProto.FLOAT),
        node("Mul", ["numbers", "scale"], ["y"]),
    ]
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(nodes, "one", [value("x", 1, [1, 4, "time"])], [value("y", 1, None)], weights)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


def said(model: Any, x: NDArray[np.float32]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {"x": x})
    return np.asarray(y)


@pytest.mark.parametrize(("width", "step", "pads"), [(1, 1, (0, 0)), (3, 1, (1, 1)), (11, 5, (25, 25)), (7, 1, (6, 0))])
def test_a_convolution_and_its_product_give_the_same_numbers(width: int, step: int, pads: tuple[int, int]) -> None:
    x = np.random.default_rng(1).standard_normal((1, 4, 90)).astype(np.float32)
    model = quantised(width, step, pads, bias=False)
    before = said(model, x)

    assert convolutions.as_products(model) == 1

    assert not [node for node in model.graph.node if node.op_type == "ConvInteger"]
    np.testing.assert_allclose(said(model, x), before, rtol=1e-6)


def test_the_bias_is_added_as_it_is_not_rounded_down() -> None:
    x = np.random.default_rng(2).standard_normal((1, 4, 50)).astype(np.float32)
    model = quantised(3, 1, (1, 1), bias=True)
    rounded, step = said(model, x), np.abs(x).max() * 2 / 255 * 0.01
    convolutions.as_products(model)

    raised = said(model, x) - rounded

    assert raised.min() > -1e-6, "rounding down can only have lowered it"
    assert 0 < raised.max() < 2 * step
    assert {tensor.name for tensor in model.graph.initializer} >= {"bias"}


def test_a_convolution_with_a_stride_is_left_as_it_is() -> None:
    model = quantised(3, 1, (1, 1), bias=False, stride=2)
    before = model.SerializeToString()

    assert convolutions.as_products(model) == 0

    assert [node.op_type for node in model.graph.node].count("ConvInteger") == 1
    x = np.random.default_rng(3).standard_normal((1, 4, 40)).astype(np.float32)
    original = onnx.load_from_string(before)
    np.testing.assert_array_equal(said(model, x), said(original, x))
