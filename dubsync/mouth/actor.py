"""What is learnt of one actor: their library of crops, their manner of speaking, and the network that paints them.

A folder: `library.npz`, `pictures.bin`, `look.npz`, `manner.npz`, `painter.onnx` and `actor.json` (facts).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.mouth import appearance, articulation, closures, learning, library, manner, performance, retrieval
from dubsync.mouth.articulation import Articulation, Manner
from dubsync.mouth.footage import Footage, Progress, rate_of, seconds_of
from dubsync.mouth.hearing import Ear
from dubsync.mouth.library import Geometry, Library
from dubsync.mouth.painter import Finish, NetworkPainter
from dubsync.mouth.performance import Stock

Array = NDArray[np.float32]

MAX_ENTRIES = 900
"""Crops kept of one actor: about half a minute of film, 25 MB on disk."""
_PIECE = 5
"""Frames are kept in runs, so that natural motion can be followed."""
CROP_SIZE = 256
"""Side of the crops in pixels; the painted window is half as wide."""
FEWEST_FRAMES = 24


@dataclass(frozen=True)
class Actor:
    """A learnt actor, ready to perform."""

    stock: Stock
    manner: Manner
    facts: dict[str, Any]
    painter: performance.Painter


@dataclass(frozen=True, slots=True)
class Seen:
    """One shot's usable frames as numbers. `features`: (m, width) of its sound, 50 a second."""

    footage: Footage
    rows: NDArray[np.int64]
    geometry: Geometry
    features: Array


def observe(footage: Sequence[Footage], ear: Ear) -> list[Seen]:
    """Measure the usable frames of each shot and hear its sound."""
    found = []
    for shot in footage:
        rows = np.flatnonzero(shot.usable)
        if len(rows) == 0:
            continue
        found.append(Seen(shot, rows, library.measure(shot.landmarks[rows]), ear.hear(shot.speech)))
    return found


def keep(seen: Sequence[Seen], limit: int = MAX_ENTRIES) -> list[NDArray[np.int64]]:
    """Return, for each shot, which of its usable frames go into the library: runs that cover all shapes and poses."""
    vectors, places = [], []
    for number, shot in enumerate(seen):
        every = retrieval.features(shot.geometry.shapes, shot.geometry.poses, retrieval.SKIN)
        starts = np.arange(0, len(every), _PIECE)
        vectors.append(every[np.minimum(starts + _PIECE // 2, len(every) - 1)])
        places += [(number, int(start)) for start in starts]
    chosen = retrieval.diverse(np.concatenate(vectors), max(1, limit // _PIECE))
    kept: list[list[int]] = [[] for _ in seen]
    for index in chosen:
        number, start = places[index]
        kept[number] += range(start, min(start + _PIECE, len(seen[number].geometry)))
    return [np.array(rows, np.int64) for rows in kept]


def gather(
    seen: Sequence[Seen], kept: Sequence[NDArray[np.int64]], progress: Progress, size: int = CROP_SIZE
) -> Library:
    """Read the chosen frames once, shot after shot, and keep their crops."""
    pick = [(index, shot, rows) for index, (shot, rows) in enumerate(zip(seen, kept, strict=True)) if len(rows)]
    numbers = [shot.footage.numbers[shot.rows[rows]] for _, shot, rows in pick]
    made = Library(
        size=size,
        rate=rate_of(pick[0][1].footage.times),
        shapes=np.concatenate([shot.geometry.shapes[rows] for _, shot, rows in pick]),
        poses=np.concatenate([shot.geometry.poses[rows] for _, shot, rows in pick]),
        nodes=np.concatenate([shot.geometry.nodes[rows] for _, shot, rows in pick]),
        shot=np.repeat(np.array([index for index, _, _ in pick], np.int32), [len(rows) for _, _, rows in pick]),
        number=np.concatenate(numbers).astype(np.int32),
    )
    total = len(made)
    for (_, shot, rows), wanted in zip(pick, numbers, strict=True):
        places = dict(zip(wanted.tolist(), rows.tolist(), strict=True))
        for number, picture in shot.footage.frames():
            if number in places:
                made.add(performance.crop_of(picture, shot.geometry.affines[places[number]], size)[0])
                progress(len(made.packed) / total)
    assert len(made.packed) == total, (len(made.packed), total)
    return made


def manner_of(seen: Sequence[Seen], model: Articulation) -> tuple[Manner, dict[str, float | str]]:
    """Fit the actor's manner of speaking to all their usable frames; also say what was learnt."""
    return manner.learn(model, [_take(shot) for shot in seen])


def _take(shot: Seen) -> manner.Take:
    footage, rows = shot.footage, shot.rows
    return manner.Take(
        features=shot.features,
        shapes=shot.geometry.shapes,
        seconds=seconds_of(footage, rows),
        times=footage.times[footage.numbers[rows] - footage.first],
        turned=manner.turned(shot.geometry.poses),
        speaking=footage.speaking[rows],
    )


def save(folder: Path, stock: Stock, learnt: Manner, facts: dict[str, Any]) -> None:
    """Write an actor into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    stock.library.save(folder)
    stock.look.save(folder)
    np.savez(folder / "manner.npz", **{field.name: getattr(learnt, field.name) for field in fields(learnt)})
    (folder / "actor.json").write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def load(folder: Path, *, threads: int = 1) -> Actor:
    """Read an actor that `save` wrote."""
    kept = library.load(folder)
    with np.load(folder / "manner.npz") as arrays:
        learnt = Manner(**{field.name: arrays[field.name] for field in fields(Manner)})
    facts = json.loads((folder / "actor.json").read_text(encoding="utf-8"))
    finish = Finish(facts["strength"], facts["sharpen"])
    painter = NetworkPainter(folder / learning.FILE, finish, threads=threads)
    return Actor(Stock(kept, performance.mesh_of(kept), appearance.load(folder)), learnt, facts, painter)


def perform_plan(
    actor: Actor, model: Articulation, ear: Ear, footage: Footage
) -> tuple[Geometry, performance.Score] | None:
    """Decide what the actor's mouth does in a shot; None when nothing is to be changed."""
    was = footage.speaking if footage.was_speaking is None else footage.was_speaking
    rate = rate_of(footage.times)
    share = performance.shares(footage.numbers, footage.speaking | was, footage.usable, rate=rate)
    if not (share > 0).any():
        return None
    geometry = library.measure(footage.landmarks)
    features, turned = ear.hear(footage.speech), manner.turned(geometry.poses)
    spoken = articulation.perform(model, actor.manner, features, footage.speech, seconds_of(footage), turned)
    shown = footage.times[footage.numbers - footage.first]
    lips = closures.lips_of(actor.stock.library.shapes)
    wanted = closures.close(spoken, shown, footage.phones, lips)
    price = closures.price(spoken, wanted, actor.stock.library.shapes, lips)
    return geometry, performance.plan(geometry, footage.landmarks, wanted, share, actor.stock, price=price)
