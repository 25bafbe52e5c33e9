"""The engine: what runs, what is used again, and what survives a kill."""

from __future__ import annotations

import gc
import json
import mmap
import multiprocessing
import sys
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import toys

from dubsync.engine import memory
from dubsync.engine.events import Event
from dubsync.engine.plan import Engine, Plan, Setting, Step, forecast, why
from dubsync.engine.runner import LocalRunner, Summary
from dubsync.engine.stage import Context, Made, Unit
from dubsync.engine.store import Store, sha256
from dubsync.engine.work import Order, Workshop
from dubsync.errors import ConsentMissing, CorruptStore, StageFailed

VOICE = Engine("voice", "toy.voice", {"version": "1"})
ALL = ("words", "loud", "lines", "voice", "take", "whole")


class Bench:
    """A title in a temporary folder, run over and over."""

    def __init__(self, folder: Path, names: tuple[str, ...] = ALL, *, languages: tuple[str, ...] = ("es",)) -> None:
        self.folder, self.names, self.languages = folder, names, languages
        folder.mkdir(exist_ok=True)
        self.film = folder / "film.txt"
        self.film.write_text("one two three")
        self.params: dict[str, Any] = {"loud": toys.Loudness()}
        self.retries = 0
        self.voice = VOICE
        self.events: list[Event] = []

    @property
    def store(self) -> Store:
        return Store(self.folder / "store")

    def plan(self) -> Plan:
        steps = [
            Step(toys.load(name), self.params.get(name), (self.voice,) if name == "voice" else (), self.retries)
            for name in self.names
        ]
        setting = Setting(self.film, sha256(self.film), self.folder, self.languages, toys.EXPANSIONS)
        return Plan(steps, setting)

    def run(self, *, slots: int = 2) -> tuple[Plan, Summary]:
        plan = self.plan()
        with LocalRunner(toys.load, toys.open_engine, slots=slots) as runner:
            return plan, self.run_with(runner, plan)

    def run_with(self, runner: LocalRunner, plan: Plan) -> Summary:
        place = {"film": self.film, "folder": self.folder, "humans": {}}
        return runner.run(plan, self.store, place, self.events.append)

    def ran(self) -> list[tuple[str, str]]:
        """Return what a run carries out now, as (stage, unit)."""
        self.events.clear()
        self.run()
        return [(event.stage, event.unit) for event in self.events if event.kind == "finished"]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_workers_stay_for_the_next_run_and_one_that_died_meanwhile_is_replaced(tmp_path: Path) -> None:
    films = [Bench(tmp_path / name) for name in ("one", "two", "three")]
    workers, others = [], set(multiprocessing.active_children())
    with LocalRunner(toys.load, toys.open_engine, slots=1) as runner:
        for film in films:
            film.run_with(runner, film.plan())
            (process,) = set(multiprocessing.active_children()) - others
            workers.append(process.pid)
            if film is films[1]:
                process.kill()
                process.join(5)
    assert workers[0] == workers[1] != workers[2]
    assert not set(multiprocessing.active_children()) - others


def test_a_pipeline_runs_over_its_axes(bench: Bench) -> None:
    plan, summary = bench.run()
    assert plan.products["whole", "es", "es"].value == {
        "whole": ["ONE one-es!", "TWO two-es!", "THREE three-es!"],
    }
    assert summary.ran == 1 + 3 + 1 + 3 + 3 + 1


def test_a_second_run_carries_out_nothing(bench: Bench) -> None:
    bench.run()
    _, summary = bench.run()
    assert (summary.ran, summary.reused) == (0, 12)


def test_an_edited_line_re_runs_that_line_and_what_it_touches(bench: Bench) -> None:
    bench.run()
    (bench.folder / "edits").mkdir()
    (bench.folder / "edits/es.txt").write_text("uno")
    assert ("voice", "one") in bench.ran()
    bench.run()
    (bench.folder / "edits/es.txt").write_text("eins")
    assert [stage_unit for stage_unit in bench.ran() if stage_unit[0] == "voice"] == [("voice", "one")]


def test_an_equal_result_stops_the_wave(bench: Bench) -> None:
    bench.run()
    bench.film.write_text("one  two three")
    assert bench.ran() == [("words", "title")]


def test_languages_share_what_is_made_once_per_film(bench: Bench) -> None:
    bench.run()
    bench.languages = ("es", "pt")
    stages = [stage for stage, _ in bench.ran()]
    assert "loud" not in stages
    assert stages.count("voice") == 3


