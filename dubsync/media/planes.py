"""The planes of a decoded frame as numpy arrays, without copying."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
from numpy.typing import NDArray


def depth(frame: av.VideoFrame) -> int:
    """Return the bits of a sample."""
    return frame.format.components[0].bits


def view(frame: av.VideoFrame, index: int) -> NDArray[Any]:
    """Return plane `index` of a planar frame as (rows, columns) uint8 or uint16; writing into it changes the frame.

    Call `frame.make_writable()` before writing: a decoder goes on predicting from the frames it has given out.
    """
    plane = frame.planes[index]
    kind: type[Any] = np.uint8 if depth(frame) == 8 else np.uint16
    rows: NDArray[Any] = np.frombuffer(plane, kind).reshape(plane.height, -1)  # type: ignore[call-overload]
    return rows[:, : plane.width]
