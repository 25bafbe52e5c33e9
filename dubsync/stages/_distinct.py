"""Whether the speakers of a film are told apart by their new voices as they are by their own.

Fitted voices are mixtures of the same few dozen, so two people may come out as one. Where voices are more alike than is
allowed, takes are chosen for all speakers together: likeness to their persons is weighed against being alike, one for
one. Where that does not do, the engine makes further takes of both, less like each other, and it is chosen again. Only
what was fitted is changed, and nothing depends on other languages or on the order of work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Protocol, runtime_checkable

from dubsync.audio.voices import THRESHOLD
from dubsync.backends.protocols import Enrolled, Take
from dubsync.errors import Flag, Severity
from dubsync.stages._intelligible import CODES, LOST, Ways, lost

MARGIN = 0.15
"""How much nearer two voices may be in another sentence than in that in which they are compared."""
TRIES = 2
"""How often further takes are made for a speaker: three, a second of one core each."""
PRICE = 1.0
"""What likeness a voice may lose for what it is less like another."""


@runtime_checkable
class Parting(Protocol):
    """A voice backend that can make a fitted voice less like others."""

    def parted(self, take: Take, others: Sequence[Take]) -> Iterator[Take]:
        """Yield further takes of the same person, made to be less like the others' voices, the cheapest first."""


def apart(cast: Mapping[str, Enrolled], ways: Ways) -> dict[str, Enrolled]:
    """Return the cast, by speaker, with voices that were too alike moved apart; a flag says where that was in vain."""
    choice = _Choice({speaker: one for speaker, one in cast.items() if one.takes}, ways)
    choice.settle()
    for _ in range(TRIES if isinstance(ways.engine, Parting) else 0):
        if not choice.widen():
            break
        choice.settle()
    return {speaker: choice.settled(speaker) if one.takes else one for speaker, one in cast.items()}


def excess(take: Take, other: Take) -> float:
    """Return by how much two voices are more alike than they may be: as the persons are, or just told apart."""
    return float(take.heard @ other.heard) - max(THRESHOLD - MARGIN, float(take.person @ other.person))


class _Choice:
    """A take for each speaker, out of those there are. Further ones are made of the latest; words are heard once."""

    def __init__(self, cast: Mapping[str, Enrolled], ways: Ways) -> None:
        self._cast, self._ways = cast, ways
        self._takes = {speaker: list(one.takes) for speaker, one in cast.items()}
        self._chosen = {speaker: one.takes[0] for speaker, one in cast.items()}
        self._latest = dict(self._chosen)
        self._lost: dict[int, float] = {}

    def settle(self) -> None:
        """Choose a better take for one speaker after another, until none is better."""
        is_moved = True
        while is_moved:
            is_moved = False
            for speaker in self._cast:
                better = self._better(speaker)
                is_moved |= better is not self._chosen[speaker]
                self._chosen[speaker] = better

    def widen(self) -> bool:
        """Make further takes for all who are too much like somebody; tell whether there was anybody."""
        engine = self._ways.engine
        assert isinstance(engine, Parting), "only such engines can part voices"
        alike = [speaker for speaker in self._cast if _worst(self._chosen[speaker], self._others(speaker)) > 0]
        for speaker in alike:
            near = [other for other in self._others(speaker) if excess(self._latest[speaker], other) > 0]
            made = list(engine.parted(self._latest[speaker], near))
            self._takes[speaker] += made
            self._latest[speaker] = max(
                made, key=lambda take: _worth(take, self._others(speaker)), default=self._latest[speaker]
            )
        return bool(alike)

    def settled(self, speaker: str) -> Enrolled:
        """Return a speaker's voice, with what is to be said of it."""
        before, best, others = self._cast[speaker], self._chosen[speaker], self._others(speaker)
        worst = _worst(best, others)
        if best is before.takes[0] and worst <= 0:
            return before
        takes = (best, *(take for take in before.takes if take is not best))
        notes = {**before.notes, "fitted": best.likeness, "too_alike": max(0.0, worst)}
        flags = before.flags
        if best is not before.takes[0]:  # what was said of the first take's words is not true of this one
            notes |= {"native_share": 0.0, "words_lost": self._words_lost(best)}
            flags = tuple(flag for flag in flags if flag.code not in CODES)
        earlier = [self._chosen[other] for other in takewhile(lambda other: other != speaker, self._chosen)]
        flags = (*flags, *_flags(best, earlier))
        return replace(before, voice=best.voice, similarity=best.likeness, notes=notes, takes=takes, flags=flags)

    def _others(self, speaker: str) -> list[Take]:
        return [take for other, take in self._chosen.items() if other != speaker]

    def _better(self, speaker: str) -> Take:
        """Return the worthiest take in which no more words are lost than in the first one."""
        others, now = self._others(speaker), self._chosen[speaker]
        if _worst(now, others) <= 0 and now is self._cast[speaker].takes[0]:
            return now
        bearable = self._cast[speaker].notes.get("words_lost", LOST)
        first = self._cast[speaker].takes[0]
        for take in sorted(self._takes[speaker], key=lambda take: -_worth(take, others)):
            if _worth(take, others) <= _worth(now, others):
                return now
            if take is first or self._words_lost(take) <= bearable:
                return take
        return now

    def _words_lost(self, take: Take) -> float:
        if id(take) not in self._lost:
            self._lost[id(take)] = lost(take, self._ways)
        return self._lost[id(take)]


def _worst(take: Take, others: Sequence[Take]) -> float:
    return max((excess(take, other) for other in others), default=-1.0)


def _worth(take: Take, others: Sequence[Take]) -> float:
    """Return how like its person a take is, less what it is too much like each of the others."""
    return take.likeness - PRICE * sum(max(0.0, excess(take, other)) for other in others)


def _flags(take: Take, others: Sequence[Take]) -> tuple[Flag, ...]:
    """Tell voices that a listener may still take for one."""
    if _worst(take, others) <= MARGIN:
        return ()
    nearest = max(float(take.heard @ other.heard) for other in others)
    what = f"the voice is much like another speaker's of the film ({nearest:.2f}), more than the people are"
    return (Flag(Severity.INFO, "voices-alike", "", what, "cast a voice by hand in casting.toml"),)
