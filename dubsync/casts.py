"""The cast of a series: voices of a finished title kept in a bank, shown, forgotten. Nothing else writes a bank."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dubsync import folder
from dubsync.audio import bank
from dubsync.engine.stage import Product, Unit
from dubsync.engine.store import Store
from dubsync.errors import InputError, UsageError
from dubsync.stages import _bank
from dubsync.text.language import normal_tag


@dataclass(frozen=True, slots=True)
class Report:
    """Whose voices were kept, and who has one already, which stays unless it is to be replaced."""

    kept: tuple[str, ...]
    there_already: tuple[str, ...]


def keep(place: Path, language: str, file: Path, *, speakers: Sequence[str] = (), replace: bool = False) -> Report:
    """Put the voices of a title's speakers into a bank, each under the person who allowed it.

    `speakers`: ids or names, none for everybody. A voice is kept under the name in the consent record.

    Raises:
        InputError: the title has no cast in this language yet.
        UsageError: nobody allowed a voice, or one person is several speakers.
    """
    title = folder.known_title(place)
    home, tag = Path(title.folder), normal_tag(language)
    casting, rights = (_product(home, stage, Unit(tag, tag)) for stage in ("casting", "rights"))
    if casting is None or rights is None:
        raise InputError(
            f"{title.name} has no {tag} cast yet", hint=f"run `dubsync localize {place} --lang {tag}` first"
        )
    people = _bank.people_of(rights.value)
    wanted = _wanted(home, speakers, people)
    engine = _engine(home, tag)
    held = {one.key: one for one in bank.load(file)}
    kept, there = [], []
    for speaker in wanted:
        row = casting.value["voices"][speaker]
        made = bank.Kept(people[speaker], tag, engine, title.name, _arrays(casting, speaker), row["similarity"])
        if made.key in held and not replace:
            there.append(made.person)
        else:
            held[made.key] = made
            kept.append(made.person)
    if kept:
        bank.save(file, held.values())
    return Report(tuple(kept), tuple(there))


def show(file: Path) -> tuple[bank.Kept, ...]:
    """Return what a bank holds."""
    if not file.is_file():
        raise InputError(f"{file}: there is no such bank", hint="`dubsync cast keep` makes one")
    return bank.load(file)


def forget(file: Path, person: str) -> int:
    """Erase all voices of a person from a bank; return how many there were."""
    held = show(file)
    left = [kept for kept in held if kept.person != person]
    if len(left) == len(held):
        names = ", ".join(sorted({kept.person for kept in held})) or "nobody"
        raise UsageError(f"{file.name} holds no voice of {person!r}", hint=f"it holds {names}")
    bank.save(file, left)
    return len(held) - len(left)


def _wanted(home: Path, speakers: Sequence[str], people: dict[str, str]) -> list[str]:
    ids = _ids(home)
    for name in speakers:
        if ids.get(name) not in people:
            known = ", ".join(name for name, speaker in sorted(ids.items()) if speaker in people) or "nobody"
            raise UsageError(f"no voice of {name!r} was allowed and cast", hint=f"there is {known}")
    wanted = [ids[name] for name in speakers] or list(people)
    if not wanted:
        raise UsageError("nobody's voice was allowed, so there is none to keep")
    person, count = Counter(people[speaker] for speaker in wanted).most_common(1)[0]
    if count > 1:
        raise UsageError(f"{count} speakers are {person} by the consent record", hint="say which with --speaker")
    return wanted


def _ids(home: Path) -> dict[str, str]:
    """Return ids of speakers by name and by id."""
    product = _product(home, "speakers", Unit("title"))
    people = product.value["speakers"] if product else []
    return (
        {one["name"]: one["id"] for one in people} | {one["id"]: one["id"] for one in people} | {"unknown": "unknown"}
    )


def _engine(home: Path, tag: str) -> str:
    """Return name and version of the engine that the cast belongs to."""
    last = Store(home / "store").last("casting", Unit(tag, tag))
    assert last is not None, "there is a product of it"
    engine = last["recipe"]["engines"]["voice"]
    return f"{engine['name']} {engine['version']}"


def _arrays(casting: Product, speaker: str) -> bank.Voice:
    with np.load(casting.file(f"{speaker}.npz"), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _product(home: Path, stage: str, unit: Unit) -> Product | None:
    """Return a unit's newest product."""
    store = Store(home / "store")
    last = store.last(stage, unit)
    return store.get(last["fingerprint"], unit) if last else None


def as_json(held: Sequence[bank.Kept]) -> str:
    """Return a bank's contents, without the voices themselves, as JSON."""
    facts = ("person", "language", "engine", "title", "similarity")
    return json.dumps({"voices": [{name: getattr(kept, name) for name in facts} for kept in held]}, ensure_ascii=False)
