"""The recipes say only what their trainers know."""

import tomllib

import pytest

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
