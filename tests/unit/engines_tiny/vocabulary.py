"""A byte-pair vocabulary of single signs, as the engines' tokenizers read it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tokenizers import AddedToken, Tokenizer
from tokenizers.models import BPE

SIGNS = "abcdefghijklmnopqrstuvwxyzáéíóúüñçàèìòùâêô'.,;:!?¿¡-\u0301\u0303\u0308"


def write_vocabulary(path: Path, languages: Iterable[str]) -> int:
    """Write the vocabulary, the engines' special tokens first; return how many tokens it has."""
    special = ["[STOP]", "[START]", "[UNK]", "[SPACE]", *(f"[{language}]" for language in languages)]
    names = {sign: number for number, sign in enumerate([*special, *SIGNS])}
    tokenizer = Tokenizer(BPE(vocab=names, merges=[], unk_token="[UNK]"))
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in special])
    tokenizer.save(str(path))
    return len(names)
