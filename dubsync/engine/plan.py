"""Which units there are, what each is made from, and which must run. Reads the store, changes nothing.

A pipeline is resolved into steps. A step becomes units when the product that names its shots or lines exists.
A unit's recipe is everything its result depends on; the SHA-256 of the recipe is its fingerprint.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dubsync.engine.stage import Axis, Product, Stage, Unit
from dubsync.engine.store import Store, digest_of, sha256
from dubsync.errors import CorruptStore

TITLE_KEY = "title"
ASKED_EACH_TIME = "it is asked each time"


@dataclass(frozen=True, slots=True)
class Engine:
    """A backend as a step names it. `identity`: version and weights, part of every recipe that uses it.

    `fallback`: the one that the pipeline names for what this one cannot do; its identity is in `identity` too.
    `capabilities`: what the backend says of itself, for stages that decide by it without opening the engine.
    """

    kind: str
    name: str
    identity: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    fallback: Engine | None = None
    capabilities: Any = None


@dataclass(frozen=True, slots=True)
class Expansion:
    """Where an axis gets its units: `items` of the value of stage `of`, each with an `id`."""

    of: str
    items: str


@dataclass(frozen=True, slots=True)
class Step:
    """A stage with its resolved parameters and engines."""

    stage: Stage
    params: Any = None
    engines: tuple[Engine, ...] = ()
    retries: int = 0

    @property
    def name(self) -> str:
        return self.stage.name


@dataclass(frozen=True, slots=True)
class Job:
    """A unit that is ready to run: everything a worker needs to know."""

    step: Step
    unit: Unit
    fingerprint: str
    recipe: Mapping[str, Any]
    made: Mapping[str, tuple[Product, ...]]


@dataclass(frozen=True)
class Setting:
    """The title a plan is for. `humans`: people's files by the name stages know them by."""

    film: Path
    film_sha256: str
    folder: Path
    languages: tuple[str, ...]
    expansions: Mapping[Axis, Expansion]
    humans: Mapping[str, Path] = field(default_factory=dict)

    def human(self, name: str) -> Path:
        return self.humans.get(name, self.folder / name)


