"""mouth.wav2lip: a Wav2Lip checkpoint that a person brought (`dubsync models add wav2lip FILE`), behind our protocol.

Its weights are for non-commercial use, so a pipeline must say `allow_non_commercial = true`. It needs no footage of the
actor; it works on faces of 96 pixels, so expect softer mouths than those made from the actor's own pictures.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dubsync.backends.protocols import Capabilities, Footage, Patch, Picture, Progress
from dubsync.errors import Flag
from dubsync.face import align
from dubsync.face.geometry import FACE_OVAL
from dubsync.mouth import performance
from dubsync.mouth.footage import rate_of, seconds_of

WEIGHTS = "wav2lip"
_BATCH = 8
_BELOW = 0.08
"""How far the box reaches below the chin, as a share of the face's height."""
_FEATHER = 0.06


class Wav2LipMouth:
    """Redraws the lower half of a face for the new sound."""

    capabilities = Capabilities(
        name="mouth.wav2lip",
        version="3",
        devices=("cpu", "cuda"),
        licence="non-commercial (Wav2Lip)",
        commercial_use=False,
        needs_consent=True,
        weights=(WEIGHTS,),
    )

    def __init__(self, file: Path | None = None) -> None:
        self._file = file

    @cached_property
    def _model(self) -> Any:
        from dubsync.mouth import wav2lip
        from dubsync.weights import resolve

        file = self._file or next(iter(sorted(resolve(WEIGHTS, allow_non_commercial=True).glob("*.safetensors"))))
        return wav2lip.load(file)

    def learn(
        self, footage: Sequence[Footage], out: Path, *, seconds: float, seed: int, progress: Progress
    ) -> tuple[Flag, ...]:
        """Note that the actor is known; there is nothing to learn."""
        out.mkdir(parents=True, exist_ok=True)
        frames = sum(int(shot.usable.sum()) for shot in footage)
        (out / "actor.json").write_text(json.dumps({"frames": frames, "engine": "wav2lip"}) + "\n", encoding="utf-8")
        progress(1.0)
        return ()

    def perform(self, actor: Path, footage: Footage, *, progress: Progress) -> Iterator[Patch]:
        from dubsync.mouth import wav2lip

        was = footage.speaking if footage.was_speaking is None else footage.was_speaking
        share = performance.shares(footage.numbers, footage.speaking | was, footage.usable, rate=rate_of(footage.times))
        windows = wav2lip.mel_windows(wav2lip.mel_spectrogram(footage.speech), seconds_of(footage))
        rows = {int(number): row for row, number in enumerate(footage.numbers) if share[row] > 0}
        waiting: list[tuple[int, int, Picture, NDArray[np.float32]]] = []
        done = 0
        for number, picture in footage.frames():
            row = rows.get(number)
            if row is None:
                continue
            affine = box_affine(footage.landmarks[row])
            waiting.append((number, row, align.crop(picture, affine, wav2lip.SIZE), align.inverse(affine)))
            done += 1
            if len(waiting) == _BATCH or done == len(rows):
                painted = self._paint([crop for _, _, crop, _ in waiting], windows[[row for _, row, _, _ in waiting]])
                for (frame, at, _, back), face in zip(waiting, painted, strict=True):
                    yield Patch(frame, face, half_mask(wav2lip.SIZE, float(share[at])), back)
                waiting = []
                progress(done / len(rows))

    def _paint(self, faces: Sequence[Picture], mel: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return the faces (n, 96, 96, 3) RGB with new lower halves."""
        import torch

        whole = np.stack(faces)[..., ::-1].astype(np.float32) / 255
        cut = whole.copy()
        cut[:, cut.shape[1] // 2 :] = 0
        given = np.concatenate([cut, whole], axis=-1).transpose(0, 3, 1, 2)
        with torch.no_grad():
            made = self._model(torch.from_numpy(mel), torch.from_numpy(np.ascontiguousarray(given))).numpy()
        return np.asarray(np.rint(made.transpose(0, 2, 3, 1)[..., ::-1] * 255), np.uint8)


def box_affine(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the affine (2, 3) from picture to a 96 px crop of the upright box around a face (468, 3)."""
    outline = landmarks[list(FACE_OVAL), :2]
    low, high = outline.min(axis=0), outline.max(axis=0)
    high[1] += _BELOW * (high[1] - low[1])
    side = float((high - low).max())
    corner = (low + high) / 2 - side / 2
    zoom = 96 / side
    shift = (0.5 - corner) * zoom - 0.5
    return np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]]], np.float32)


def half_mask(size: int, share: float) -> NDArray[np.uint8]:
    """Return a soft mask over the lower half of a face crop, fading with `share`."""
    hard = np.zeros((size, size), np.uint8)
    margin = round(2 * _FEATHER * size)
    hard[size // 2 + margin : size - margin, margin : size - margin] = 255
    soft = cv2.GaussianBlur(hard, (0, 0), _FEATHER * size / 1.5)
    edge = np.zeros_like(hard)
    edge[1:-1, 1:-1] = 255
    return np.asarray(cv2.convertScaleAbs(np.minimum(soft, edge), alpha=min(1.0, 2 * share)), np.uint8)
