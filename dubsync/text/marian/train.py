"""Teaches a small Marian model a neighbouring language, as a recipe says (`dubsync train models/recipes/mt-es.toml`).

The encoder stays as it is (so what it makes of a sentence is computed once and kept), the decoder and the new target
embeddings learn. The softmax runs over the batch's own pieces, the frequent ones and a sample of the rest, whose
logits are raised by the log of what they stand for. The rate is held, falling slowly, until a file `finish` appears in
the run's folder or `steps` are done; then it falls to zero over `decay_steps`. What is exported is a running average
of the weights. A run that is killed goes on from its last checkpoint.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import math
import random
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from dubsync.errors import BadPipeline, ChecksumMismatch
from dubsync.text.marian import corpus as pairs_of
from dubsync.text.marian import file, model, vocabulary
from dubsync.text.marian.engine import open_engine, vocabularies
from dubsync.text.marian.variation import varied
from dubsync.weights import resolve

State = dict[str, Any]
NOTE_STEPS = 50


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a recipe file may say about the training. `batch_pieces`: target pieces in a batch."""

    seed: int = 7
    vocabulary: int = 8000
    companions_from: int = 36000
    batch_pieces: int = 3000
    longest: int = 60
    steps: int = 20000
    decay_steps: int = 800
    warmup: int = 200
    rate: float = 1e-3
    half_rate_after: int = 4000
    dropout: float = 0.1
    smoothing: float = 0.1
    average: float = 0.998
    negatives: int = 600
    checkpoint_seconds: float = 180.0
    watch_steps: int = 400


def file_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_recipe(path: Path) -> Recipe:
    """Return the `[train]` table of a recipe; a key that is not known is an error."""
    table = tomllib.loads(path.read_text("utf-8")).get("train", {})
    unknown = sorted(set(table) - {field.name for field in fields(Recipe)})
    if unknown:
        raise BadPipeline(f"{path.name} has unknown keys in [train]: {', '.join(unknown)}")
    return Recipe(**table)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a recipe's ingredients lie. `base`: the weights folder. `name`: of the new weights, `pair`: "enes"."""

    name: str
    pair: str
    base_name: str
    base: Path
    archive: Path

    @classmethod
    def of(cls, recipe: Path, corpus: Path, base: Path | None = None) -> Sources:
        table = tomllib.loads(recipe.read_text("utf-8"))
        archive = corpus / table["corpus"]["archive"]
        if file_digest(archive) != table["corpus"]["sha256"]:
            raise ChecksumMismatch(f"{archive} is not the archive that {recipe.name} was written for")
        base_name = table["base"]["weights"]
        return cls(table["name"], table["source"] + table["target"], base_name, base or resolve(base_name), archive)


class Memory:
    """What the frozen encoder makes of each sentence, computed when first asked for, kept as float16.

    It lies in two mapped files in `folder`, under a name made from the sentences, so that a resumed run finds it.
    """

    def __init__(self, twin: model.Twin, sentences: list[list[int]], folder: Path) -> None:
        self.twin, self.sentences = twin, sentences
        lengths = torch.tensor([len(sentence) for sentence in sentences])
        self.starts = torch.cat([torch.zeros(1, dtype=torch.long), lengths.cumsum(0)])
        count = int(self.starts[-1])
        stem = folder / f"memory-{hashlib.sha256(json.dumps(sentences).encode()).hexdigest()[:16]}"
        rows, filled = f"{stem}.rows", f"{stem}.filled"
        self.rows = torch.from_file(rows, shared=True, size=count * twin.width, dtype=torch.float16)
        self.rows = self.rows.view(count, twin.width)
        self.filled = torch.from_file(filled, shared=True, size=len(sentences), dtype=torch.bool)

    def of(self, which: list[int]) -> tuple[Tensor, Tensor]:
        """Return (batch, pieces, width) and the mask for these sentences."""
        missing = sorted({index for index in which if not self.filled[index]})
        if missing:
            self._fill(missing)
        lengths = [len(self.sentences[index]) for index in which]
        mask = torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]
        rows = (self.starts[which][:, None] + torch.arange(max(lengths))[None])[mask]
        memory = torch.zeros(*mask.shape, self.twin.width)
        memory[mask] = self.rows[rows].float()
        return memory, mask

    @torch.no_grad()
    def _fill(self, missing: list[int]) -> None:
        pieces, mask = model.padded([self.sentences[index] for index in missing])
        made = self.twin.encode(pieces, mask).half()
        for index, line, length in zip(missing, made, mask.sum(1).tolist(), strict=True):
            self.rows[self.starts[index] : self.starts[index] + length] = line[:length]
        self.filled[missing] = True


