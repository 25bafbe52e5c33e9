"""Finds faces in a picture that nothing is known about: YuNet (Wu, Peng, Yu, "YuNet", 2023) on onnxruntime.

The network sees the picture shrunk into a square of `side` pixels; faces are found from about 10 of its pixels on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

_STRIDES = (8, 16, 32)
_SAME_FACE = 0.3


@dataclass(frozen=True, slots=True)
class Detection:
    """A face, in picture pixels. `box`: x0 y0 x1 y1; `eyes`: (2, 2), the picture's left one first."""

    box: tuple[float, float, float, float]
    score: float
    eyes: NDArray[np.float32]


class Detector:
    """YuNet with a square input of `side` pixels, a multiple of 32."""

    def __init__(self, model: Path, *, side: int = 640, threshold: float = 0.6, threads: int = 1) -> None:
        self._side, self._threshold = side, threshold
        self._session = session(_resized(model, side), threads)
        self._outputs = [output.name for output in self._session.get_outputs()]

    def detect(self, picture: Picture, *, margin: float = 0.0) -> list[Detection]:
        """Return faces, surest first. `margin`: black border added on each side, as a share of the longer one.

        A face that fills the picture is found only with a margin.
        """
        height, width = picture.shape[:2]
        scale = self._side / (max(height, width) * (1 + 2 * margin))
        inner = (max(1, round(width * scale)), max(1, round(height * scale)))
        quality = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        left, top = (self._side - inner[0]) // 2, (self._side - inner[1]) // 2
        square = np.zeros((self._side, self._side, 3), np.uint8)
        square[top : top + inner[1], left : left + inner[0]] = cv2.resize(picture, inner, interpolation=quality)
        rows = self._run(square)
        rows[:, :8] -= np.tile([left - 0.5 * scale + 0.5, top - 0.5 * scale + 0.5], 4)
        rows[:, :8] /= scale
        return [_detection(row) for row in _merged(rows)]

    def _run(self, square: Picture) -> NDArray[np.float64]:
        """Return candidates (n, 9): box, right and left eye, score, in pixels of the square."""
        batch = cv2.dnn.blobFromImage(square, swapRB=True)
        values = dict(zip(self._outputs, self._session.run(None, {"input": batch}), strict=True))
        return np.concatenate([self._decoded(values, stride) for stride in _STRIDES])

    def _decoded(self, values: dict[str, NDArray[np.float32]], stride: int) -> NDArray[np.float64]:
        classes, objects = (np.clip(values[f"{name}_{stride}"], 0, 1).ravel() for name in ("cls", "obj"))
        scores = np.sqrt(classes * objects)
        (sure,) = np.nonzero(scores > self._threshold)
        columns = self._side // stride
        cell = np.stack([sure % columns, sure // columns], axis=1).astype(np.float64)
        boxes, points = values[f"bbox_{stride}"][0][sure], values[f"kps_{stride}"][0][sure]
        middle = (cell + boxes[:, :2]) * stride
        half = np.exp(boxes[:, 2:]) * stride / 2
        eyes = (np.tile(cell, 2) + points[:, :4]) * stride
        return np.concatenate([middle - half, middle + half, eyes, scores[sure, None]], axis=1)


def session(model: Path | bytes, threads: int) -> onnxruntime.InferenceSession:
    """Open a network on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    content = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def overlap(box: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the intersection over union of a box (4,) with each of others (n, 4)."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    area = np.prod(box[2:] - box[:2]) + np.prod(others[:, 2:] - others[:, :2], axis=1)
    return np.asarray(shared / np.maximum(area - shared, 1e-9))


def _merged(rows: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Join candidates of the same face, weighted by their scores."""
    rows = rows[np.argsort(-rows[:, 8], kind="stable")]
    merged = []
    while len(rows):
        same = overlap(rows[0, :4], rows[:, :4]) > _SAME_FACE
        same[0] = True
        mean = np.average(rows[same], axis=0, weights=rows[same, 8])
        mean[8] = rows[0, 8]
        merged.append(mean)
        rows = rows[~same]
    return merged


def _detection(row: NDArray[np.float64]) -> Detection:
    x0, y0, x1, y1 = row[:4].tolist()
    return Detection((x0, y0, x1, y1), float(row[8]), row[4:8].reshape(2, 2).astype(np.float32))


def _resized(model: Path, side: int) -> bytes:
    """Return the network for another input size: it is convolutional, only the file's declarations are fixed."""
    import onnx

    network = onnx.load(str(model))
    for axis in network.graph.input[0].type.tensor_type.shape.dim[2:]:
        axis.dim_value = side
    for output in network.graph.output:
        for axis in output.type.tensor_type.shape.dim:
            axis.ClearField("dim_value")
    del network.graph.value_info[:]
    return bytes(network.SerializeToString())
