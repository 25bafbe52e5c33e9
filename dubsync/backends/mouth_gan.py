"""mouth.gan: the actor's own frames, chosen and warped to the new speech, finished by a small adversarial network.

What it does lives in `dubsync.mouth`; this is the engine behind the protocol. Pixels come from the actor's footage.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dubsync.backends.protocols import Capabilities, Footage, Patch, Picture, Progress
from dubsync.errors import Flag, Severity
from dubsync.mouth import actor as actors
from dubsync.mouth import articulation, learning, performance
from dubsync.mouth.hearing import Ear
from dubsync.mouth.library import Geometry
from dubsync.precision import trained_in

Affine = NDArray[np.float32]
_BATCH = 8
"""Frames painted at once."""
WEIGHTS = ("whisper-tiny-en", "articulation", "mouth-base")
STEPS_PER_SECOND = 4.0
"""Training steps that two idle cores make in a second; so a budget in seconds gives the same weights on any day."""


class MouthGan:
    """Learns an actor from their footage and performs new speech with their own mouth."""

    capabilities = Capabilities(
        name="mouth.gan", version="13", devices=("cpu", "cuda"), needs_consent=True, weights=WEIGHTS
    )

    def __init__(self, *, threads: int | None = None) -> None:
        self._threads = threads or int(os.environ.get("OMP_NUM_THREADS", "0")) or max(1, min(4, os.cpu_count() or 1))
        self._warm: tuple[Path, actors.Actor] | None = None

    @cached_property
    def _ear(self) -> Ear:
        from dubsync.weights import resolve

        return Ear(resolve("whisper-tiny-en"), threads=self._threads)

    @cached_property
    def _model(self) -> articulation.Articulation:
        from dubsync.weights import resolve

        return articulation.load(resolve("articulation"))

    @cached_property
    def _base(self) -> Path:
        from dubsync.weights import resolve

        return resolve("mouth-base")

    def learn(
        self, footage: Sequence[Footage], out: Path, *, seconds: float, seed: int, progress: Progress
    ) -> tuple[Flag, ...]:
        seen = actors.observe(footage, self._ear)
        frames = sum(len(shot.rows) for shot in seen)
        if frames < actors.FEWEST_FRAMES:
            return (_too_little(frames),)
        kept = actors.gather(seen, actors.keep(seen), lambda share: progress(0.3 * share))
        out.mkdir(parents=True, exist_ok=True)
        steps = round(seconds * STEPS_PER_SECOND)
        verdict, course = learning.train(
            kept, self._base, out, steps=steps, seed=seed, progress=lambda share: progress(0.3 + 0.7 * share)
        )
        facts = {"frames": frames, "entries": len(kept), "size": kept.size, **asdict(verdict), **asdict(course)}
        facts |= {"most_steps": steps, "gain_db": course.gain_db, "precision": trained_in("cpu")}
        facts["painter"] = course.told if verdict.strength > 0 else f"{course.told}; no help here, so it is not used"
        learnt, spoken = actors.manner_of(seen, self._model)
        facts |= {f"manner_{name}": value for name, value in spoken.items()}
        actors.save(out, performance.stock_of(kept), learnt, facts)
        return ()

    def perform(self, actor: Path, footage: Footage, *, progress: Progress) -> Iterator[Patch]:
        if not (actor / "actor.json").exists():
            return
        who = self._actor(actor)
        planned = actors.perform_plan(who, self._model, self._ear, footage)
        if planned is None:
            return
        geometry, score = planned
        rows = {int(number): row for row, number in enumerate(footage.numbers) if score.share[row] > 0}
        waiting: list[_Waiting] = []
        done = 0
        for number, picture in footage.frames():
            row = rows.get(number)
            if row is None:
                continue
            crop = performance.crop_of(picture, geometry.affines[row], who.stock.library.size)
            waiting.append(_Waiting(number, row, *crop))
            done += 1
            if len(waiting) == _BATCH or done == len(rows):
                yield from _patches(waiting, geometry, score, who)
                waiting = []
                progress(done / len(rows))

    def _actor(self, folder: Path) -> actors.Actor:
        """Return the learnt actor, kept in memory from one shot to the next."""
        if self._warm is None or self._warm[0] != folder:
            self._warm = (folder, actors.load(folder, threads=self._threads))
        return self._warm[1]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A frame whose mouth is still to be painted. `film`: its crop; `affine`: from crop to picture."""

    number: int
    row: int
    film: Picture
    affine: Affine


def _patches(
    frames: Sequence[_Waiting], geometry: Geometry, score: performance.Score, who: actors.Actor
) -> Iterator[Patch]:
    size, stock = frames[0].film.shape[0], who.stock
    expected = stock.look.pictures(score.expected[[frame.row for frame in frames]])
    parts = [
        performance.gather(frame.film, geometry.nodes[frame.row], score, frame.row, stock, look)
        for frame, look in zip(frames, expected, strict=True)
    ]
    stored = performance.stored_size(geometry, size)
    for frame, made_of, window in zip(frames, parts, who.painter.paint(parts), strict=True):
        mask = performance.patch_mask(made_of.reach, size, float(score.share[frame.row]))
        whole = performance.finished(window, made_of)
        yield Patch(frame.number, *performance.shrunk(whole, mask, frame.affine, stored))


def _too_little(frames: int) -> Flag:
    return Flag(
        Severity.WARNING,
        "too-little-footage",
        "",
        f"only {frames} frames show this face well enough to learn it: the mouth stays as it was filmed",
        "give the title more footage of this person, or accept the original mouth",
    )
