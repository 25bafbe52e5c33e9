"""Scores a fine-tuned model and writes it as a Marian file that Firefox's engines load."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from dubsync.text.marian import corpus, model


def rebuilt(weights: dict[str, Tensor]) -> model.Twin:
    """Return a model of default shape with these weights."""
    twin = model.Twin(len(weights["source_embedding"]), len(weights["target_embedding"]))
    twin.load_state_dict(weights)
    return twin.eval()


def translated(twin: model.Twin, source: Any, target: Any, sentences: Sequence[str], batch: int = 64) -> list[str]:
    """Translate sentences with the twin, greedily."""
    cut = [[*pieces, model.END] for pieces in source.encode(list(sentences))]
    order = sorted(range(len(cut)), key=lambda index: len(cut[index]))
    made = [""] * len(cut)
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        for index, pieces in zip(chosen, twin.greedy(*model.padded([cut[i] for i in chosen])), strict=True):
            made[index] = target.decode(pieces)
    return made


def score(weights: dict[str, Tensor], target: Any, source: Any, held: Sequence[corpus.Heldout]) -> dict[str, object]:
    """Return BLEU, chrF2 and the count of empty lines over held-out sentences."""
    import sacrebleu

    with torch.no_grad():
        made = translated(rebuilt(weights), source, target, [one.source for one in held])
    most = max(len(one.references) for one in held)
    references = [[(one.references + one.references[:1] * most)[n] for one in held] for n in range(most)]
    return {
        "bleu": round(sacrebleu.corpus_bleu(made, references).score, 2),
        "chrf2": round(sacrebleu.corpus_chrf(made, references).score, 2),
        "empty": sum(not line.strip() for line in made),
    }
