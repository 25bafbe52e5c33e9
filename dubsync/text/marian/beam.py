"""Several ways to say a sentence: beam search with the torch twin, for lines that must become shorter."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dubsync.text.marian import file, model, vocabulary
from dubsync.text.marian.engine import vocabularies


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

    def ways(self, sentence: str, *, width: int = 12, most: int = 10) -> tuple[Way, ...]:
        """Return different translations, best first."""
        pieces, mask = model.padded([[*self.source.encode(sentence), model.END]])
        found: dict[str, float] = {}
        for line, score in search(self.twin, pieces, mask, width):
            text = self.target.decode(line).strip()
            if text:
                found[text] = max(score, found.get(text, -math.inf))
        ranked = sorted(found.items(), key=lambda way: -way[1])[:most]
        return tuple(Way(text, round(score, 4)) for text, score in ranked)


@torch.inference_mode()
def search(twin: model.Twin, source: Tensor, mask: Tensor, width: int) -> list[tuple[list[int], float]]:
    """Return finished lines with their mean log probability, unordered. `source`: one sentence."""
    memory = twin.encode(source, mask)
    layers: list[Any] = list(twin.decoder)
    pairs = [layer.attention.keys_values(memory) for layer in layers]
    cells: list[Tensor | None] = [None] * len(layers)
    lines: list[list[int]] = [[]]
    scores = torch.zeros(1)
    said = torch.zeros(1, 1, twin.width)
    finished: list[tuple[list[int], float]] = []
    for step in range(min(model.LONGEST, 2 * source.shape[1] + 5)):
        x = said + twin.place[step : step + 1]
        for index, layer in enumerate(layers):
            key, value = (part.expand(len(lines), -1, -1, -1) for part in pairs[index])
            x, cells[index] = layer(x, (key, value), mask[:, None, None, :], 0.0, cells[index])
        chances = twin.logits(x[:, 0]).log_softmax(-1)
        chances[:, model.UNKNOWN] = -math.inf
        total = scores[:, None] + chances
        best, places = total.flatten().topk(2 * width)
        keep: list[tuple[int, int, float]] = []
        for score, place in zip(best.tolist(), places.tolist(), strict=True):
            parent, piece = divmod(place, total.shape[1])
            if piece == model.END:
                finished.append((lines[parent], score / (len(lines[parent]) + 1)))
            elif len(keep) < width:
                keep.append((parent, piece, score))
        if len(finished) >= width:
            break
        lines = [[*lines[parent], piece] for parent, piece, _ in keep]
        scores = torch.tensor([score for *_, score in keep])
        parents = [parent for parent, *_ in keep]
        cells = [None if cell is None else cell[parents] for cell in cells]
        said = (twin.target_embedding[[piece for _, piece, _ in keep]] * math.sqrt(twin.width))[:, None]
    return finished
