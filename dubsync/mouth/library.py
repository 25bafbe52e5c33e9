"""The actor's own frames, kept as crops with their geometry: what new mouths are made of.

On disk: `library.npz` (arrays) and `pictures.bin` (JPEG without colour subsampling, one after another). In memory a
bounded number of pictures is held decoded.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dubsync.face.geometry import Landmarks, Pose, pose
from dubsync.mouth import composite, shape, warp
from dubsync.mouth.measure import mouth_box, sharpness
from dubsync.mouth.shape import GEOMETRY_SIZE

Array = NDArray[np.float32]
Picture = NDArray[np.uint8]

_JPEG = (
    *(cv2.IMWRITE_JPEG_QUALITY, 97),
    *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
)
_WARM = 400
NEIGHBOURS_S = 0.32
"""Seconds to both sides of a frame in which the film shows nearly the same."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """Lower faces as numbers, one row each. `nodes`: mesh nodes in crops of `GEOMETRY_SIZE` pixels.

    `shapes`: (n, points, 3) head-fixed; `poses`: (n, 3) yaw, pitch, roll in degrees; `affines`: (n, 2, 3) to the crop.
    """

    shapes: Array
    poses: Array
    nodes: Array
    affines: Array
    head: Pose

    def __len__(self) -> int:
        return len(self.shapes)


def measure(landmarks: Landmarks) -> Geometry:
    """Return the geometry of faces (n, 468, 3)."""
    head = pose(landmarks)
    affines = shape.crop_affines(head, GEOMETRY_SIZE)
    return Geometry(
        shapes=shape.moving(landmarks),
        poses=np.stack([head.yaw, head.pitch, head.roll], axis=1).astype(np.float32),
        nodes=nodes_of(landmarks[:, shape.MOVING], landmarks, affines),
        affines=affines,
        head=head,
    )


def nodes_of(moving: Array, landmarks: Landmarks, affines: Array) -> Array:
    """Return mesh nodes for lower faces with the points `moving` (picture pixels) on the given skulls."""
    placed = shape.transformed(affines, moving)
    anchors = shape.transformed(affines, landmarks[:, shape.ANCHORS])
    return warp.nodes(placed, anchors, GEOMETRY_SIZE)


@dataclass
class Library:
    """Crops of one actor. `shot`: (n,) which footage; `number`: (n,) its frame; `light`: (n, 3).

    `sharp`: (n,) variance of the Laplacian in the mouth's box; `rate`: frames a second of the footage.
    """

    size: int
    rate: float
    shapes: Array
    poses: Array
    nodes: Array
    shot: NDArray[np.int32]
    number: NDArray[np.int32]
    light: Array = field(default_factory=lambda: np.zeros((0, 3), np.float32))
    sharp: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    packed: list[bytes] = field(default_factory=list)
    _warm: OrderedDict[int, Picture] = field(default_factory=OrderedDict)

    def __len__(self) -> int:
        return len(self.shapes)

    @property
    def follows(self) -> NDArray[np.bool_]:
        """Return (n,) whether entry j shows what came right after entry j - 1."""
        same = (self.shot[1:] == self.shot[:-1]) & (np.abs(self.number[1:] - self.number[:-1]) <= 2)
        return np.concatenate([[False], same])

    def beside(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return (rows, n) whether an entry is one of these or of the film within `NEIGHBOURS_S` of it."""
        same = self.shot[rows][:, None] == self.shot[None]
        apart = np.abs(self.number[rows][:, None] - self.number[None])
        return np.asarray(same & (apart <= round(NEIGHBOURS_S * self.rate)), bool)

    def add(self, picture: Picture) -> None:
        """Keep the crop of the next entry."""
        nodes, window = self.nodes[len(self.packed)], warp.window(picture)
        self.light = np.concatenate([self.light, composite.ring_light(picture, nodes)[None]])
        edges = sharpness(np.ascontiguousarray(window[mouth_box(nodes, len(window))]))
        self.sharp = np.append(self.sharp, np.float32(edges))
        done, packed = cv2.imencode(
            ".jpg",
            picture[..., ::-1],
            _JPEG,
        )
        assert done
        self.packed.append(packed.tobytes())

    def picture(self, entry: int) -> Picture:
        """Return an entry's crop, (size, size, 3) RGB."""
        if entry in self._warm:
            self._warm.move_to_end(entry)
            return self._warm[entry]
        found = cv2.imdecode(np.frombuffer(self.packed[entry], np.uint8), cv2.IMREAD_COLOR)
        picture = np.ascontiguousarray(np.asarray(found, np.uint8)[..., ::-1])
        self._warm[entry] = picture
        if len(self._warm) > _WARM:
            self._warm.popitem(last=False)
        return picture

    def brought(self, entry: int, target: warp.Target, light: Array) -> Picture:
        """Return an entry's window (size / 2, size / 2, 3) in another shape and light (3,)."""
        nodes = warp.placed(self.nodes[entry], self.size / target.mesh.size)
        window = warp.warp_window(self.picture(entry), nodes, target, self.size // 2)
        return composite.lit(window, composite.gain(self.light[entry], light))

    def part(self, keep: NDArray[np.int64]) -> Library:
        """Return a library of only these entries."""
        return Library(
            size=self.size,
            rate=self.rate,
            shapes=self.shapes[keep],
            poses=self.poses[keep],
            nodes=self.nodes[keep],
            shot=self.shot[keep],
            number=self.number[keep],
            light=self.light[keep],
            sharp=self.sharp[keep],
            packed=[self.packed[entry] for entry in keep],
        )

    def save(self, folder: Path) -> None:
        """Write the library into a folder."""
        lengths = np.array([len(packed) for packed in self.packed], np.int64)
        np.savez(
            folder / "library.npz",
            size=np.int64(self.size),
            rate=np.float64(self.rate),
            shapes=self.shapes,
            poses=self.poses,
            nodes=self.nodes,
            shot=self.shot,
            number=self.number,
            light=self.light,
            sharp=self.sharp,
            lengths=lengths,
        )
        (folder / "pictures.bin").write_bytes(b"".join(self.packed))


def load(folder: Path) -> Library:
    """Read a library that `Library.save` wrote."""
    with np.load(folder / "library.npz") as arrays:
        ends = np.cumsum(arrays["lengths"])
        raw = (folder / "pictures.bin").read_bytes()
        packed = [raw[end - length : end] for end, length in zip(ends, arrays["lengths"], strict=True)]
        return Library(
            size=int(arrays["size"]),
            rate=float(arrays["rate"]),
            shapes=arrays["shapes"],
            poses=arrays["poses"],
            nodes=arrays["nodes"],
            shot=arrays["shot"],
            number=arrays["number"],
            light=arrays["light"],
            sharp=arrays["sharp"],
            packed=packed,
        )
