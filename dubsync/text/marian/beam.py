"""Several ways to say each of many sentences: beam search with the torch twin, a batch at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dubsync.text.marian import file, model, vocabulary
from dubsync.text.marian.engine import vocabularies

BATCH = 32
Finished = tuple[list[int], float]


@dataclass(frozen=True, slots=True)
class Way:
    """One translation; `score`: mean log probability of its pieces."""

    text: str
    score: float


class Searcher:
    """A model folder opened for searching."""

    def __init__(self, folder: Path) -> None:
        source, target = vocabularies(folder)
        self.source: Any = vocabulary.open_vocabulary(source)
        self.target: Any = vocabulary.open_vocabulary(target)
        self.twin = model.load(file.read(next(iter(sorted(folder.glob("model*.bin"))))))
        self.own = vocabulary.own_pieces(self.target)

    def ways(self, sentence: str, *, width: int = 12, most: int = 10) -> tuple[Way, ...]:
        """Return different translations, best first."""
        return self.ways_of([sentence], width=width, most=most)[0]

    def ways_of(self, sentences: Sequence[str], *, width: int = 4, most: int = 10) -> list[tuple[Way, ...]]:
        """Return different translations of each sentence, best first; sentences of like length share a batch."""
        sources = [[*pieces, model.END] for pieces in self.source.encode(list(sentences))]
        order = sorted(range(len(sources)), key=lambda number: len(sources[number]))
        found: list[tuple[Way, ...]] = [()] * len(sources)
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            pieces = self._pieces([sentences[number] for number in batch])
            made = search(self.twin, [sources[number] for number in batch], width, pieces)
            for number, lines in zip(batch, made, strict=True):
                found[number] = self._ranked(lines, most)
        return found

    def _pieces(self, sentences: Sequence[str]) -> Tensor:
        """Return what may be said: the language's own pieces, and those that copy words of these sentences."""
        copied = {piece for pieces in self.target.encode(list(sentences)) for piece in pieces if piece >= self.own}
        return torch.tensor([*range(self.own), *sorted(copied)])

    def _ranked(self, lines: Sequence[Finished], most: int) -> tuple[Way, ...]:
        best: dict[str, float] = {}
        for line, score in lines:
            text = self.target.decode(line).strip()
            if text:
                best[text] = max(score, best.get(text, -math.inf))
        ranked = sorted(best.items(), key=lambda way: -way[1])[:most]
        return tuple(Way(text, round(score, 4)) for text, score in ranked)


class _Beam:
    """`width` unfinished lines for each sentence that still has some; one row a line, a sentence's rows together."""

    def __init__(self, twin: model.Twin, sources: Sequence[Sequence[int]], width: int, pieces: Tensor) -> None:
        self.pieces, self.said_by = pieces, twin.target_embedding[pieces].t()
        self.bias = twin.output_bias[pieces]
        self.bias = self.bias.masked_fill(pieces == model.UNKNOWN, -math.inf)
        source, mask = model.padded([list(line) for line in sources])
        memory = twin.encode(source, mask)
        self.twin, self.width, self.step = twin, width, 0
        self.layers: list[Any] = list(twin.decoder)
        self.pairs = [
            tuple(part.repeat_interleave(width, 0) for part in layer.attention.keys_values(memory))
            for layer in self.layers
        ]
        self.mask = mask.repeat_interleave(width, 0)[:, None, None, :]
        self.cells: list[Tensor | None] = [None] * len(self.layers)
        self.said = torch.zeros(len(sources) * width, 1, twin.width)
        self.lines: list[list[int]] = [[] for _ in range(len(sources) * width)]
        self.scores = torch.full((len(sources), width), -math.inf)
        self.scores[:, 0] = 0.0

    def step_on(self) -> list[list[tuple[float, int, int]]]:
        """Return (score, row, piece) of the likeliest continuations, best first, for each sentence."""
        x = self.said + self.twin.place[self.step : self.step + 1]
        for index, layer in enumerate(self.layers):
            x, self.cells[index] = layer(x, self.pairs[index], self.mask, 0.0, self.cells[index])
        logits = torch.addmm(self.bias, x[:, 0], self.said_by)
        each = self.width + 1  # of one line only END finishes, so these are enough for `width` that go on
        top, pieces = logits.topk(each, -1)
        total = (top - logits.logsumexp(-1, keepdim=True)).view(*self.scores.shape, each) + self.scores[:, :, None]
        best, places = total.flatten(1).topk(2 * self.width, -1)
        rows = places // each + torch.arange(len(best))[:, None] * self.width
        chosen = self.pieces[pieces].view(len(best), -1).gather(1, places)
        self.step += 1
        return [
            list(zip(*each_of, strict=True))
            for each_of in zip(best.tolist(), rows.tolist(), chosen.tolist(), strict=True)
        ]

    def keep(self, kept: Sequence[Sequence[tuple[float, int, int]]]) -> None:
        """Go on with these continuations, sentence by sentence; sentences without any are dropped before."""
        flat = [one for lines in kept for one in lines]
        rows = torch.tensor([row for _, row, _ in flat])
        self.lines = [[*self.lines[row], piece] for _, row, piece in flat]
        self.scores = torch.tensor([score for score, _, _ in flat]).view(len(kept), self.width)
        self.cells = [None if cell is None else cell[rows] for cell in self.cells]
        if len(rows) < len(self.mask):
            self.pairs = [tuple(part[rows] for part in pair) for pair in self.pairs]
            self.mask = self.mask[rows]
        pieces = torch.tensor([piece for *_, piece in flat])
        self.said = (self.twin.target_embedding[pieces] * math.sqrt(self.twin.width))[:, None]


@torch.inference_mode()
def search(twin: model.Twin, sources: Sequence[Sequence[int]], width: int, pieces: Tensor) -> list[list[Finished]]:
    """Return the finished lines of each sentence with their mean log probability, unordered.

    `pieces`: numbers of those that may be said, END among them.
    """
    finished: list[list[Finished]] = [[] for _ in sources]
    alive = list(range(len(sources)))
    beam = _Beam(twin, sources, width, pieces)
    while alive:
        going: list[tuple[int, list[tuple[float, int, int]]]] = []
        for number, ways in zip(alive, beam.step_on(), strict=True):
            possible = [way for way in ways if way[0] > -math.inf]
            done = [(beam.lines[row], score / beam.step) for score, row, piece in possible if piece == model.END]
            finished[number] += done
            kept = [way for way in possible if way[2] != model.END][:width]
            limit = min(model.LONGEST, 2 * len(sources[number]) + 5)
            if kept and len(finished[number]) < width and beam.step < limit:
                going.append((number, kept + [(-math.inf, *kept[0][1:])] * (width - len(kept))))
        alive = [number for number, _ in going]
        if alive:
            beam.keep([kept for _, kept in going])
    return finished
