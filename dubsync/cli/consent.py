"""`dubsync consent`: put on record who allowed what, sign it, and show it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from dubsync import folder
from dubsync.errors import InputError, UsageError
from dubsync.rights import consent, signature
from dubsync.stages.rights import RECORDS
from dubsync.title import content_id

consent_app = typer.Typer(help="Who allowed which voice and face to be synthesised.", no_args_is_help=True)

Place = Annotated[Path, typer.Argument(help="A title folder (film.dubsync), a film, or a consent file.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day; without it, until taken back.")]


@consent_app.command()
def new(
    place: Place,
    *,
    name: Annotated[str, typer.Option(help="The person whose voice and face it is.")],
    speaker: Annotated[list[str], typer.Option(help='Their speaker in the film, by id or name; "*": all voices.')],
    lang: Annotated[list[str], typer.Option(help='Languages, such as es; "*": any.')],
    title: Annotated[list[str] | None, typer.Option(help="Film names without suffix; default: this one.")] = None,
    voice: Annotated[bool, typer.Option("--voice", help="The voice may be synthesised.")] = False,
    face: Annotated[bool, typer.Option("--face", help="The face may be re-animated.")] = False,
    until: Day = None,
    granted_by: Annotated[str | None, typer.Option(help="Who granted it; default: the person.")] = None,
    note: Annotated[str, typer.Option(help="Where the signed paper is, or whatever helps.")] = "",
) -> None:
    """Put one person's consent on record."""
    if not voice and not face:
        raise UsageError("a consent that allows nothing", hint="add --voice, --face or both")
    if until and until.date() < date.today():
        raise UsageError(
            f"{until.date()} is over: such a record allows nothing", hint="give the last day it shall hold"
        )
    path = consent_file(place)
    people = consent.load(path)
    languages = tuple(tag for value in lang for tag in value.split(","))
    titles = tuple(title or [_film_name(place)])
    person = consent.Person(
        id=content_id("consent", name, speaker, titles, languages, voice, face, until),
        name=name,
        speakers=tuple(speaker),
        titles=titles,
        languages=languages,
        voice=voice,
        face=face,
        granted_by=granted_by or name,
        granted_on=date.today(),
        until=until.date() if until else None,
        note=note,
    )
    for known in people:
        if known.id == person.id and known.is_in_force(date.today()):
            _insist_on_nothing_lost(path, known, person)
    consent.save(path, [*(known for known in people if known.id != person.id), person])
    print(f"{path}: {name}: {person.scope}")


_TOLD_BY_ID = ("name", "speakers", "titles", "languages", "voice", "face", "until")


def _insist_on_nothing_lost(path: Path, known: consent.Person, person: consent.Person) -> None:
    """Raise UsageError where a signature, or what somebody has changed in a record, would be written over."""
    what = f"{path}: {known.name} is on record with this ({known.id})"
    again = f"take it back (`{shlex.join(['dubsync', 'consent', 'revoke', str(path), known.id])}`) and run this again"
    edited = [name for name in _TOLD_BY_ID if getattr(known, name) != getattr(person, name)]
    other = [*edited, *(name for name in ("granted_by", "note") if getattr(known, name) != getattr(person, name))]
    if known.signature and not other:
        raise UsageError(f"{what}, and the record is signed", hint="nothing is to be done")
    if known.signature:
        raise UsageError(
            f"{what}, the record is signed, and it says otherwise: {', '.join(other)}",
            hint=f"to have it so, {again}, then have the new record signed",
        )
    if edited:
        raise UsageError(
            f"{what}, and the record was changed by hand since: {', '.join(edited)}",
            hint=f"change it in the file; or {again}, which makes it anew",
        )


@consent_app.command()
def revoke(
    place: Place, person: Annotated[str, typer.Argument(help="A name, or a record's id as `consent show` has it.")]
) -> None:
    """Take a person's consent back: from today on nothing of theirs is made, and the record of what was stays."""
    path = consent_file(place)
    people = consent.load(path)
    kept = consent.revoked(people, person, date.today())
    if kept == people:
        raise _nobody(path, people, person)
    consent.save(path, kept)
    for known in kept:
        if person in (known.id, known.name):
            print(f"{path}: {known.name} ({known.id}): {known.scope}")
    print("what was made before stays where it is: delete the title folder, and `dubsync cast forget` the voice")


