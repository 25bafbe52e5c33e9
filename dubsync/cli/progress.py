"""A sink that draws what happens: one bar per stage, units done of units known, and the time left."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from dubsync.engine.events import Event


class Bars:
    """Draws on stderr, so that stdout stays clean; on a terminal bars, else one line per finished stage.

    `now`: a clock, in seconds.
    """

    def __init__(self, *, is_quiet: bool = False, now: Callable[[], float] = time.monotonic) -> None:
        console = Console(stderr=True, quiet=is_quiet)
        self._is_live = console.is_terminal
        self._console = console
        columns = (
            TextColumn("{task.description:<22}"),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[units]:>9}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            _Left(self._left_of),
        )
        self._now = now
        self._progress = Progress(*columns, console=console, disable=is_quiet or not self._is_live)
        self._rows: dict[tuple[str, str | None], _Row] = {}
        self._weights: dict[str, TaskID] = {}

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        row = self._row(event)
        if event.kind == "started" and row.began is None:
            row.began = self._now()
        elif event.kind == "planned":
            row.total = max(row.total, event.total)
        elif event.kind == "progress":
            row.shares[event.unit] = event.share
        elif event.kind in ("finished", "reused"):
            row.done += 1
            row.reused += event.kind == "reused"
            row.seconds += event.seconds
            row.shares.pop(event.unit, None)
        elif event.kind in ("retried", "discarded"):
            self._console.print(f"{event.stage} {event.unit}: {event.kind}: {event.message}")
        self._draw(row)

    def fetching(self, name: str, done: int, total: int) -> None:
        """Draw weights on their way."""
        if name not in self._weights:
            self._weights[name] = self._progress.add_task(f"weights {name}", total=total, units="")
            if not self._is_live:
                self._console.print(f"fetching the weights {name} ({total / 1e6:.0f} MB)")
        self._progress.update(self._weights[name], completed=done, total=total, units=f"{done / 1e6:.0f} MB")

    def left(self, stage: str, language: str | None = None) -> float | None:
        """Return the seconds that a stage still takes at the pace of this run; None until something of it was made."""
        row = self._rows[stage, language]
        return row.left(self._now())

    def _left_of(self, task: Task) -> float | None:
        row = next((row for row in self._rows.values() if row.task == task.id), None)
        return task.time_remaining if row is None else row.left(self._now())

    def _row(self, event: Event) -> _Row:
        key = (event.stage, event.language)
        if key not in self._rows:
            name = f"{event.stage} {event.language}" if event.language else event.stage
            self._rows[key] = _Row(name, self._progress.add_task(name, total=1, units=""))
        return self._rows[key]

    def _draw(self, row: _Row) -> None:
        total = max(row.total, 1)
        self._progress.update(row.task, completed=row.completed, total=total, units=f"{row.done}/{total}")
        if row.done == total and not self._is_live and not row.is_told:
            row.is_told = True
            how = "made already" if row.reused == total else f"{row.seconds:.1f} s"
            self._console.print(f"{row.name:<22} {row.done:>4} done   {how}")


class _Row:
    """A stage as it is drawn."""

    def __init__(self, name: str, task: TaskID) -> None:
        self.name, self.task = name, task
        self.total = self.done = self.reused = 0
        self.seconds = 0.0
        self.shares: dict[str, float] = {}
        self.began: float | None = None
        self.is_told = False

    @property
    def completed(self) -> float:
        return self.done + sum(self.shares.values())

    def left(self, now: float) -> float | None:
        """Return seconds. What an earlier run had made says nothing of the pace of this one."""
        missing, made = max(self.total, 1) - self.completed, self.completed - self.reused
        if missing <= 0:
            return 0.0
        if self.began is None or made <= 0:
            return None
        return (now - self.began) * missing / made


class _Left(ProgressColumn):
    """The time left, as `left` says."""

    max_refresh = 0.5

    def __init__(self, left: Callable[[Task], float | None]) -> None:
        super().__init__()
        self._left = left

    def render(self, task: Task) -> Text:
        seconds = self._left(task)
        told = "--:--" if seconds is None else str(timedelta(seconds=round(seconds)))
        return Text(told, style="progress.remaining")