@dataclass(slots=True)
class Lesson:
    """Everything a run learns from. `pairs`: (sentence number, target pieces ending in END)."""

    twin: model.Twin
    source: Any
    target: Any
    memory: Memory
    pairs: list[tuple[int, list[int]]]
    corpus: pairs_of.Corpus
    frequency: Tensor


def prepare(recipe: Recipe, base: Path, archive: Path, out: Path) -> Lesson:
    """Make, or find in `out`, the new vocabulary and the embeddings to begin with, and cut the text into pieces."""
    base_model, (base_vocabulary, _) = next(base.glob("model*.bin")), vocabularies(base)
    text = pairs_of.split(pairs_of.read_pairs(archive))
    out.mkdir(parents=True, exist_ok=True)
    target_file, start_file = out / "target.spm", out / "start.pt"
    source = vocabulary.open_vocabulary(base_vocabulary)
    if not target_file.exists():
        target_file.write_bytes(vocabulary.adapted(base_vocabulary, (b for _, b in text.train), size=recipe.vocabulary))
    target = vocabulary.open_vocabulary(target_file)
    twin = model.load(file.read(base_model))
    if not start_file.exists():
        partners = _partners(recipe, text, source, target, base)
        old = twin.target_embedding.data, twin.output_bias.data
        torch.save(vocabulary.transplanted(source, target, *old, partners), start_file)
    rows, bias = torch.load(start_file, weights_only=True)
    twin.target_embedding, twin.output_bias = torch.nn.Parameter(rows), torch.nn.Parameter(bias)
    for parameter in twin.encoder.parameters():
        parameter.requires_grad_(False)
    text = replace(text, train=(*text.train, *varied(text.train, recipe.seed)))
    return _lesson(recipe, twin, source, target, text, out)


def _lesson(
    recipe: Recipe, twin: model.Twin, source: Any, target: Any, text: pairs_of.Corpus, out: Path
) -> Lesson:
    numbers = {sentence: index for index, sentence in enumerate(dict.fromkeys(a for a, _ in text.train))}
    sentences = [[*pieces, model.END] for pieces in source.encode(list(numbers))]
    said = target.encode([b for _, b in text.train])
    pairs = [
        (numbers[a], [*pieces, model.END])
        for (a, _), pieces in zip(text.train, said, strict=True)
        if len(pieces) < recipe.longest and len(sentences[numbers[a]]) <= recipe.longest and model.UNKNOWN not in pieces
    ]
    counts = Counter(piece for _, pieces in pairs for piece in pieces)
    frequency = torch.zeros(len(target))
    for piece, count in counts.items():
        frequency[piece] = count / sum(counts.values())
    return Lesson(twin, source, target, Memory(twin, sentences, out), pairs, text, frequency)


def _partners(recipe: Recipe, text: pairs_of.Corpus, source: Any, target: Any, base: Path) -> dict[int, int]:
    """Return old pieces for new ones, from the company they keep in what the base makes of some sentences."""
    engine = open_engine(base)
    chosen = random.Random(recipe.seed).sample(text.train, min(recipe.companions_from, len(text.train)))
    old = source.encode([engine.translate(a) for a, _ in chosen])
    return vocabulary.companions(target.encode([b for _, b in chosen]), old)


def batches(recipe: Recipe, pairs: list[tuple[int, list[int]]], epoch: int, sources: Memory) -> list[list[int]]:
    """Return the epoch's batches, the same for the same seed: alike in length, in random order."""
    order = list(range(len(pairs)))
    chance = random.Random(recipe.seed * 1000 + epoch)
    chance.shuffle(order)
    made: list[list[int]] = []
    for start in range(0, len(order), 20000):
        chunk = order[start : start + 20000]
        chunk.sort(key=lambda index: (len(pairs[index][1]), len(sources.sentences[pairs[index][0]])))
        batch: list[int] = []
        for index in chunk:
            if batch and (len(batch) + 1) * len(pairs[index][1]) > recipe.batch_pieces:
                made.append(batch)
                batch = []
            batch.append(index)
        made.append(batch)
    chance.shuffle(made)
    return made


def shortlist(recipe: Recipe, frequency: Tensor, wanted: Tensor, step: int) -> tuple[Tensor, Tensor]:
    """Return the pieces whose logits are computed, and what is added to each: the log of how many it stands for."""
    chosen = frequency * recipe.batch_pieces > 0.5
    chosen[wanted] = True
    chosen[model.END] = True
    rest = (~chosen).nonzero()[:, 0]
    chance = torch.Generator().manual_seed(recipe.seed + step)
    drawn = rest[torch.randperm(len(rest), generator=chance)[: recipe.negatives]]
    pieces = torch.cat([chosen.nonzero()[:, 0], drawn])
    raised = torch.zeros(len(pieces))
    if len(drawn):
        raised[-len(drawn) :] = math.log(len(rest) / len(drawn))
    return pieces, raised


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
        with torch.autocast("cpu", dtype=torch.bfloat16):
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
