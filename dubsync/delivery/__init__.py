"""Finished dubs packaged for streaming services, checked by playing them back, with a receipt written last.

deliver(Path("film.mp4"), ["es"], "hls")
check(Path("film.dubsync/delivery/hls"))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dubsync import folder
from dubsync.delivery import files, receipt, specs, stems, streams
from dubsync.delivery.dubs import FinishedDub, gather
from dubsync.delivery.order import Built, Order
from dubsync.delivery.receipt import Verified
from dubsync.delivery.specs import File, Segments, Spec
from dubsync.documents import from_json, to_json
from dubsync.engine.store import digest_of
from dubsync.errors import Flag, UsageError
from dubsync.media.probe import Film
from dubsync.media.table import FrameTable
from dubsync.text.language import normal_tag
from dubsync.title import Source, Title

VERSION = 1
"""Of the packaging: raised whenever the same dub would be packaged otherwise."""


_TITLES_OWN = ("store", "runs", "edits", "out")
"""Folders of a title that hold what it is made of, and what `localize` gives out."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What was handed over. `is_new`: False where it lay there already, whole and made from the same."""

    folder: Path
    spec: str
    receipt: Mapping[str, Any]
    is_new: bool

    @property
    def flags(self) -> tuple[Flag, ...]:
        return from_json(tuple[Flag, ...], self.receipt["flags"], where=receipt.NAME)


def deliver(
    place: Path,
    languages: Sequence[str],
    spec: str,
    *,
    out: Path | None = None,
    saying: Callable[[str], None] = lambda step: None,
) -> Delivered:
    """Package finished dubs of a title as a spec says, check them, and leave a receipt.

    `place`: the film, or its title folder. `spec`: a name of `dubsync.delivery.specs`, or a .toml file. `out`: the
    folder (default: `delivery/SPEC` in the title folder). What lies there whole and made from the same is left alone.

    Raises:
        UsageError: a dub is not finished or not current; the hint has the command to run. Or `out` is the title's own.
        ConsentMissing: a right a dub was made under has ended.
        UnsupportedStream: a dub cannot be delivered as it is coded.
        IntegrityError: what was packaged does not play as the dub.
    """
    chosen = specs.load(spec)
    title = folder.known_title(place)
    home = Path(title.folder)
    out = (out or home / "delivery" / chosen.name).absolute()
    _insist_on_own_place(out, home)
    with folder.lock(home):
        dubs = gather(title, languages)
        facts = _facts(title, chosen, dubs)
        if receipt.is_current(out, facts["made_from"]):
            return Delivered(out, chosen.name, receipt.read(out), is_new=False)
        receipt.insist_on_room(out, _certain(chosen, title, dubs))
        with receipt.workplace(out) as work:
            built = _build(chosen, title, dubs, work, saying)
            found = receipt.hand_over(out, work / "files", {**facts, **_findings(built)})
    return Delivered(out, chosen.name, found, is_new=True)


def _insist_on_own_place(out: Path, home: Path) -> None:
    """Refuse to package among what the title is made of."""
    for name in _TITLES_OWN:
        if out.resolve().is_relative_to((home / name).resolve()):
            hint = "choose another folder with --out, or leave it out: the default is delivery/SPEC in the title folder"
            raise UsageError(f"{out}: {name}/ of a title folder is no place for deliveries", hint=hint)


def check(place: Path) -> Verified:
    """Hash every file of a delivery. Raises ChecksumMismatch where one is not what was delivered."""
    return receipt.verify(place)


def _build(spec: Spec, title: Title, dubs: Sequence[FinishedDub], work: Path, saying: Callable[[str], None]) -> Built:
    place = work / "files"
    place.mkdir()
    products = dubs[0].products
    source = from_json(Source, products["source"].value, where="source")
    original = Film(Path(title.film), source, FrameTable.load(products["source"].file("frames.npz")))
    spoken = source.audio[0].language or products["transcript"].value["language"]
    order = Order(title.name, dubs, original, normal_tag(spoken), place, work, saying)
    if isinstance(spec.params, Segments):
        return streams.build(spec.params, order)
    if isinstance(spec.params, File):
        return files.build(spec.params, order)
    return stems.build(spec.params, order)


def _certain(spec: Spec, title: Title, dubs: Sequence[FinishedDub]) -> list[str]:
    """Return files that will be in the package whatever else is: where they lie there already, no work is begun."""
    languages = [dub.language for dub in dubs]
    params = spec.params
    if isinstance(params, Segments):
        return [name for language in languages for name in streams.manifests_of(params, language).values()]
    if isinstance(params, File):
        return [files.file_of(title.name, language) for language in languages]
    return [stems.sums_of(language) for language in languages]


def _facts(title: Title, spec: Spec, dubs: Sequence[FinishedDub]) -> dict[str, Any]:
    """Return what a delivery is made from; no names of people, and no time, so that equal deliveries are equal."""
    facts = {
        "title": title.name,
        "film_sha256": folder.film_digest(title),
        "spec": {"name": spec.name, "sha256": spec.digest},
        "languages": {dub.language: dub.facts() for dub in dubs},
    }
    return {"made_from": digest_of({"version": VERSION, **facts}), **facts}


def _findings(built: Built) -> dict[str, Any]:
    return {
        "presentations": {language: dict(names) for language, names in built.presentations.items()},
        "checked": {each.name: each.facts() for each in built.checked},
        "flags": to_json(list(dict.fromkeys(built.flags))),
    }
