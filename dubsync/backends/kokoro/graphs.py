"""Cut Kokoro's ONNX graph into three: durations, encoder, decoder (done once, when the weights are fetched).

As published the graph says tokens -> sound with one speed for all. What dubbing needs lies inside it:
    durations  tokens, style                 -> frames each token would naturally last (25 ms each, not rounded)
    encoder    tokens, style, speed [1, T]   -> expanded text, pitch, energy; one speed for each token
    decoder    text, pitch, energy, style    -> sound, 600 samples a frame
Together they give the same samples as the whole, bit for bit, but for the decoder's convolutions, which are rewritten
for speed (`convolutions`). The tensor names are those of the export.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dubsync.backends.kokoro import convolutions

MODEL = "kokoro-int8.onnx"
DURATIONS, ENCODER, DECODER = "durations.onnx", "encoder.onnx", "decoder.onnx"

RAW = "/encoder/predictor/ReduceSum_output_0"
PITCH = "/encoder/F0_proj/Conv_output_0"
ENERGY = "/encoder/N_proj/Conv_output_0"
TEXT = "/encoder/MatMul_1_output_0"
SOUND = "audio"


def prepare(source: Path, out: Path) -> None:
    """Write the three graphs into the folder `out`; `source` holds `kokoro-int8.onnx`."""
    cut(source / MODEL, out)


def cut(model: Path, out: Path) -> None:
    """Write the three graphs that make up the model."""
    import onnx

    whole = onnx.load(str(model))
    _speed_per_token(whole)
    inputs = {value.name: value for value in whole.graph.input}
    tokens, style, speed = inputs["tokens"], inputs["style"], inputs["speed"]
    between = [_tensor(TEXT, [1, 512, "frames"]), _tensor(PITCH, [1, 1, "halves"]), _tensor(ENERGY, [1, 1, "halves"])]
    parts = {
        DURATIONS: _subgraph(whole, [RAW], [tokens, style]),
        ENCODER: _subgraph(whole, [TEXT, PITCH, ENERGY], [tokens, style, speed]),
        DECODER: _subgraph(whole, [SOUND], [*between, style]),
    }
    convolutions.as_products(parts[DECODER])
    for name, part in parts.items():
        onnx.save(part, str(out / name))


def _speed_per_token(model: Any) -> None:
    """Let the input `speed` be [1, T]: it divides the durations, so broadcasting does the rest."""
    for value in model.graph.input:
        if value.name == "speed":
            shape = value.type.tensor_type.shape
            shape.ClearField("dim")
            shape.dim.add().dim_value = 1
            shape.dim.add().dim_param = "sequence_length"
    del model.graph.value_info[:]


def _tensor(name: str, shape: list[int | str] | None) -> Any:
    import onnx

    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)


def _subgraph(model: Any, outputs: list[str], inputs: list[Any]) -> Any:
    """Return the part of the model between inputs and outputs, with only the weights it uses."""
    import onnx

    graph = model.graph
    producer = {name: node for node in graph.node for name in node.output}
    weights = {tensor.name for tensor in graph.initializer}
    given = {value.name for value in inputs}
    wanted, seen, nodes, kept = list(outputs), set(), set(), set()
    while wanted:
        name = wanted.pop()
        if name in seen or name in given or not name:
            continue
        seen.add(name)
        if name in weights:
            kept.add(name)
        elif name in producer:
            nodes.add(id(producer[name]))
            wanted += producer[name].input
    part = onnx.helper.make_graph(
        [node for node in graph.node if id(node) in nodes],
        "kokoro",
        inputs,
        [_tensor(name, None) for name in outputs],
        [tensor for tensor in graph.initializer if tensor.name in kept],
    )
    made = onnx.helper.make_model(part, opset_imports=model.opset_import)
    made.ir_version = model.ir_version
    return made
