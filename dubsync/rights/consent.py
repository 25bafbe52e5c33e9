"""Who allowed what: consent.toml read, checked and written.

    schema = "dubsync.consent/1"
    [[person]]
    id = "mara-voss"
    name = "Mara Voss"
    speakers = ["Mara Voss"]        # ids or names of the film's speakers; "*": all its voices are this person's
    titles = ["film"]               # names of films without their suffix, or "*"
    languages = ["es", "pt"]        # "es" covers es-419; or "*"
    voice = true
    face = true
    until = 2030-12-31              # last day; without it, until taken back
    granted_by = "Mara Voss"
    granted_on = 2026-11-01
    note = ""
    revoked_on = 2027-05-01         # the first day on which it holds no more; `consent revoke` writes it
    [person.signature]              # `consent sign` writes it (`signature.py`)
    by = "Mara Voss"
    on = 2026-11-02
    key = "..."
    value = "..."

"*" for speakers is a statement about all voices, so it is accepted only where the file names exactly one person.
Nothing here knows stages, or whether a signature fits.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import Any

from dubsync.documents import write_whole
from dubsync.errors import ConsentMissing, UsageError

SCHEMA = "dubsync.consent/1"
ANY = "*"


@dataclass(frozen=True, slots=True)
class Signature:
    """Who says to have signed a record, and when; the public key (Ed25519) and the signature, in base64."""

    by: str
    on: date
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Person:
    """One person's record. `until`: the last day it holds, None until it is taken back, which `revoked_on` tells.

    What is signed is all but the last two: to take consent back nobody needs a key.
    """

    id: str
    name: str
    speakers: tuple[str, ...]
    titles: tuple[str, ...]
    languages: tuple[str, ...]
    voice: bool
    face: bool
    granted_by: str
    granted_on: date
    until: date | None = None
    note: str = ""
    revoked_on: date | None = None
    signature: Signature | None = None

    @property
    def facts(self) -> str:
        """Return what was agreed to as JSON with sorted keys, which is signed; without a note or an end nobody gave."""
        agreed = replace(self, revoked_on=None, signature=None)
        return json.dumps(_as_table(agreed), sort_keys=True, default=str)

    @property
    def digest(self) -> str:
        """Return the start of the SHA-256 of what was agreed to, which a report can name."""
        return hashlib.sha256(self.facts.encode()).hexdigest()[:16]

    def is_in_force(self, day: date) -> bool:
        """Tell whether the record has not ended and was not taken back by that day."""
        return (self.until is None or day <= self.until) and (self.revoked_on is None or day < self.revoked_on)

    @property
    def scope(self) -> str:
        """Say in words what is allowed."""
        what = (
            " and ".join(name for name, allowed in (("voice", self.voice), ("face", self.face)) if allowed) or "nothing"
        )
        where = f"{_listed(self.titles, 'any title')} in {_listed(self.languages, 'any language')}"
        end = f"until {self.until}" if self.until else "until taken back"
        end = f"taken back on {self.revoked_on}" if self.revoked_on else end
        return f"{what}; {where}; {end}; granted by {self.granted_by} on {self.granted_on}"


def _listed(values: Sequence[str], everything: str) -> str:
    return everything if ANY in values else ", ".join(values)


@dataclass(frozen=True, slots=True)
class Use:
    """What is about to be synthesised: this speaker of this title, in this language, on this day."""

    speaker: str
    speaker_name: str
    title: str
    language: str
    day: date


@dataclass(frozen=True, slots=True)
class Grant:
    """What a speaker allows for one use. `records` are those it rests on; `refusals` say why others do not count."""

    voice: bool
    face: bool
    records: tuple[Person, ...]
    refusals: tuple[str, ...]


Doubt = Callable[[Person], str]
"""Says why a record does not count, whatever it says; "" where it does."""


def granted(people: Sequence[Person], use: Use, doubt: Doubt = lambda person: "") -> Grant:
    """Return what all records together allow for this use."""
    valid: list[Person] = []
    refusals: list[str] = []
    for person in people:
        if not ({use.speaker, use.speaker_name, ANY} & set(person.speakers)):
            continue
        if reason := doubt(person) or _refusal(person, use):
            refusals.append(f"{person.name}: {reason}")
        else:
            valid.append(person)
    voice, face = any(person.voice for person in valid), any(person.face for person in valid)
    if valid and not voice:
        refusals.append(f"{valid[0].name}: does not allow the voice")
    return Grant(voice, face, tuple(valid), tuple(refusals))


def faces_allowed(people: Sequence[Person], uses: Sequence[Use], doubt: Doubt = lambda person: "") -> dict[str, bool]:
    """Tell for each speaker whether their face may be learnt: some record allows it in some language on that day.

    The language of the uses does not matter; what a language's own dub may show is `granted`'s to say.
    """
    found = {}
    for use in uses:
        languages = {language for person in people for language in person.languages}
        found[use.speaker] = any(granted(people, replace(use, language=language), doubt).face for language in languages)
    return found


def revoked(people: Sequence[Person], who: str, day: date) -> tuple[Person, ...]:
    """Return the records with those of a person, by name or id, taken back on a day; the others as they are."""
    return tuple(
        replace(person, revoked_on=day) if who in (person.id, person.name) and person.is_in_force(day) else person
        for person in people
    )


def _refusal(person: Person, use: Use) -> str:
    if use.title not in person.titles and ANY not in person.titles:
        return f"covers {', '.join(person.titles)}, not {use.title}"
    if not any(_covers(language, use.language) for language in person.languages):
        return f"covers {', '.join(person.languages)}, not {use.language}"
    if person.revoked_on is not None and use.day >= person.revoked_on:
        return f"was taken back on {person.revoked_on}"
    if not person.is_in_force(use.day):
        return f"ended on {person.until}"
    if use.day < person.granted_on:
        return f"begins on {person.granted_on}"
    return ""


def _covers(allowed: str, language: str) -> bool:
    """Tell whether a tag covers another: itself, its regions, or all."""
    allowed, language = allowed.lower(), language.lower()
    return allowed in (ANY, language) or language.startswith(f"{allowed}-")


def load(path: Path) -> tuple[Person, ...]:
    """Read a consent file; an absent one holds nobody."""
    if not path.is_file():
        return ()
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not TOML: {error}") from error
    if tables.get("schema") != SCHEMA:
        raise UsageError(f"{path}: schema is {tables.get('schema')!r}, expected {SCHEMA!r}")
    if unknown := set(tables) - {"schema", "person"}:
        raise UsageError(f"{path}: unknown key {min(unknown)!r}", hint="known keys: schema, [[person]]")
    people = tuple(
        _person(table, where=f"{path}: person {number}") for number, table in enumerate(tables.get("person", []), 1)
    )
    _check_together(people, path)
    return people


def _check_together(people: Sequence[Person], path: Path) -> None:
    ids = [person.id for person in people]
    if len(set(ids)) < len(ids):
        raise UsageError(f"{path}: two records have the same id")
    if len({person.name for person in people}) > 1 and any(ANY in person.speakers for person in people):
        raise UsageError(
            f'{path}: speakers = ["*"] says that every voice is one person\'s, but the file names several persons',
            hint="name the speakers of each person",
        )


_TEXTS = ("id", "name", "granted_by", "note")
_LISTS = ("speakers", "titles", "languages")
_DATES = ("granted_on", "until", "revoked_on")
_REQUIRED = {field.name for field in fields(Person)} - {"until", "note", "revoked_on", "signature"}
_SIGNED = {field.name for field in fields(Signature)}


def _person(table: Mapping[str, Any], *, where: str) -> Person:
    known = {field.name for field in fields(Person)}
    if unknown := set(table) - known:
        raise UsageError(f"{where}: unknown key {min(unknown)!r}", hint=f"known keys: {', '.join(sorted(known))}")
    if missing := _REQUIRED - set(table):
        raise UsageError(f"{where}: {min(missing)!r} is missing")
    for key, value in table.items():
        if not _is_right(key, value):
            raise UsageError(f"{where}: {key} = {value!r} is not {_expected(key)}")
    values: dict[str, Any] = {key: tuple(value) if key in _LISTS else value for key, value in table.items()}
    if "signature" in table:
        values["signature"] = Signature(**table["signature"])
    return Person(**values)


def _is_right(key: str, value: object) -> bool:
    if key in _LISTS:
        return isinstance(value, list) and bool(value) and all(isinstance(item, str) and item for item in value)
    if key in _DATES:
        return type(value) is date
    if key in _TEXTS:
        return isinstance(value, str) and (bool(value) or key == "note")
    if key == "signature":
        if not isinstance(value, dict) or set(value) != _SIGNED:
            return False
        return all(type(one) is (date if name == "on" else str) for name, one in value.items())
    return isinstance(value, bool)


def _expected(key: str) -> str:
    if key in _LISTS:
        return "a list of one or more names"
    if key in _DATES:
        return "a date such as 2030-12-31, without quotes"
    if key == "signature":
        return f"a table with {', '.join(sorted(_SIGNED))}, as `dubsync consent sign` writes it"
    return "a text" if key in _TEXTS else "true or false"


def save(path: Path, people: Sequence[Person]) -> None:
    """Write the consent file; it appears whole or not at all, and only when it can be read back."""
    import tomli_w

    _check_together(people, path)
    content = tomli_w.dumps({"schema": SCHEMA, "person": [_as_table(person) for person in people]})
    write_whole(path, content.encode())


def _as_table(person: Person) -> dict[str, Any]:
    values = {field.name: getattr(person, field.name) for field in fields(Person)}
    table = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in values.items()
        if value is not None and value != ""
    }
    if person.signature is not None:
        table["signature"] = asdict(person.signature)
    return table


def require_voice(grant: Grant, use: Use, *, command: str) -> None:
    """Raise ConsentMissing when the use's voice is not allowed; `command` makes the record that is missing."""
    if grant.voice:
        return
    reasons = "; ".join(grant.refusals) or "there is no record for this speaker"
    who = use.speaker_name if use.speaker_name == use.speaker else f"{use.speaker_name} ({use.speaker})"
    message = f"nobody allowed the voice of {who} to be synthesised in {use.language} for {use.title!r}: {reasons}"
    raise ConsentMissing(message, hint=f"when the person agrees, put it on record: {command}")
