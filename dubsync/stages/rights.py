"""rights: nobody's voice or face is synthesised without a record that allows it for this title, language and day.

Whether a voice is synthesised at all is said by the voice engine (`needs_consent`): lines that people recorded, and the
film's own, ask for no record of the voice. The face is asked for in any case. A record that was changed since it was
signed stops the run.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from dubsync.engine.stage import Axis, Context, Made, Unit, stage
from dubsync.errors import Flag, Severity, UsageError
from dubsync.rights import consent, signature
from dubsync.rights.signature import SIGNERS

RECORDS = "consent.toml"


@stage(
    over=Axis.LANGUAGE,
    version=4,
    needs=("speakers",),
    reads=(RECORDS,),
    may_read=(SIGNERS,),
    backends=("voice",),
    always=True,
)
def rights(unit: Unit, made: Made, ctx: Context, params: None) -> dict[str, object]:
    """Return what each speaking speaker allows; raise ConsentMissing when one does not allow a voice that is made.

    A face that is not allowed is a flag: that speaker is dubbed, and the picture stays as it is.
    """
    records = signature.read(ctx.human(RECORDS), ctx.human(SIGNERS))
    language = unit.language
    if language is None:
        raise UsageError("the rights stage needs a language")
    rows = []
    is_synthetic = needs_consent(ctx)
    for speaker, name in _speaking(made.one("speakers").value):
        use = consent.Use(speaker, name, title=ctx.film.stem, language=language, day=date.today())
        grant = records.granted(use)
        if is_synthetic:
            consent.require_voice(grant, use, command=command_for(ctx.human(RECORDS), use))
        if not grant.face:
            ctx.flag(_face_flag(use, ctx.human(RECORDS), voice=is_synthetic))
        rows.append(_row(use, grant, records))
    return {"consent": rows}


def needs_consent(ctx: Context) -> bool:
    """Tell whether the voice engine makes voices that somebody must allow; one that is not known does."""
    return bool(getattr(ctx.capabilities.get("voice"), "needs_consent", True))


def _speaking(value: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (id, name) of every speaker who says something; speech that nobody was found for belongs to "unknown"."""
    names = {speaker["id"]: speaker["name"] for speaker in value["speakers"]}
    spoken = dict.fromkeys(utterance["speaker"] or "unknown" for utterance in value["utterances"])
    return [(speaker, names.get(speaker, speaker)) for speaker in spoken]


def command_for(records: Path, use: consent.Use, *, voice: bool = True) -> str:
    """Return the command that puts this person's consent on record, in the file that was read."""
    words = ["dubsync", "consent", "new", str(records), "--name", "THEIR NAME", "--speaker", use.speaker]
    return shlex.join([*words, "--title", use.title, "--lang", use.language, *(["--voice"] if voice else []), "--face"])


def _face_flag(use: consent.Use, records: Path, *, voice: bool) -> Flag:
    what = "allows the voice but not the face" if voice else "has not allowed the face"
    return Flag(
        Severity.WARNING,
        "face-not-allowed",
        where=use.speaker,
        what=f"{use.speaker_name} {what}: the picture is left as it was",
        hint=f"when the person agrees, put it on record: {command_for(records, use, voice=voice)}",
    )


def _row(use: consent.Use, grant: consent.Grant, records: signature.Records) -> dict[str, object]:
    return {
        "person": ", ".join(dict.fromkeys(person.name for person in grant.records)),
        "speaker": use.speaker,
        "voice": grant.voice,
        "face": grant.face,
        "record": ", ".join(f"{RECORDS}: {person.id} (sha256 {person.digest})" for person in grant.records),
        "signed": " / ".join(words for person in grant.records if (words := records.signed(person))),
        "digests": [person.digest for person in grant.records],
        "scope": " / ".join(person.scope for person in grant.records),
    }
