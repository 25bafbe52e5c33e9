"""Runs a plan on Dask distributed. Dask places units, and sends those of a lost machine elsewhere.

What was made lies in the store, which all machines share; a result that comes back says only where. Each unit runs
in a child process of a worker (`runner.LocalRunner`), so that a unit that is killed takes no worker with it.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from dubsync.engine.events import Sink
from dubsync.engine.plan import Job, Plan
from dubsync.engine.runner import EngineOpener, LocalRunner, StageLoader
from dubsync.engine.schedule import KILLED, Schedule, Summary
from dubsync.engine.store import Store, digest_of
from dubsync.engine.work import Order, Result, Workshop, order_for
from dubsync.errors import DubsyncError, MissingExtra, UsageError

log = logging.getLogger(__name__)

SCHEME = "dask://"
_WAIT_S = 30.0
"""For a scheduler to answer, and for a first worker; as long, between two units, for a last worker to come back."""


def address_of(where: str) -> str:
    """Return the address of a scheduler as Dask writes it; `where`: "dask://HOST:PORT". Raises UsageError."""
    host, colon, port = where.removeprefix(SCHEME).rpartition(":")
    if not where.startswith(SCHEME) or not host or not colon or not port.isdigit():
        raise UsageError(f'"{where}" is no place to work', hint="say dask://HOST:PORT, as `dask scheduler` prints it")
    return f"tcp://{host}:{port}"


def _distributed() -> Any:
    try:
        return import_module("distributed")
    except ModuleNotFoundError as error:
        hint = "pip install 'dubsync[cluster]'"
        raise MissingExtra(f"{SCHEME} needs the package {error.name}, which is not installed", hint=hint) from error


@dataclass
class ClusterRunner:
    """Workers on other machines, by the scheduler at `where` ("dask://HOST:PORT"). The functions are importable."""

    load_stage: StageLoader
    open_engine: EngineOpener
    where: str
    threads: int = 1
    _client: Any = field(default=None, init=False, repr=False)

    def __enter__(self) -> ClusterRunner:
        self._client = _connected(self.where)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def run(self, plan: Plan, store: Store, place: Mapping[str, Any], emit: Sink) -> Summary:
        """Run every unit that must run; what needs no worker is done here."""
        schedule = Schedule(plan, store, emit)
        here = Workshop(self.load_stage, self.open_engine)
        place = {**place, "store": store.folder, "threads": self.threads}
        began = time.monotonic()
        given: dict[Any, Job] = {}
        try:
            while schedule.advance(lambda job: here.carry_out(order_for(job, place), lambda share: None)):
                while schedule.has_waiting():
                    job = schedule.take()
                    given[self._submit(order_for(job, place), schedule)] = job
                for future in self._done(given):
                    _settle(schedule, given.pop(future), future)
        finally:
            for future in given:
                future.cancel()
        schedule.summary.seconds = time.monotonic() - began
        return schedule.summary

    def _submit(self, order: Order, schedule: Schedule) -> Any:
        """Hand out an order; two that are for one product in one store are carried out once."""
        key = f"{order.fingerprint}-{digest_of(str(order.store))[:8]}-{schedule.deaths(order.fingerprint)}"
        return self._client.submit(_carry_out, order, self.load_stage, self.open_engine, key=key, pure=False)

    def _done(self, given: Mapping[Any, Job]) -> list[Any]:
        """Wait until a unit is done; raise where nobody is left to do it."""
        distributed, seen = _distributed(), time.monotonic()
        while True:
            try:
                found: list[Any] = list(distributed.wait(list(given), timeout=1.0, return_when="FIRST_COMPLETED").done)
                return found
            except TimeoutError:
                now = time.monotonic()
                seen = now if self._client.scheduler_info(n_workers=1)["workers"] else seen
                if now - seen > _WAIT_S:
                    raise _nobody(self.where) from None


def _settle(schedule: Schedule, job: Job, future: Any) -> None:
    """Take in what came of a job; one whose process was killed waits again, once."""
    error = future.exception()
    if error is None:
        schedule.finished(job, future.result())
        return
    future.release()
    if isinstance(error, _distributed().scheduler.KilledWorker) or getattr(error, "cause", "") == KILLED:
        schedule.died(job)
    elif isinstance(error, DubsyncError):
        schedule.failed(job, error)
    else:
        raise error


def _connected(where: str) -> Any:
    distributed, address = _distributed(), address_of(where)
    try:
        client = distributed.Client(address, timeout=_WAIT_S)
    except OSError as error:
        raise UsageError(f"nobody answers at {where}", hint="start one there: dask scheduler --port PORT") from error
    try:
        client.wait_for_workers(1, timeout=_WAIT_S)
    except TimeoutError:
        client.close()
        raise _nobody(where) from None
    return client


def _nobody(where: str) -> UsageError:
    return UsageError(f"{where} has no workers", hint=f"start some: dubsync worker --on {where}")


_idle: defaultdict[tuple[StageLoader, EngineOpener], list[LocalRunner]] = defaultdict(list)
"""In a worker: child processes that wait, with the engines they have loaded, for the next unit."""


def _carry_out(order: Order, load_stage: StageLoader, open_engine: EngineOpener) -> Result:
    """What a thread of a Dask worker is told to do."""
    waiting = _idle[load_stage, open_engine]
    try:
        runner = waiting.pop()
    except IndexError:
        runner = LocalRunner(load_stage, open_engine, slots=1)
    try:
        return runner.carry_out(order)
    finally:
        waiting.append(runner)


def serve(where: str, slots: int, saying: Callable[[str], None]) -> None:
    """Be a worker of the scheduler at `where` until it goes away, with so many units at once.

    Raises UsageError when nobody answers there, MissingExtra without the extra `cluster`.
    """
    import asyncio

    distributed, address = _distributed(), address_of(where)

    async def until_done() -> None:
        # a unit's memory is in a child process, so that there is nothing for Dask to watch or spill here
        async with distributed.Worker(address, nthreads=slots, memory_limit=0, death_timeout=_WAIT_S) as worker:
            saying(f"works for {where}, {slots} at once")
            await worker.finished()

    try:
        asyncio.run(until_done())
    except (OSError, TimeoutError) as error:
        raise UsageError(f"nobody answers at {where}", hint="start one there: dask scheduler --port PORT") from error
