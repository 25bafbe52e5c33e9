"""Clips of one talking face, as recipes learn from them and benches measure on them.

Frames without a face are left out: in a shot of a landscape there is no mouth, not one at rest.
"""

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
from dubsync.face.geometry import LANDMARKS
from dubsync.face.occlusion import PATCHES
from dubsync.face.track import Linker, Sighting
from dubsync.media.probe import examine
from dubsync.media.read import pictures
from dubsync.media.sound import sound
from dubsync.mouth import performance
from dubsync.mouth.footage import rate_of
from dubsync.mouth.library import Library, measure

RATE = 16000
_PADDING = 3
"""The picture is enlarged by a third on every side: the detector misses faces that fill it."""
_SMOOTHING = 5
"""Frames the landmarks are smoothed over: over 7, as is good for a head, lips lose their peaks and painting 0.5 dB."""
_FEWEST_S = 1.5
"""Seconds of a face without which a clip is refused: of two thirds of them an actor can just be learnt."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One face, one sound. `samples`: mono 16 kHz, 0 at the first frame; `times`: (frames,) of every frame.

    `numbers`: (n,) int32, the frames that show the face; `landmarks`: (n, 468, 3) of it.
    `lag`: seconds by which the picture is behind the sound (positive) as it was listed.
    """

    path: Path
    numbers: NDArray[np.int32]
    landmarks: NDArray[np.float32]
    times: NDArray[np.float64]
    samples: NDArray[np.float32]
    lag: float = 0.0

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def rate(self) -> float:
        return rate_of(self.times)

    @property
    def seconds(self) -> float:
        """For how long the face is seen."""
        return len(self.numbers) / self.rate

    @property
    def shown(self) -> NDArray[np.float64]:
        """Return (n,) when the frames with the face are shown."""
        return np.asarray(self.times[self.numbers], np.float64)

    def row(self, number: int) -> int:
        """Return at which place in `numbers` a frame is that shows the face."""
        return int(np.searchsorted(self.numbers, number))

    def footage(self, first: int, stop: int) -> Footage:
        """Return the frames [first, stop) of the clip; the face speaks wherever it is seen."""

        def frames() -> Iterator[tuple[int, Picture]]:
            return pictures(self.path, first, stop)

        inside = (self.numbers >= first) & (self.numbers < stop)
        count = np.count_nonzero(inside)
        return Footage(
            shot=f"{self.name}-{first}",
            first=first,
            stop=stop,
            frames=frames,
            times=self.times[first:stop],
            numbers=self.numbers[inside],
            landmarks=self.landmarks[inside],
            usable=np.ones(count, bool),
            speaking=np.ones(count, bool),
            speech=self.samples,
            speech_start=self.lag,
        )


def read(path: Path, finder: FaceFinder, *, lag: float = 0.0, kept: Path | None = None) -> Clip:
    """Find the largest face of every frame, and leave out the frames in which none is found or none can be followed.

    `kept`: a folder in which the landmarks are kept, by the clip's bytes and the finder's version. Raise
    UnreadableMedia where less than `_FEWEST_S` is left.
    """
    source, table = examine(path)
    count = len(table)
    height, width = source.video.height, source.video.width
    landmarks = _landmarks(path, finder, count, kept)
    landmarks[..., :2] -= max(height, width) // _PADDING
    numbers, smooth = _followed(landmarks)
    if len(numbers) < _FEWEST_S * rate_of(table.times):
        raise UnreadableMedia(
            f"{path.name}: {len(numbers)} of its {count} frames show a face that can be followed: too few for a mouth",
            hint=f"take a clip that shows one face, from near and from before, for {_FEWEST_S:g} s at least",
        )
    samples = mono(np.concatenate(list(sound(path, table))))
    heard = resample(samples, source.audio[0].sample_rate, RATE)
    return Clip(path, numbers, smooth, table.times, heard, lag)


def library_of(clip: Clip, size: int) -> Library:
    """Return all frames of a clip that show the face as a library. `size`: of its crops."""
    geometry = measure(clip.landmarks)
    kept = Library(
        size=size,
        rate=clip.rate,
        shapes=geometry.shapes,
        poses=geometry.poses,
        nodes=geometry.nodes,
        shot=np.zeros(len(geometry), np.int32),
        number=clip.numbers,
    )
    for number, picture in clip.footage(0, len(clip.times)).frames():
        row = clip.row(number)
        if row < len(clip.numbers) and clip.numbers[row] == number:
            kept.add(performance.crop_of(picture, geometry.affines[row], size)[0])
    return kept


def _followed(landmarks: NDArray[np.float32]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the frames with a face that is there for longer than a moment, and its landmarks, smoothed.

    `landmarks`: (frames, 468, 3), not a number where no face was found. Nothing is smoothed over a cut.
    """
    linker = Linker()
    for number, face in enumerate(landmarks):
        is_seen = bool(np.isfinite(face).all())
        linker.add(number, [Sighting(face, 1.0, np.zeros((PATCHES, 3), np.float32))] if is_seen else [])
    numbers, faces = [np.zeros(0, np.int32)], [landmarks[:0]]
    for track in linker.tracks():
        seen = track.score > 0
        smooth = savgol_filter(track.landmarks, _SMOOTHING, 2, axis=0)
        numbers.append(track.numbers[seen])
        faces.append(smooth[seen])
    order = np.argsort(np.concatenate(numbers))
    return np.concatenate(numbers)[order], np.asarray(np.concatenate(faces)[order], np.float32)


def _landmarks(path: Path, finder: FaceFinder, count: int, kept: Path | None) -> NDArray[np.float32]:
    """Return (count, 468, 3) in pixels of the padded picture, taken from `kept` where they are there.

    Where no face is found they are not a number.
    """
    capabilities = finder.capabilities
    name = f"{sha256(path.read_bytes()).hexdigest()[:16]}-{capabilities.name}-{capabilities.version}-{count}-found.npy"
    if kept is not None and (kept / name).is_file():
        return np.asarray(np.load(kept / name), np.float32)
    landmarks = np.full((count, LANDMARKS, 3), np.nan, np.float32)
    for number, faces in enumerate(finder.find(_padded(path))):
        if faces:
            landmarks[number] = max(faces, key=_area).landmarks
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        content = BytesIO()
        np.save(content, landmarks)
        write_whole(kept / name, content.getvalue())
    return landmarks


def _padded(path: Path) -> Iterator[Picture]:
    for _, picture in pictures(path):
        margin = max(picture.shape[:2]) // _PADDING
        padded = cv2.copyMakeBorder(picture, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
        yield np.asarray(padded, np.uint8)


def _area(face: Face) -> float:
    left, top, right, bottom = face.box
    return (right - left) * (bottom - top)
