"""Clips of one talking face, as recipes learn from them and benches measure on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.signal import savgol_filter

from dubsync.audio.features import mono, resample
from dubsync.backends.protocols import Face, FaceFinder, Footage, Picture
from dubsync.documents import write_whole
from dubsync.errors import UnreadableMedia
from dubsync.media.probe import examine
from dubsync.media.read import pictures
from dubsync.media.sound import sound

RATE = 16000
_PADDING = 3
"""The picture is enlarged by a third on every side: the detector misses faces that fill it."""
_SMOOTHING = 5
"""Frames the landmarks are smoothed over: over 7, as is good for a head, lips lose their peaks and painting 0.5 dB."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One face, one sound. `landmarks`: (n, 468, 3) for every frame; `samples`: mono 16 kHz, 0 at the first frame.

    `lag`: seconds by which the picture is behind the sound (positive) as it was listed.
    """

    path: Path
    landmarks: NDArray[np.float32]
    times: NDArray[np.float64]
    samples: NDArray[np.float32]
    lag: float = 0.0

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def rate(self) -> float:
        return float(1 / np.median(np.diff(self.times)))

    def footage(self, first: int, stop: int) -> Footage:
        """Return a stretch of the clip in which the face speaks throughout."""

        def frames() -> Iterator[tuple[int, Picture]]:
            return pictures(self.path, first, stop)

        count = stop - first
        return Footage(
            shot=f"{self.name}-{first}",
            first=first,
            stop=stop,
            frames=frames,
            times=self.times[first:stop],
            numbers=np.arange(first, stop, dtype=np.int32),
            landmarks=self.landmarks[first:stop],
            usable=np.ones(count, bool),
            speaking=np.ones(count, bool),
            speech=self.samples,
            speech_start=self.lag,
        )


def read(
    path: Path, finder: FaceFinder, *, lag: float = 0.0, limit: int | None = None, kept: Path | None = None
) -> Clip:
    """Find the largest face of every frame; a frame without one takes that of the frame before.

    `kept`: a folder in which the landmarks are kept, by the clip's bytes and the finder's version.
    """
    source, table = examine(path)
    count = min(len(table), limit or len(table))
    height, width = source.video.height, source.video.width
    landmarks = _landmarks(path, finder, count, kept)
    landmarks[..., :2] -= max(height, width) // _PADDING
    smooth = savgol_filter(landmarks, _SMOOTHING, 2, axis=0) if count >= _SMOOTHING else landmarks
    samples = mono(np.concatenate(list(sound(path, table))))
    heard = resample(samples, source.audio[0].sample_rate, RATE)
    return Clip(path, np.asarray(smooth, np.float32), table.times[:count], heard, lag)


def _landmarks(path: Path, finder: FaceFinder, count: int, kept: Path | None) -> NDArray[np.float32]:
    """Return (count, 468, 3) in pixels of the padded picture, taken from `kept` where they are there."""
    capabilities = finder.capabilities
    name = f"{sha256(path.read_bytes()).hexdigest()[:16]}-{capabilities.name}-{capabilities.version}-{count}.npy"
    if kept is not None and (kept / name).is_file():
        return np.asarray(np.load(kept / name), np.float32)
    found: list[NDArray[np.float32]] = []
    for faces in finder.find(_padded(path, count)):
        if faces:
            found.append(max(faces, key=_area).landmarks)
        elif found:
            found.append(found[-1])
    if not found:
        raise UnreadableMedia(f"{path.name}: no face was found")
    landmarks = np.stack([*[found[0]] * (count - len(found)), *found]).astype(np.float32)
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        content = BytesIO()
        np.save(content, landmarks)
        write_whole(kept / name, content.getvalue())
    return landmarks


def _padded(path: Path, limit: int | None) -> Iterator[Picture]:
    for _, picture in pictures(path, 0, limit):
        margin = max(picture.shape[:2]) // _PADDING
        padded = cv2.copyMakeBorder(picture, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
        yield np.asarray(padded, np.uint8)


def _area(face: Face) -> float:
    left, top, right, bottom = face.box
    return (right - left) * (bottom - top)
