"""What happens during a run, as small values; bars, log files and streams are sinks that receive them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO


@dataclass(frozen=True, slots=True)
class Event:
    """`kind`: planned, reused, started, progress, finished, failed, retried, discarded.

    `share`: of the unit done, 0 to 1. `seconds`: the unit took. `total`: units of this stage known by now.
    """

    kind: str
    stage: str
    unit: str
    language: str | None = None
    share: float = 0.0
    seconds: float = 0.0
    total: int = 0
    message: str = ""


Sink = Callable[[Event], None]


class JsonLines:
    """A sink that appends every event but progress to a file, one JSON object a line."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = path.open("a", encoding="utf-8")

    def __call__(self, event: Event) -> None:
        if event.kind == "progress":
            return
        self._file.write(json.dumps({"time": round(time.time(), 3), **asdict(event)}, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()
