"""Titles on Dask: workers in processes of their own, one that is killed, a unit that is killed, and nobody there."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import toys
from fake_films import SUBTITLES, command, dubsync, made
from test_engine import Bench

from dubsync.engine.cluster import ClusterRunner, address_of
from dubsync.engine.store import Store
from dubsync.errors import StageFailed, UsageError
from dubsync.testing.talking import TalkingSpec, make_talking_film

WITH_TOYS = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(toys.__file__).parent), *sys.path])}


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """A scheduler in a process of its own; yields where it is."""
    pytest.importorskip("distributed")
    code = (
        "import asyncio, distributed\n"
        "async def run():\n"
        "    async with distributed.Scheduler(host='127.0.0.1', port=0, dashboard=False) as it:\n"
        "        print(it.address, flush=True)\n"
        "        await it.finished()\n"
        "asyncio.run(run())"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=WITH_TOYS)
    assert process.stdout is not None
    yield process.stdout.readline().strip().replace("tcp://", "dask://")
    process.terminate()
    process.wait()


def worker(where: str) -> subprocess.Popen[str]:
    """Start a worker, and wait until it works; the toys can be imported in it."""
    process = subprocess.Popen(
        command("worker", "--on", where, "--slots", 1),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=WITH_TOYS,
    )
    assert process.stderr is not None
    while "works for" not in (line := process.stderr.readline()):
        assert line, "the worker ended"
    return process


@pytest.fixture(scope="module")
def workers(scheduler: str) -> Iterator[list[subprocess.Popen[str]]]:
    found = [worker(scheduler), worker(scheduler)]
    yield found
    for process in found:
        process.kill()
        process.communicate()


def contents(store: Store) -> dict[str, str]:
    return {fingerprint: manifest["digest"] for fingerprint, manifest in store.products()}


def test_where_nobody_is_that_is_said(scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dubsync.engine.cluster._WAIT_S", 0.5)
    for where, what in ((scheduler, "has no workers"), ("dask://127.0.0.1:9", "nobody answers")):
        with pytest.raises(UsageError, match=what), ClusterRunner(toys.load, toys.open_engine, where):
            pass


def test_a_cluster_makes_what_this_machine_makes_whatever_dies(
    scheduler: str, workers: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    here, there, shaky = (Bench(tmp_path / name) for name in ("here", "there", "shaky"))
    here.run()
    with ClusterRunner(toys.load, toys.open_engine, scheduler) as runner:
        plan = there.plan()
        summary = runner.run(plan, there.store, {"film": there.film, "folder": there.folder, "humans": {}}, print)
        assert summary.ran == 12
        assert contents(there.store) == contents(here.store)

        os.killpg(workers.pop().pid, signal.SIGKILL)
        shaky.names, shaky.retries = ("words", "shaky"), 1
        plan = shaky.plan()
        place = {"film": shaky.film, "folder": shaky.folder, "humans": {}}
        runner.run(plan, shaky.store, place, shaky.events.append)
        assert {plan.products["shaky", None, key].value["times"] for key in ("one", "two", "three")} == {2}
        assert sum(event.kind == "retried" for event in shaky.events) == 3

        for name, what in (("broken", "the toy broke"), ("deadly", "killed 2 times")):
            shaky.names = ("words", name)
            with pytest.raises(StageFailed, match=what):
                runner.run(shaky.plan(), shaky.store, place, shaky.events.append)


def test_a_batch_on_a_cluster_makes_the_film(
    scheduler: str, workers: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    spec = TalkingSpec(seconds=1.2, width=64, height=48, lines=((0.2, 1, 130),))
    film = make_talking_film(tmp_path / "talk.mp4", spec)
    twin = tmp_path / "twin/talk.mp4"
    twin.parent.mkdir()
    shutil.copy(film, twin)
    made(twin, pipeline=SUBTITLES)
    file = tmp_path / "batch.toml"
    file.write_text(
        f'schema = "dubsync.batch/1"\nlanguages = ["es"]\npipeline = "{SUBTITLES}"\n[[title]]\nfilm = "talk.mp4"\n'
    )
    done = dubsync("batch", file, "--on", scheduler, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["done"] == 1
    assert contents(Store(tmp_path / "talk.dubsync/store")) == contents(Store(twin.parent / "talk.dubsync/store"))


@pytest.mark.parametrize("where", ["127.0.0.1:8786", "dask://", "dask://host", "dask://host:port", "ray://host:1"])
def test_a_place_is_dask_host_and_port(where: str) -> None:
    with pytest.raises(UsageError, match="is no place to work"):
        address_of(where)


def test_a_run_whose_last_worker_is_gone_ends_and_says_so(
    scheduler: str, workers: list[subprocess.Popen[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    title = Bench(tmp_path)
    with ClusterRunner(toys.load, toys.open_engine, scheduler) as runner:
        while workers:
            process = workers.pop()
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        monkeypatch.setattr("dubsync.engine.cluster._WAIT_S", 0.5)
        place = {"film": title.film, "folder": title.folder, "humans": {}}
        with pytest.raises(UsageError, match="has no workers"):
            runner.run(title.plan(), title.store, place, title.events.append)
