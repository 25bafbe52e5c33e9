"""A title spread over machines: units in any order of their needs, several at once, one killed, one too early."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import fake_films
import pytest
from fake_films import FAKES, SUBTITLES, VOICES, command, consent, dubsync, hands, made

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


@pytest.fixture(scope="module")
def begun(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film with subtitles."""
    place = tmp_path_factory.mktemp("begun")
    film = Path(shutil.copy(drawn, place / "talk.mp4"))
    made(film, pipeline=SUBTITLES)
    return film


@pytest.fixture
def shown(begun: Path, tmp_path: Path) -> Path:
    shutil.copytree(begun.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / "talk.mp4"


def forget(film: Path, *stages: str) -> None:
    """Remove the products of some stages, with "deliver" what was handed over too."""
    home = film.with_suffix(".dubsync")
    store = Store(home / "store")
    for fingerprint, manifest in list(store.products()):
        if manifest["stage"] in stages:
            store.discard(fingerprint)
    if "deliver" in stages:
        shutil.rmtree(home / "out")


def blocks(kind: str) -> list[str]:
    """Return the scripts that the manual shows, of one kind."""
    text = (Path(fake_films.__file__).parents[2] / "docs/farm.md").read_text()
    found = re.findall(rf"<!-- {kind} -->\n\n((?:    .*\n|\n)+)", text)
    return [textwrap.dedent(block) for block in found]


def shell(place: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script of the manual in a folder where `dubsync` is ours, and `sbatch` a queue that runs tasks in turn."""
    tools = place / "tools"
    tools.mkdir()
    python, *rest = command()
    for name, text in (
        ("dubsync", f'exec {shlex.join([python, *rest])} "$@"'),
        ("sbatch", SBATCH),
    ):
        (tools / name).write_text(f"#!/bin/bash\n{text}\n")
        (tools / name).chmod(0o755)
    env = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        ["bash", "-e", "-c", script], cwd=place, env=env, capture_output=True, text=True, check=False, timeout=300
    )


SBATCH = """
for word in "$@"; do [[ $word == --array=1-* ]] && last=${word#--array=1-}; script=$word; done
[[ " $* " == *" --wait "* ]] || exit 9
status=0
for task in $(seq "$last"); do SLURM_ARRAY_TASK_ID=$task bash "$script" || status=$?; done
exit $status
"""


@pytest.mark.parametrize("kind", ["loop", "slurm"])
def test_the_scripts_of_the_manual_make_what_is_missing(shown: Path, begun: Path, kind: str) -> None:
    forget(shown, "stems", "shots")
    *units, script = [text.replace("film.mp4", "talk.mp4") for text in blocks(kind)]
    for text in units:
        (shown.parent / "unit.sh").write_text(text)
    done = shell(shown.parent, f'options="--pipeline {SUBTITLES}"\n{script}')
    assert done.returncode == 0, done.stderr
    assert sorted(re.findall(r"^(\w+): ran", done.stdout, re.M)) == ["shots", "stems"]
    assert contents(shown) == contents(begun)


def test_a_unit_that_comes_too_early_says_what_it_needs(film: Path) -> None:
    early = dubsync("work", "mix/es", "--title", film, "--pipeline", VOICES)
    assert early.returncode == 2
    said = early.stderr.splitlines()
    assert said[0] == "dubsync: mix/es needs source, stems, script/es, which are not made, or not made as asked for now"
    assert "dubsync work source" in said[1]
    assert len(said) == 2
    unknown = farm_error(film, "voice/es/nobody")
    assert "needs script/es" in unknown.message


def farm_error(film: Path, *units: str, asked: Wish | None = None) -> UsageError:
    with pytest.raises(UsageError) as caught:
        farm.work(film, units, asked or wish(), runner=hands())
    return caught.value


@pytest.mark.parametrize(
    ("unit", "what"),
    [
        ("vioce/es/1", 'the pipeline has no stage "vioce"'),
        ("stems/es", "those of stems are stems"),
        ("mix", "those of mix are mix/LANGUAGE"),
        ("voice/es", "those of voice are voice/LANGUAGE/LINE"),
        ("mix/", "those of mix are mix/LANGUAGE"),
        ("mix/klingonish", "klingonish"),
    ],
)
def test_a_mistyped_unit_is_told_before_anything_is_written(film: Path, unit: str, what: str) -> None:
    assert what in farm_error(film, unit).message
    assert not film.with_suffix(".dubsync").exists()


def test_a_unit_that_is_no_more_is_told(film: Path) -> None:
    farmed(film, wish(), seed=4)
    assert "no unit voice/es/gone" in farm_error(film, "voice/es/gone").message


def test_consent_is_asked_wherever_a_unit_rests_on_it(film: Path) -> None:
    while "mix/es" not in (units := ready(film, wish())):
        farm.work(film, units, wish(), runner=hands())
    (film.parent / "consent.toml").unlink()
    with pytest.raises(ConsentMissing):
        farm.work(film, ["mix/es"], wish(), runner=hands())
    assert farm.work(film, ["transcript"], wish(), runner=hands()).units[0].is_new is False


def test_a_damaged_product_is_planned_and_made_anew(shown: Path, begun: Path) -> None:
    asked, store = wish(SUBTITLES), Store(shown.with_suffix(".dubsync") / "store")
    (place,) = [store.path(key) for key, manifest in store.products() if manifest["stage"] == "script"]
    (place / "product.json").write_text("{}")
    with pytest.raises(CorruptStore) as caught:
        farm.work(shown, ["render/es"], asked, runner=hands())
    assert "dubsync work script/es" in caught.value.hint
    assert ready(shown, asked) == ["script/es"]
    (done,) = farm.work(shown, ["script/es"], asked, runner=hands()).units
    assert done.is_new
    assert contents(shown) == contents(begun)
    assert ready(shown, asked) == []


def start(*words: object, before: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(*words, before=before),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_two_machines_with_the_same_unit_do_no_harm(shown: Path, begun: Path) -> None:
    forget(shown, "render", "check", "deliver")
    words = ("work", "render/es", "check/es", "deliver/es", "--title", shown, "--pipeline", SUBTITLES, "--json")
    both = [start(*words), start(*words)]
    said = [json.loads(each.communicate(timeout=120)[0].splitlines()[-1]) for each in both]
    assert [each.returncode for each in both] == [0, 0]
    assert [[unit["id"] for unit in each["units"]] for each in said] == [["render/es", "check/es", "deliver/es"]] * 2
    assert contents(shown) == contents(begun)
    assert handed_over(shown) == handed_over(begun)


KILLED = """
import os, signal
from dubsync.engine.runner import _Slot
give = _Slot.give
_Slot.give = lambda slot, order: (give(slot, order), os.kill(slot.process.pid, signal.SIGKILL))"""


def test_a_killed_worker_loses_only_its_unit(shown: Path, begun: Path) -> None:
    forget(shown, "render", "check", "deliver")
    killed = dubsync("work", "render/es", "--title", shown, "--pipeline", SUBTITLES, before=KILLED)
    assert killed.returncode == 5
    assert killed.stderr.startswith("dubsync: render es: its worker process was killed\n")
    assert ready(shown, wish(SUBTITLES)) == ["render/es"]
    farmed(shown, wish(SUBTITLES), seed=5)
    assert contents(shown) == contents(begun)
    assert handed_over(shown) == handed_over(begun)


def test_units_share_a_title_with_each_other_and_not_with_localize(shown: Path) -> None:
    home = shown.with_suffix(".dubsync")
    with folder.lock(home, is_shared=True):
        assert not farm.work(shown, ["stems"], wish(SUBTITLES), runner=hands()).units[0].is_new
        with pytest.raises(UsageError, match="another dubsync works"):
            made(shown, pipeline=SUBTITLES)
    with folder.lock(home):
        assert "another dubsync works" in farm_error(shown, "stems", asked=wish(SUBTITLES)).message


def test_out_is_the_folder_of_one_language(film: Path, tmp_path: Path) -> None:
    asked = wish(out=tmp_path / "out")
    assert "one language" in farm_error(film, "mix/es", "mix/fr", asked=asked).message
