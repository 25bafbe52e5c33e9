"""What can be measured on a finished film: picture against sound, and what was left untouched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from math import log10
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import soundfile
from numpy.typing import NDArray

from dubsync.errors import InputError, UnreadableMedia
from dubsync.media import planes
from dubsync.media.compose import Box
from dubsync.media.read import frames
from dubsync.media.sound import sound
from dubsync.media.table import FrameTable, frame_table, opened

IDENTICAL_DB = 100.0
"""What `untouched_psnr` gives for equal pixels, whose ratio would be infinite; 8-bit rounding alone gives 59 dB."""

_WINDOW_SECONDS = 4
_WINDOWS = 5
_REACH_SECONDS = 0.5
_SILENT = 1e-4
_CLICK_LEVEL = 0.25
_CLICK_APART_SECONDS = 0.2


def av_offset_ms(film: Path, *, track: int = 0) -> float:
    """Return by how many milliseconds clicks sound after the flashes they belong to (median; negative: before).

    For films of flashes and clicks, such as `dubsync.testing.media` draws.
    """
    table = frame_table(film)
    flashes = _flash_times(film, table)
    clicks = _click_times(film, table, track)
    if len(flashes) == 0 or len(clicks) == 0:
        raise InputError(f"{film.name}: shows {len(flashes)} flashes and {len(clicks)} clicks, nothing to compare")
    nearest = clicks[np.abs(clicks[None, :] - flashes[:, None]).argmin(axis=1)]
    return float(np.median(nearest - flashes) * 1000)


@dataclass(frozen=True, slots=True)
class TrackFit:
    """How a sound track goes with the WAV it was made from.

    `offset_ms`: how far it lags behind; `likeness`: correlation of the two there, 1 for the same sound.
    """

    offset_ms: float
    likeness: float


def track_fit(film: Path, wav: Path, *, track: int = 0) -> TrackFit | None:
    """Compare a sound track of the film with the WAV it was made from.

    The WAV's sample 0 belongs to the first frame of the picture. Compared by cross-correlation over the loudest
    stretches, to a tenth of a sample; None if the WAV is silent. Coding delays and edit lists count, as in a player.
    """
    table = frame_table(film)
    with soundfile.SoundFile(str(wav)) as file:
        rate, starts = file.samplerate, _loudest(file)
    wanted = _stretches(_wav_blocks(wav), starts, rate * _WINDOW_SECONDS)
    heard = _stretches(sound(film, table, track=track), starts, rate * _WINDOW_SECONDS)
    found = [_lag(heard[start], wanted[start], round(rate * _REACH_SECONDS)) for start in starts]
    if not found:
        return None
    lag, likeness = np.median(np.array(found), axis=0)
    return TrackFit(float(lag / rate * 1000), float(likeness))


def untouched_psnr(
    source: Path, dub: Path, touched: Mapping[int, Sequence[Box]], *, stride: int = 1, table: FrameTable | None = None
) -> float:
    """Return the PSNR in dB of the luma outside the touched boxes, over all frames together.

    `touched`: frame number to boxes (x0, y0, x1, y1, coded pixels). `stride`: compare only every so many frames.
    Gives `IDENTICAL_DB` at most, for equal pixels. Both films are streamed.

    Raises:
        UnreadableMedia: the dub has not as many frames as the source.
    """
    error, pixels, top = 0.0, 0, 255
    ends: tuple[int, av.VideoFrame | None] = (-1, None)
    pairs = zip_longest(frames(source, table=table), frames(dub), fillvalue=ends)
    for (number, ours), (other, theirs) in pairs:
        if number != other or ours is None or theirs is None:
            raise UnreadableMedia(f"{dub.name}: has not the same frames as its source, from {max(number, other)} on")
        if number % stride:
            continue
        top = (1 << planes.depth(ours)) - 1
        squares, count = _difference(ours, theirs, touched.get(number, ()))
        error, pixels = error + squares, pixels + count
    if error == 0 or pixels == 0:
        return IDENTICAL_DB
    return min(IDENTICAL_DB, 10 * log10(top**2 * pixels / error))


def _difference(ours: av.VideoFrame, theirs: av.VideoFrame, boxes: Sequence[Box]) -> tuple[float, int]:
    """Return the sum of squared luma differences outside the boxes, and how many pixels that were."""
    first, second = planes.view(ours, 0), planes.view(theirs, 0)
    second = second[: first.shape[0], : first.shape[1]]  # an odd picture may have been widened
    if first.dtype != second.dtype:
        raise InputError("the two films have not the same bit depth")
    if not boxes:
        return float(cv2.norm(first, second, cv2.NORM_L2SQR)), first.size
    outside = np.full(first.shape, 255, np.uint8)
    for x0, y0, x1, y1 in boxes:
        outside[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = 0
    return float(cv2.norm(first, second, cv2.NORM_L2SQR, mask=outside)), int(cv2.countNonZero(outside))


def _flash_times(film: Path, table: FrameTable) -> NDArray[np.float64]:
    """Return when the picture goes from dark to bright."""
    levels = np.array([planes.view(frame, 0)[frame.height // 4 :: 4, ::4].mean() for _, frame in frames(film)])
    middle = (np.median(levels) + levels.max()) / 2
    is_bright = levels > middle
    starts = np.flatnonzero(is_bright & ~np.concatenate([[False], is_bright[:-1]]))
    return table.times[starts] if levels.max() - np.median(levels) > 20 else np.zeros(0)


def _click_times(film: Path, table: FrameTable, track: int) -> NDArray[np.float64]:
    """Return when the sound rises above a quarter of full scale after a pause."""
    found: list[float] = []
    position = 0
    with opened(film) as container:
        rate = container.streams.audio[track].sample_rate
    for block in sound(film, table, track=track):
        for index in np.flatnonzero(np.abs(block).max(axis=1) > _CLICK_LEVEL):
            time = (position + int(index)) / rate
            if not found or time - found[-1] > _CLICK_APART_SECONDS:
                found.append(time)
        position += len(block)
    return np.array(found)


def _loudest(file: soundfile.SoundFile) -> list[int]:
    """Return where the loudest stretches of a sound begin, in order; silent ones are left out."""
    size = min(file.samplerate * _WINDOW_SECONDS, len(file))
    power: list[tuple[float, int]] = []
    for index, block in enumerate(file.blocks(size, dtype="float32", always_2d=True)):
        level = float(np.sqrt(np.mean(block**2)))
        if len(block) == size and level > _SILENT:
            power.append((level, index * size))
    return sorted(start for _, start in sorted(power)[-_WINDOWS:])


def _wav_blocks(wav: Path) -> Iterator[NDArray[np.float32]]:
    with soundfile.SoundFile(str(wav)) as file:
        yield from file.blocks(1 << 16, dtype="float32", always_2d=True)


def _stretches(
    blocks: Iterator[NDArray[np.float32]], starts: Sequence[int], length: int
) -> dict[int, NDArray[np.float32]]:
    """Cut stretches out of a stream of sound, mixed to mono."""
    cut = {start: np.zeros(length, np.float32) for start in starts}
    position = 0
    for block in blocks:
        mono = block.mean(axis=1)
        for start, stretch in cut.items():
            first, stop = max(start, position), min(start + length, position + len(mono))
            if first < stop:
                stretch[first - start : stop - start] = mono[first - position : stop - position]
        position += len(block)
    return cut


def _lag(heard: NDArray[Any], wanted: NDArray[Any], reach: int) -> tuple[float, float]:
    """Return by how many samples `heard` lags behind `wanted`, and their correlation there.

    Between samples by a parabola through the peak.
    """
    from scipy.signal import correlate  # slow to load, and planning has no use for it

    scores = correlate(heard.astype(np.float64), wanted.astype(np.float64), mode="full", method="fft")
    middle = len(wanted) - 1
    scores = scores[middle - reach : middle + reach + 1]
    peak = int(np.argmax(scores))
    lag = float(peak - reach)
    if 0 < peak < len(scores) - 1:
        before, here, after = scores[peak - 1 : peak + 2]
        bend = before - 2 * here + after
        lag += 0.5 * (before - after) / bend if bend else 0.0
    norm = float(np.linalg.norm(heard) * np.linalg.norm(wanted))
    return lag, float(scores[peak]) / norm if norm else 0.0
