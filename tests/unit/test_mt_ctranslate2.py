"""mt.ctranslate2 on a tiny model with random weights: the plumbing, not the translations."""

from __future__ import annotations

from pathlib import Path

import ctranslate2
import numpy as np
import pytest
import sentencepiece

from dubsync.backends.mt_ctranslate2 import CTranslate2Translator
from dubsync.backends.protocols import SourceLine, TranslatedLine, Translator
from dubsync.errors import MissingWeights, UnknownLanguage

WIDTH, INNER = 16, 32
TEXT = [
    f"{a} {b} runs to the {c}." for a in ("The", "A") for b in ("dog", "cat", "man") for c in ("sea", "hill", "bus")
]


ROWS = (
    ("embeddings", None), ("projection", None), ("ffn.linear_0", INNER), ("self_attention.linear.0", 3 * WIDTH),
    (".attention.linear.1", 2 * WIDTH),
)  # fmt: skip
"""Rows of the weights whose path holds this, by the first that matches; None: one for each piece. Others have WIDTH."""


def fill(part: object, pieces: int, path: str = "", drawn: np.random.Generator | None = None) -> None:
    """Give every weight of a transformer spec random numbers of the right shape."""
    drawn = drawn or np.random.default_rng(5)
    for name, value in vars(part).items():
        where = f"{path}.{name}"
        if value is None and name in ("weight", "bias", "gamma", "beta"):
            setattr(part, name, numbers(where, name, pieces, drawn))
        for index, each in enumerate(value if isinstance(value, list) else [value]):
            if hasattr(each, "__dict__") and type(each).__module__.startswith("ctranslate2"):
                fill(each, pieces, f"{where}.{index}" if isinstance(value, list) else where, drawn)


def numbers(path: str, name: str, pieces: int, drawn: np.random.Generator) -> np.ndarray:
    if name in ("gamma", "beta"):
        return np.full(WIDTH, float(name == "gamma"), np.float32)
    rows = next((count or pieces for part, count in ROWS if part in path), WIDTH)
    columns = INNER if "ffn.linear_1" in path else WIDTH
    made = drawn.normal(size=(rows, columns)) if name == "weight" else np.zeros(rows)
    return made.astype(np.float32) * 0.3


@pytest.fixture(scope="module")
def opus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("opus")
    for side in ("source", "target"):
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(TEXT), model_prefix=str(folder / side), vocab_size=40, minloglevel=2,
            hard_vocab_limit=False,
        )  # fmt: skip
        (folder / f"{side}.model").rename(folder / f"{side}.spm")
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "source.spm"))
    words = [pieces.id_to_piece(number) for number in range(len(pieces))]
    spec = ctranslate2.specs.TransformerSpec.from_config((1, 1), 2)
    fill(spec, len(words))
    spec.register_source_vocabulary(words)
    spec.register_target_vocabulary(words)
    spec.validate()
    spec.save(str(folder))
    return folder


def translated(folder: Path, *texts: str, target: str = "es") -> tuple[TranslatedLine, ...]:
    engine = CTranslate2Translator(folder=str(folder), pair="en-es", compute_type="default", hypotheses=3)
    assert isinstance(engine, Translator)
    lines = [SourceLine(f"line-{n}", text, 3.0) for n, text in enumerate(texts)]
    return engine.translate(lines, source="en", target=target, glossary={}, progress=lambda share: None)


def test_ids_count_and_order_stay_and_no_candidate_is_empty(opus: Path) -> None:
    found = translated(opus, "The dog runs.", "♪", "A man. The bus.")
    assert [line.id for line in found] == ["line-0", "line-1", "line-2"]
    assert all(one.text.strip() for line in found for one in line.candidates)
    assert found[1].candidates[0].text == "♪"
    assert found[0].flags[0].code == "draft-translation"
    assert all(len({one.text for one in line.candidates}) == len(line.candidates) for line in found)


def test_another_pair_than_the_model_s_is_refused(opus: Path) -> None:
    with pytest.raises(UnknownLanguage, match="asked for en-fr"):
        translated(opus, "The dog runs.", target="fr")


def test_a_folder_without_model_or_vocabulary_is_refused(tmp_path: Path, opus: Path) -> None:
    with pytest.raises(MissingWeights, match=r"no model\.bin"):
        CTranslate2Translator(folder=str(tmp_path))
    (tmp_path / "model.bin").write_bytes((opus / "model.bin").read_bytes())
    with pytest.raises(MissingWeights, match="no vocabulary"):
        CTranslate2Translator(folder=str(tmp_path))
