"""Faces by YuNet and MediaPipe's attention mesh: found once, then followed from frame to frame by their landmarks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from dubsync import weights
from dubsync.backends.protocols import Capabilities, Face, Picture
from dubsync.face import geometry
from dubsync.face.detect import Detection, Detector, overlap
from dubsync.face.mesh import Mesh, Region, region_of_detection, region_of_landmarks

MAX_FACES = 6
"""The largest faces are followed: each costs about 7 ms a frame."""
MIN_EYE_DISTANCE_PX = 6.0
_SURE = 0.5
_SCAN_EVERY, _SCAN_EMPTY_EVERY, _SCAN_CLOSELY_EVERY = 16, 2, 16
"""Frames between scans for new faces: while some are followed, while there are none, and in small parts."""
_MARGIN = 1 / 3
_TILE_FROM_PX = 1000
"""Pictures longer than this are also scanned in four overlapping parts, where small faces are large enough."""


class MediaPipeFaceFinder:
    """Face finder for film: several faces, near and far, 468 landmarks each."""

    capabilities = Capabilities(name="face.mediapipe", version="1", weights=("face-mediapipe", "yunet"))

    def __init__(self, *, threads: int = 1) -> None:
        folder = weights.resolve("face-mediapipe")
        detector = weights.resolve("yunet") / "face_detection_yunet_2023mar.onnx"
        self._detector = Detector(detector, threads=threads)
        self._mesh = Mesh(folder / "mesh.onnx", threads=threads)

    def find(self, frames: Iterable[Picture]) -> Iterator[tuple[Face, ...]]:
        """Yield the faces of each frame; the pictures are upright and come in order."""
        followed: list[Face] = []
        since_scan = since_close_scan = _SCAN_CLOSELY_EVERY
        for picture in frames:
            faces = self._follow(picture, followed)
            is_lost = len(faces) < len(followed)
            pause = _SCAN_EVERY if faces else _SCAN_EMPTY_EVERY
            since_scan, since_close_scan = since_scan + 1, since_close_scan + 1
            if is_lost or since_scan >= pause:
                faces += self._new_faces(picture, faces, self._detector.detect(picture))
                since_scan = 0
                if not faces and since_close_scan >= _SCAN_CLOSELY_EVERY:
                    faces += self._new_faces(picture, faces, self._detect_closely(picture))
                    since_close_scan = 0
            followed = sorted(faces, key=_size, reverse=True)[:MAX_FACES] if len(faces) > MAX_FACES else faces
            yield tuple(followed)

    def _follow(self, picture: Picture, faces: list[Face]) -> list[Face]:
        found: list[Face] = []
        for face in faces:
            again = self._look(picture, region_of_landmarks(face.landmarks))
            if again is not None and not _is_among(again, found):
                found.append(again)
        return found

    def _new_faces(self, picture: Picture, known: list[Face], detections: list[Detection]) -> list[Face]:
        new: list[Face] = []
        for detection in detections:
            if _is_covered(detection, known + new):
                continue
            face = self._look(picture, region_of_detection(detection))
            if face is not None:
                face = self._look(picture, region_of_landmarks(face.landmarks))
            if face is not None and not _is_among(face, known + new):
                new.append(face)
        return new

    def _detect_closely(self, picture: Picture) -> list[Detection]:
        """Detect with a margin, for a face that fills the picture, and in parts, for small ones."""
        found = self._detector.detect(picture, margin=_MARGIN)
        height, width = picture.shape[:2]
        if found or max(height, width) <= _TILE_FROM_PX:
            return found
        tall, wide = (round(side * 0.6) for side in (height, width))
        for top in (0, height - tall):
            for left in (0, width - wide):
                part = np.ascontiguousarray(picture[top : top + tall, left : left + wide])
                found += [_moved(each, left, top) for each in self._detector.detect(part)]
        return found

    def _look(self, picture: Picture, region: Region) -> Face | None:
        if not 1 < region.side < 4 * max(picture.shape[:2]):
            return None
        landmarks, score = self._mesh.look(picture, region)
        if score < _SURE or not np.isfinite(landmarks).all():
            return None
        if geometry.eye_distance(landmarks[None])[0] < MIN_EYE_DISTANCE_PX:
            return None
        low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
        return Face((float(low[0]), float(low[1]), float(high[0]), float(high[1])), score, landmarks)


def _size(face: Face) -> float:
    return (face.box[2] - face.box[0]) * (face.box[3] - face.box[1])


def _is_covered(detection: Detection, faces: list[Face]) -> bool:
    boxes = np.array([face.box for face in faces]).reshape(-1, 4)
    return bool((overlap(np.array(detection.box), boxes) > 0.2).any())


def _is_among(face: Face, others: list[Face]) -> bool:
    """Tell whether one of the others is the same face: noses nearer than a third of the eye distance."""
    for other in others:
        apart = np.linalg.norm(face.landmarks[geometry.NOSE_TIP, :2] - other.landmarks[geometry.NOSE_TIP, :2])
        if apart < 0.33 * geometry.eye_distance(other.landmarks[None])[0]:
            return True
    return False


def _moved(detection: Detection, x: float, y: float) -> Detection:
    x0, y0, x1, y1 = detection.box
    eyes = detection.eyes + np.array([x, y], np.float32)
    return Detection((x0 + x, y0 + y, x1 + x, y1 + y), detection.score, eyes)
