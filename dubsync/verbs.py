"""The main verb and its relatives: localize, plan, status, check, explain. The command line is these, plus printing."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubsync import documents, folder, scripts, stages
from dubsync.backends import registry
from dubsync.engine import plan as planning
from dubsync.engine.cluster import ClusterRunner
from dubsync.engine.events import Event, JsonLines, Sink
from dubsync.engine.plan import Forecast, Plan, Setting
from dubsync.engine.runner import LocalRunner, Runner
from dubsync.engine.schedule import Summary
from dubsync.engine.stage import Product
from dubsync.engine.store import Store, make_writable
from dubsync.errors import Flag, UsageError
from dubsync.pipeline import Pipeline
from dubsync.title import Dub, Title
from dubsync.wishes import Chosen, Wish, choose, last_wish, noted, prepare, run_folder

if TYPE_CHECKING:
    from dubsync.rights.verify import Testimony

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Localized:
    """What came of it."""

    title: Title
    dubs: tuple[Dub, ...]
    summary: Summary

    @property
    def flags(self) -> tuple[Flag, ...]:
        return tuple(dict.fromkeys(flag for dub in self.dubs for flag in dub.flags))


def quiet(event: Event) -> None:
    """Receive events and do nothing."""


def localize(
    film: Path,
    languages: Sequence[str],
    wish: Wish | None = None,
    *,
    sink: Sink = quiet,
    fetching: Callable[[str, int, int], None] = lambda name, done, total: None,
    runner: Runner | None = None,
) -> Localized:
    """Make the film in other languages; what was made before and still holds is used again.

    `sink` receives what happens; `fetching` the progress (name, bytes, of bytes) of weights on their way; `runner`
    carries the work out (default: one of `local_runner`, for this film alone).
    Raises the errors of `dubsync.errors`; whatever was finished by then is kept.
    """
    wish = wish or Wish()
    chosen = prepare(languages, wish, fetching)
    title = folder.open_title(film, folder=wish.folder)
    deliveries = chosen.deliveries(wish)
    for delivery in deliveries.values():
        make_writable(delivery)
    home = Path(title.folder)
    with folder.lock(home):
        title = folder.add_languages(title, chosen.languages)
        _bring(title, chosen, wish)
        store = Store(home / "store")
        store.sweep()
        plan = plan_for(title, chosen, wish)
        run = run_folder(home)
        documents.save(run / "wish.json", noted(chosen, wish))
        notes = JsonLines(run / "events.jsonl")
        try:
            place = {"film": Path(title.film), "folder": home, "humans": plan.setting.humans}
            with nullcontext(runner) if runner else local_runner(wish.slots) as hands:
                summary = hands.run(plan, store, {**place, "deliveries": deliveries}, _both(sink, notes))
        finally:
            notes.close()
    return Localized(
        title, tuple(_dub(plan, tag, deliveries.get(tag, home / "out" / tag)) for tag in chosen.languages), summary
    )


def local_runner(slots: int | None = None) -> LocalRunner:
    """Return workers on this machine, to be used for one film after another; close them when done."""
    return LocalRunner(stages.load, registry.open_engine, slots=slots or slots_by_default())


def runner_for(slots: int | None = None, where: str | None = None) -> LocalRunner | ClusterRunner:
    """Return workers on this machine, or those of a cluster ("dask://HOST:PORT"); use it with `with`."""
    return ClusterRunner(stages.load, registry.open_engine, where) if where else local_runner(slots)


def plan(film: Path, languages: Sequence[str], wish: Wish | None = None) -> list[Forecast]:
    """Say which units a run would carry out, and why; change nothing."""
    wish = wish or Wish()
    chosen = choose(languages, wish)
    title = folder.known_title(film, folder=wish.folder) if _is_begun(film, wish) else _imagined(film, wish)
    made = plan_for(title, chosen, wish)
    return planning.forecast(made, Store(Path(title.folder) / "store"))


@dataclass(frozen=True, slots=True)
class Status:
    """How far a language has come: units made of units known, and what it was flagged with."""

    language: str
    made: int
    known: int
    waiting: tuple[str, ...]
    flags: tuple[Flag, ...]


def status(place: Path) -> list[Status]:
    """Say how far each language of a title has come, by what was asked for last; change nothing."""
    title = folder.known_title(place)
    return [language_status(title, language) for language in title.languages]


def language_status(title: Title, language: str) -> Status:
    """Say how far a language has come, by what was asked for last; change nothing."""
    asked = as_last_asked(title, language)
    made, known = len(asked.rows) - len(asked.waiting), len(asked.rows)
    return Status(language, made, known, asked.stages_waiting, _flags(asked.plan, language))


@dataclass(frozen=True, slots=True)
class Asked:
    """A language of a title as it was asked for last: what the run would be, and what is made of it."""

    wish: Wish
    pipeline: Pipeline
    plan: Plan
    rows: tuple[Forecast, ...]

    @property
    def waiting(self) -> tuple[Forecast, ...]:
        """What is not made, or not made as it is asked for now."""
        return tuple(row for row in self.rows if row.runs and row.why != planning.ASKED_EACH_TIME)

    @property
    def stages_waiting(self) -> tuple[str, ...]:
        """The stages of what is waiting, in the pipeline's order."""
        return tuple(dict.fromkeys(row.stage for row in self.waiting))


def as_last_asked(title: Title, language: str) -> Asked:
    """Look at a language of a title; change nothing."""
    wish = last_wish(Path(title.folder), language)
    chosen = choose([language], wish)
    made = plan_for(title, chosen, wish)
    rows = planning.forecast(made, Store(Path(title.folder) / "store"))
    return Asked(wish, chosen.pipeline, made, tuple(rows))


