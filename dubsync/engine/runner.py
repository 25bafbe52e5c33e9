"""Runs a plan. `LocalRunner`: one worker process per slot; a killed worker breaks only its own slot.

The scheduler opens a row (a step, for one language) when every row it needs is complete, takes from the store what is
there, and hands the rest to free slots in the pipeline's order. `always` stages run in this process: they are cheap,
and a refusal (no consent) must come before dear work begins.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from dubsync.engine.events import Sink
from dubsync.engine.memory import tidy
from dubsync.engine.plan import Engine, Plan
from dubsync.engine.schedule import Schedule, Summary, killed
from dubsync.engine.stage import Stage
from dubsync.engine.store import Store
from dubsync.engine.threads import limited
from dubsync.engine.work import Order, Result, Workshop, order_for
from dubsync.errors import DubsyncError

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
        schedule = Schedule(plan, store, emit)
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

    def carry_out(self, order: Order, progress: Callable[[float], None] = lambda share: None) -> Result:
        """Carry out one order and nothing else; raise what it raises, StageFailed when its worker is killed."""
        if order.is_always:
            return Workshop(self.load_stage, self.open_engine).carry_out(order, progress)
        slot = self._idle_slot(order)
        slot.give(order)
        try:
            return _heard_out(slot, progress)
        finally:
            self._drop_busy()

    def _drop_busy(self) -> None:
        """End the workers that a run which failed or was stopped has left at work."""
        for slot in [slot for slot in self._slots if slot.order is not None]:
            self._slots.remove(slot)
            slot.stop()

    def _hand_out(self, schedule: Schedule, place: Mapping[str, Any]) -> None:
        while schedule.has_waiting() and self._has_idle():
            order = order_for(schedule.take(), place)
            self._idle_slot(order).give(order)

    def _has_idle(self) -> bool:
        return len(self._slots) < self.slots or any(slot.order is None for slot in self._slots)

    def _idle_slot(self, order: Order) -> _Slot:
        """Return the idle slot that fits an order best, a new one if none is idle."""
        idle = [each for each in self._slots if each.order is None]
        if not idle:
            idle = [_Slot(self)]
            self._slots += idle
        slot = max(idle, key=lambda each: each.knows(order))
        if not slot.process.is_alive():  # it was killed between two runs
            slot.restart(self)
        return slot

    def _hear(self, slot: _Slot, schedule: Schedule) -> None:
        assert slot.order is not None, "an idle slot has nothing to say"
        job = schedule.in_flight[slot.order.fingerprint]
        try:
            kind, content = slot.pipe.recv()
        except (EOFError, OSError):
            schedule.died(job)
            slot.restart(self)
            return
        if kind == "progress":
            schedule.progressed(job, content)
            return
        slot.order = None
        if kind == "failed":
            schedule.failed(job, content)
        schedule.finished(job, content)


class _Slot:
    """A worker process and the pipe to it."""

    def __init__(self, runner: LocalRunner) -> None:
        self.order: Order | None = None
        self._start(runner)

    def knows(self, order: Order) -> int:
        """Return how many of the engines that an order needs the worker has had before, and so may have loaded."""
        return len(self._had.intersection(engine.name for engine in order.engines))

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

    def give(self, order: Order) -> None:
        self.order = order
        self._had.update(engine.name for engine in order.engines)
        self.pipe.send(order)

    def restart(self, runner: LocalRunner) -> None:
        self.stop()
        self.order = None
        self._start(runner)

    def stop(self) -> None:
        self.pipe.close()
        if self.order is not None:
            self.process.terminate()
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _heard_out(slot: _Slot, progress: Callable[[float], None]) -> Result:
    """Listen to a slot until its job is done; raise what the job raises."""
    order = slot.order
    assert order is not None, "an idle slot has nothing to say"
    while True:
        try:
            kind, content = slot.pipe.recv()
        except (EOFError, OSError) as error:
            raise killed(order.stage, order.unit, order.film, 1) from error
        if kind == "progress":
            progress(content)
            continue
        slot.order = None
        if kind == "failed":
            raise content
        result: Result = content
        return result


def _ready(slots: list[_Slot]) -> list[_Slot]:
    """Wait until a busy slot has something to say."""
    busy = {slot.pipe: slot for slot in slots if slot.order is not None}
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
