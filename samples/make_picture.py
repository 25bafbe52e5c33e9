"""Make the README's picture: `python samples/make_picture.py DUB.mp4 [OUT.png]`. Above the original, below the dub.

From each line the frame is taken whose mouth the dub changed most.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
SIDE, GAP = 240, 5


def main() -> None:
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    dub = Path(sys.argv[1])
    out = Path(sys.argv[2]) if len(sys.argv) == 3 else HERE.parent / "docs" / "images" / "before-after.png"
    truth = json.loads((HERE / "film.truth.json").read_text())
    pairs = _most_changed(HERE / "film.mp4", dub, truth)
    rows = [np.concatenate([_framed(pair[row]) for pair in pairs], axis=1) for row in range(2)]
    out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(out), np.concatenate(rows)[GAP:, GAP:, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(f"wrote {out} ({out.stat().st_size} bytes)")


def _most_changed(original: Path, dub: Path, truth: dict[str, Any]) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Return (original, dub) crops of one frame from each line."""
    best: list[tuple[float, tuple[NDArray[Any], NDArray[Any]] | None]] = [(0.0, None) for _ in truth["lines"]]
    lips = {number: np.reshape(points, (-1, 2)) for number, points in _faces(truth)}
    numerator, denominator = map(int, truth["rate"].split("/"))
    with av.open(str(original)) as one, av.open(str(dub)) as other:
        for number, frames in enumerate(zip(one.decode(video=0), other.decode(video=0), strict=True)):
            time = (number + 0.5) * denominator / numerator
            line = next((i for i, said in enumerate(truth["lines"]) if said["start"] <= time < said["end"]), None)
            if line is None or number not in lips:
                continue
            before, after = (_face(frame.to_ndarray(format="rgb24"), lips[number]) for frame in frames)
            change = float(np.abs(before.astype(np.int16) - after).mean())
            if change > best[line][0]:
                best[line] = change, (before, after)
    pairs = [pair for _, pair in best if pair is not None]
    if not pairs:
        raise SystemExit(f"{dub} shows the same mouths as {original}")
    return pairs


def _faces(truth: dict[str, Any]) -> list[tuple[int, list[float]]]:
    """Return frame number and lips of the frames whose eyes are open."""
    face = truth["face"]
    rows = zip(face["frames"], face["lips"], face["controls"]["blink"], strict=True)
    return [(number, lips) for number, lips, blink in rows if blink < 0.1]


def _face(picture: NDArray[Any], lips: NDArray[Any]) -> NDArray[Any]:
    """Cut the face out: its lips lie a little below the middle."""
    reach = picture.shape[0] * 0.32
    column, row = lips.mean(axis=0) - [0, 0.30 * reach]
    left, top = round(max(0, column - reach)), round(max(0, row - reach))
    side = round(2 * reach)
    return cv2.resize(picture[top : top + side, left : left + side], (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def _framed(picture: NDArray[Any]) -> NDArray[Any]:
    return np.pad(picture, ((GAP, 0), (GAP, 0), (0, 0)), constant_values=255)


if __name__ == "__main__":
    main()
