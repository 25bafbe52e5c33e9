"""SentencePiece vocabularies: a new target side for a model that was trained for a neighbouring language.

The new vocabulary holds the pieces that the new language's text asks for, and the old pieces that names and foreign
words are copied with. Each new piece starts from the old piece it most often stands for: the base model translates
some sentences, and the old pieces that keep company with a new one (Dice) lend it their embedding.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from sentencepiece import sentencepiece_model_pb2
from torch import Tensor

from dubsync.text.marian.model import END, UNKNOWN

_PROTO: Any = sentencepiece_model_pb2  # made at run time by protobuf
WORD = "\u2581"  # how SentencePiece writes the space before a word
FOREIGN_COST = 4.0
"""How much less likely, in nats, a piece kept from the old vocabulary is than one of the new language."""


def open_vocabulary(path: Path) -> sentencepiece.SentencePieceProcessor:
    return sentencepiece.SentencePieceProcessor(model_file=str(path))


def adapted(base: Path, text: Iterable[str], *, size: int) -> bytes:
    """Return a vocabulary of about `size` pieces learnt from `text`, followed by the base's pieces for names."""
    learnt = _learn(text, size)
    model = _PROTO.ModelProto()
    model.ParseFromString(base.read_bytes())
    old = list(model.pieces)
    del model.pieces[:]
    model.pieces.extend(old[:2])
    known = {old[END].piece, old[UNKNOWN].piece}
    for piece in learnt.pieces:
        if piece.piece not in known and piece.type == piece.NORMAL:
            known.add(piece.piece)
            model.pieces.append(piece)
    for piece in old:
        if piece.piece not in known and piece.type == piece.NORMAL and _copies_names(piece.piece):
            known.add(piece.piece)
            model.pieces.add(piece=piece.piece, score=piece.score - FOREIGN_COST, type=piece.type)
    model.trainer_spec.vocab_size = len(model.pieces)
    return bytes(model.SerializeToString())


def own_pieces(vocabulary: sentencepiece.SentencePieceProcessor) -> int:
    """Return how many pieces come before the base's; all where nothing was added.

    Learnt pieces stand in order of their likelihood, so the base's begin where that rises.
    """
    scores = [vocabulary.get_score(number) for number in range(UNKNOWN + 1, len(vocabulary))]
    rises = (number for number, (one, other) in enumerate(pairwise(scores)) if other > one)
    return next(rises, len(scores) - 1) + UNKNOWN + 2


def _copies_names(piece: str) -> bool:
    """Whether a piece can spell a name or a number: a capitalised beginning, or the inside of a word."""
    return not piece.startswith(WORD) or len(piece) <= 2 or not piece[1:2].islower()


def _learn(text: Iterable[str], size: int) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        prefix = str(Path(folder, "learnt"))
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(text), model_prefix=prefix, vocab_size=size, character_coverage=1.0,
            unk_id=1, eos_id=0, bos_id=-1, pad_id=-1, minloglevel=2, num_threads=1,
        )  # fmt: skip
        model = _PROTO.ModelProto()
        model.ParseFromString(Path(f"{prefix}.model").read_bytes())
        return model


def companions(
    new: Sequence[Sequence[int]], old: Sequence[Sequence[int]], *, least: float = 0.3, seen: int = 4
) -> dict[int, int]:
    """Return for new pieces the old piece of the same sentences with the highest Dice score, where one stands out."""
    of_new, of_old, together = Counter[int](), Counter[int](), Counter[tuple[int, int]]()
    for one, other in zip(new, old, strict=True):
        left, right = set(one), set(other)
        of_new.update(left)
        of_old.update(right)
        together.update((a, b) for a in left for b in right)
    best: dict[int, tuple[float, int]] = {}
    for (a, b), count in together.items():
        if of_new[a] >= seen:
            best[a] = max(best.get(a, (0.0, 0)), (2 * count / (of_new[a] + of_old[b]), b))
    return {a: b for a, (score, b) in best.items() if score >= least}


def transplanted(
    base: sentencepiece.SentencePieceProcessor,
    new: sentencepiece.SentencePieceProcessor,
    rows: Tensor,
    bias: Tensor,
    partners: dict[int, int],
) -> tuple[Tensor, Tensor]:
    """Return embeddings and output biases for the new vocabulary, each row lent by old pieces."""
    old = {base.id_to_piece(number): number for number in range(len(base))}
    lent_rows, lent_bias = torch.empty(len(new), rows.shape[1]), torch.empty(len(new))
    for number in range(len(new)):
        piece = new.id_to_piece(number)
        if number in (END, UNKNOWN):
            lenders = [number]
        elif number in partners:
            lenders = [partners[number]]
        elif piece in old:
            lenders = [old[piece]]
        else:
            text = piece.replace(WORD, " ").strip()
            lenders = [lender for lender in base.encode(text) if lender != UNKNOWN] or [UNKNOWN]
        lent_rows[number] = rows[lenders].mean(0)
        lent_bias[number] = bias[lenders].mean()
    return lent_rows, lent_bias
