"""What is drawn of a run: how far each stage is, and how long it still takes."""

from __future__ import annotations

import pytest

from dubsync.cli.progress import Bars
from dubsync.engine.events import Event


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_an_earlier_run_had_made_does_not_shorten_the_time_left() -> None:
    clock = Clock()
    bars = Bars(is_quiet=True, now=clock)
    bars(Event("planned", "faces", "", total=100))
    for unit in range(60):
        bars(Event("reused", "faces", str(unit)))
    bars(Event("started", "faces", "60"))
    assert bars.left("faces") is None
    clock.now = 5.0
    bars(Event("progress", "faces", "60", share=0.5))
    assert bars.left("faces") == pytest.approx(39.5 * 10)
    clock.now = 10.0
    bars(Event("finished", "faces", "60", seconds=10.0))
    assert bars.left("faces") == pytest.approx(39 * 10)


def test_a_stage_that_was_made_already_has_no_time_left() -> None:
    bars = Bars(is_quiet=True, now=Clock())
    bars(Event("planned", "mix", "", language="es", total=1))
    bars(Event("reused", "mix", "film", language="es"))
    assert bars.left("mix", "es") == 0
