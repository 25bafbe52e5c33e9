"""Teaches a small Marian model a neighbouring language, as a recipe says (`dubsync train models/recipes/mt-es.toml`).

The encoder stays as it is (so what it makes of a sentence is computed once and kept), the decoder and the new target
embeddings learn. The softmax runs over the batch's own pieces, the frequent ones and a sample of the rest, whose
logits are raised by the log of what they stand for. The rate is held, falling slowly, until a file `finish` appears in
the run's folder or `steps` are done; then it falls to zero over `decay_steps`. What is exported is a running average
of the weights. A run that is killed goes on from its last checkpoint.
"""

from __future__ import annotations

import fcntl
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from dubsync import precision
from dubsync.text.marian import model
from dubsync.text.marian.lesson import Lesson, Recipe, Sources, batches, prepare, read_recipe, shortlist

State = dict[str, Any]
NOTE_STEPS = 50


class Run:
    """A training under way: the learner, its optimiser, the running average, and where it stands."""

    def __init__(self, recipe: Recipe, lesson: Lesson, out: Path) -> None:
        self.recipe, self.lesson, self.out = recipe, lesson, out
        self.learning = {name: p for name, p in lesson.twin.named_parameters() if p.requires_grad}
        self.optimiser = torch.optim.Adam(self.learning.values(), lr=recipe.rate, betas=(0.9, 0.98), fused=True)
        self.average = {name: p.detach().clone() for name, p in self.learning.items()}
        self.step, self.epoch, self.place, self.cpu_seconds = 0, 0, 0, 0.0
        self.decay_from: int | None = None
        if (out / "state.pt").exists():
            self._resume(torch.load(out / "state.pt", weights_only=True))

    def _resume(self, state: State) -> None:
        with torch.no_grad():
            for name, p in self.learning.items():
                p.copy_(state["learning"][name])
        self.average = state["average"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.epoch, self.place = state["step"], state["epoch"], state["place"]
        self.cpu_seconds, self.decay_from = state["cpu_seconds"], state["decay_from"]

    def save(self) -> None:
        state = {
            "learning": {name: p.detach() for name, p in self.learning.items()},
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
            "step": self.step, "epoch": self.epoch, "place": self.place,
            "cpu_seconds": self.cpu_seconds, "decay_from": self.decay_from,
        }  # fmt: skip
        torch.save(state, self.out / "state.tmp")
        (self.out / "state.tmp").replace(self.out / "state.pt")

    def rate(self) -> float:
        """Return the learning rate: warmed up, halved slowly, then straight down to zero."""
        recipe = self.recipe
        warm = min(1.0, (self.step + 1) / recipe.warmup)
        held = recipe.rate * warm / math.sqrt(1 + 3 * self.step / recipe.half_rate_after)
        if self.decay_from is None:
            return held
        return held * max(0.0, 1 - (self.step - self.decay_from) / recipe.decay_steps)

    @property
    def is_over(self) -> bool:
        return self.decay_from is not None and self.step >= self.decay_from + self.recipe.decay_steps

    def take(self, batch: list[int]) -> float:
        """Learn from one batch and return its loss."""
        twin, recipe = self.lesson.twin.train(), self.recipe
        torch.manual_seed(recipe.seed + self.step)
        twin.encoder.eval()
        with torch.no_grad():
            memory, mask = self.lesson.memory.of([self.lesson.pairs[index][0] for index in batch])
        target, is_piece = model.padded([self.lesson.pairs[index][1] for index in batch])
        memory = model.drop(memory, recipe.dropout)
        wanted = target[is_piece]
        with precision.computing("cpu"):
            state = twin.decode(memory, mask, target, recipe.dropout)[is_piece]
            pieces, raised = shortlist(recipe, self.lesson.frequency, wanted, self.step)
            logits = state @ twin.target_embedding[pieces].t() + (twin.output_bias[pieces] + raised)
        places = torch.zeros(len(self.lesson.frequency), dtype=torch.long)
        places[pieces] = torch.arange(len(pieces))
        wanted = places[wanted]
        loss = functional.cross_entropy(logits.float(), wanted, label_smoothing=recipe.smoothing)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.learning.values(), 1.0)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        self.optimiser.step()
        kept = min(recipe.average, (self.step + 1) / (self.step + 10))
        torch._foreach_lerp_(list(self.average.values()), [p.detach() for p in self.learning.values()], 1 - kept)
        self.step += 1
        return float(loss.detach())

    def averaged(self) -> State:
        """Return the learner's weights with the running average in place of what it learns."""
        return {**self.lesson.twin.state_dict(), **self.average}


def training(recipe: Recipe, run: Run) -> Iterator[float]:
    """Take batch after batch until the rate has fallen to zero; yields each loss."""
    while not run.is_over:
        todo = batches(recipe, run.lesson.pairs, run.epoch, run.lesson.memory)
        while run.place < len(todo) and not run.is_over:
            if run.decay_from is None and (run.step >= recipe.steps or (run.out / "finish").exists()):
                run.decay_from = run.step
            batch = todo[run.place]
            run.place += 1
            yield run.take(batch)
        if run.place >= len(todo):
            run.epoch, run.place = run.epoch + 1, 0


def train(recipe_file: Path, *, corpus: Path, run: Path, base: Path | None = None, threads: int = 1) -> Path:
    """Train, or go on training, in the folder `run`; return its state file.

    `corpus`: the folder with the archive that the recipe names. `base`: the weights to begin with, if not the
    registry's.
    """
    torch.set_num_threads(threads)
    run.mkdir(parents=True, exist_ok=True)
    recipe, plan = read_recipe(recipe_file), Sources.of(recipe_file, corpus, base)
    with (run / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _follow(Run(recipe, prepare(recipe, plan.base, plan.archive, run), run))
    return run / "state.pt"


def is_running(run: Path) -> bool:
    """Tell whether a process trains in this folder."""
    with (run / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def _follow(run: Run) -> None:
    saved, began, smooth = time.monotonic(), time.process_time() - run.cpu_seconds, 0.0
    for loss in training(run.recipe, run):
        smooth = 0.98 * smooth + 0.02 * loss if smooth else loss
        run.cpu_seconds = time.process_time() - began
        if run.step % NOTE_STEPS == 0 or run.is_over:
            _note(run, smooth)
        if time.monotonic() - saved > run.recipe.checkpoint_seconds or run.is_over:
            run.save()
            saved = time.monotonic()


def _note(run: Run, loss: float) -> None:
    """Write where the run stands to log.jsonl, now and then with its figures on the sentences that are watched."""
    from dubsync.text.marian.export import score

    note: dict[str, object] = {
        "step": run.step, "epoch": run.epoch, "loss": round(loss, 3), "rate": round(run.rate(), 6),
        "cpu_s": round(run.cpu_seconds), "decay": run.decay_from is not None,
    }  # fmt: skip
    if run.step % run.recipe.watch_steps == 0 or run.is_over:
        note |= score(run.averaged(), run.lesson.target, run.lesson.source, run.lesson.corpus.watch)
    with (run.out / "log.jsonl").open("a") as log:
        log.write(json.dumps(note) + "\n")
