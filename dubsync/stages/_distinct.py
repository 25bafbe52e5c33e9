"""Whether the speakers of a film are told apart by their new voices as they are by their own.

Fitted voices are mixtures of the same few dozen, so two people may come out as one. Where voices are more alike than is
allowed, takes are chosen for all speakers together: likeness to their persons is weighed against the chance that two
are taken for one. A sentence is little to tell voices apart by, so the engine says further ones in those that are in
question. Where that does not do, it pushes voices away from each other, and then makes variants of them; each time it
is chosen again. Who gave way is brought nearer to their person at last, which wins back likeness and distance.
A voice that a person cast, or that a bank kept, stays as it is, and the others keep away from it. Nothing depends on
other languages or on the order of work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from dubsync.audio import ensemble
from dubsync.audio.voices import THRESHOLD
from dubsync.backends.protocols import Enrolled, Take, Voice
from dubsync.errors import Flag, Severity
from dubsync.stages._intelligible import CODES, LOST, Clarity, Temperable, Ways, heard

SPREAD = 0.072
"""Standard deviation of how alike two voices are in another sentence than in the one in which they are compared, found
on other people than those whom docs/voice.md reports on; half of its square is the other sentence's own."""
SURE = 2.3
"""By how many deviations voices must be further off than is told apart: one pair in a hundred is too near elsewhere."""
HEARD = 3
"""Sentences in which voices are heard that are in question or gave way: what is chosen of many takes by few sentences
is in part what does well in those alone."""
PRICE = 0.5
"""What likeness a person may lose so that they are not taken for another."""
SHARE = 0.2
"""Of the native timbre, that is mixed into a voice which gave way and lost words by it."""


@runtime_checkable
class Parting(Protocol):
    """A voice backend that can make voices less like others."""

    def known(self, voice: Voice, language: str) -> Take:
        """Return a voice that was not fitted as it is heard, with a `person` of zeros."""

    def further(self, take: Take) -> Take:
        """Return the take as it is heard in one sentence more; there are two beside the first."""

    def variants(self, take: Take) -> Iterator[Take]:
        """Yield other takes of the same person, whose voices may be less like others'."""

    def away(self, take: Take, other: Take) -> Iterator[Take]:
        """Yield takes of the same person whose voices are less like the other's."""

    def refined(self, take: Take) -> Take | None:
        """Return the take brought nearer to its person, for a high price; None where that cannot be."""


def apart(cast: Mapping[str, Enrolled], ways: Ways) -> dict[str, Enrolled]:
    """Return the cast, by speaker, with voices that were too alike moved apart; a flag says where that was in vain."""
    free = {speaker: takes for speaker, one in cast.items() if (takes := _takes(one))}
    if len(cast) < 2 or not free:
        return dict(cast)
    known = {speaker: free.get(speaker) or _known(one, ways) for speaker, one in cast.items()}
    choice = _Choice(cast, {speaker: takes for speaker, takes in known.items() if takes}, ways)
    choice.settle()
    for made in (choice.push, choice.push, choice.widen, choice.push, choice.refine, choice.push, choice.refine):
        if made():
            choice.settle()
    return {speaker: choice.settled(speaker) if speaker in free else one for speaker, one in cast.items()}


def excess(take: Take, other: Take) -> float:
    """Return by how much two voices are more alike than they may be: just told apart, or as their persons are."""
    return float(_excesses([take, other])[0, 1])


def _excesses(takes: Sequence[Take]) -> NDArray[np.float64]:
    """Return `excess` of each two takes, (takes, takes)."""
    heard, persons = (
        np.stack(rows).astype(np.float64) for rows in zip(*((t.heard, t.person) for t in takes), strict=True)
    )
    alike = persons @ persons.T
    excesses = heard @ heard.T - np.where(alike >= THRESHOLD, alike, THRESHOLD - SURE * _spreads(takes))
    return np.round(excesses, 3)


def _spreads(takes: Sequence[Take]) -> NDArray[np.float64]:
    """Return the standard deviation of how alike each two takes will be in another sentence, (takes, takes)."""
    sentences = np.array([take.sentences for take in takes])
    spreads: NDArray[np.float64] = SPREAD * np.sqrt(0.5 + 0.5 / np.minimum(sentences[:, None], sentences))
    return spreads


