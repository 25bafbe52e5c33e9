"""Trains a painter to paint filmed mouths again, against discriminators.

The number of steps is fixed beforehand, every step draws from a generator of random numbers seeded by (seed, step),
so the same data gives the same weights on one machine, and a run that was stopped goes on as if it had not been.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dubsync.mouth import losses
from dubsync.mouth.discriminators import Judges
from dubsync.mouth.generator import COLLAGE, LIPS, SECOND, ZONE, Generator
from dubsync.mouth.rehearsal import RUN, Rehearsal
from dubsync.precision import computing, trained_in

MARK = 100
"""Steps between points of the curve."""
_SOFT = 2.0
"""Pixels by which a look is blurred."""


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """`runs`: of three frames in a batch; `warmup`: steps before the discriminators speak; `keep`: of the average.

    `floor`: the share of the learning rate that is left at the end; 1 keeps it, so that a longer training begins as a
    shorter one does. `clearer`: by how much, at most, the look is brought to what was filmed. A look learnt from the
    few frames of a short clip is worse than an actor's, and a painter that knows no better ones trusts none.
    """

    steps: int
    runs: int = 2
    learning_rate: float = 4e-4
    floor: float = 0.05
    warmup: int = 60
    pixel: float = 10.0
    edge: float = 10.0
    frequency: float = 0.1
    adversarial: float = 0.05
    matching: float = 2.0
    keep: float = 0.99
    flip: bool = False
    clearer: float = 0.0


class Trainer:
    """A painter in training. `average` is what it has become: the running mean of its weights.

    `curve`: after every `MARK` steps, the mean absolute errors over them, of the painting and of the collage.
    """

    def __init__(self, generator: Generator, config: TrainConfig, *, seed: int, device: str = "cpu") -> None:
        torch.manual_seed(seed)
        self.config, self.seed, self.step = config, seed, 0
        self.device, self.precision = device, trained_in(device)
        self.generator = generator.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = Generator(generator.config).to(device)
        self.average.load_state_dict(generator.state_dict())
        self.judges = Judges(RUN).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.curve: list[tuple[int, Tensor]] = []
        self._errors = torch.zeros(2)
        rate = config.learning_rate
        self._paint = torch.optim.Adam(self.generator.parameters(), rate, betas=(0.5, 0.99))
        self._judge = torch.optim.Adam(self.judges.parameters(), rate / 2, betas=(0.5, 0.99))

    def run(self, rehearsals: Sequence[Rehearsal], progress: Callable[[float], None], until: int | None = None) -> None:
        """Train up to step `until` (by default to the end)."""
        stop = self.config.steps if until is None else min(until, self.config.steps)
        while self.step < stop:
            self._rate()
            batch = draw(rehearsals, self.config, np.random.default_rng([self.seed, self.step]))
            self._one(*(part.to(self.device) for part in batch))
            self.step += 1
            if self.step % MARK == 0:
                self.curve.append((self.step, self._errors / MARK))
                self._errors = torch.zeros(2)
            progress(self.step / self.config.steps)

    def _rate(self) -> None:
        """Fall to the floor along a cosine."""
        floor = self.config.floor
        share = floor + (1 - floor) / 2 * (1 + math.cos(math.pi * self.step / self.config.steps))
        self._paint.param_groups[0]["lr"] = self.config.learning_rate * share
        self._judge.param_groups[0]["lr"] = self.config.learning_rate * share / 2

    def _one(self, window: Tensor, filmed: Tensor) -> None:
        config = self.config
        zone, shapes = window[:, ZONE], window[:, LIPS]
        with computing(self.device):
            raw = self.generator(window)
        raw = losses.finished(raw.float(), window[:, COLLAGE])
        painted = raw * zone + filmed * (1 - zone)
        weight = zone * (1 + 2 * shapes[:, :1] + 2 * shapes[:, 1:])
        with torch.no_grad():
            errors = [losses.weighted_l1(one, filmed, zone + 1e-6) for one in (raw, window[:, COLLAGE])]
            self._errors += torch.stack(errors).float().cpu()
        loss = config.pixel * losses.weighted_l1(raw, filmed, weight + 1e-3)
        loss = loss + config.edge * losses.gradient(painted, filmed)
        loss = loss + config.frequency * losses.frequency(painted, filmed)
        has_judges = self.step >= config.warmup
        if has_judges:
            with computing(self.device):
                true = self.judges(_in_runs(filmed), _in_runs(shapes))
            loss = loss + self._adversarial(painted, true[1], shapes)
        self._paint.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.generator.parameters(), 1.0)
        self._paint.step()
        if has_judges:
            self._train_judges(painted.detach(), true[0], shapes)
        self._follow()

    def _adversarial(self, painted: Tensor, real: list[list[Tensor]], shapes: Tensor) -> Tensor:
        """Return what the discriminators say against the painting. `real`: their features of what was filmed."""
        self.judges.requires_grad_(False)
        with computing(self.device):
            scores, features = self.judges(_in_runs(painted), _in_runs(shapes))
        self.judges.requires_grad_(True)
        config = self.config
        return config.adversarial * losses.hinge_generator(scores) + config.matching * losses.features(features, real)

    def _train_judges(self, painted: Tensor, true: list[Tensor], shapes: Tensor) -> None:
        """Teach the discriminators. `true`: their scores of what was filmed, with its graph."""
        with computing(self.device):
            false, _ = self.judges(_in_runs(painted), _in_runs(shapes))
        self._judge.zero_grad(set_to_none=True)
        torch.autograd.backward(losses.hinge_discriminator(false, true))
        self._judge.step()

    @torch.no_grad()
    def _follow(self) -> None:
        keep = min(self.config.keep, (1 + self.step) / (10 + self.step))
        for mean, now in zip(self.average.parameters(), self.generator.parameters(), strict=True):
            mean.lerp_(now, 1 - keep)

    def save(self, path: Path) -> None:
        """Write everything needed to go on; the file appears whole."""
        parts = {name: part.state_dict() for name, part in self._parts().items()}
        beside = path.with_suffix(".part")
        marks = {"curve": self.curve, "errors": self._errors}
        torch.save({"step": self.step, **marks, **parts}, beside)
        beside.replace(path)

    def restore(self, path: Path) -> None:
        """Go on from what `save` wrote."""
        found = torch.load(path, weights_only=True)
        self.step, self.curve, self._errors = found["step"], found["curve"], found["errors"]
        for name, part in self._parts().items():
            part.load_state_dict(found[name])

    def _parts(self) -> dict[str, Any]:
        return {
            "generator": self.generator,
            "average": self.average,
            "judges": self.judges,
            "paint": self._paint,
            "judge": self._judge,
        }


def _in_runs(frames: Tensor) -> Tensor:
    return frames.reshape(-1, RUN, *frames.shape[1:])


def draw(rehearsals: Sequence[Rehearsal], config: TrainConfig, chance: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return a batch of runs: inputs (n, 12, s, s) and filmed windows (n, 3, s, s), 0 to 1, colours varied."""
    windows, films = [], []
    for _ in range(config.runs):
        one = rehearsals[int(chance.integers(len(rehearsals)))]
        rows = one.runs[chance.integers(len(one.runs))]
        window, film = one.inputs[rows].astype(np.float32) / 255, one.filmed[rows].astype(np.float32) / 255
        if config.clearer > 0:
            share = np.float32(chance.uniform(0, config.clearer))
            window[:, SECOND] += share * (_soft(film) - window[:, SECOND])
        _vary(window, film, chance)
        if config.flip and chance.random() < 0.5:
            window, film = window[..., ::-1], film[..., ::-1]
        windows.append(window)
        films.append(film)
    inputs = torch.from_numpy(np.concatenate(windows))
    return inputs.contiguous(memory_format=torch.channels_last), torch.from_numpy(np.concatenate(films))


def _soft(film: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return filmed windows (n, 3, s, s) as soft as a look is."""
    blurred = [cv2.GaussianBlur(np.ascontiguousarray(one.transpose(1, 2, 0)), (0, 0), _SOFT) for one in film]
    return np.asarray(np.stack(blurred).transpose(0, 3, 1, 2), np.float32)


def _vary(window: NDArray[np.float32], film: NDArray[np.float32], chance: np.random.Generator) -> None:
    """Change light and colour of a run, the same for all it is made of."""
    gain = chance.uniform(0.85, 1.15, 3).astype(np.float32)[:, None, None]
    lift = np.float32(chance.uniform(-0.05, 0.05))
    shown = window[:, 0:3].any(axis=1, keepdims=True)
    for pictures in (window[:, COLLAGE], window[:, SECOND], film):
        np.clip(pictures * gain + lift, 0, 1, out=pictures)
    window[:, 0:3] = np.where(shown, np.clip(window[:, 0:3] * gain + lift, 0, 1), 0)
