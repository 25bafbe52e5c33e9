"""Whose face is it? Decided from all that was seen, for all faces and voices at once.

Evidence for a face and a voice adds up over the utterances: the seconds of each times how far its score lies above what
a face that moves to something else would get. A face is tied only if there is enough of it, clearly more than for the
other voices over this face, and clearly more than for the other faces in the picture; at one time a voice has at most
one face. Where the tied face plainly does not say an utterance of its own voice (a thought, a telephone, somebody with
a similar voice), that utterance is left to the film.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dubsync.errors import Flag, Severity

CHANCE = 0.2
"""Score that a moving mouth may have with another's speech."""
ENOUGH = 0.25
"""Evidence from which a face is believed to speak: 3 s with a score of 0.28, or 1 s of 0.45."""
LEAD = 0.3
"""How much more evidence a face must have than another that is seen with it."""
AGAINST = -0.25
"""Evidence at which a tied face does not say an utterance: 1.25 s at rest, or 3 s with a score under 0.12."""
_CLEARLY = 1.5
"""How many times the evidence of the next voice a face must have."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A face seen for some seconds from `start` while an utterance is spoken. `score`: how well it says it, 0 to 1."""

    track: str
    shot: str
    utterance: str
    speaker: str
    seconds: float
    score: float
    start: float = 0.0

    @property
    def evidence(self) -> float:
        return self.seconds * (self.score - CHANCE)

    def is_with(self, other: Sighting) -> bool:
        """Tell whether another face is in the picture at the same time."""
        is_together = self.start < other.start + other.seconds and other.start < self.start + self.seconds
        return self.track != other.track and self.shot == other.shot and is_together


def decide(sightings: Sequence[Sighting], flags: list[Flag]) -> dict[str, str]:
    """Return track to speaker for the faces of which it is plain; the others are flagged."""
    evidence: dict[tuple[str, str], float] = defaultdict(float)
    for sighting in sightings:
        said = sighting.evidence if sighting.score > 0 else 0.0  # whoever rests says nothing, and may speak elsewhere
        evidence[sighting.track, sighting.speaker] += said
    rivals = _rivals(sightings)
    tied: dict[str, str] = {}
    for (track, speaker), value in sorted(evidence.items(), key=lambda item: (-item[1], item[0])):
        others = [voice for (face, voice) in evidence if face == track and voice != speaker]
        is_plain = all(value >= _CLEARLY * evidence[track, voice] for voice in others)
        free = [face for face in rivals[track] if tied.get(face, speaker) == speaker]
        leads = all(value - evidence.get((face, speaker), 0.0) >= LEAD for face in free)
        is_taken = any(tied.get(face) == speaker for face in free)
        if track not in tied and value >= ENOUGH and is_plain and leads and not is_taken:
            tied[track] = speaker
    flags += _doubts(sightings, tied)
    return dict(sorted(tied.items()))


def unsaid(sightings: Sequence[Sighting], tied: Mapping[str, str], flags: list[Flag]) -> dict[str, list[str]]:
    """Return for each tied face the utterances of its voice that it plainly does not say."""
    found: dict[str, list[str]] = defaultdict(list)
    for sighting in sightings:
        if tied.get(sighting.track) == sighting.speaker and sighting.evidence <= AGAINST:
            found[sighting.track].append(sighting.utterance)
    moving = {one.track for one in sightings if one.utterance in found.get(one.track, ()) and one.score > 0}
    for track in sorted(found):
        flags.append(Flag(
            Severity.WARNING if track in moving else Severity.INFO, "voice-off-screen", track,
            f"{len(found[track])} lines of its speaker are heard while its mouth does not say them"
            f"{', though it moves' if track in moving else ''}; there it keeps the film's picture",
            "look whether it speaks there" if track in moving else "",
        ))  # fmt: skip
    return {track: sorted(set(found[track])) for track in sorted(found)}


def _rivals(sightings: Sequence[Sighting]) -> dict[str, set[str]]:
    """Return for each face those that are seen together with it while somebody speaks."""
    shots: dict[str, list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        shots[sighting.shot].append(sighting)
    found: dict[str, set[str]] = defaultdict(set)
    for seen in shots.values():
        for one in seen:
            found[one.track] |= {other.track for other in seen if one.is_with(other)}
    return found


def _doubts(sightings: Sequence[Sighting], tied: Mapping[str, str]) -> list[Flag]:
    """Flag faces that are seen during speech and tied to nobody."""
    best: dict[str, float] = {}
    for sighting in sightings:
        if sighting.track not in tied:
            best[sighting.track] = max(sighting.score, best.get(sighting.track, 0.0))
    found = []
    for track, score in sorted(best.items()):
        if score <= 0:
            code, severity, what = "face-silent", Severity.INFO, "its mouth is at rest while somebody speaks"
        else:
            code, severity, what = "face-unclear", Severity.WARNING, "whether it speaks, or as whom, is not plain"
        found.append(Flag(severity, code, track, f"{what}; it keeps the film's picture", "tie it by hand if it speaks"))
    return found