def check(place: Path) -> int:
    """Hash the film and every product of a title; return how many products are sound. Raises IntegrityError."""
    title = folder.known_title(place)
    folder.insist_on_film(title)
    return Store(Path(title.folder) / "store").verify()


def verify(media: Path, *, title: Path | None = None) -> Testimony:
    """Return what a film or sound file says of itself: tags, watermark, C2PA. Raises InputError.

    `title`: a title's film or folder; whether the watermark is that of one of its dubs is said too.
    """
    from dubsync.rights.verify import look_through

    return look_through(media, known=_marks(title) if title else None)


def _marks(place: Path) -> dict[str, str]:
    """Return the language of each dub in a title folder by the identity that its watermark carries."""
    store = Store(Path(folder.known_title(place).folder) / "store")
    mixes = [(fingerprint, each) for fingerprint, each in store.products() if each["stage"] == "mix"]
    found = {}
    for fingerprint, manifest in mixes:
        mark = json.loads((store.path(fingerprint) / "product.json").read_text(encoding="utf-8")).get("mark")
        if mark:
            found[str(mark["id"])] = str(manifest["recipe"]["unit"]["language"])
    return found


def explain(place: Path, words: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the manifests of a title's newest products; `words` narrow it to stages, languages, units or flags."""
    store = Store(Path(folder.known_title(place).folder) / "store")
    newest = store.remembered()
    found = []
    for fingerprint, manifest in store.products():
        unit = manifest["recipe"]["unit"]
        names = {manifest["stage"], unit["key"], unit["language"], *(flag["code"] for flag in manifest["flags"])}
        if fingerprint in newest and all(word in names for word in words):
            found.append({"fingerprint": fingerprint, **manifest})
    return sorted(found, key=lambda manifest: (manifest["stage"], str(manifest["recipe"]["unit"]["language"])))


def gc(place: Path) -> tuple[int, int]:
    """Remove products that no newest product is; return (products removed, bytes freed)."""
    title = folder.known_title(place)
    store = Store(Path(title.folder) / "store")
    with folder.lock(Path(title.folder)):
        newest = store.remembered()
        old = [fingerprint for fingerprint, _ in store.products() if fingerprint not in newest]
        freed = sum(path.stat().st_size for each in old for path in store.path(each).rglob("*") if path.is_file())
        for fingerprint in old:
            store.discard(fingerprint)
    return len(old), freed


def slots_by_default() -> int:
    """Return how many workers run at once: one per processor this process may use."""
    return max(1, len(os.sched_getaffinity(0)))


def _bring(title: Title, chosen: Chosen, wish: Wish) -> None:
    """Put what people bring into the title folder, where it stays."""
    home = Path(title.folder)
    if wish.transcript:
        scripts.bring_transcript(home, wish.transcript)
    if wish.me:
        folder.bring(wish.me, home / "me.wav")
    for option, file in (("--script", wish.script), ("--recorded", wish.recorded)):
        if file and len(chosen.languages) > 1:
            raise UsageError(f"{option} is in one language, but several were asked for", hint="run them one by one")
    if wish.recorded:
        from dubsync import recordings  # it loads what reads sound

        known = scripts.line_ids(home, chosen.languages[0])
        recordings.bring(home, chosen.languages[0], wish.recorded, known)
    if wish.script and _works_from_script(chosen.pipeline):
        scripts.bring_script(home, chosen.languages[0], wish.script)
    elif wish.script:
        scripts.import_script(home, chosen.languages[0], wish.script, who=wish.script.name)


def _works_from_script(chosen: Pipeline) -> bool:
    return any(registry.capabilities(engine.name).scripted for engine in chosen.engines())


def plan_for(title: Title, chosen: Chosen, wish: Wish) -> Plan:
    """Return the plan of what is asked for; nothing has been looked for in the store yet."""
    home = Path(title.folder)
    setting = Setting(
        film=Path(title.film),
        film_sha256=folder.film_digest(title) if (home / "title.json").is_file() else "",
        folder=home,
        languages=chosen.languages,
        expansions=stages.EXPANSIONS,
        humans=folder.humans(title, consent=wish.consent, bank=wish.bank),
    )
    return Plan(chosen.pipeline.steps, setting)


def _is_begun(film: Path, wish: Wish) -> bool:
    return ((wish.folder or folder.place_of(film)) / "title.json").is_file()


def _imagined(film: Path, wish: Wish) -> Title:
    """Return a title that does not exist yet, so that it can be planned without writing anything."""
    from dubsync.media.probe import probe

    probe(film)
    home = wish.folder or folder.place_of(film)
    return Title(film.stem, str(film.resolve()), str(home.absolute()))


def _both(one: Sink, other: Sink) -> Sink:
    def send(event: Event) -> None:
        one(event)
        other(event)

    return send


def _dub(made: Plan, language: str, place: Path) -> Dub:
    """Gather what was delivered for a language."""
    product = made.products.get(("deliver", language, language))
    files = [place / name for name in product.value["files"]] if product else []
    found = {path.suffix: str(path) for path in files}
    video = next((str(path) for path in files if path.suffix in (".mp4", ".mov", ".m4v", ".mkv", ".webm")), None)
    subtitles = tuple(str(path) for path in files if path.suffix in (".srt", ".vtt"))
    return Dub(language, video, subtitles, found.get(".json"), _flags(made, language))


def _flags(made: Plan, language: str) -> tuple[Flag, ...]:
    products: list[Product] = [
        product for (_, tag, _), product in made.products.items() if tag is None or tag == language
    ]
    return tuple(dict.fromkeys(flag for product in products for flag in product.flags))
