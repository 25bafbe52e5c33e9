"""Makes the face mesh, as this project runs it, out of MediaPipe's TFLite file.

The work is done once, when weights are fetched; it needs no network, and the same file gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from dubsync.face import tflite
from dubsync.face.convert import Conversion, Graph

SOURCE = "face_landmark_with_attention.tflite"


def prepare(source: Path, out: Path) -> None:
    """Write `mesh.onnx` into the folder `out` from the TFLite file in the folder `source`."""
    (out / "mesh.onnx").write_bytes(mesh((source / SOURCE).read_bytes()).SerializeToString(deterministic=True))


def mesh(content: bytes) -> onnx.ModelProto:
    """Convert the attention mesh: `picture` (1, 192, 192, 3) uint8 to `landmarks` (468, 3) in its pixels, `score`.

    The finer landmarks of lips and eyes replace those of the mesh, as MediaPipe's refinement does, in x and y.
    """
    model = tflite.parse(content)
    graph = Graph()
    unit = graph.add("Mul", graph.add("Cast", "picture", to=TensorProto.FLOAT), graph.constant(1 / 255))
    network = Conversion(model, graph, graph.add("Transpose", unit, perm=(0, 3, 1, 2)))
    landmarks = graph.add("Reshape", network.value("output_mesh_identity"), graph.constant((468, 3), np.int64))
    regions = [operator for operator in model.operators if operator.kind == "Landmarks2TransformMatrix"]
    for region, name in zip(regions, ("output_lips", "output_left_eye", "output_right_eye"), strict=True):
        numbers = np.ravel(region.options["subset_idxs"])
        finer = graph.add("Reshape", network.value(name), graph.constant((len(numbers), 2), np.int64))
        places = np.stack(np.broadcast_arrays(numbers[:, None], [[0, 1]]), axis=2)
        landmarks = graph.add("ScatterND", landmarks, graph.constant(places, np.int64), finer)
    graph.add("Identity", landmarks, output="landmarks")
    score = graph.add("Reshape", network.value("conv_faceflag"), graph.constant((1,), np.int64))
    graph.add("Sigmoid", score, output="score")
    picture = helper.make_tensor_value_info("picture", TensorProto.UINT8, (1, 192, 192, 3))
    return graph.model([picture], [_float("landmarks", (468, 3)), _float("score", (1,))])


def _float(name: str, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
