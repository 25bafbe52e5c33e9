"""A title spread over machines: units in any order of their needs, several at once, one killed, one too early."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import fake_films
import pytest
from fake_films import FAKES, VOICES, command, consent, dubsync, hands, made

from dubsync import farm, folder
from dubsync.engine.store import Store
from dubsync.errors import ConsentMissing, CorruptStore, UsageError
from dubsync.testing.talking import TalkingSpec, make_talking_film
from dubsync.verbs import as_last_asked, plan
from dubsync.wishes import Wish

SHORT = TalkingSpec(seconds=2.4, width=64, height=48, lines=((0.2, 1, 130), (1.4, 1, 130)))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_talking_film(tmp_path_factory.mktemp("drawn") / "talk.mp4", SHORT)


@pytest.fixture
def film(drawn: Path, tmp_path: Path) -> Path:
    consent(tmp_path)
    return Path(shutil.copy(drawn, tmp_path / "talk.mp4"))


def wish(pipeline: Path = VOICES, **more: object) -> Wish:
    return Wish(pipeline=str(pipeline), **more)  # type: ignore[arg-type]


def ready(film: Path, asked: Wish) -> list[str]:
    return [str(row.id) for row in plan(film, ["es"], asked) if row.is_ready]


def farmed(film: Path, asked: Wish, *, seed: int) -> list[str]:
    """Make a film unit by unit, whatever is ready in an order of chance; return what ran."""
    chance, ran = random.Random(seed), []
    while units := ready(film, asked):
        chance.shuffle(units)
        done = farm.work(film, units, asked, runner=hands())
        ran += [unit.id for unit in done.units if unit.is_new]
    return ran


def contents(film: Path) -> dict[str, str]:
    """Return the digest of every product by its fingerprint: of what it holds, and of what it was made from."""
    store = Store(film.with_suffix(".dubsync") / "store")
    return {fingerprint: manifest["digest"] for fingerprint, manifest in store.products()}


def handed_over(film: Path) -> dict[str, bytes]:
    out = film.with_suffix(".dubsync") / "out/es"
    return {path.name: path.read_bytes() for path in out.iterdir()}


@pytest.fixture(scope="module")
def whole(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same film, made by one `localize`."""
    place = tmp_path_factory.mktemp("whole")
    consent(place)
    film = Path(shutil.copy(drawn, place / "talk.mp4"))
    made(film)
    return film


@pytest.mark.parametrize("seed", [1, 2])
def test_units_in_any_order_of_their_needs_make_what_localize_makes(film: Path, whole: Path, seed: int) -> None:
    asked = wish(FAKES)
    ran = farmed(film, asked, seed=seed)
    assert contents(film) == contents(whole)
    assert handed_over(film) == handed_over(whole)
    assert len(ran) == len(set(ran)), "a unit was made twice"
    assert made(film).summary.ran == 0


def test_what_a_farm_made_is_known_to_status_and_deliver(film: Path) -> None:
    farmed(film, wish(), seed=3)
    farmed(film, wish(), seed=3)
    title = folder.known_title(film)
    assert title.languages == ("es",)
    asked = as_last_asked(title, "es")
    assert asked.wish.pipeline == str(VOICES)
    assert asked.waiting == ()
    assert len(list((film.with_suffix(".dubsync") / "runs").iterdir())) == 1, "what is asked for is noted once"
