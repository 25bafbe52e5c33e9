"""A trained generator at work: ONNX on the CPU or a GPU, no torch. Also how one gets there from torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dubsync.mouth import rehearsal
from dubsync.mouth.performance import Ingredients

if TYPE_CHECKING:
    from dubsync.mouth.generator import Generator

Picture = NDArray[np.uint8]
Mask = NDArray[np.uint8]

TEXTURE = 1.3
"""Detail finer than this many pixels is taken from the candidate."""
TEETH = 3.0
"""The same between the lips, where candidate and network agree: teeth are narrow, and a network smears them."""
_AGREE, _DIFFER = 25.0, 60.0
"""Grey levels up to which they agree, and from which the network alone is believed."""
_PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")


@dataclass(frozen=True, slots=True)
class Finish:
    """How a network's picture becomes pixels.

    `strength`: 0 the first candidate as it is, 1 the network's picture. `sharpen`: how much of the finest detail is
    added again, against the softness that warping and averaging leave.
    """

    strength: float = 1.0
    sharpen: float = 0.0

    def __call__(self, painted: NDArray[np.float32], collage: Picture, hole: Mask) -> Picture:
        """Return (s, s, 3) uint8 from a painted window (3, s, s), 0 to 1, and the candidate it was made from.

        Fine texture comes from the candidate, which is filmed skin; the network corrects what is larger. `hole`:
        (s, s) mask of what is between the lips.
        """
        out = collage.astype(np.float32)
        if self.strength > 0:
            change = np.ascontiguousarray(painted.transpose(1, 2, 0)) * np.float32(255) - out
            out = out + _corrections(change, hole) * np.float32(self.strength)
        if self.sharpen > 0:
            out = out + (out - _coarse(out, 1.0)) * np.float32(self.sharpen)
        return np.asarray(np.clip(np.rint(out), 0, 255), np.uint8)


def _corrections(change: NDArray[np.float32], hole: Mask) -> NDArray[np.float32]:
    """Return what of a change (s, s, 3) is made: what is larger than skin's texture, and between the lips than teeth.

    Where candidate and network differ there, other teeth were filmed than are wanted, and nothing of them is kept.
    """
    made = _coarse(change, TEXTURE)
    x, y, width, height = cv2.boundingRect(hole)
    if width:  # what lies far from the lips need not be looked at
        reach = round(3 * TEETH)
        box = slice(max(0, y - reach), y + height + reach), slice(max(0, x - reach), x + width + reach)
        made[box] = _between_lips(made[box], change[box], hole[box])
    return made


def _between_lips(made: NDArray[np.float32], change: NDArray[np.float32], hole: Mask) -> NDArray[np.float32]:
    apart = _coarse(np.abs(_coarse(change, 2.0)).mean(axis=2), 1.5)
    alike = np.clip((_DIFFER - apart) / (_DIFFER - _AGREE), 0, 1)[..., None]
    inside = _coarse(hole.astype(np.float32) * np.float32(1 / 255), 1.0)[..., None]
    between = change + (_coarse(change, TEETH) - change) * alike
    return np.asarray(made + (between - made) * inside, np.float32)


def _coarse(picture: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)


class NetworkPainter:
    """Paints with a network, as far as its `Finish` says."""

    def __init__(self, file: Path, finish: Finish | None = None, *, threads: int = 1) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        there = onnxruntime.get_available_providers()
        self._session: Any = onnxruntime.InferenceSession(
            str(file), options, providers=[name for name in _PROVIDERS if name in there]
        )
        self.finish = finish or Finish()

    def paint(self, frames: Sequence[Ingredients]) -> list[Picture]:
        painted = self.raw(rehearsal.encode(frames))
        return [self.finish(one, frame.collage, frame.hole) for one, frame in zip(painted, frames, strict=True)]

    def raw(self, inputs: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the network's pictures (n, 3, s, s), 0 to 1, for encoded inputs (n, 12, s, s)."""
        painted = np.empty((len(inputs), 3, *inputs.shape[2:]), np.float32)
        for place, one in enumerate(inputs):  # one by one: their layers stay in the processor's cache
            given = np.multiply(one[None], np.float32(1 / 255), dtype=np.float32)
            painted[place] = self._session.run(None, {"window": given})[0][0]
        return painted


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