class Plan:
    """The units of a pipeline, and the products found or made so far."""

    def __init__(self, steps: Sequence[Step], setting: Setting) -> None:
        self.steps = tuple(steps)
        self.setting = setting
        self._by_name = {step.name: step for step in steps}
        self.products: dict[tuple[str, str | None, str], Product] = {}

    def rows(self) -> list[tuple[Step, str | None]]:
        """Return every step, once per language where it is repeated, in the pipeline's order."""
        rows: list[tuple[Step, str | None]] = []
        for step in self.steps:
            rows += (
                [(step, tag) for tag in self.setting.languages] if step.stage.over.is_per_language else [(step, None)]
            )
        return rows

    def units(self, step: Step, language: str | None) -> tuple[Unit, ...] | None:
        """Return the step's units, or None while the product that names them is not there."""
        over = step.stage.over
        if over not in self.setting.expansions:
            return (Unit(language or TITLE_KEY, language),)
        expansion = self.setting.expansions[over]
        parent_language = language if self._by_name[expansion.of].stage.over.is_per_language else None
        parent = self.products.get((expansion.of, parent_language, parent_language or TITLE_KEY))
        if parent is None:
            return None
        return tuple(Unit(item["id"], language, item) for item in parent.value[expansion.items])

    def product(self, step: Step, unit: Unit) -> Product | None:
        return self.products.get((step.name, unit.language, unit.key))

    def add(self, step: Step, product: Product) -> None:
        self.products[step.name, product.unit.language, product.unit.key] = product

    def needs(self, step: Step) -> tuple[str, ...]:
        """Return the stages that must be complete before the step's units are known and can run."""
        expansion = self.setting.expansions.get(step.stage.over)
        return self._inputs(step.stage) + ((expansion.of,) if expansion else ())

    def made(self, step: Step, unit: Unit) -> dict[str, tuple[Product, ...]] | None:
        """Return the products the unit may use, or None while one is missing."""
        made: dict[str, tuple[Product, ...]] = {}
        for need in self._inputs(step.stage):
            found = self._found(self._by_name[need], step.stage, unit)
            if found is None:
                return None
            made[need] = found
        return made

    def missing(self, step: Step, unit: Unit) -> tuple[str, ...]:
        """Return the ids of the units that must run before this one; of those not known yet, what names them."""
        found: list[str] = []
        for need in self._inputs(step.stage):
            needed = self._by_name[need]
            language = unit.language if needed.stage.over.is_per_language else None
            units = self._units_for(needed, step.stage, unit)
            if units is None:
                found.append(self.named_by(needed, language))
            else:
                found += [unit_id(needed.stage, each) for each in units if not self.product(needed, each)]
        return tuple(dict.fromkeys(found))

    def named_by(self, step: Step, language: str | None) -> str:
        """Return the id of the unit whose product names the units of a step."""
        parent = self._by_name[self.setting.expansions[step.stage.over].of]
        tag = language if parent.stage.over.is_per_language else None
        return unit_id(parent.stage, Unit(tag or TITLE_KEY, tag))

    def before(self, step: Step) -> set[str]:
        """Return the names of all stages that must be complete, at any remove, before the step can run."""
        found: set[str] = set()
        open_steps = [step]
        while open_steps:
            new = set(self.needs(open_steps.pop())) - found
            found |= new
            open_steps += [self._by_name[name] for name in new]
        return found

    def step(self, name: str) -> Step | None:
        """Return the step of a stage, None where the pipeline has no such stage."""
        return self._by_name.get(name)

    def _inputs(self, stage: Stage) -> tuple[str, ...]:
        return stage.needs + tuple(name for name in stage.optional if name in self._by_name)

    def _found(self, needed: Step, by: Stage, unit: Unit) -> tuple[Product, ...] | None:
        units = self._units_for(needed, by, unit)
        if units is None:
            return None
        products = [self.product(needed, each) for each in units]
        return tuple(product for product in products if product) if all(products) else None

    def _units_for(self, needed: Step, by: Stage, unit: Unit) -> tuple[Unit, ...] | None:
        """Return the units of a step that a unit may use the products of, or None while they are not known."""
        units = self.units(needed, unit.language if needed.stage.over.is_per_language else None)
        if units is not None and _share_items(needed.stage.over, by.over):
            return tuple(each for each in units if each.key == unit.key)
        return units

    def job(self, step: Step, unit: Unit) -> Job | None:
        """Return the unit with its fingerprint, or None while something it needs is missing."""
        made = self.made(step, unit)
        if made is None:
            return None
        recipe = self._recipe(step, unit, made)
        return Job(step, unit, digest_of(recipe), recipe, made)

    def _recipe(self, step: Step, unit: Unit, made: Mapping[str, tuple[Product, ...]]) -> dict[str, Any]:
        return {
            "stage": step.name,
            "version": step.stage.version,
            "unit": {"key": unit.key, "language": unit.language, "item": unit.item},
            "params": asdict(step.params) if is_dataclass(step.params) and not isinstance(step.params, type) else {},
            "engines": {engine.kind: {"name": engine.name, **engine.identity} for engine in step.engines},
            "film": None if step.stage.needs else self.setting.film_sha256,
            "reads": self._reads(step.stage, unit),
            "inputs": {name: {product.unit.key: product.digest for product in found} for name, found in made.items()},
        }

    def _reads(self, stage: Stage, unit: Unit) -> dict[str, str | None]:
        found = {name: self._read(name, unit) for name in stage.reads}
        return found | {name: read for name in stage.may_read if (read := self._read(name, unit)) is not None}

    def _read(self, name: str, unit: Unit) -> str | None:
        """Return the digest of a file, or of one table of a TOML file ("casting.toml#voices"); None: not there."""
        name, _, table = name.format(language=unit.language, unit=unit.key).partition("#")
        path = self.setting.human(name)
        if not path.is_file():
            return None
        return _table_digest(path, table) if table else sha256(path)


def unit_id(stage: Stage, unit: Unit) -> str:
    """Return how a unit is named outside: "stems", "faces/SHOT", "mix/es", "voice/es/LINE", "mouth/es/SHOT"."""
    item = () if unit.item is None else (unit.key,)
    return "/".join((stage.name, *((unit.language,) if unit.language else ()), *item))


