"""The whole mouth stage on one clip: speed, flicker, identity; and the speed of Wav2Lip's generator beside it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dubsync.backends.mouth_clips import Clip
from dubsync.backends.protocols import MouthSynth, Patch
from dubsync.face import align
from dubsync.face.identity import similarity
from dubsync.mouth import measure

Picture = NDArray[np.uint8]
Embed = Callable[[Picture, NDArray[np.float32]], NDArray[np.float32]]
"""A recogniser: picture and landmarks (468, 3) to a vector."""
TURNS = 3
"""How often the stage is timed; the fastest counts, for what else the machine does makes it slower and never faster."""
_FULL, _RIM, _SHOWN = 255, 25, 240
_SOME = 10
"""Every tenth frame is compared by its edges and its identity."""


def stage(clip: Clip, engine: MouthSynth, *, embed: Embed | None = None, frames: int = 150) -> dict[str, float]:
    """Let the clip be spoken anew with its own sound turned round in time; speed by the clock of the process."""
    numbers = clip.numbers[:frames]
    stop = int(numbers[-1]) + 1
    shot = clip.footage(int(numbers[0]), stop)
    with tempfile.TemporaryDirectory() as folder:
        engine.learn([shot], Path(folder), seconds=0.0, seed=0, progress=lambda share: None)
        wanted = np.ascontiguousarray(clip.samples[: int(stop / clip.rate * 16000)][::-1])
        dubbed = replace(shot, speech=wanted, speech_start=0.0)
        spent = []
        for _ in range(TURNS):
            begun = time.process_time()
            patches = list(engine.perform(Path(folder), dubbed, progress=lambda share: None))
            spent.append(time.process_time() - begun)
    _, picture = next(clip.footage(0, 1).frames())
    speed = {"fps_stage": round(len(patches) / min(spent), 1), "height": float(len(picture))}
    return speed | _pictures(clip, patches, embed)


def _pictures(clip: Clip, patches: list[Patch], embed: Embed | None) -> dict[str, float]:
    """Compare filmed and dubbed pictures: flicker along the rim of the mask, where skin is still; edges; identity."""
    by_frame = {patch.frame: patch for patch in patches if patch.mask.max() == _FULL}
    changes, alike, sharp = [], [], []
    before: tuple[int, Picture, Picture, NDArray[np.bool_]] | None = None
    for number, picture in clip.footage(0, max(by_frame, default=0) + 1).frames():
        patch = by_frame.get(number)
        if patch is None:
            continue
        film = align.crop(picture, align.inverse(patch.affine), len(patch.mask))
        alpha = (patch.mask.astype(np.float32) / 255)[..., None]
        dubbed = np.asarray(np.rint(film * (1 - alpha) + patch.pixels * alpha), np.uint8)
        rim = (patch.mask > 128) & (cv2.erode(patch.mask, np.ones((_RIM, _RIM), np.uint8)) < 128)
        if before is not None and before[0] == number - 1 and (rim & before[3]).any():
            still = rim & before[3]
            pairs = ((before[1], film), (before[2], dubbed))
            changes.append([measure.flicker([then, now], still) for then, now in pairs])
        before = (number, film, dubbed, rim)
        if number % _SOME == 0:
            whole = laid(picture, patch)
            sharp.append(_edges(whole, patch) / max(_edges(picture, patch), 1e-3))
            if embed is not None:
                face = clip.landmarks[clip.row(number)]
                alike.append(similarity(embed(picture, face), embed(whole, face)))
    found = {"sharp": round(float(np.median(sharp)), 3)} if sharp else {}
    if changes:
        filmed, new = np.mean(np.array(changes), axis=0)
        found["flicker"] = round(float(new / max(filmed, 1e-3)), 3)
    if alike:
        found["identity"] = round(float(np.median(alike)), 3)
    return found


def _edges(picture: Picture, patch: Patch) -> float:
    """Return the variance of the Laplacian where the patch alone shows, in the picture's own pixels."""
    size = (picture.shape[1], picture.shape[0])
    inside = cv2.warpAffine(patch.mask, patch.affine, size) > _SHOWN
    return float(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.CV_64F)[inside].var())


def laid(picture: Picture, patch: Patch) -> Picture:
    """Return a picture with a patch laid on it, as RGB."""
    size = (picture.shape[1], picture.shape[0])
    alpha = cv2.warpAffine(patch.mask, patch.affine, size).astype(np.float32)[..., None] / 255
    new = cv2.warpAffine(patch.pixels, patch.affine, size, flags=cv2.INTER_CUBIC)
    return np.asarray(np.rint(picture * (1 - alpha) + new * alpha), np.uint8)


def wav2lip_fps(*, batches: int = 2, frames: int = 8) -> float:
    """Return how many faces a second Wav2Lip's generator paints (random weights), by the clock of the process."""
    import torch

    from dubsync.mouth.wav2lip import Wav2Lip

    model = Wav2Lip().eval()
    given: Any = (torch.zeros(frames, 1, 80, 16), torch.zeros(frames, 6, 96, 96))
    with torch.no_grad():
        model(*given)
        begun = time.process_time()
        for _ in range(batches):
            model(*given)
    return round(batches * frames / (time.process_time() - begun), 2)
