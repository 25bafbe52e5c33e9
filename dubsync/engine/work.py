"""One unit of work, done in whatever process this is called in: function called, product committed."""

from __future__ import annotations

import json
import logging
import shutil
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from dubsync.engine.memory import give_back, held
from dubsync.engine.plan import Engine, Job
from dubsync.engine.stage import Context, Made, Product, Stage, Unit
from dubsync.engine.store import Store, digest_of, flags_json
from dubsync.errors import DubsyncError, PermanentError, StageFailed, TransientError

log = logging.getLogger(__name__)

_FULL_BELOW = 1 << 22
"""Bytes; with less left, whatever a library says of its own failure, the disk is full."""


@dataclass(frozen=True, slots=True)
class Order:
    """A job as it travels to a worker: names and values only, no functions."""

    stage: str
    unit: Unit
    fingerprint: str
    recipe: Mapping[str, Any]
    made: Mapping[str, tuple[Product, ...]]
    params: Any
    engines: tuple[Engine, ...]
    film: Path
    folder: Path
    store: Path
    humans: Mapping[str, Path] = field(default_factory=dict)
    deliver_to: Path | None = None
    threads: int = 1
    retries: int = 0
    is_always: bool = False


def order_for(job: Job, place: Mapping[str, Any]) -> Order:
    """Make the order for a job; `place` holds film, folder, store, humans, threads and deliveries (by language)."""
    place = dict(place)
    deliveries = place.pop("deliveries", {})
    return Order(
        stage=job.step.name,
        unit=job.unit,
        fingerprint=job.fingerprint,
        recipe=job.recipe,
        made=job.made,
        params=job.step.params,
        engines=job.step.engines,
        retries=job.step.retries,
        is_always=job.step.stage.always,
        deliver_to=deliveries.get(job.unit.language),
        **place,
    )


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an order. `is_new` is false when an `always` stage made what it made before."""

    product: Product
    seconds: float
    is_new: bool = True


class Workshop:
    """Where orders are carried out. Keeps the engines it opened while the process holds less than `memory_kept` bytes.

    With more, an order first closes those it does not need, and keeps the last `engines_kept` of its own.
    """

    def __init__(
        self,
        load_stage: Callable[[str], Stage],
        open_engine: Callable[[Engine], Any],
        *,
        engines_kept: int = 2,
        memory_kept: int = 1100 << 20,
    ) -> None:
        self._load_stage = load_stage
        self._open_engine = open_engine
        self._kept, self._memory = engines_kept, memory_kept
        self._warm: dict[str, Any] = {}

    def carry_out(self, order: Order, progress: Callable[[float], None]) -> Result:
        """Run the unit and commit its product; transient failures are tried again `retries` times."""
        attempt = 0
        self._make_room(order)
        while True:
            attempt += 1
            try:
                return self._attempt(order, progress)
            except TransientError as error:
                if attempt > order.retries:
                    raise _failed(order, attempt, error) from error
                log.warning("%s %s: %s; trying again", order.stage, order.unit.key, error)
                time.sleep(min(2.0**attempt, 30.0))
            except PermanentError as error:
                raise _failed(order, attempt, error) from error
            except DubsyncError:
                raise
            except Exception as error:
                raise _failed(order, attempt, error) from error

    def _attempt(self, order: Order, progress: Callable[[float], None]) -> Result:
        store = Store(order.store)
        stage = self._load_stage(order.stage)
        _insist_on_version(stage, order)
        began = time.monotonic()
        with store.workspace() as out:
            ctx = self._context(order, out, progress)
            value = stage.function(order.unit, Made(order.made), ctx, order.params)
            text = json.dumps(value if value is not None else {}, ensure_ascii=False, indent=1, sort_keys=True)
            (out / "product.json").write_text(text + "\n", encoding="utf-8")
            return _commit(store, order, out, ctx, time.monotonic() - began)

    def _context(self, order: Order, out: Path, progress: Callable[[float], None]) -> Context:
        return Context(
            out=out,
            film=order.film,
            folder=order.folder,
            seed=int(order.fingerprint[:16], 16),
            language=order.unit.language,
            backends={engine.kind: partial(self._engine, engine) for engine in order.engines},
            capabilities={engine.kind: engine.capabilities for engine in order.engines},
            humans=order.humans,
            deliver_to=order.deliver_to,
            progress=progress,
            make_room=self._close_all,
            threads=order.threads,
        )

    def _engine(self, engine: Engine) -> Any:
        key = _key(engine)
        opened = self._warm.pop(key, None) or self._open_engine(engine)
        self._warm[key] = opened
        self._close(list(self._warm)[: -self._kept])
        return opened

    def _make_room(self, order: Order) -> None:
        """Close what this order does not need, if the process holds too much."""
        needed = {_key(engine) for engine in order.engines}
        self._close([key for key in self._warm if key not in needed])

    def _close_all(self) -> None:
        """Close what is open, whatever the process holds; an engine that a stage still refers to lives on."""
        self._warm.clear()
        give_back()

    def _close(self, keys: Sequence[str]) -> None:
        """Close engines, the first first, until the process holds little enough."""
        for key in keys:
            if held() <= self._memory:
                return
            del self._warm[key]
            give_back()


def _insist_on_version(stage: Stage, order: Order) -> None:
    """Raise PermanentError where another version of dubsync gave the order: its product would go by a wrong name."""
    asked = order.recipe.get("version", stage.version)
    if asked != stage.version:
        raise PermanentError(
            f"{stage.name} is at version {stage.version} here, and {asked} was asked for",
            hint="install the same version of dubsync on every machine",
        )


def _key(engine: Engine) -> str:
    return digest_of([engine.name, dict(engine.identity), dict(engine.options)])


def _commit(store: Store, order: Order, out: Path, ctx: Context, seconds: float) -> Result:
    manifest = {
        "stage": order.stage,
        "recipe": order.recipe,
        "seed": ctx.seed,
        "seconds": round(seconds, 3),
        "flags": flags_json(ctx.flags),
    }
    key, is_new = order.fingerprint, True
    if order.is_always:
        key = _key_by_content(order, out, ctx)
        known = store.get(key, order.unit)
        if known:
            return Result(known, seconds, is_new=False)
    store.commit(key, out, manifest)
    store.remember(order.stage, order.unit, key, order.recipe)
    product = store.get(key, order.unit)
    assert product is not None, "a product was committed and is not there"
    return Result(product, seconds, is_new)


def _key_by_content(order: Order, out: Path, ctx: Context) -> str:
    """Return where an `always` product goes: an equal result is the same product, so the wave stops."""
    product = (out / "product.json").read_text(encoding="utf-8")
    return digest_of([order.fingerprint, product, flags_json(ctx.flags)])


def _failed(order: Order, attempts: int, cause: BaseException) -> StageFailed:
    log.debug("%s", "".join(traceback.format_exception(cause)))
    where = f"{order.stage} {order.unit.language + ' ' if order.unit.language else ''}{order.unit.key}"
    reason = f"{cause}" if isinstance(cause, DubsyncError) else f"{type(cause).__name__}: {cause}"
    hint = getattr(cause, "hint", "") or "what was made is kept; run again to go on, --debug shows the traceback"
    if not isinstance(cause, DubsyncError) and shutil.disk_usage(order.store).free < _FULL_BELOW:
        reason = f"the disk is full ({reason})"
        hint = f"free some room for {order.store} or choose another place with --folder; what was made is kept"
    return StageFailed(
        f"{order.film.name}: {where} failed: {reason}",
        title=order.film.stem,
        stage=order.stage,
        unit=order.unit.key,
        attempts=attempts,
        cause="".join(traceback.format_exception(cause)),
        hint=hint,
    )
