"""The training: it learns, and a run that was stopped goes on as if it had not been."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from dubsync.errors import BadPipeline, ChecksumMismatch
from dubsync.text.marian import corpus, model, train, vocabulary
from dubsync.text.marian import lesson as lessons

RECIPE = lessons.Recipe(
    batch_pieces=40, warmup=2, rate=3e-3, steps=24, decay_steps=8, negatives=4, dropout=0.1, average=0.9
)


def lesson(folder: Path) -> lessons.Lesson:
    """Return a toy language: each sentence is said backwards."""
    torch.manual_seed(0)
    twin = model.Twin(20, 24, width=64, inner=64, layers=(1, 1))
    for parameter in twin.encoder.parameters():
        parameter.requires_grad_(False)
    sentences = [[2 + (n * k + k) % 17 for k in range(1, 5)] + [model.END] for n in range(30)]
    pairs = [(n, [piece + 3 for piece in reversed(line[:-1])] + [model.END]) for n, line in enumerate(sentences)]
    frequency = torch.full((24,), 1 / 24)
    return lessons.Lesson(
        twin, None, None, lessons.Memory(twin, sentences, folder), pairs, corpus.Corpus((), (), ()), frequency
    )


def trained(folder: Path, stop_after: int = 10**6) -> train.Run:
    run = train.Run(RECIPE, lesson(folder), folder)
    for _ in train.training(RECIPE, run):
        if run.step >= stop_after:
            break
    run.save()
    return run


def test_the_loss_falls(tmp_path: Path) -> None:
    run = train.Run(RECIPE, lesson(tmp_path), tmp_path)
    losses = list(train.training(RECIPE, run))
    assert len(losses) == RECIPE.steps + RECIPE.decay_steps
    assert sum(losses[-5:]) < 0.85 * sum(losses[:5])
    assert run.rate() == 0


def test_a_run_that_was_stopped_ends_with_the_same_weights(tmp_path: Path) -> None:
    (tmp_path / "once").mkdir()
    (tmp_path / "twice").mkdir()
    once = trained(tmp_path / "once")
    trained(tmp_path / "twice", stop_after=13)
    twice = trained(tmp_path / "twice")
    assert twice.step == once.step
    assert all(torch.equal(once.average[name], twice.average[name]) for name in once.average)


def test_the_signal_file_starts_the_fall_of_the_rate(tmp_path: Path) -> None:
    (tmp_path / "finish").touch()
    run = trained(tmp_path)
    assert run.step == RECIPE.decay_steps
    assert run.is_over


def test_what_the_encoder_makes_is_kept_as_it_was(tmp_path: Path) -> None:
    given = lesson(tmp_path)
    memory, mask = given.memory.of([3, 7, 3])
    fresh = given.twin.encode(*model.padded([given.memory.sentences[index] for index in (3, 7, 3)]))
    assert torch.allclose(memory, fresh, atol=2e-3)
    assert mask.all()
    assert int(given.memory.filled.sum()) == 2
    again = lesson(tmp_path).memory
    assert again.filled.nonzero()[:, 0].tolist() == [3, 7]
    assert torch.equal(again.of([7])[0], given.memory.of([7])[0])


def test_the_shortlist_holds_what_is_wanted_and_stands_for_the_rest() -> None:
    frequency = torch.zeros(1000)
    frequency[:50] = 0.02
    recipe = lessons.Recipe(negatives=100)
    pieces, raised = lessons.shortlist(recipe, frequency, torch.tensor([700, 800]), step=1)
    chosen = set(pieces.tolist())
    assert {0, 49, 700, 800} <= chosen
    assert len(pieces) == 50 + 2 + 100
    assert torch.allclose(raised.exp().sum(), torch.tensor(1000.0), rtol=1e-4)


def test_every_pair_is_in_one_batch_of_an_epoch(tmp_path: Path) -> None:
    given = lesson(tmp_path)
    epochs = [lessons.batches(RECIPE, given.pairs, epoch, given.memory) for epoch in (0, 1, 0)]
    assert all(sorted(index for batch in made for index in batch) == list(range(30)) for made in epochs)
    assert epochs[0] == epochs[2] != epochs[1]


def test_an_unknown_key_of_a_recipe_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "mt.toml").write_text("[train]\nlearning_rat = 3\n")
    with pytest.raises(BadPipeline, match="learning_rat"):
        lessons.read_recipe(tmp_path / "mt.toml")


def test_another_archive_than_the_recipe_s_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pairs.zip").write_bytes(b"other")
    recipe = tmp_path / "mt.toml"
    recipe.write_text(
        'name="x"\nsource="en"\ntarget="es"\n[base]\nweights="mt-en-pt"\n[corpus]\narchive="pairs.zip"\nsha256="0"'
    )
    with pytest.raises(ChecksumMismatch, match="not the archive"):
        lessons.Sources.of(recipe, tmp_path, tmp_path)


def test_pieces_that_keep_company_are_partners() -> None:
    new = [[10, 11], [10, 12], [11, 12], [10, 13]] * 5
    old = [[1, 2], [1, 3], [2, 3], [1]] * 5
    assert vocabulary.companions(new, old) == {10: 1, 11: 2, 12: 3, 13: 1}
