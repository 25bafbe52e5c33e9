"""Single units of a title, each on whatever machine shares its folder: the seam for Slurm, a render farm, a shell loop.

What there is to do is said by `plan`; what was done lies in the store, so nothing has to be told to anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dubsync import folder, pipeline
from dubsync.engine import single
from dubsync.engine.events import Event, Sink
from dubsync.engine.plan import Job, unit_id
from dubsync.engine.runner import LocalRunner
from dubsync.engine.single import Wanted
from dubsync.engine.store import Store, make_writable
from dubsync.engine.work import Result, order_for
from dubsync.errors import Flag, UsageError
from dubsync.text.language import normal_tag
from dubsync.title import Title
from dubsync.verbs import local_runner, plan_for, quiet
from dubsync.wishes import Chosen, Wish, check_languages, have_at_hand, note


@dataclass(frozen=True, slots=True)
class UnitDone:
    """What came of a unit. `is_new`: it ran, and what it made was not there before."""

    id: str
    is_new: bool
    seconds: float
    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True)
class Worked:
    """What came of all of them."""

    title: Title
    units: tuple[UnitDone, ...]


def work(
    film: Path,
    units: Sequence[str],
    wish: Wish | None = None,
    *,
    sink: Sink = quiet,
    fetching: Callable[[str, int, int], None] = lambda name, done, total: None,
    runner: LocalRunner | None = None,
) -> Worked:
    """Make single units of a title, one after another; one that is made already is used again.

    `units`: ids, as `plan` says them ("stems", "voice/es/LINE"). Of `wish` count pipeline, settings, consent, bank,
    folder, out and offline: every machine must be told the same. The title folder is shared with other machines, but
    with no `localize`, which would take the work of all for itself.
    Raises the errors of `dubsync.errors`; units that were finished by then are kept.
    """
    wish = wish or Wish()
    asked = pipeline.load(wish.pipeline, settings=wish.settings)
    wanted = [_normal(single.wanted(asked.steps, name)) for name in units]
    chosen = Chosen(asked, tuple(dict.fromkeys(each.language for each in wanted if each.language)))
    if wish.out and len(chosen.languages) > 1:
        raise UsageError("--out is the folder of one language, but several were named", hint="name them one by one")
    check_languages(asked, chosen.languages)
    have_at_hand(replace(asked, steps=tuple({each.step.name: each.step for each in wanted}.values())), wish, fetching)
    title = folder.open_title(film, folder=wish.folder)
    for place in chosen.deliveries(wish).values():
        make_writable(place)
    home = Path(title.folder)
    with folder.lock(home, is_shared=True):
        title = folder.add_languages(title, chosen.languages)
        note(home, chosen, wish)
        with nullcontext(runner) if runner else local_runner(1) as hands:
            done = tuple(_made(title, chosen, wish, wanted, _Watched(hands, sink)))
    return Worked(title, done)


def _made(title: Title, chosen: Chosen, wish: Wish, wanted: Sequence[Wanted], by: _Watched) -> Iterator[UnitDone]:
    home, store = Path(title.folder), Store(Path(title.folder) / "store")
    plan = plan_for(title, chosen, wish)
    place = {"film": Path(title.film), "folder": home, "humans": plan.setting.humans, "store": store.folder}
    place |= {"deliveries": chosen.deliveries(wish), "threads": by.hands.threads}
    for unit in wanted:
        result, job = single.carry_out(plan, store, unit, lambda each: by.carry_out(each, place))
        plan.add(job.step, result.product)
        by.tell("finished" if result.is_new else "reused", job, seconds=result.seconds, share=1.0)
        yield UnitDone(unit_id(job.step.stage, job.unit), result.is_new, result.seconds, result.product.flags)


@dataclass(frozen=True, slots=True)
class _Watched:
    """Hands whose work is told to a sink."""

    hands: LocalRunner
    sink: Sink

    def tell(self, kind: str, job: Job, **facts: Any) -> None:
        self.sink(Event(kind, job.step.name, job.unit.key, job.unit.language, **facts))

    def carry_out(self, job: Job, place: Mapping[str, Any]) -> Result:
        self.tell("started", job)
        return self.hands.carry_out(order_for(job, place), lambda share: self.tell("progress", job, share=share))


def _normal(unit: Wanted) -> Wanted:
    return replace(unit, language=normal_tag(unit.language)) if unit.language else unit
