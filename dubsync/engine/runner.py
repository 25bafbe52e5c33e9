"""Runs a plan. `LocalRunner`: one worker process per slot; a killed worker breaks only its own slot.

The scheduler opens a row (a step, for one language) when every row it needs is complete, takes from the store what is
there, and hands the rest to free slots in the pipeline's order. `always` stages run in this process: they are cheap,
and a refusal (no consent) must come before dear work begins.
"""

from __future__ import annotations

import heapq
import logging
import multiprocessing
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from dubsync.engine.events import Event, Sink
from dubsync.engine.memory import tidy
from dubsync.engine.plan import Engine, Job, Plan, Step
from dubsync.engine.stage import Product, Stage
from dubsync.engine.store import Store
from dubsync.engine.threads import limited
from dubsync.engine.work import Order, Result, Workshop, order_for
from dubsync.errors import CorruptStore, DubsyncError, StageFailed

log = logging.getLogger(__name__)

_DEATHS_ALLOWED = 1
_PROGRESS_EVERY_S = 0.2
_TIDY_AFTER_S = 1.0
"""Of work in one unit; memory is then given back."""

StageLoader = Callable[[str], Stage]
EngineOpener = Callable[[Engine], Any]


class Runner(Protocol):
    """Carries out orders somewhere and reports back."""

    def run(self, plan: Plan, store: Store, place: Mapping[str, Any], emit: Sink) -> Summary:
        """Run every unit that must run; raise what the first failing unit raised."""


@dataclass
class Summary:
    """What a run came to. `seconds_by_stage`: of working time, summed over units."""

    ran: int = 0
    reused: int = 0
    seconds: float = 0.0
    seconds_by_stage: dict[str, float] = field(default_factory=dict)


@dataclass
class LocalRunner:
    """`slots` worker processes with `threads` threads each. The two functions are importable by name.

    Workers start when there is work and stay, with what they have loaded, for the next run, until `close`.
    """

    load_stage: StageLoader
    open_engine: EngineOpener
    slots: int
    threads: int = 1
    _slots: list[_Slot] = field(default_factory=list, init=False, repr=False)

    def __enter__(self) -> LocalRunner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers."""
        while self._slots:
            self._slots.pop().stop()

    def run(self, plan: Plan, store: Store, place: Mapping[str, Any], emit: Sink) -> Summary:
        schedule = _Schedule(plan, store, emit)
        here = Workshop(self.load_stage, self.open_engine)
        place = {**place, "store": store.folder, "threads": self.threads}
        began = time.monotonic()
        try:
            while schedule.advance(lambda job: here.carry_out(order_for(job, place), lambda share: None)):
                self._hand_out(schedule, place)
                for slot in _ready(self._slots):
                    self._hear(slot, schedule)
        finally:
            self._drop_busy()
        schedule.summary.seconds = time.monotonic() - began
        return schedule.summary

    def _drop_busy(self) -> None:
        """End the workers that a run which failed or was stopped has left at work."""
        for slot in [slot for slot in self._slots if slot.job is not None]:
            self._slots.remove(slot)
            slot.stop()

    def _hand_out(self, schedule: _Schedule, place: Mapping[str, Any]) -> None:
        while schedule.has_waiting():
            idle = [each for each in self._slots if each.job is None]
            if not idle:
                if len(self._slots) >= self.slots:
                    return
                idle = [_Slot(self)]
                self._slots += idle
            job = schedule.take()
            slot = max(idle, key=lambda each: each.knows(job))
            if not slot.process.is_alive():  # it was killed between two runs
                slot.restart(self)
            slot.give(job, place)

    def _hear(self, slot: _Slot, schedule: _Schedule) -> None:
        job = slot.job
        assert job is not None, "an idle slot has nothing to say"
        try:
            kind, content = slot.pipe.recv()
        except (EOFError, OSError):
            schedule.died(job)
            slot.restart(self)
            return
        if kind == "progress":
            schedule.progressed(job, content)
            return
        slot.job = None
        if kind == "failed":
            schedule.failed(job, content)
        schedule.finished(job, content)


class _Schedule:
    """What is done, waiting and in flight. Knows nothing of processes."""

    def __init__(self, plan: Plan, store: Store, emit: Sink) -> None:
        self.plan, self.store, self.emit = plan, store, emit
        self.summary = Summary()
        self._closed = plan.rows()
        self._remaining: dict[tuple[str, str | None], int] = {}
        self._waiting: list[tuple[int, int, Job]] = []
        self._in_flight = 0
        self._deaths: dict[str, int] = {}
        self._order = {(step.name, language): n for n, (step, language) in enumerate(self._closed)}

    def advance(self, run_here: Callable[[Job], Result]) -> bool:
        """Open every row that can be; return whether work is left."""
        opened = True
        while opened:
            opened = False
            for row in list(self._closed):
                if self._can_open(*row):
                    self._closed.remove(row)
                    self._open(*row, run_here)
                    opened = True
        return bool(self._waiting or self._in_flight or self._closed)

    def _can_open(self, step: Step, language: str | None) -> bool:
        """Tell whether every row that the step needs, or that names its units, is complete."""
        needs = self.plan.needs(step)
        rows = [(each.name, tag) for each, tag in self.plan.rows() if each.name in needs and tag in (None, language)]
        return all(self._remaining.get(row, 1) == 0 for row in rows)

    def _open(self, step: Step, language: str | None, run_here: Callable[[Job], Result]) -> None:
        units = self.plan.units(step, language)
        assert units is not None, f"{step.name} was opened before its units were known"
        self._remaining[step.name, language] = len(units)
        for number, unit in enumerate(units):
            job = self.plan.job(step, unit)
            assert job is not None, f"{step.name} {unit.key} was opened before its needs were met"
            self._emit("planned", job, total=len(units))
            if step.stage.always:
                self._in_flight += 1
                self._emit("started", job)
                self.finished(job, run_here(job))
            elif not self._reuse(job):
                heapq.heappush(self._waiting, (self._order[step.name, language], number, job))

    def _reuse(self, job: Job) -> bool:
        try:
            product = self.store.get(job.fingerprint, job.unit)
        except CorruptStore as error:
            log.warning("%s; it is made anew", error)
            self._emit("discarded", job, message=str(error))
            self.store.discard(job.fingerprint)
            return False
        if product is None:
            return False
        self.summary.reused += 1
        self._done(job, product)
        self.store.remember(job.step.name, job.unit, job.fingerprint, job.recipe)
        self._emit("reused", job)
        return True

    def has_waiting(self) -> bool:
        return bool(self._waiting)

    def take(self) -> Job:
        """Give out the first waiting job of the pipeline's order."""
        job = heapq.heappop(self._waiting)[2]
        self._in_flight += 1
        self._emit("started", job)
        return job

    def progressed(self, job: Job, share: float) -> None:
        self._emit("progress", job, share=share)

    def finished(self, job: Job, result: Result) -> None:
        self._in_flight -= 1
        stage = job.step.name
        if result.is_new:
            self.summary.ran += 1
        else:
            self.summary.reused += 1
        spent = self.summary.seconds_by_stage
        spent[stage] = spent.get(stage, 0.0) + result.seconds
        self._done(job, result.product)
        self._emit("finished", job, seconds=result.seconds, share=1.0)

    def _done(self, job: Job, product: Product) -> None:
        self.plan.add(job.step, product)
        self._remaining[job.step.name, job.unit.language] -= 1

    def failed(self, job: Job, error: DubsyncError) -> None:
        """Stop the run with what the unit raised."""
        self._emit("failed", job, message=str(error))
        raise error

    def died(self, job: Job) -> None:
        """A worker was killed: its unit waits again, once."""
        self._in_flight -= 1
        deaths = self._deaths[job.fingerprint] = self._deaths.get(job.fingerprint, 0) + 1
        if deaths > _DEATHS_ALLOWED:
            self._emit("failed", job, message="its worker was killed")
            raise StageFailed(
                f"{job.step.name} {job.unit.key}: its worker process was killed {deaths} times",
                title=self.plan.setting.film.stem,
                stage=job.step.name,
                unit=job.unit.key,
                attempts=deaths,
                cause="killed",
                hint="memory may have run out: look at the system log, use fewer slots (--slots 1)",
            )
        self._emit("retried", job, message="its worker was killed")
        heapq.heappush(self._waiting, (self._order[job.step.name, job.unit.language], -1, job))

    def _emit(self, kind: str, job: Job, **facts: Any) -> None:
        self.emit(Event(kind, job.step.name, job.unit.key, job.unit.language, **facts))