@consent_app.command()
def show(
    place: Place,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the records, and whether their signatures fit."""
    path = consent_file(place)
    people = consent.load(path)
    if as_json:
        rows = [
            {
                "id": p.id,
                "name": p.name,
                "speakers": p.speakers,
                "scope": p.scope,
                "sha256": p.digest,
                "signature": _signature(p),
            }
            for p in people
        ]
        print(json.dumps({"file": str(path), "people": rows}, ensure_ascii=False))
        return
    if not people:
        print(f"{path}: nobody is on record")
    for person in people:
        print(f"{person.name} ({person.id}; speaks as {', '.join(person.speakers)}): {person.scope}")
        if made := _signature(person):
            fits = "the record is as it was signed" if made["fits"] else "THE RECORD IS NOT WHAT WAS SIGNED"
            print(f"    signed as {made['by']} on {made['on']}, key {made['fingerprint']}: {fits}")


def _signature(person: consent.Person) -> dict[str, Any] | None:
    """Return what `show` tells of a record's signature; None where nobody signed it."""
    made = person.signature
    if made is None:
        return None
    told = {"by": made.by, "on": str(made.on), "key": made.key, "fingerprint": signature.fingerprint(made.key)}
    return {**told, "fits": signature.fits(person)}


@consent_app.command()
def sign(
    place: Place,
    person: Annotated[str, typer.Argument(help="A name, or a record's id as `consent show` has it.")],
    *,
    key: Annotated[Path, typer.Option(help="The signer's private key: Ed25519, PEM.")],
    by: Annotated[str | None, typer.Option(help="Who signs; default: the person.")] = None,
) -> None:
    """Sign a person's records that are in force, so that nobody can change what they say."""
    path = consent_file(place)
    people, today = consent.load(path), date.today()
    asked = [known for known in people if person in (known.id, known.name) and known.is_in_force(today)]
    if not asked:
        raise _nobody(path, people, person)
    signed = {known.id: signature.sign(known, key, by=by or known.name, on=today) for known in asked}
    consent.save(path, [signed.get(known.id, known) for known in people])
    for known in signed.values():
        print(f"{path}: {known.name} ({known.id}): signed: {known.scope}")
    made = next(iter(signed.values())).signature
    assert made is not None, "what was signed has a signature"
    print(f'for {signature.SIGNERS}: name = "{made.by}", key = "{made.key}"')


def _nobody(path: Path, people: Sequence[consent.Person], person: str) -> UsageError:
    names = ", ".join(dict.fromkeys(known.name for known in people)) or "nobody"
    return UsageError(f"{path}: no record of {person} is in force", hint=f"on record: {names}")


def consent_file(place: Path) -> Path:
    """Return the consent file that counts for a title folder or a film, or that is given itself.

    It lies in the title folder, or beside the film; where there is none yet, it belongs into the former.
    """
    if place.suffix == ".toml":
        return place
    is_folder = place.is_dir() or place.suffix == folder.SUFFIX
    if not is_folder and not place.is_file():
        raise InputError(f"{place}: no such film or title folder")
    home = place if is_folder else folder.place_of(place)
    beside = _film(place, home).with_name(RECORDS)
    return beside if not (home / RECORDS).is_file() and beside.is_file() else home / RECORDS


def _film(place: Path, home: Path) -> Path:
    """Return the film, as far as the title folder knows it; where it was never begun, one that lies beside it."""
    is_begun = (home / "title.json").is_file()
    return Path(folder.known_title(place, folder=home).film) if is_begun else place


def _film_name(place: Path) -> str:
    if place.suffix == ".toml":
        raise UsageError("which film is it for?", hint='give --title NAME, or --title "*"')
    return place.stem
