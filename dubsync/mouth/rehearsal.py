"""What a painter practises on: the actor's own frames, to be painted again from the rest of their footage.

A frame may not borrow from itself or its neighbours, and what is under the mouth is cut out of what the painter sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dubsync.mouth import performance, warp
from dubsync.mouth.library import Library
from dubsync.mouth.performance import Ingredients, Score, Stock

Array = NDArray[np.float32]
Bytes = NDArray[np.uint8]

RUN = 3
"""Consecutive frames that are practised together."""
_STRETCHES = 8
"""Into which rows are cut, so that what is expected of them is learnt without them."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Painter inputs (n, 12, s, s) uint8 and the filmed windows (n, 3, s, s) uint8.

    `runs`: (m, RUN) rows that follow each other in the film.
    """

    inputs: Bytes
    filmed: Bytes
    runs: NDArray[np.int64]


def encode(frames: Sequence[Ingredients]) -> Bytes:
    """Return what the generator is given, (n, 12, s, s) uint8: see `dubsync.mouth.generator.INPUTS`."""
    size = frames[0].zone.shape[0]
    out = np.empty((len(frames), 12, size, size), np.uint8)
    for row, frame in zip(out, frames, strict=True):
        context = warp.window(frame.own) * (frame.zone < _CUT)[..., None]
        row[0:3], row[3:6], row[6:9] = (x.transpose(2, 0, 1) for x in (context, frame.collage, frame.second))
        row[9], row[10], row[11] = frame.zone, frame.lips, frame.hole
    return out


_CUT = 8
"""Zone value from which the film's own pixels are hidden."""


def rehearse(stock: Stock, rows: NDArray[np.int64], *, hidden: NDArray[np.bool_]) -> Rehearsal:
    """Prepare library entries `rows` for painting again. `hidden`: (library,) entries nobody may borrow from."""
    library = stock.library
    banned = library.beside(rows) | hidden[None]
    chosen = performance.cast(library.shapes[rows], library.poses[rows], library, banned=banned)
    score = Score(np.ones(len(rows), np.float32), library.nodes[rows], chosen, _expected(stock, rows, banned))
    frames, filmed = [], []
    for place, entry in enumerate(rows):
        film = library.picture(int(entry))
        (expected,) = stock.look.pictures(score.expected[place : place + 1])
        parts = performance.gather(film, library.nodes[entry], score, place, stock, expected)
        frames.append(encode([parts])[0])
        filmed.append(warp.window(film).transpose(2, 0, 1))
    return Rehearsal(np.stack(frames), np.stack(filmed), _runs(library, rows))


def thirds(count: int, fold: int) -> NDArray[np.bool_]:
    """Return which frames are held out: the first, middle or last third."""
    hidden = np.zeros(count, bool)
    hidden[count * fold // 3 : count * (fold + 1) // 3] = True
    return hidden


def _expected(stock: Stock, rows: NDArray[np.int64], banned: NDArray[np.bool_]) -> Array:
    """Return the loadings (rows, k) of what is expected; stretches of rows, from what none of them is banned from."""
    library = stock.library
    parts = [
        stock.look.expected(library.shapes[rows[part]], library.poses[rows[part]], np.logical_or.reduce(banned[part]))
        for part in np.array_split(np.arange(len(rows)), _STRETCHES)
        if len(part)
    ]
    return np.concatenate(parts)


def _runs(library: Library, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the places in `rows` where `RUN` consecutive frames begin, as (m, RUN); lone frames are repeated."""
    places = np.arange(len(rows) - RUN + 1)[:, None] + np.arange(RUN)
    numbers, shots = library.number[rows][places], library.shot[rows][places]
    whole = (np.diff(numbers, axis=1) == 1).all(axis=1) & (shots == shots[:, :1]).all(axis=1)
    runs = places[whole]
    return runs if len(runs) else np.repeat(np.arange(len(rows))[:, None], RUN, axis=1)