def test_the_result_depends_neither_on_slots_nor_on_order(tmp_path: Path) -> None:
    digests = []
    for slots in (1, 2):
        (tmp_path / str(slots)).mkdir()
        plan, _ = Bench(tmp_path / str(slots)).run(slots=slots)
        digests.append(sorted((key, product.digest) for key, product in plan.products.items()))
    assert digests[0] == digests[1]


def test_a_parameter_re_runs_its_stage_and_the_plan_says_so(bench: Bench) -> None:
    bench.run()
    bench.params["loud"] = toys.Loudness(factor=2)
    rows = forecast(bench.plan(), bench.store)
    loud = [row for row in rows if row.stage == "loud"]
    assert {row.why for row in loud} == {"the setting factor changed"}
    assert [row.runs for row in rows if row.stage == "voice"] == [False] * 3
    assert {row.why for row in rows if row.stage == "take"} == {"it needs loud, which runs first"}


def test_another_engine_version_re_runs_its_units(bench: Bench) -> None:
    bench.run()
    bench.voice = replace(VOICE, identity={"version": "2"})
    rows = forecast(bench.plan(), bench.store)
    assert {row.why for row in rows if row.stage == "voice"} == {"the voice engine (its version) changed"}


def test_a_plan_changes_nothing(bench: Bench) -> None:
    rows = forecast(bench.plan(), bench.store)
    assert all(row.runs for row in rows)
    assert not (bench.folder / "store").exists()


def test_a_damaged_product_is_made_anew(bench: Bench) -> None:
    plan, _ = bench.run()
    victim = plan.products["loud", None, "two"].file("loud.txt")
    before = victim.read_text()
    victim.write_text("TwO")
    assert bench.ran() == [("loud", "two")]
    assert victim.read_text() == before


def test_check_finds_one_flipped_bit(bench: Bench) -> None:
    plan, _ = bench.run()
    assert bench.store.verify() == 12
    victim = plan.products["loud", None, "two"].file("loud.txt")
    stamps = victim.parent / "stamps.json"
    victim.write_text("TwO")
    facts = victim.stat()
    known = json.loads(stamps.read_text())
    stamps.write_text(json.dumps({**known, "loud.txt": [facts.st_size, facts.st_mtime_ns, facts.st_ino]}))
    with pytest.raises(CorruptStore, match=r"loud\.txt is not what was written"):
        bench.store.verify()


def test_a_killed_worker_breaks_only_its_own_unit_and_transient_errors_are_tried_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ("words", "shaky"))
    bench.retries = 1
    plan, _ = bench.run(slots=2)
    assert {plan.products["shaky", None, key].value["times"] for key in ("one", "two", "three")} == {2}
    assert sum(event.kind == "retried" for event in bench.events) == 3


def test_a_worker_killed_twice_fails_its_unit(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="killed 2 times"):
        Bench(tmp_path, ("words", "deadly")).run(slots=1)


def test_a_failing_unit_names_stage_and_cause(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match=r"film\.txt: broken title failed: ValueError: the toy broke") as caught:
        Bench(tmp_path, ("words", "broken")).run()
    assert caught.value.exit_code == 5
    assert "toys.py" in caught.value.cause


def test_a_refusal_comes_before_dear_work_and_is_asked_each_time(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ("words", "leave", "loud"))
    with pytest.raises(ConsentMissing):
        bench.run()
    assert not any(event.stage == "loud" and event.kind == "finished" for event in bench.events)
    (tmp_path / "leave.txt").write_text("yes")
    bench.run()
    _, summary = bench.run()
    assert (summary.ran, summary.reused) == (0, 5)
    (tmp_path / "leave.txt").unlink()
    with pytest.raises(ConsentMissing):
        bench.run()


