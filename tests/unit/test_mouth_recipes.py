"""The recipes say only what their trainers know."""

import tomllib
from pathlib import Path

import av
import numpy as np
import pytest
import talking_head

from dubsync.backends import mouth_clips, mouth_recipes
from dubsync.mouth import learning
from dubsync.mouth.train_articulation import FitConfig
from dubsync.resources import folder

RECIPES = sorted((folder("models") / "recipes").glob("mouth-*.toml"))


def test_the_articulation_recipe_fits_its_trainer() -> None:
    recipe = tomllib.loads((folder("models") / "recipes" / "articulation.toml").read_text(encoding="utf-8"))

    assert recipe["kind"] == "mouth.articulation"
    assert FitConfig(**recipe["fit"]).taps % 2 == 1
    assert recipe["judge"]["taps"] % 2 == 1
    assert {part["language"] for part in recipe["spoken"]} == {"en", "es", "fr"}


@pytest.mark.parametrize("path", RECIPES, ids=[path.stem for path in RECIPES])
def test_every_painter_recipe_makes_a_painter_of_its_size(path) -> None:  # type: ignore[no-untyped-def]
    torch = pytest.importorskip("torch")
    from dubsync.mouth.generator import Generator, GeneratorConfig
    from dubsync.mouth.training import TrainConfig

    recipe = tomllib.loads(path.read_text(encoding="utf-8"))
    train = {name: value for name, value in recipe["train"].items() if name != "seed"}
    painter = recipe["painter"]
    generator = Generator(GeneratorConfig(tuple(painter["widths"]), painter["blocks"]))

    assert TrainConfig(**train).steps > train["warmup"]
    assert generator(torch.zeros(1, 12, painter["window"], painter["window"])).shape[-1] == painter["window"]


def test_every_painter_recipe_trains_a_step() -> None:
    pytest.importorskip("torch")
    from dubsync.mouth.generator import Generator, GeneratorConfig
    from dubsync.mouth.rehearsal import RUN, Rehearsal
    from dubsync.mouth.training import TrainConfig, Trainer

    for path in RECIPES:
        recipe = tomllib.loads(path.read_text(encoding="utf-8"))
        size = recipe["painter"]["window"]
        chance = np.random.default_rng(0)
        inputs = chance.integers(0, 255, (RUN, 12, size, size), np.uint8)
        given = Rehearsal(inputs, inputs[:, 3:6] // 2, np.arange(RUN)[None])
        generator = Generator(GeneratorConfig(tuple(recipe["painter"]["widths"]), recipe["painter"]["blocks"]))
        settings = {name: value for name, value in recipe["train"].items() if name != "seed"}
        trainer = Trainer(generator, TrainConfig(**settings | {"runs": 1, "warmup": 0}), seed=recipe["train"]["seed"])
        before = generator.leave.weight.clone()

        trainer.run([given], lambda share: None, until=1)

        assert not generator.leave.weight.equal(before), path.name


class Killed(Exception):
    """Stands for the process being killed."""


def test_training_that_was_killed_goes_on_to_the_same_weights_and_says_how_it_went(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    from dubsync.mouth import training

    monkeypatch.setattr(mouth_recipes, "_CHECKPOINT_STEPS", 2)
    monkeypatch.setattr(training, "MARK", 2)
    wanted = {
        "name": "toy",
        "painter": {"window": 64, "widths": [8, 12, 16], "blocks": 1},
        "train": {"seed": 1, "steps": 6, "runs": 1, "warmup": 2},
        "clips": {"rights": "made by code"},
    }
    clips = [_clip(tmp_path / "head.mkv")]

    def trained(run: Path) -> bytes:
        (run / "toy").mkdir(parents=True, exist_ok=True)
        mouth_recipes._painter(wanted, clips, run, run / "toy", threads=1)
        return (run / "toy" / learning.BASE).read_bytes()

    whole = trained(tmp_path / "whole")
    save = training.Trainer.save

    def killed(self: training.Trainer, path: Path) -> None:
        save(self, path)
        if self.step == 4:
            raise Killed

    monkeypatch.setattr(training.Trainer, "save", killed)
    with pytest.raises(Killed):
        trained(tmp_path / "stopped")
    monkeypatch.setattr(training.Trainer, "save", save)
    assert not (tmp_path / "stopped" / "toy" / learning.BASE).exists()

    assert trained(tmp_path / "stopped") == whole
    card = (tmp_path / "stopped" / "toy.md").read_text(encoding="utf-8")
    assert card == (tmp_path / "whole" / "toy.md").read_text(encoding="utf-8")
    assert "made by code" in card
    assert [row.split("|")[1].strip() for row in card.splitlines() if row.startswith("| ")][1:] == ["2", "4", "6"]


def _clip(path: Path) -> mouth_clips.Clip:
    """Write a film of the talking head and return it with its landmarks."""
    _, opening = talking_head.babble(1.6)
    shot = talking_head.footage(opening, np.zeros(1))
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=25)
        stream.width = stream.height = talking_head.SIZE
        stream.pix_fmt = "bgr0"
        for _, picture in shot.frames():
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="bgr0")))
        out.mux(stream.encode(None))
    return mouth_clips.Clip(path, shot.numbers, shot.landmarks, shot.times, np.zeros(16000, np.float32))
