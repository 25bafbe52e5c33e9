"""The torch twin says what the engine says, before and after its weights are written back."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from dubsync import weights
from dubsync.text.marian import beam, export, file, model, vocabulary
from dubsync.text.marian.engine import open_engine, vocabularies

LINES = (
    "Where have you been all night?", "I told you not to open that door.", "She died three years ago, in Boston.",
    "We need to talk about what happened last night.", "There's something in the water.", "Who sent you?",
    "My name is Elena and I am the new detective.", "Would you like another cup of coffee?", "Nobody moves.",
    "They found the body near the river.", "Keep your voice down, they can hear us.", "Tell your mother I said hello.",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder() -> Path:
    return weights.resolve("mt-en-pt")


@pytest.fixture(scope="module")
def tensors(folder: Path) -> dict[str, file.Tensor]:
    return file.read(next(folder.glob("model*.bin")))


@pytest.fixture(scope="module")
def twin(tensors: dict[str, file.Tensor]) -> model.Twin:
    torch.set_num_threads(1)
    return model.load(tensors)


def test_the_twin_translates_as_the_engine_does(folder: Path, twin: model.Twin) -> None:
    source, target = (vocabulary.open_vocabulary(path) for path in vocabularies(folder))
    engine = open_engine(folder)
    expected = [engine.translate(line) for line in LINES]
    found = export.translated(twin, source, target, LINES, batch=5)
    assert sum(a == b for a, b in zip(found, expected, strict=True)) >= len(LINES) - 2


def test_what_is_written_back_unchanged_translates_the_same(
    folder: Path, twin: model.Twin, tensors: dict[str, file.Tensor], tmp_path: Path
) -> None:
    names = [name for name, _ in model.linears(twin)] + ["none"]
    scales = {name: float(file.values(tensors[f"{name}_QuantMultA"]).item()) for name in names}
    file.write(tmp_path / "model.bin", export.marian(twin, tensors, scales))
    source, _ = vocabularies(folder)
    for side in ("src", "trg"):
        (tmp_path / f"{side}vocab.spm").write_bytes(source.read_bytes())
    (tmp_path / "lex.bin").write_bytes(next(folder.glob("lex*.bin")).read_bytes())
    before, after = open_engine(folder), open_engine(tmp_path)
    assert [after.translate(line) for line in LINES] == [before.translate(line) for line in LINES]


def test_the_loop_of_the_recurrence_is_the_same_step_by_step_and_at_once(twin: model.Twin) -> None:
    recurrence = twin.decoder[0].recurrence
    x = torch.randn(2, 5, twin.width)
    whole, _ = recurrence(x, 0.0)
    cell, steps = None, []
    for step in range(5):
        made, cell = recurrence(x[:, step : step + 1], 0.0, cell)
        steps.append(made)
    assert torch.allclose(whole, torch.cat(steps, 1), atol=1e-5)


def test_padding_changes_nothing(twin: model.Twin) -> None:
    short, long = [5, 9, 0], [7, 8, 9, 10, 11, 0]
    alone = twin.greedy(*model.padded([short]))
    assert twin.greedy(*model.padded([short, long]))[0] == alone[0]


def test_beam_search_offers_several_ways_and_the_best_is_at_least_as_likely_as_the_first(folder: Path) -> None:
    searcher = beam.Searcher(folder)
    ways = searcher.ways("We need to talk about what happened last night.")
    assert len({way.text for way in ways}) == len(ways) >= 3
    assert [way.score for way in ways] == sorted((way.score for way in ways), reverse=True)
    assert "noite passada" in ways[0].text
    assert len(min(ways, key=lambda way: len(way.text)).text) < len(max(ways, key=lambda way: len(way.text)).text)


def test_sentences_searched_together_come_out_as_alone_and_in_order(folder: Path) -> None:
    searcher = beam.Searcher(folder)
    together = searcher.ways_of(LINES[:6], width=3)
    assert [ways[0].text for ways in together] == [searcher.ways(line, width=3)[0].text for line in LINES[:6]]
    assert searcher.ways_of([]) == []


def test_search_says_only_the_pieces_it_may(folder: Path, twin: model.Twin) -> None:
    searcher = beam.Searcher(folder)
    source = [*searcher.source.encode("Where is the dog?"), model.END]
    ((free, _), *_) = beam.search(twin, [source], 1, torch.arange(len(searcher.target)))[0]
    allowed = torch.tensor([piece for piece in range(len(searcher.target)) if piece != free[0]])
    ((bound, _), *_) = beam.search(twin, [source], 1, allowed)[0]
    assert free[0] not in bound
    assert bound


def test_the_pieces_learnt_for_a_language_come_before_those_kept_for_names() -> None:
    target = vocabulary.open_vocabulary(vocabularies(weights.resolve("mt-en-fr"))[1])
    own = vocabulary.own_pieces(target)
    assert own == 8000
    assert all(target.piece_to_id(f"\u2581{word}") < own for word in ("maison", "vous", "toujours"))
    base = vocabulary.open_vocabulary(vocabularies(weights.resolve("mt-en-pt"))[1])
    assert vocabulary.own_pieces(base) == len(base)


def test_dropout_keeps_the_mean_and_drops_about_its_share() -> None:
    torch.manual_seed(1)
    dropped = model.drop(torch.ones(400, 250), 0.1)
    assert abs(float((dropped == 0).float().mean()) - 26 / 256) < 0.005
    assert abs(float(dropped.mean()) - 1) < 0.01
    assert model.drop(dropped, 0.1, training=False) is dropped
