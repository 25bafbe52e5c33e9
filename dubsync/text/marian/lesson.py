"""What a run learns from: the recipe, the text cut into pieces, what the frozen encoder makes of it, the batches."""

from __future__ import annotations

import hashlib
import json
import math
import random
import tomllib
from collections import Counter
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dubsync.errors import BadPipeline, ChecksumMismatch
from dubsync.text.marian import corpus as pairs_of
from dubsync.text.marian import file, model, vocabulary
from dubsync.text.marian.engine import open_engine, vocabularies
from dubsync.text.marian.variation import varied
from dubsync.weights import resolve


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


def _lesson(recipe: Recipe, twin: model.Twin, source: Any, target: Any, text: pairs_of.Corpus, out: Path) -> Lesson:
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
