"""Runs a folder with a small Marian model by fxtranslate, the engine of Firefox Translations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from dubsync.errors import MissingWeights, PermanentError


class Engine(Protocol):
    """One direction, one sentence at a time; it stays in the thread that made it."""

    def translate(self, text: str) -> str: ...


def open_engine(folder: Path) -> Engine:
    """Return the engine of a folder with one vocabulary for both sides, or one for each.

    Raises:
        MissingWeights: the folder is not a model. PermanentError: the engine cannot read it.
    """
    from fxtranslate import Translator

    models, lists = sorted(folder.glob("model*.bin")), sorted(folder.glob("lex*.bin"))
    source, target = vocabularies(folder)
    if len(models) != 1:
        raise MissingWeights(f"{folder} holds {len(models)} files model*.bin; a Firefox model has one")
    try:
        engine: Engine = Translator(
            model=models[0].read_bytes(),
            src_vocab=source.read_bytes(),
            trg_vocab=target.read_bytes(),
            shortlist=lists[0].read_bytes() if lists else None,
        )
    except (ValueError, RuntimeError) as cause:
        raise PermanentError(f"{models[0]} cannot be used by fxtranslate: {cause}") from cause
    return engine


def vocabularies(folder: Path) -> tuple[Path, Path]:
    """Return the vocabulary of the source side and that of the target side."""
    both = sorted(folder.glob("vocab*.spm"))
    sides = [*sorted(folder.glob("srcvocab*.spm")), *sorted(folder.glob("trgvocab*.spm"))]
    if len(both) == 1:
        return both[0], both[0]
    if len(sides) == 2:
        return sides[0], sides[1]
    raise MissingWeights(f"{folder} holds no vocab*.spm, nor a pair srcvocab*.spm and trgvocab*.spm")


def whole_words(vocabulary: Path) -> Callable[[str], bool]:
    """Return what tells whether a word is one piece of a SentencePiece vocabulary."""
    import sentencepiece

    pieces = sentencepiece.SentencePieceProcessor(model_file=str(vocabulary))
    unknown = pieces.unk_id()
    return lambda word: bool(pieces.piece_to_id(f"\u2581{word}") != unknown)
