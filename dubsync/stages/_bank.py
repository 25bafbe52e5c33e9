"""Voices of a series' bank for the speakers of a title: whose record covers this title, and whose voice is kept.

Who a speaker is, is known from the consent record that allows their voice; so a voice of the bank is never used without
one for this title.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from dubsync.audio import bank
from dubsync.backends.protocols import Capabilities, Enrolled
from dubsync.engine.stage import Context
from dubsync.errors import Flag, Severity


def engine_of(capabilities: Capabilities) -> str:
    """Return how the bank calls an engine whose voices mean the same."""
    return f"{capabilities.name} {capabilities.version}"


def people_of(rights: Mapping[str, Any]) -> dict[str, str]:
    """Return speaker id to the person who allows the voice; several speakers may be one person."""
    return {row["speaker"]: row["person"] for row in rights["consent"] if row["voice"] and row["person"]}


def voices(ctx: Context, rights: Mapping[str, Any], capabilities: Capabilities, language: str) -> dict[str, Enrolled]:
    """Return the bank's voice for each speaker it has one for; each is told as a flag with the speaker's id."""
    kept = bank.load(ctx.human(bank.NAME))
    people = people_of(rights)
    speakers = Counter(people.values())
    found = {}
    for speaker, person in people.items() if kept else ():
        known = bank.find(kept, person, language, engine_of(capabilities))
        if known is None:
            continue
        reason = _reason_against(known, speakers[person], capabilities)
        flag = _unused(known, reason) if reason else _used(known)
        if not reason:
            found[speaker] = Enrolled(known.voice, known.similarity, (flag,))
        else:
            ctx.flag(Flag(flag.severity, flag.code, speaker, flag.what, flag.hint))
    return found


def _reason_against(known: bank.Kept, speakers: int, engine: Capabilities) -> str:
    if speakers > 1:
        return f"{speakers} speakers of this title are {known.person} by the consent record"
    spoken = [f"{engine.name} {version}" for version in (engine.version, *engine.voices_of)]
    return "" if known.engine in spoken else f"it belongs to {known.engine}, not {engine_of(engine)}"


def _used(known: bank.Kept) -> Flag:
    what = f"speaks in the voice kept of {known.person}, learnt from {known.title}"
    return Flag(Severity.INFO, "voice-from-bank", "", what, "`[voices]` in casting.toml overrides it")


def _unused(known: bank.Kept, reason: str) -> Flag:
    what = f"the voice kept of {known.person} is not used, and one is fitted anew: {reason}"
    return Flag(Severity.WARNING, "bank-not-used", "", what, "name one speaker in the record, or keep the voice anew")
