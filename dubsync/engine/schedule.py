"""What of a plan is done, waiting and in flight. Knows nothing of processes: runners ask it what is next."""

from __future__ import annotations

import heapq
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dubsync.engine.events import Event, Sink
from dubsync.engine.plan import Job, Plan, Step
from dubsync.engine.stage import Product, Unit
from dubsync.engine.store import Store
from dubsync.engine.work import Result
from dubsync.errors import CorruptStore, DubsyncError, StageFailed

log = logging.getLogger(__name__)

_DEATHS_ALLOWED = 1
KILLED = "killed"
"""The cause that a StageFailed of `killed` names."""


@dataclass
class Summary:
    """What a run came to. `seconds_by_stage`: of working time, summed over units."""

    ran: int = 0
    reused: int = 0
    seconds: float = 0.0
    seconds_by_stage: dict[str, float] = field(default_factory=dict)


class Schedule:
    """What is done, waiting and in flight. Knows nothing of processes."""

    def __init__(self, plan: Plan, store: Store, emit: Sink) -> None:
        self.plan, self.store, self.emit = plan, store, emit
        self.summary = Summary()
        self._closed = plan.rows()
        self._remaining: dict[tuple[str, str | None], int] = {}
        self._waiting: list[tuple[int, int, Job]] = []
        self.in_flight: dict[str, Job] = {}
        """Jobs at work, by fingerprint."""
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
        return bool(self._waiting or self.in_flight or self._closed)

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
                self._begin(job)
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
        self._begin(job)
        return job

    def _begin(self, job: Job) -> None:
        self.in_flight[job.fingerprint] = job
        self._emit("started", job)

    def progressed(self, job: Job, share: float) -> None:
        self._emit("progress", job, share=share)

    def finished(self, job: Job, result: Result) -> None:
        del self.in_flight[job.fingerprint]
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

    def deaths(self, fingerprint: str) -> int:
        """Return how often a worker was killed over a unit."""
        return self._deaths.get(fingerprint, 0)

    def died(self, job: Job) -> None:
        """A worker was killed: its unit waits again, once."""
        del self.in_flight[job.fingerprint]
        deaths = self._deaths[job.fingerprint] = self._deaths.get(job.fingerprint, 0) + 1
        if deaths > _DEATHS_ALLOWED:
            self._emit("failed", job, message="its worker was killed")
            raise killed(job.step.name, job.unit, self.plan.setting.film, deaths)
        self._emit("retried", job, message="its worker was killed")
        heapq.heappush(self._waiting, (self._order[job.step.name, job.unit.language], -1, job))

    def _emit(self, kind: str, job: Job, **facts: Any) -> None:
        self.emit(Event(kind, job.step.name, job.unit.key, job.unit.language, **facts))


def killed(stage: str, unit: Unit, film: Path, times: int) -> StageFailed:
    """Return the error for a unit whose worker was killed so many times."""
    how_often = f" {times} times" if times > 1 else ""
    return StageFailed(
        f"{stage} {unit.key}: its worker process was killed{how_often}",
        title=film.stem,
        stage=stage,
        unit=unit.key,
        attempts=times,
        cause=KILLED,
        hint="memory may have run out: look at the system log, use fewer slots (--slots 1)",
    )