def _table_digest(path: Path, table: str) -> str | None:
    """A file that is no TOML counts as a whole: the stage that reads it says what is wrong with it."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8")).get(table)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return sha256(path)
    return (
        None if found is None else hashlib.sha256(json.dumps(found, sort_keys=True, default=str).encode()).hexdigest()
    )


def _share_items(needed: Axis, by: Axis) -> bool:
    """Tell whether a unit over `by` sees only its own item of a stage over `needed`."""
    shots = (Axis.SHOT, Axis.TAKE)
    return (needed in shots and by in shots) or needed is by is Axis.LINE


@dataclass(frozen=True, slots=True)
class Forecast:
    """What would happen to one unit, or to a whole step whose units are not known yet (`unit` and `id` None).

    `needs`: ids of the units that must run before it.
    """

    stage: str
    language: str | None
    unit: str | None
    runs: bool
    why: str
    id: str | None = None
    needs: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Tell whether it can run now, and what comes of it is not there yet."""
        return self.id is not None and self.runs and not self.needs and self.why != ASKED_EACH_TIME


def forecast(plan: Plan, store: Store) -> list[Forecast]:
    """Say what a run would do. Units below one that must run are said to depend on it: its result may be as before."""
    found: list[Forecast] = []
    for step, language in plan.rows():
        units = plan.units(step, language)
        if units is None:
            of = plan.setting.expansions[step.stage.over].of
            reason = f"its units are named by {of}, which runs first"
            found.append(Forecast(step.name, language, None, True, reason, needs=(plan.named_by(step, language),)))
            continue
        found += [_forecast(plan, store, step, unit) for unit in units]
    return found


def _forecast(plan: Plan, store: Store, step: Step, unit: Unit) -> Forecast:
    row = partial(Forecast, step.name, unit.language, unit.key, id=unit_id(step.stage, unit))
    job = plan.job(step, unit)
    if job is None:
        missing = plan.missing(step, unit)
        return row(True, f"it needs {missing[0].partition('/')[0]}, which runs first", needs=missing)
    try:
        known = _known(store, job)
    except CorruptStore as error:
        return row(True, error.message)
    if known is None:
        return row(True, why(store.last(step.name, unit), job.recipe))
    plan.add(step, known)
    return row(True, ASKED_EACH_TIME) if step.stage.always else row(False, "made already")


def _known(store: Store, job: Job) -> Product | None:
    """Return what the job has made before; what an `always` stage makes is kept under its content."""
    if not job.step.stage.always:
        return store.get(job.fingerprint, job.unit)
    last = store.last(job.step.name, job.unit)
    return store.get(last["fingerprint"], job.unit) if last and last["recipe"] == job.recipe else None


def why(last: Mapping[str, Any] | None, recipe: Mapping[str, Any]) -> str:
    """Say in words what first differs in the recipe from that of the last product."""
    if last is None:
        return "it was never made"
    place = _first_difference(last["recipe"], recipe, "")
    return f"{_in_words(place, recipe['unit'])} changed" if place else "its product is gone from the store"


def _in_words(place: str, unit: Mapping[str, Any]) -> str:
    """Return what a person calls a field of a unit's recipe, such as "reads.consent.toml"."""
    part, _, name = place.partition(".")
    if part == "reads":
        file, _, table = name.format(language=unit["language"], unit=unit["key"]).partition("#")
        return f"[{table}] of {file}" if table else file
    first, _, rest = name.partition(".")
    words = {
        "version": "the stage's own version",
        "unit": "what it is made for",
        "params": f"the setting {name}",
        "engines": f"the {first} engine" + (f" (its {rest})" if rest else ""),
        "film": "the film",
        "inputs": f"what {first} made",
    }
    return words.get(part, place)


def _first_difference(old: Any, new: Any, place: str) -> str:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*new, *(key for key in old if key not in new)]:
            inner = _first_difference(old.get(key), new.get(key), f"{place}.{key}" if place else str(key))
            if inner:
                return inner
        return ""
    return "" if old == new else place
