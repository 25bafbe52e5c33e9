"""What each way of painting a mouth is worth, on one clip: a part of `dubsync bench mouth`.

Two thirds of the clip are learnt, the third left out is painted again from its true landmarks, and what is inside the
mouth box is compared with what was filmed. Each third is left out once.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from dubsync.backends.mouth_clips import Clip, library_of
from dubsync.mouth import actor as actors
from dubsync.mouth import learning, measure, performance, rehearsal, shape, warp
from dubsync.mouth.library import Library
from dubsync.mouth.painter import Finish, NetworkPainter, export
from dubsync.mouth.performance import Stock
from dubsync.mouth.rehearsal import Rehearsal, thirds
from dubsync.weights import resolve

if TYPE_CHECKING:
    from dubsync.mouth.generator import Generator

Picture = NDArray[np.uint8]
METHODS = ("static", "nearest", "warp", "expected", "alone", "scratch", "base", "adapted")
"""A still mouth; the nearest frame as it is; warped; the look that the shape lets expect; a network without warped
candidates; with them, untrained before; the shipped checkpoint; that checkpoint trained on the actor."""
ONCE = ("alone", "scratch")
"""Methods that are trained for the last third only: each costs as much as the adapted one."""
FRESH_RATE = 4e-4
"""Of learning, for networks that know nothing before."""
_EVERY = 3
"""Every third frame of the held-out third is painted: neighbours say the same."""


@dataclass(frozen=True, slots=True)
class Third:
    """One third left out: the frames to paint, how, and from what. `rows`: entries of `whole` that are painted."""

    whole: Library
    stock: Stock
    hidden: NDArray[np.bool_]
    rows: NDArray[np.int64]
    test: Rehearsal


def reconstruct(
    clip: Clip, *, steps: int, folds: Sequence[int], pictures: Path | None = None
) -> dict[str, NDArray[np.float64]]:
    """Paint each held-out third again by every method; return (frames, 3) of dB, SSIM and sharpness for each.

    `steps`: of training on the clip, 0 leaves out what is trained. The methods in `ONCE` know the last fold only.
    """
    whole = library_of(clip, actors.CROP_SIZE)
    measured: dict[str, list[NDArray[np.float64]]] = {}
    for fold in folds:
        third = _third(whole, fold)
        made = dict(_made(third, steps=steps, is_last=fold == folds[-1]))
        truth = _filmed(third)
        for name, painted in made.items():
            measured.setdefault(name, []).append(_compared(painted, truth, whole.nodes[third.rows]))
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
        write_strip(pictures / f"{clip.name}.png", [truth, made["warp"], made.get("adapted", made["base"])])
    return {name: np.concatenate(parts) for name, parts in measured.items()}


def _third(whole: Library, fold: int) -> Third:
    hidden = thirds(len(whole), fold)
    rows, stock = np.flatnonzero(hidden)[::_EVERY], performance.stock_of(whole, hidden)
    return Third(whole, stock, hidden, rows, rehearsal.rehearse(stock, rows, hidden=hidden))


def curve(clip: Clip, steps: Sequence[int]) -> dict[int, list[float]]:
    """Return dB, SSIM and sharpness of the last third by most steps of training, the step kept, the steps made.

    0 steps: the shipped checkpoint as it is. A longer training begins as a shorter one does.
    """
    third = _third(library_of(clip, actors.CROP_SIZE), 2)
    truth, nodes = _filmed(third), third.whole.nodes[third.rows]
    parts = learning.split(third.whole, third.hidden)
    found: dict[int, list[float]] = {}
    last: list[float] | None = None  # of a training that had ended before its most steps: more would be the same
    for count in sorted(steps):
        if last is None:
            trained, course = learning.practised(_base(), parts, steps=count, seed=0)
            figures = np.median(_compared(_painted(trained, third.test, nodes), truth, nodes), axis=0).round(3)
            found[count] = [*figures.tolist(), course.kept_at, course.steps]
            last = found[count] if course.steps < count else None
        else:
            found[count] = last
    return found


def _base() -> Generator:
    return learning.load_generator(resolve("mouth-base") / learning.BASE)


def _filmed(third: Third) -> list[Picture]:
    return [np.ascontiguousarray(one.transpose(1, 2, 0)) for one in third.test.filmed]


def gains(every: dict[str, NDArray[np.float64]]) -> dict[str, float]:
    """Return by how many dB the painter, trained on the actor if any was, is above others, over the same frames."""
    found = {}
    painted = every.get("adapted", every["base"])
    for other in ("warp", "alone"):
        if other in every:
            count = len(every[other])  # the last third's frames come last
            found[f"over_{other}_db"] = float(np.median(painted[-count:, 0]) - np.median(every[other][:, 0]))
    return found


def _made(third: Third, *, steps: int, is_last: bool) -> Iterator[tuple[str, list[Picture]]]:
    """Yield the painted frames by method."""
    yield from _without_network(third)
    nodes = third.whole.nodes[third.rows]
    yield "base", _painted(_base(), third.test, nodes)
    if steps == 0:
        return
    parts = learning.split(third.whole, third.hidden)
    yield "adapted", _painted(learning.practised(_base(), parts, steps=steps, seed=0)[0], third.test, nodes)
    if is_last:
        yield "scratch", _painted(_untrained(parts, steps), third.test, nodes)
        two = _portraits(third.whole, third.hidden)
        given = replace(parts, practice=_given(parts.practice, two), test=_given(parts.test, two))
        yield "alone", _painted(_untrained(given, steps), _given(third.test, two), nodes)


def _without_network(third: Third) -> Iterator[tuple[str, list[Picture]]]:
    """Yield what can be had without a network: a still mouth, the nearest frame unwarped, the warped collage."""
    whole, rows = third.whole, third.rows
    known = np.flatnonzero(~third.hidden)
    calm = known[np.argmin(np.abs(whole.shapes[known] - whole.shapes[known].mean(axis=0)).sum(axis=(1, 2)))]
    yield "static", [warp.window(whole.picture(int(calm))) for _ in rows]
    banned = np.broadcast_to(third.hidden, (len(rows), len(whole)))
    chosen = performance.cast(whole.shapes[rows], whole.poses[rows], whole, banned=banned)
    yield "nearest", [warp.window(whole.picture(mix[0][0])) for mix in chosen.skin]
    yield "warp", [np.ascontiguousarray(one[3:6].transpose(1, 2, 0)) for one in third.test.inputs]
    yield "expected", [np.ascontiguousarray(one[6:9].transpose(1, 2, 0)) for one in third.test.inputs]


def _portraits(whole: Library, hidden: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the actor with closed and with open lips, as (6, s, s): what a network without candidates knows."""
    known = np.flatnonzero(~hidden)
    order = known[np.argsort(shape.opening(whole.shapes[known]))]
    pair = [warp.window(whole.picture(int(entry))) for entry in (order[len(order) // 20], order[-1 - len(order) // 20])]
    return np.concatenate([picture.transpose(2, 0, 1) for picture in pair])


def _given(given: Rehearsal, portraits: NDArray[np.uint8]) -> Rehearsal:
    """Return the rehearsal with the same two portraits in the place of warped candidates."""
    inputs = given.inputs.copy()
    inputs[:, 3:9] = portraits
    return replace(given, inputs=inputs)


def _untrained(parts: learning.Split, steps: int) -> Generator:
    """Return a network trained on the clip from nothing."""
    import torch

    from dubsync.mouth.generator import Generator

    torch.manual_seed(0)
    return learning.practised(Generator(), parts, steps=steps, seed=0, rate=FRESH_RATE)[0]


def _painted(generator: Generator, test: Rehearsal, nodes: NDArray[np.float32]) -> list[Picture]:
    """Return finished windows; how far to sharpen is decided on the first half, as in an actor's held-out frames."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / learning.FILE
        export(generator, file, test.filmed.shape[-1])
        half = max(2, len(test.inputs) // 2)
        part = Rehearsal(test.inputs[:half], test.filmed[:half], test.runs[:0])
        verdict = learning.judge(file, part, nodes[:half])
        raw = NetworkPainter(file).raw(test.inputs)
    finish = Finish(1.0, verdict.sharpen)
    return [
        finish(one, np.ascontiguousarray(given[3:6].transpose(1, 2, 0)), given[11])
        for one, given in zip(raw, test.inputs, strict=True)
    ]


def _compared(painted: Sequence[Picture], truth: Sequence[Picture], nodes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return (frames, 3): dB, SSIM and relative sharpness in the mouth box."""
    rows = []
    for made, filmed, place in zip(painted, truth, nodes, strict=True):
        box = measure.mouth_box(place, len(filmed))
        sharp = measure.sharpness(made[box]) / max(measure.sharpness(filmed[box]), 1e-3)
        rows.append((measure.psnr(made[box], filmed[box]), measure.ssim(made[box], filmed[box]), sharp))
    return np.array(rows)


def generator_fps(base: Path, *, threads: int = 1, frames: int = 160) -> float:
    """Return how many windows a second the exported generator paints on this machine, by the clock of the process."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / learning.FILE
        export(learning.load_generator(base / learning.BASE), file, actors.CROP_SIZE // 2)
        painter = NetworkPainter(file, threads=threads)
        inputs = np.zeros((8, 12, actors.CROP_SIZE // 2, actors.CROP_SIZE // 2), np.uint8)
        painter.raw(inputs)
        begun = time.process_time()
        for _ in range(frames // 8):
            painter.raw(inputs)
        return round(frames / (time.process_time() - begun), 1)


def write_strip(file: Path, rows: Sequence[Sequence[Picture]], columns: int = 8) -> None:
    """Write a picture: rows as given, the difference of the last to the first added, `columns` frames across."""
    pick = np.linspace(0, len(rows[0]) - 1, columns).astype(int)
    difference = [
        np.clip(128 + (last.astype(int) - first) // 2, 0, 255).astype(np.uint8)
        for first, last in zip(rows[0], rows[-1], strict=True)
    ]
    bands = [*rows, difference]
    whole = np.vstack([np.hstack([band[k] for k in pick]) for band in bands])
    cv2.imwrite(str(file), whole[..., ::-1])