class _Slot:
    """A worker process and the pipe to it."""

    def __init__(self, runner: LocalRunner) -> None:
        self.job: Job | None = None
        self._start(runner)

    def knows(self, job: Job) -> int:
        """Return how many of the engines that a job needs the worker has had before, and so may have loaded."""
        return len(self._had.intersection(engine.name for engine in job.step.engines))

    def _start(self, runner: LocalRunner) -> None:
        self._had: set[str] = set()
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(
            target=serve, args=(theirs, runner.load_stage, runner.open_engine), daemon=True, name="dubsync-slot"
        )
        with limited(runner.threads):
            self.process.start()
        theirs.close()

    def give(self, job: Job, place: Mapping[str, Any]) -> None:
        self.job = job
        self._had.update(engine.name for engine in job.step.engines)
        self.pipe.send(order_for(job, place))

    def restart(self, runner: LocalRunner) -> None:
        self.stop()
        self.job = None
        self._start(runner)

    def stop(self) -> None:
        self.pipe.close()
        if self.job is not None:
            self.process.terminate()
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _ready(slots: list[_Slot]) -> list[_Slot]:
    """Wait until a busy slot has something to say."""
    busy = {slot.pipe: slot for slot in slots if slot.job is not None}
    return [busy[pipe] for pipe in wait(list(busy)) if isinstance(pipe, Connection)] if busy else []


def serve(pipe: Connection, load_stage: StageLoader, open_engine: EngineOpener) -> None:
    """Be a worker: carry out orders until the pipe closes, or until it is told to stop, which it does in good order."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    workshop = Workshop(load_stage, open_engine)
    while True:
        try:
            order: Order = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            result = workshop.carry_out(order, _Throttled(pipe))
            pipe.send(("finished", result))
            if result.seconds > _TIDY_AFTER_S:
                tidy()
        except DubsyncError as error:
            pipe.send(("failed", error))
        except KeyboardInterrupt:
            return


class _Throttled:
    """Sends progress up the pipe, a few times a second at most."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe, self._sent = pipe, 0.0

    def __call__(self, share: float) -> None:
        now = time.monotonic()
        if now - self._sent >= _PROGRESS_EVERY_S:
            self._sent = now
            self._pipe.send(("progress", min(1.0, max(0.0, share))))
