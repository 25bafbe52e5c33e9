"""The network: shapes, losses, training, export; and that a painter which does not help is not used."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import talking_head

torch = pytest.importorskip("torch")

from dubsync.mouth import learning, library, losses, measure, performance, rehearsal  # noqa: E402
from dubsync.mouth.generator import COLLAGE, SECOND, Generator, GeneratorConfig  # noqa: E402
from dubsync.mouth.painter import Finish, NetworkPainter, export  # noqa: E402
from dubsync.mouth.training import TrainConfig, Trainer, draw  # noqa: E402

SMALL = GeneratorConfig(widths=(8, 12, 16), blocks=1)


@pytest.fixture(scope="module")
def kept() -> library.Library:
    return talking_head.filmed(2.4)


@pytest.fixture(scope="module")
def practice(kept: library.Library) -> rehearsal.Rehearsal:
    return rehearsal.rehearse(performance.stock_of(kept), np.arange(len(kept)), hidden=np.zeros(len(kept), bool))


HOLE, NO_HOLE = np.full((128, 128), 255, np.uint8), np.zeros((128, 128), np.uint8)


def test_an_untrained_generator_paints_almost_its_first_candidate() -> None:
    window = torch.rand(2, 12, 64, 64)

    painted = Generator(SMALL)(window)

    assert (painted - window[:, COLLAGE]).abs().mean() < 0.06


def test_onnx_paints_what_torch_paints(tmp_path: Path) -> None:
    torch.manual_seed(0)
    generator = Generator(SMALL).eval()
    for parameter in generator.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    inputs = np.random.default_rng(0).integers(0, 255, (3, 12, 64, 64)).astype(np.uint8)

    export(generator, tmp_path / "painter.onnx", 64)

    with torch.no_grad():
        wanted = generator(torch.from_numpy(inputs).float() / 255).numpy()
    assert np.abs(NetworkPainter(tmp_path / "painter.onnx").raw(inputs) - wanted).max() < 1e-3


def test_what_is_under_the_mouth_is_hidden_from_the_painter(practice: rehearsal.Rehearsal) -> None:
    covered = practice.inputs[:, 9:10] >= 8

    assert covered.any()
    assert (practice.inputs[:, 0:3] * covered).max() == 0


def test_nobody_borrows_from_themselves_or_their_neighbours(kept: library.Library) -> None:
    rows = np.arange(len(kept))
    hidden = np.zeros(len(kept), bool)
    hidden[-6:] = True

    chosen = performance.cast(kept.shapes, kept.poses, kept, banned=kept.beside(rows) | hidden)

    for mixes in (chosen.skin, chosen.inner):
        for row, mix in enumerate(mixes):
            assert all(abs(entry - row) > 25 * library.NEIGHBOURS_S - 2 and not hidden[entry] for entry, _ in mix)


def test_training_is_the_same_for_a_seed_and_goes_on_after_a_stop(
    practice: rehearsal.Rehearsal, tmp_path: Path
) -> None:
    config = TrainConfig(steps=6, runs=1, warmup=2)

    def trained(stop_at: int | None) -> dict[str, torch.Tensor]:
        torch.manual_seed(7)
        trainer = Trainer(Generator(SMALL), config, seed=3)
        if stop_at is not None:
            trainer.run([practice], lambda share: None, until=stop_at)
            trainer.save(tmp_path / "state.pt")
            torch.manual_seed(7)
            trainer = Trainer(Generator(SMALL), config, seed=3)
            trainer.restore(tmp_path / "state.pt")
        trainer.run([practice], lambda share: None)
        return trainer.average.state_dict()

    straight, again, stopped = trained(None), trained(None), trained(3)

    assert all(torch.equal(straight[name], again[name]) for name in straight)
    assert all(torch.equal(straight[name], stopped[name]) for name in straight)


def test_training_sees_pictures_as_they_will_be_finished() -> None:
    chance = np.random.default_rng(0)
    painted = chance.random((3, 64, 64)).astype(np.float32)
    collage = chance.integers(0, 255, (64, 64, 3)).astype(np.uint8)
    given = torch.from_numpy(collage.transpose(2, 0, 1)[None].astype(np.float32) / 255)

    seen = losses.finished(torch.from_numpy(painted[None]), given)[0].numpy().transpose(1, 2, 0)

    assert np.abs(np.clip(255 * seen, 0, 255) - Finish()(painted, collage, NO_HOLE[:64, :64])).max() < 0.6


def test_a_clearer_look_is_nearer_to_the_film_and_nothing_else_changes(practice: rehearsal.Rehearsal) -> None:
    grey = practice.inputs.copy()
    grey[:, 6:9] = 128
    poor = replace(practice, inputs=grey)

    def apart(clearer: float) -> tuple[float, float]:
        drawn = [draw([poor], TrainConfig(1, clearer=clearer), np.random.default_rng(seed)) for seed in range(6)]
        window, film = (torch.cat(parts) for parts in zip(*drawn, strict=True))
        zone = window[:, 9:10]
        return tuple(losses.weighted_l1(window[:, part], film, zone).item() for part in (SECOND, COLLAGE))

    (given, collage), (clearer, same) = apart(0.0), apart(1.0)

    assert clearer < 0.85 * given
    assert same == pytest.approx(collage, rel=0.1)  # other runs and colours are drawn


def test_training_brings_the_painter_nearer_to_the_film(practice: rehearsal.Rehearsal) -> None:
    torch.manual_seed(0)
    generator = Generator(SMALL)
    generator.leave.bias.data[4:] = 0.3
    window = torch.from_numpy(practice.inputs).float() / 255
    film = torch.from_numpy(practice.filmed).float() / 255
    with torch.no_grad():
        before = losses.weighted_l1(generator(window), film, window[:, 9:10])

    trainer = Trainer(generator, TrainConfig(steps=25, runs=2, warmup=100, learning_rate=2e-3), seed=0)
    trainer.run([practice], lambda share: None)

    with torch.no_grad():
        after = losses.weighted_l1(trainer.generator(window), film, window[:, 9:10])
    assert after < 0.5 * before


def test_a_painter_that_does_not_help_gets_no_say(
    kept: library.Library, practice: rehearsal.Rehearsal, tmp_path: Path
) -> None:
    bad = Generator(SMALL)
    bad.leave.bias.data[4:] = 1.0
    export(bad, tmp_path / learning.FILE, 64)

    verdict = learning.judge(tmp_path / learning.FILE, practice, kept.nodes)

    assert verdict.strength == 0.0


def spoilt(by: float) -> Generator:
    torch.manual_seed(0)
    generator = Generator(SMALL)
    generator.leave.bias.data[4:] = by
    return generator


def test_the_painter_that_paints_the_frames_held_out_best_is_kept(kept: library.Library) -> None:
    parts = learning.split(kept)

    trained, course = learning.practised(spoilt(0.3), parts, steps=learning.CHECK, seed=0, rate=2e-3)

    assert course.kept_at == learning.CHECK
    assert course.gain_db > 1
    assert learning._decibels(trained, parts) == pytest.approx(course.looks[-1][1], abs=2e-3)


def test_training_that_gains_nothing_ends_early_and_leaves_the_painter_as_it_was(kept: library.Library) -> None:
    start = spoilt(0.0)
    before = {name: tensor.clone() for name, tensor in start.state_dict().items()}

    trained, course = learning.practised(start, learning.split(kept), steps=100_000, seed=0, rate=1e-12)

    assert (course.kept_at, course.gain_db) == (0, 0.0)
    assert course.steps == learning._PATIENCE * learning.CHECK
    assert all(torch.equal(tensor, before[name]) for name, tensor in trained.state_dict().items())


def test_frames_held_out_for_the_test_are_none_that_are_away(kept: library.Library) -> None:
    away = np.zeros(len(kept), bool)
    away[-20:] = True

    hidden = learning.held_out(kept, away)

    assert not (hidden & away).any()
    assert hidden[len(kept) - 21]
    assert hidden.sum() == 12


def test_equal_pictures_have_no_loss_and_shifted_ones_do() -> None:
    one = torch.rand(2, 3, 32, 32)
    moved = one.roll(1, dims=-1)

    for loss in (losses.gradient, losses.frequency):
        assert loss(one, one) == 0
    assert losses.gradient(one, moved) > 0.1
    assert losses.weighted_l1(one, one + 0.5, torch.ones(2, 1, 32, 32)).item() == pytest.approx(0.5, abs=1e-5)


def test_the_hinge_stops_pushing_beyond_one() -> None:
    assert losses.hinge_discriminator([torch.full((4,), -2.0)], [torch.full((4,), 3.0)]) == 0
    assert losses.hinge_discriminator([torch.zeros(4)], [torch.zeros(4)]).item() == pytest.approx(2.0)


def test_measures_know_their_known_values() -> None:
    chance = np.random.default_rng(0)
    picture = chance.integers(0, 255, (48, 48, 3)).astype(np.uint8)
    darker = np.clip(picture.astype(int) - 10, 0, 255).astype(np.uint8)

    assert measure.psnr(picture, picture) == 99.0
    assert measure.psnr(np.full((4, 4, 3), 10, np.uint8), np.zeros((4, 4, 3), np.uint8)) == pytest.approx(
        28.13, abs=0.01
    )
    assert measure.ssim(picture, picture) == pytest.approx(1.0)
    assert measure.ssim(picture, darker) < 1.0
    assert measure.sharpness(picture) > 10 * measure.sharpness(np.full((48, 48, 3), 90, np.uint8)) + 1


def test_fine_texture_stays_that_of_the_filmed_candidate() -> None:
    chance = np.random.default_rng(0)
    collage = chance.integers(90, 160, (64, 64, 3)).astype(np.uint8)
    painted = np.full((3, 64, 64), 180 / 255, np.float32)

    finished = Finish(strength=1.0)(painted, collage, NO_HOLE[:64, :64])

    assert abs(finished.mean() - 180) < 2
    assert finished.std() > 0.8 * collage.std()


def test_no_strength_leaves_the_candidate_as_it_is() -> None:
    collage = np.random.default_rng(0).integers(0, 255, (32, 32, 3)).astype(np.uint8)

    assert (Finish(strength=0.0)(np.ones((3, 32, 32), np.float32), collage, HOLE[:32, :32]) == collage).all()


def teeth() -> np.ndarray:
    """Return a window of light teeth with darker gaps of three columns."""
    window = np.full((64, 64, 3), 180, np.uint8)
    for column in (0, 1, 2):
        window[:, column::10] = 130
    return window


def test_gaps_between_teeth_that_the_network_smears_stay() -> None:
    collage = teeth()
    smeared = np.full((3, 64, 64), collage.mean() / 255, np.float32)
    kept = Finish()(smeared, collage, HOLE[:64, :64])[32, 16:48, 0].astype(int)
    skin = Finish()(smeared, collage, NO_HOLE[:64, :64])[32, 16:48, 0].astype(int)
    assert np.ptp(kept) > 0.9 * 50
    assert np.ptp(skin) < 0.8 * 50


def test_of_teeth_that_are_not_wanted_nothing_shines_through() -> None:
    dark = np.full((3, 64, 64), 40 / 255, np.float32)
    seen = Finish()(dark, teeth(), HOLE[:64, :64])[16:48, 16:48].astype(int)
    assert np.abs(seen - 40).max() <= 2
