"""The mouths' patches, read from the disk as the film goes by, a few chunks in memory at a time.

A chunk is an npz of at most a hundred patches (docs/products.md): `frame`, `pixels`, `mask`, `affine`.
"""

from __future__ import annotations

import zipfile
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dubsync.media.compose import Box, patch_box

_WARM_CHUNKS = 4
"""Chunks kept decompressed: one for each face that speaks at the same time, and one more where chunks meet."""

_Chunk = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class StoredPatch:
    """One patch as it lies in a chunk (see `compose.PatchPixels`)."""

    pixels: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    affine: NDArray[np.float32]


class PatchBook:
    """Finds the patches of a frame among many chunk files; holds twelve bytes for each patch of the film."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._files = tuple(files)
        frames = [self._numbers(path) for path in self._files]
        self._frames = np.concatenate([np.zeros(0, np.int32), *frames])
        self._file = np.repeat(np.arange(len(frames), dtype=np.int32), [len(f) for f in frames])
        self._row = np.concatenate([np.zeros(0, np.int32), *(np.arange(len(f), dtype=np.int32) for f in frames)])
        order = np.argsort(self._frames, kind="stable")
        self._frames, self._file, self._row = self._frames[order], self._file[order], self._row[order]
        self._warm: OrderedDict[int, _Chunk] = OrderedDict()

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def frames(self) -> NDArray[np.int32]:
        """(n,) int32: the frames that have a patch, ascending, each once."""
        return np.unique(self._frames)

    def of(self, frame: int) -> tuple[StoredPatch, ...]:
        """Return the patches of a frame, in the order of the files."""
        first, stop = np.searchsorted(self._frames, [frame, frame + 1])
        return tuple(self._patch(int(self._file[i]), int(self._row[i])) for i in range(first, stop))

    def boxes(self) -> dict[int, list[Box]]:
        """Return, for each patched frame, the boxes its patches can touch; reads no pixels."""
        found: dict[int, list[Box]] = {}
        for path in self._files:
            with np.load(path) as file:
                height, width = _mask_shape(path)
                for frame, affine in zip(file["frame"], file["affine"], strict=True):
                    found.setdefault(int(frame), []).append(patch_box(affine, height, width))
        return found

    def _patch(self, file: int, row: int) -> StoredPatch:
        pixels, mask, affine = self._chunk(file)
        return StoredPatch(pixels[row], mask[row], affine[row])

    def _chunk(self, index: int) -> _Chunk:
        if index in self._warm:
            self._warm.move_to_end(index)
            return self._warm[index]
        while len(self._warm) >= _WARM_CHUNKS:
            self._warm.popitem(last=False)
        with np.load(self._files[index]) as file:
            self._warm[index] = (file["pixels"], file["mask"], file["affine"])
        return self._warm[index]

    @staticmethod
    def _numbers(path: Path) -> NDArray[np.int32]:
        with np.load(path) as file:
            return np.asarray(file["frame"], np.int32)


def _mask_shape(path: Path) -> tuple[int, int]:
    """Return height and width of a chunk's masks from the array's header alone."""
    with zipfile.ZipFile(path) as archive, archive.open("mask.npy") as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, _ = read(file)
    return int(shape[1]), int(shape[2])
