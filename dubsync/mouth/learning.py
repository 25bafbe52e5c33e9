"""Trains a painter on one actor and finds out, on frames it has not seen, whether and how far it helps.

The last part of the actor's library is held out: nobody borrows from it and nobody learns from it. On it the network's
picture is compared with the collage it started from, and mixed with it as far as that is nearer to what was filmed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dubsync.mouth import measure, warp
from dubsync.mouth.library import Library
from dubsync.mouth.painter import Finish, NetworkPainter, export
from dubsync.mouth.rehearsal import Rehearsal, rehearse

if TYPE_CHECKING:
    from dubsync.mouth.generator import Generator

FILE = "painter.onnx"
BASE = "generator.safetensors"
MOST_ROWS = 480
"""Frames practised on; they are held in memory, 0.25 MB each."""
_HELD_OUT, _FEWEST_HELD = 0.12, 12
_STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
_LEAST_GAIN_DB = 0.1
_SHARPEN = (0.0, 0.2, 0.4, 0.6, 0.8)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the held-out frames say. dB and sharpness are medians in the mouth box; sharpness beside the film's."""

    strength: float
    sharpen: float
    tested: int
    collage_db: float
    painted_db: float
    sharpness: float


def held_out(library: Library) -> NDArray[np.bool_]:
    """Return (library,) which entries are kept for the test: the last stretch."""
    count = min(60, max(_FEWEST_HELD, round(_HELD_OUT * len(library))))
    hidden = np.zeros(len(library), bool)
    hidden[len(library) - count :] = True
    return hidden


def practice_rows(library: Library, hidden: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the entries to practise on: all that are not held out, or evenly spread stretches of them."""
    rows = np.flatnonzero(~hidden)
    if len(rows) <= MOST_ROWS:
        return rows
    stretch = 5
    starts = np.linspace(0, len(rows) - stretch, MOST_ROWS // stretch).astype(int)
    return np.unique(rows[(starts[:, None] + np.arange(stretch)).ravel()])


def train(  # noqa: PLR0913 - an actor, a checkpoint, a place and a budget
    library: Library,
    mesh: warp.Mesh,
    base: Path,
    out: Path,
    *,
    steps: int,
    seed: int,
    progress: Callable[[float], None],
) -> Verdict:
    """Train from the base checkpoint in the folder `base`, write `painter.onnx` into `out`, and judge it."""
    from dubsync.mouth.training import TrainConfig, Trainer

    hidden = held_out(library)
    test = rehearse(library, mesh, np.flatnonzero(hidden), hidden=hidden)
    generator = load_generator(base / BASE)
    if steps > 0:
        practice = rehearse(library, mesh, practice_rows(library, hidden), hidden=hidden)
        trainer = Trainer(generator, TrainConfig(steps=steps), seed=seed)
        trainer.run([practice], progress)
        generator = trainer.average
    export(generator, out / FILE, test.filmed.shape[-1])
    return judge(out / FILE, test, library.nodes[hidden])


def judge(file: Path, test: Rehearsal, nodes: NDArray[np.float32]) -> Verdict:
    """Measure a painter on rehearsed frames and choose how far to trust it, and how much to sharpen."""
    painter = NetworkPainter(file)
    painted = np.concatenate([painter.raw(test.inputs[k : k + 8]) for k in range(0, len(test.inputs), 8)])

    def measured(finish: Finish) -> tuple[float, float]:
        rows = [_measured(finish, *one) for one in zip(painted, test.inputs, test.filmed, nodes, strict=True)]
        decibels, sharp = np.median(np.array(rows), axis=0)
        return float(decibels), float(sharp)

    by_strength = {strength: measured(Finish(strength))[0] for strength in _STRENGTHS}
    best = max(by_strength, key=lambda strength: by_strength[strength])
    strength = best if by_strength[best] >= by_strength[0.0] + _LEAST_GAIN_DB else 0.0
    sharpened = {sharpen: measured(Finish(strength, sharpen)) for sharpen in _SHARPEN}
    sharpen = min(sharpened, key=lambda amount: abs(sharpened[amount][1] - 1.0))
    return Verdict(
        strength=strength,
        sharpen=sharpen,
        tested=len(painted),
        collage_db=round(by_strength[0.0], 2),
        painted_db=round(sharpened[sharpen][0], 2),
        sharpness=round(sharpened[sharpen][1], 3),
    )


def _measured(
    finish: Finish,
    painted: NDArray[np.float32],
    inputs: NDArray[np.uint8],
    filmed: NDArray[np.uint8],
    nodes: NDArray[np.float32],
) -> tuple[float, float]:
    """Return dB and relative sharpness of one mouth."""
    truth = np.ascontiguousarray(filmed.transpose(1, 2, 0))
    made = finish(painted, np.ascontiguousarray(inputs[3:6].transpose(1, 2, 0)))
    box = measure.mouth_box(nodes, len(truth))
    ratio = measure.sharpness(made[box]) / max(measure.sharpness(truth[box]), 1e-3)
    return measure.psnr(made[box], truth[box]), ratio


def load_generator(file: Path) -> Generator:
    """Read a generator; its widths are read off its weights."""
    from safetensors.torch import load_file

    from dubsync.mouth.generator import Generator, GeneratorConfig

    weights = load_file(file)
    widths = tuple(len(weights[f"{name}.bias"]) for name in ("enter", "down_middle", "down_large"))
    blocks = sum(name.startswith("deep.") and name.endswith("first.bias") for name in weights)
    generator = Generator(GeneratorConfig((widths[0], widths[1], widths[2]), blocks))
    generator.load_state_dict(weights)
    return generator


def save_generator(generator: Generator, file: Path) -> None:
    """Write a generator as safetensors."""
    from safetensors.torch import save_file

    save_file({name: tensor.contiguous() for name, tensor in generator.state_dict().items()}, file)