def _clashes(takes: Sequence[Take]) -> NDArray[np.float64]:
    """Return what the chance is worth that each two takes are too much alike in another sentence, (takes, takes)."""
    worth: NDArray[np.float64] = PRICE * ndtr(_excesses(takes) / _spreads(takes) - SURE)
    return np.round(worth, 2)


def _takes(enrolled: Enrolled) -> tuple[Take, ...]:
    """Return what a speaker's voice may be chosen from; nothing where it was chosen already."""
    return enrolled.takes or ((enrolled.stock,) if enrolled.stock else ())


def _known(chosen: Enrolled, ways: Ways) -> tuple[Take, ...]:
    """Return a voice that stays as it is, as it is heard; nothing where the engine cannot tell."""
    return (ways.engine.known(chosen.voice, ways.language),) if isinstance(ways.engine, Parting) else ()


def _tempered(share: float) -> Flag:
    what = f"words were lost when the voice was parted from another's; {share:.0%} of a native voice is mixed in"
    hint = "listen to it; a voice can be cast by hand in casting.toml"
    return Flag(Severity.INFO, CODES[0], "", what, hint)


class _Choice:
    """A take for each speaker, out of those there are; words are heard once, and only of what would be chosen."""

    def __init__(self, cast: Mapping[str, Enrolled], takes: Mapping[str, Sequence[Take]], ways: Ways) -> None:
        self._cast, self._ways = cast, ways
        self._engine = ways.engine if isinstance(ways.engine, Parting) else None
        self._takes = {speaker: list(some) for speaker, some in takes.items()}
        self._chosen = dict.fromkeys(takes, 0)
        self._wide = {speaker for speaker, one in cast.items() if not _takes(one)}
        self._unclear: set[int] = set()
        self._fine: set[int] = set()
        self._tempered: set[int] = set()
        self._known: dict[int, dict[str, Clarity]] = {}

    def settle(self) -> None:
        """Choose, until words are understood in what is chosen, and what is in question was heard often enough."""
        while True:
            self._choose()
            if self._understood() and not self._heard_further():
                return

    def push(self) -> bool:
        """Make takes that lie further off from each other for two who are too much alike; tell if there are any."""
        if self._engine is None:
            return False
        pairs = [
            (one, other)
            for one, other in permutations(self._takes, 2)
            if _takes(self._cast[one]) and excess(self._now(one), self._now(other)) > 0
        ]
        made = [(one, take) for one, other in pairs for take in self._engine.away(self._now(one), self._now(other))]
        for one, take in made:
            self._takes[one].append(take)
        return bool(made)

    def widen(self) -> bool:
        """Make variants, once, for all who are too much like somebody; tell whether there are any."""
        speakers = [speaker for speaker in self._alike() if speaker not in self._wide]
        if self._engine is None:
            return False
        for speaker in speakers:
            self._takes[speaker] += self._engine.variants(self._takes[speaker][0])
        self._wide.update(speakers)
        return bool(speakers)

    def refine(self) -> bool:
        """Bring whoever gave way nearer to their persons, each voice once; tell whether anybody was."""
        gave_way = [speaker for speaker in self._takes if self._chosen[speaker] and _takes(self._cast[speaker])]
        speakers = [speaker for speaker in gave_way if id(self._now(speaker).voice) not in self._fine]
        if self._engine is None or not speakers:
            return False
        self._ways.make_room()
        for speaker in speakers:
            made = self._engine.refined(self._now(speaker))
            self._fine |= {id(take.voice) for take in (self._now(speaker), made) if take}
            self._takes[speaker] += [made] if made else []
        return True

    def settled(self, speaker: str) -> Enrolled:
        """Return a speaker's voice, with what is to be said of it."""
        before, best, worst = self._cast[speaker], self._now(speaker), self._worst(speaker)
        is_moved = self._chosen[speaker] > 0
        if not is_moved and worst <= 0:
            return before
        notes, flags = {**before.notes, "too_alike": max(0.0, worst)}, before.flags
        if is_moved:  # what was said of the first take's words is not true of this one
            share = SHARE if id(best.voice) in self._tempered else 0.0
            notes |= {"native_share": share, "words_lost": self._heard(best).lost}
            flags = tuple(flag for flag in flags if flag.code not in CODES)
            flags += (_tempered(share),) if share else ()
        flags = (*flags, *self._flags(speaker))
        if not before.takes:
            similarity = None if before.similarity is None else best.likeness
            return replace(before, voice=best.voice, similarity=similarity, notes=notes, flags=flags)
        takes = (best, *(take for take in before.takes if take.voice is not best.voice))
        notes["fitted"] = best.likeness
        return replace(before, voice=best.voice, similarity=best.likeness, notes=notes, takes=takes, flags=flags)

    def _now(self, speaker: str) -> Take:
        return self._takes[speaker][self._chosen[speaker]]

    def _choose(self) -> None:
        everything = [take for takes in self._takes.values() for take in takes]
        worths = [self._worths(takes) for takes in self._takes.values()]
        found = ensemble.choose(worths, _clashes(everything), [*self._chosen.values()])
        self._chosen = dict(zip(self._takes, found, strict=True))

    def _worths(self, takes: Sequence[Take]) -> NDArray[np.float64]:
        return np.array([-np.inf if id(take.voice) in self._unclear else take.likeness for take in takes])

    def _understood(self) -> bool:
        """Tell whether what is chosen is understood as well as each speaker's first take.

        Of what is not, a take with a share of the native timbre may be chosen in its place.
        """
        is_clear = True
        for speaker, number in self._chosen.items():
            take = self._now(speaker)
            if number and not self._is_clear(speaker, take):
                self._unclear.add(id(take.voice))
                if take.sentences > 1 and id(take.voice) not in self._tempered:
                    self._temper(speaker, take)
                is_clear = False
        return is_clear

    def _is_clear(self, speaker: str, take: Take) -> bool:
        """Tell whether no more words are lost or in doubt than in the first take, heard as often, or than may be."""
        first, now = self._takes[speaker][0], self._heard(take)
        if take.sentences == 1 or not self._engine or not self._cast[speaker].takes:
            return now.lost <= self._cast[speaker].notes.get("words_lost", LOST)
        while first.sentences < take.sentences:
            first = self._takes[speaker][0] = self._engine.further(first)
        before = self._heard(first)
        bearable = max(min(before.lost, LOST), LOST / take.sentences)
        return now.lost <= bearable and now.doubt <= max(before.doubt, LOST)

    def _temper(self, speaker: str, take: Take) -> None:
        if isinstance(self._engine, Temperable) and self._cast[speaker].takes:
            tempered = self._engine.tempered(take, SHARE)
            self._tempered.add(id(tempered.voice))
            self._takes[speaker].append(tempered)

    def _heard_further(self) -> bool:
        """Have voices that are in question or gave way say one sentence more; tell whether there were any."""
        in_question = {*self._alike(), *(speaker for speaker, number in self._chosen.items() if number)}
        speakers = [one for one in self._takes if one in in_question and self._now(one).sentences < HEARD]
        if self._engine is None:
            return False
        for speaker in speakers:
            self._takes[speaker][self._chosen[speaker]] = self._engine.further(self._now(speaker))
        return bool(speakers)

    def _heard(self, take: Take) -> Clarity:
        return heard(take, self._ways, self._known.setdefault(id(take.voice), {}))

    def _alike(self) -> list[str]:
        return [speaker for speaker in self._takes if self._worst(speaker) > 0]

    def _worst(self, speaker: str) -> float:
        now = self._now(speaker)
        return max((excess(now, self._now(other)) for other in self._takes if other != speaker), default=-1.0)

    def _flags(self, speaker: str) -> tuple[Flag, ...]:
        """Tell voices that a listener may still take for one, at the later of two speakers."""
        now, names = self._now(speaker), list(self._takes)
        earlier = [
            self._now(other)
            for number, other in enumerate(names)
            if other != speaker and (number < names.index(speaker) or not _takes(self._cast[other]))
        ]
        if not any(excess(now, other) > SURE * _spreads([now, other])[0, 1] for other in earlier):
            return ()
        nearest = max(float(now.heard @ other.heard) for other in earlier)
        what = f"the voice is much like another speaker's of the film ({nearest:.2f}), more than the people are"
        return (Flag(Severity.INFO, "voices-alike", "", what, "cast a voice by hand in casting.toml"),)