def test_unfinished_work_leaves_no_product(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    with store.workspace() as folder:
        (folder / "half.txt").write_text("half")
    assert list(store.products()) == []
    assert not folder.exists()


def _committed(store: Store, text: str) -> str:
    with store.workspace() as folder:
        (folder / "it.txt").write_text(text)
        return store.commit("ab" * 32, folder, {"stage": "loud", "recipe": {}, "seed": 0, "seconds": 0, "flags": []})


def test_of_two_machines_with_one_product_the_first_is_kept_unless_it_is_damaged(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = _committed(store, "first")
    kept = store.path("ab" * 32) / "it.txt"
    facts = kept.stat()
    assert _committed(store, "second") == first
    assert kept.stat() == facts, "what others may be reading was touched"
    kept.write_text("FIRST")
    assert _committed(store, "third") != first
    assert kept.read_text() == "third"
    assert list((tmp_path / "tmp").iterdir()) == []


def test_engines_stay_warm_within_a_worker(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    diary = bench.folder / "engines.diary"
    monkeypatch.setenv("TOY_DIARY", str(diary))
    bench.run(slots=1)
    assert diary.read_text().count("opened") == 1


def test_a_unit_goes_to_the_worker_that_has_had_its_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    diary = tmp_path / "engines.diary"
    monkeypatch.setenv("TOY_DIARY", str(diary))
    many = Bench(tmp_path / "many", ("words", "loud"))
    films = [Bench(tmp_path / name, ("words", "lines", "voice")) for name in ("one", "two")]
    with LocalRunner(toys.load, toys.open_engine, slots=2) as runner:
        many.run_with(runner, many.plan())
        for film in films:
            film.film.write_text("one")
            film.run_with(runner, film.plan())
            runner._slots.reverse()

        assert len(runner._slots) == 2
    assert diary.read_text().count("opened") == 1


def _opened_in_turn(names: str, *, memory_kept: int) -> str:
    """Return which engines a worker opened when units asked for them one after another."""
    opened: list[str] = []

    def open_engine(engine: Engine) -> str:
        opened.append(engine.name)
        return engine.name

    workshop = Workshop(toys.load, open_engine, engines_kept=2, memory_kept=memory_kept)
    for name in names:
        assert workshop._engine(Engine("voice", name, {"version": "1"})) == name
    return "".join(opened)


def test_a_worker_keeps_every_engine_while_there_is_memory_and_the_last_two_when_there_is_not() -> None:
    assert _opened_in_turn("abcab", memory_kept=1 << 50) == "abc"
    assert _opened_in_turn("abcbca", memory_kept=0) == "abca"


def test_a_stage_that_makes_room_closes_every_engine(tmp_path: Path) -> None:
    def words(unit: Unit, made: Made, ctx: Context, params: None) -> dict[str, Any]:
        ctx.make_room()
        return {}

    film = tmp_path / "film.txt"
    film.write_text("one")
    opened: list[str] = []

    def open_engine(engine: Engine) -> str:
        opened.append(engine.name)
        return engine.name

    workshop = Workshop(lambda name: replace(toys.load(name), function=words), open_engine, memory_kept=1 << 50)
    engine = Engine("voice", "kept", {"version": "1"})
    workshop._engine(engine)
    order = Order("words", Unit("film"), "0" * 64, {}, {}, None, (engine,), film, tmp_path, tmp_path / "store")
    workshop.carry_out(order, lambda share: None)
    workshop._engine(engine)

    assert opened == ["kept", "kept"]


class _Ring:
    """Refers to itself: only the collector lets go of it."""

    def __init__(self) -> None:
        self.itself = self


def test_what_outlives_a_unit_is_put_aside_until_an_engine_is_closed() -> None:
    ring = _Ring()
    seen = weakref.ref(ring)
    memory.tidy()
    del ring
    gc.collect()
    assert seen() is not None, "every object was looked at again"
    memory.give_back()

    assert seen() is None


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell what is shared")
def test_files_that_are_mapped_into_memory_are_not_counted(tmp_path: Path) -> None:
    (tmp_path / "library").write_bytes(bytes(100_000_000))
    before = memory.held()
    with (tmp_path / "library").open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as library:
        assert sum(library[::4096]) == 0
        assert memory.held() - before < 20_000_000


def test_memory_that_was_let_go_goes_back_to_the_system() -> None:
    before = memory.held()
    pieces = [b"x" * 60_000 for _ in range(4000)]  # too small for pages of their own: the C library keeps them
    full = memory.held()
    del pieces[::2], pieces[:]
    memory.give_back()

    assert full - before > 200_000_000
    assert memory.held() - before < 60_000_000


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"reads": {"edits/{language}.jsonl": "2"}}, "edits/es.jsonl changed"),
        ({"reads": {"casting.toml#voices": "2"}}, "[voices] of casting.toml changed"),
        ({"version": 2}, "the stage's own version changed"),
        ({"inputs": {"stems": {"title": "2"}}}, "what stems made changed"),
        ({"engines": {"voice": None}}, "the voice engine changed"),
        ({}, "its product is gone from the store"),
    ],
)
def test_what_differs_is_said_in_words(change: dict[str, object], words: str) -> None:
    unit = {"key": "es", "language": "es"}
    recipe = {"version": 1, "unit": unit, "engines": {"voice": {"name": "a"}}, "reads": {}, "inputs": {}}
    assert why({"recipe": recipe}, {**recipe, **change}) == words
