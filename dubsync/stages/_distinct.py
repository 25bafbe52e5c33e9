"""Whether the speakers of a film are told apart by their new voices as they are by their own.

Fitted voices are mixtures of the same few dozen, so two people may come out as one. Where a voice is more like one of
an earlier speaker than is allowed, its other takes are tried, then further ones which the engine makes less alike.
What a voice gains in distance it may lose in likeness to its person, one for one. Only what was fitted is changed, and
speakers who are heard first are settled first, so nothing depends on other languages or on the order of work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

from dubsync.audio.voices import THRESHOLD
from dubsync.backends.protocols import Enrolled, Take
from dubsync.errors import Flag, Severity
from dubsync.stages._intelligible import CODES, LOST, Ways, lost

MARGIN = 0.05
"""How much nearer two voices may be in another sentence than in that in which they are compared."""
TRIES = 2
"""How often further takes are made for a speaker: three, a second of one core each."""


@runtime_checkable
class Parting(Protocol):
    """A voice backend that can make a fitted voice less like others."""

    def parted(self, take: Take, others: Sequence[Take]) -> Iterator[Take]:
        """Yield further takes of the same person, made to be less like the others' voices, the cheapest first."""


def apart(cast: Mapping[str, Enrolled], ways: Ways) -> dict[str, Enrolled]:
    """Return the cast, by speaker, with voices that were too alike moved apart; a flag says where that was in vain."""
    settled: dict[str, Enrolled] = {}
    for speaker, enrolled in cast.items():
        others = [one.takes[0] for one in settled.values() if one.takes]
        settled[speaker] = _moved(enrolled, others, ways) if enrolled.takes else enrolled
    return settled


def excess(take: Take, other: Take) -> float:
    """Return by how much two voices are more alike than they may be: as the persons are, or just told apart."""
    return float(take.heard @ other.heard) - max(THRESHOLD - MARGIN, float(take.person @ other.person))


def _moved(enrolled: Enrolled, others: Sequence[Take], ways: Ways) -> Enrolled:
    """Return the voice, or the one of the same person that stands best between their likeness and the others'."""
    best, missed = enrolled.takes[0], enrolled.notes.get("words_lost", LOST)
    if _worst(best, others) <= 0:
        return enrolled
    for take in _further(enrolled.takes, others, ways):
        if _worth(take, others) > _worth(best, others) and (heard := lost(take, ways)) <= missed:
            best, missed = take, heard
        if _worst(best, others) <= 0:
            break
    takes = (best, *(take for take in enrolled.takes if take is not best))
    notes = {**enrolled.notes, "fitted": best.likeness, "too_alike": max(0.0, _worst(best, others))}
    before = enrolled.flags
    if best is not enrolled.takes[0]:  # what was said of the first take's words is not true of this one
        notes |= {"native_share": 0.0, "words_lost": missed}
        before = tuple(flag for flag in before if flag.code not in CODES)
    flags = (*before, *_flags(best, others))
    return replace(enrolled, voice=best.voice, similarity=best.likeness, notes=notes, takes=takes, flags=flags)


def _further(takes: Sequence[Take], others: Sequence[Take], ways: Ways) -> Iterator[Take]:
    """Yield the other takes, then new ones, made of the best of those made before."""
    yield from takes[1:]
    last, engine = takes[0], ways.engine
    if not isinstance(engine, Parting):
        return
    for _ in range(TRIES):
        made: list[Take] = []
        for take in engine.parted(last, [other for other in others if excess(last, other) > 0]):
            made.append(take)
            yield take
        last = max(made, key=lambda take: _worth(take, others))


def _worst(take: Take, others: Sequence[Take]) -> float:
    return max((excess(take, other) for other in others), default=-1.0)


def _worth(take: Take, others: Sequence[Take]) -> float:
    return take.likeness - max(0.0, _worst(take, others))


def _flags(take: Take, others: Sequence[Take]) -> tuple[Flag, ...]:
    """Tell voices that a listener may still take for one."""
    if _worst(take, others) <= MARGIN:
        return ()
    nearest = max(float(take.heard @ other.heard) for other in others)
    what = f"the voice is much like another speaker's of the film ({nearest:.2f}), more than the people are"
    return (Flag(Severity.INFO, "voices-alike", "", what, "cast a voice by hand in casting.toml"),)
