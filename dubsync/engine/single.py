"""One unit of a plan, carried out because somebody outside says so. What it needs is found in the store, never made.

Only `always` units that it rests on are asked again, as in a whole run: a consent may have ended since.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dubsync.engine.plan import Job, Plan, Step, unit_id
from dubsync.engine.stage import Axis, Product
from dubsync.engine.store import Store
from dubsync.engine.work import Result
from dubsync.errors import CorruptStore, UsageError

log = logging.getLogger(__name__)

CarryOut = Callable[[Job], Result]
_FORMS = {
    Axis.TITLE: "{0}",
    Axis.SHOT: "{0}/SHOT",
    Axis.LANGUAGE: "{0}/LANGUAGE",
    Axis.LINE: "{0}/LANGUAGE/LINE",
    Axis.TAKE: "{0}/LANGUAGE/SHOT",
}
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """A unit by its id, before it is known whether there is such a unit. `key`: of its shot or line."""

    step: Step
    language: str | None = None
    key: str | None = None


def wanted(steps: Sequence[Step], name: str) -> Wanted:
    """Return what an id names, as `plan.unit_id` gives it; raise UsageError where no step has such units."""
    stage, *rest = name.split("/")
    step = next((each for each in steps if each.name == stage), None)
    if step is None:
        known = ", ".join(each.name for each in steps)
        raise UsageError(f'no unit "{name}": the pipeline has no stage "{stage}"', hint=f"it has: {known}")
    form = _FORMS[step.stage.over].format(stage)
    if len(rest) != form.count("/") or not all(rest):
        raise UsageError(
            f'"{name}" names no unit: those of {stage} are {form}', hint="`dubsync plan --json` lists them"
        )
    language = rest.pop(0) if step.stage.over.is_per_language else None
    return Wanted(step, language, rest[0] if rest else None)


def carry_out(plan: Plan, store: Store, unit: Wanted, by: CarryOut) -> tuple[Result, Job]:
    """Make one unit, or find it made (a result of no seconds that is not new); return it with its job.

    Raises:
        UsageError: there is no such unit, or one that it needs has no product.
        CorruptStore: the product of one that it needs is damaged.
        DubsyncError: what `by` raises.
    """
    _gather(plan, store, unit, by)
    job = _job(plan, unit)
    if job.step.stage.always:
        return by(job), job
    try:
        known = store.get(job.fingerprint, job.unit)
    except CorruptStore as error:
        log.warning("%s; it is made anew", error)
        known = None
    if known is None:
        return by(job), job
    store.remember(job.step.name, job.unit, job.fingerprint, job.recipe)
    return Result(known, 0.0, is_new=False), job


def _gather(plan: Plan, store: Store, wanted: Wanted, by: CarryOut) -> None:
    """Put what the store has of all that the unit rests on into the plan."""
    before = plan.before(wanted.step)
    for step, language in plan.rows():
        if step.name not in before or language not in (None, wanted.language):
            continue
        for unit in plan.units(step, language) or ():
            job = None if plan.product(step, unit) else plan.job(step, unit)
            product = _found(store, job, by) if job else None
            if product:
                plan.add(step, product)


def _found(store: Store, job: Job, by: CarryOut) -> Product | None:
    if job.step.stage.always:
        return by(job).product
    try:
        return store.get(job.fingerprint, job.unit)
    except CorruptStore as error:
        hint = f"make it anew: dubsync work {unit_id(job.step.stage, job.unit)}"
        raise CorruptStore(error.message, hint=hint) from error


def _job(plan: Plan, wanted: Wanted) -> Job:
    step, language = wanted.step, wanted.language
    name = "/".join(word for word in (step.name, language, wanted.key) if word)
    units = plan.units(step, language)
    if units is None:
        raise _not_yet(name, (plan.named_by(step, language),))
    unit = next((each for each in units if wanted.key in (None, each.key)), None)
    if unit is None:
        raise UsageError(f"there is no unit {name} (any more)", hint="`dubsync plan --json` lists those there are")
    job = plan.job(step, unit)
    if job is None:
        raise _not_yet(name, plan.missing(step, unit))
    return job


def _not_yet(name: str, missing: Sequence[str]) -> UsageError:
    more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    verb = "is" if len(missing) == 1 else "are"
    return UsageError(
        f"{name} needs {', '.join(missing[:_SHOWN])}{more}, which {verb} not made, or not made as asked for now",
        hint=f"run first: dubsync work {missing[0]}; `dubsync plan --json` says what is ready",
    )
