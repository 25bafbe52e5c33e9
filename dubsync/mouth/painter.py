"""A trained generator at work: ONNX on the CPU or a GPU, no torch. Also how one gets there from torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dubsync.mouth import rehearsal
from dubsync.mouth.performance import Ingredients

if TYPE_CHECKING:
    from dubsync.mouth.generator import Generator

Picture = NDArray[np.uint8]

_PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")


class NetworkPainter:
    """Paints with a network. `strength`: 0 the first candidate as it is, 1 the network's picture, a mixture between."""

    def __init__(self, file: Path, *, strength: float = 1.0, threads: int = 1) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        there = onnxruntime.get_available_providers()
        self._session: Any = onnxruntime.InferenceSession(
            str(file), options, providers=[name for name in _PROVIDERS if name in there]
        )
        self.strength = strength

    def paint(self, frames: Sequence[Ingredients]) -> list[Picture]:
        painted = self.raw(rehearsal.encode(frames))
        return [mixed(window, frame.collage, self.strength) for window, frame in zip(painted, frames, strict=True)]

    def raw(self, inputs: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the network's pictures (n, 3, s, s), 0 to 1, for encoded inputs (n, 12, s, s)."""
        (painted,) = self._session.run(None, {"window": inputs.astype(np.float32) / np.float32(255)})
        return np.asarray(painted, np.float32)


def mixed(painted: NDArray[np.float32], collage: Picture, strength: float) -> Picture:
    """Return the network's picture (3, s, s) and the candidate (s, s, 3) mixed, as pixels."""
    new = painted.transpose(1, 2, 0) * np.float32(255)
    return np.asarray(np.clip(np.rint(collage + (new - collage) * np.float32(strength)), 0, 255), np.uint8)


def export(generator: Generator, file: Path, size: int) -> None:
    """Write a generator as ONNX with a free number of frames."""
    import warnings

    import torch

    example = torch.zeros(2, 12, size, size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the exporter that needs no further packages
        torch.onnx.export(
            generator.eval().cpu(),
            (example,),
            str(file),
            dynamo=False,
            opset_version=17,
            input_names=["window"],
            output_names=["painted"],
            dynamic_axes={"window": {0: "frames"}, "painted": {0: "frames"}},
        )
