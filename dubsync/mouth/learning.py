"""Trains a painter on one actor and finds out, on frames it has not seen, whether and how far it helps.

The last part of the actor's library is held out: nobody borrows from it and nobody learns from it. Every `CHECK` steps
the painter paints it; the best painter is kept, which is the base checkpoint if none is better, and training ends when
it gains no more. On the same frames its picture is compared with the collage it started from, and mixed with it as far
as that is nearer to what was filmed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dubsync.mouth import measure, performance
from dubsync.mouth.library import Library
from dubsync.mouth.painter import Finish, NetworkPainter, export
from dubsync.mouth.rehearsal import Rehearsal, rehearse

if TYPE_CHECKING:
    from dubsync.mouth.generator import Generator

FILE = "painter.onnx"
BASE = "generator.safetensors"
MOST_ROWS = 480
"""Frames practised on; they are held in memory, 0.25 MB each."""
CHECK = 40
"""Steps between looks at the frames held out."""
_PATIENCE = 4
"""Looks without a gain after which training ends."""
_LEAST_STEP_DB = 0.1
"""Less is no gain, but chance."""
_RATE = 1e-4
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


@dataclass(frozen=True, slots=True)
class Split:
    """An actor's frames for practice, and those held out for the test with their mesh nodes."""

    practice: Rehearsal
    test: Rehearsal
    nodes: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Course:
    """How training went. `kept_at`: steps of the painter that was kept, 0 the one it began with; `steps`: in all.

    `looks`: steps and dB of the frames held out, their mean, from the beginning on.
    """

    kept_at: int
    steps: int
    looks: tuple[tuple[int, float], ...]

    @property
    def gain_db(self) -> float:
        """Return what the painter that was kept gained on the frames held out."""
        found = dict(self.looks)
        return round(found[self.kept_at] - found[0], 2)

    @property
    def told(self) -> str:
        """Return in words which painter was kept."""
        if self.steps == 0:
            return "not trained on this actor, the shipped one"
        if self.kept_at == 0:
            return f"trained {self.steps} steps, none better on frames held out: the shipped one was kept"
        return f"trained {self.steps} steps, that of step {self.kept_at} was kept: {self.gain_db:+.1f} dB"


def split(library: Library, away: NDArray[np.bool_] | None = None) -> Split:
    """Hold frames out and rehearse them and the others. `away`: (library,) entries not to be used at all."""
    away = np.zeros(len(library), bool) if away is None else away
    tested = held_out(library, away)
    stock = performance.stock_of(library, away | tested)
    test = rehearse(stock, np.flatnonzero(tested), hidden=away | tested)
    practice = rehearse(stock, practice_rows(library, away | tested), hidden=away | tested)
    return Split(practice, test, library.nodes[tested])


def held_out(library: Library, away: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (library,) which entries are kept for the test: the last stretch of those not `away`."""
    rows = np.flatnonzero(~away)
    count = min(60, max(_FEWEST_HELD, round(_HELD_OUT * len(rows))))
    hidden = np.zeros(len(library), bool)
    hidden[rows[len(rows) - count :]] = True
    return hidden


def practice_rows(library: Library, hidden: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the entries to practise on: all that are not held out, or evenly spread stretches of them."""
    rows = np.flatnonzero(~hidden)
    if len(rows) <= MOST_ROWS:
        return rows
    stretch = 5
    starts = np.linspace(0, len(rows) - stretch, MOST_ROWS // stretch).astype(int)
    return np.unique(rows[(starts[:, None] + np.arange(stretch)).ravel()])


def train(
    library: Library, base: Path, out: Path, *, steps: int, seed: int, progress: Callable[[float], None]
) -> tuple[Verdict, Course]:
    """Train from the base checkpoint in the folder `base`, write `painter.onnx` into `out`, and judge it."""
    parts = split(library)
    generator, course = practised(load_generator(base / BASE), parts, steps=steps, seed=seed, progress=progress)
    export(generator, out / FILE, parts.test.filmed.shape[-1])
    return judge(out / FILE, parts.test, parts.nodes), course


def practised(
    start: Generator,
    parts: Split,
    *,
    steps: int,
    seed: int,
    progress: Callable[[float], None] = lambda share: None,
    rate: float = _RATE,
) -> tuple[Generator, Course]:
    """Return the painter, among those that training from `start` goes through, that paints the held-out frames best."""
    from dubsync.mouth.training import TrainConfig, Trainer

    best, kept_at, since = copy.deepcopy(start), 0, 0
    looks = {0: _decibels(start, parts)}
    trainer = Trainer(start, TrainConfig(steps=steps, learning_rate=rate, floor=1.0), seed=seed)
    while trainer.step < steps and since < _PATIENCE:
        trainer.run([parts.practice], progress, until=trainer.step + CHECK)
        looks[trainer.step] = _decibels(trainer.average, parts)
        since += 1
        if looks[trainer.step] > looks[kept_at] + _LEAST_STEP_DB:
            best, kept_at, since = copy.deepcopy(trainer.average), trainer.step, 0
    progress(1.0)
    return best, Course(kept_at, trainer.step, tuple((step, round(one, 3)) for step, one in looks.items()))


def _decibels(generator: Generator, parts: Split) -> float:
    """Return the mean dB, over the held-out frames, of the finished picture in the mouth box."""
    finish, total = Finish(), 0.0
    for start in range(0, len(parts.nodes), 8):
        inputs = parts.test.inputs[start : start + 8]
        painted = _painted_by(generator, inputs)
        filmed, nodes = parts.test.filmed[start : start + 8], parts.nodes[start : start + 8]
        total += sum(_measured(finish, *one)[0] for one in zip(painted, inputs, filmed, nodes, strict=True))
    return total / len(parts.nodes)


def _painted_by(generator: Generator, inputs: NDArray[np.uint8]) -> NDArray[np.float32]:
    import torch

    device = next(generator.parameters()).device
    with torch.no_grad():
        painted = generator(torch.from_numpy(inputs.astype(np.float32) / np.float32(255)).to(device))
    return np.asarray(painted.cpu(), np.float32)


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
    made = finish(painted, np.ascontiguousarray(inputs[3:6].transpose(1, 2, 0)), inputs[11])
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
