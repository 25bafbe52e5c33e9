"""Which face speaks with which voice: by who is seen when an utterance is heard, and how the mouths move.

A face is tied to a speaker only when that is plain; a face that is not keeps the film's picture, and a flag says so.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import wav
from dubsync.documents import from_json
from dubsync.engine.stage import Context, Made, Product
from dubsync.errors import Flag, Severity
from dubsync.face import speaking
from dubsync.timing import Span, seconds
from dubsync.title import FaceTrack, Utterance

CLEAR_LEAD = 0.15
"""By how much the best face must score above the next to be taken for the speaker's."""
_SHORTEST_S = 0.4
_SEEN = 0.6
"""Share of the time both cover in which the face must be usable to be judged."""
_RATE = 16000


@dataclass(frozen=True, slots=True)
class Sighting:
    """A face seen while an utterance is spoken. `score`: how much it looks as if it says it."""

    track: str
    shot: str
    utterance: str
    speaker: str
    seconds: float
    score: float


def tie(made: Made, spoken: Sequence[Utterance], ctx: Context) -> dict[str, str]:
    """Return face track to speaker, for the faces of which that is plain."""
    products = made.all("faces")
    tracks = [track for product in products for track in _tracks(product)]
    if not tracks:
        ctx.flag(Flag(Severity.WARNING, "no-face", "film", "no face was found in the film", "only the sound is dubbed"))
        return {}
    people = len({utterance.speaker for utterance in spoken})
    crowd = max(Counter(track.shot for track in tracks).values())
    if crowd > people:
        ctx.flag(Flag(
            Severity.INFO, "more-faces-than-speakers", "film",
            f"up to {crowd} faces are in one shot and {people} voices were heard",
        ))  # fmt: skip
    sightings: list[Sighting] = []
    for number, product in enumerate(products):
        sightings += _sightings(product, made.one("source"), spoken, ctx)
        ctx.progress(0.7 + 0.3 * (number + 1) / len(products))
    return decide(sightings, ctx.flags)


def _moves(landmarks: NDArray[np.float32], fps: float, speech: NDArray[np.float32]) -> float:
    """Without a sync engine all moving mouths are alike: alone in its shot one is believed, among several none."""
    return float(speaking.is_moving(landmarks))


def _tracks(product: Product) -> tuple[FaceTrack, ...]:
    return from_json(tuple[FaceTrack, ...], product.value["tracks"])


def _sightings(product: Product, source: Product, spoken: Sequence[Utterance], ctx: Context) -> Iterator[Sighting]:
    """Yield the usable faces of one shot with the utterances spoken over them."""
    with np.load(source.file("frames.npz")) as frames:
        times = frames["times"]
    judge = ctx.backend("sync").score if "sync" in ctx.backends else _moves
    with np.load(product.file("tracks.npz")) as numbers:
        for track in _tracks(product):
            seen, usable = numbers[f"{track.id}.numbers"], numbers[f"{track.id}.usable"]
            if not len(seen):
                continue
            clock = times[seen]
            cover = Span(seconds(float(clock[0])), seconds(float(clock[-1])))
            near = [utterance for utterance in spoken if float(utterance.span.overlap(cover)) >= _SHORTEST_S]
            landmarks = numbers[f"{track.id}.landmarks"] if near else None
            for utterance in near:
                both = (clock >= float(utterance.span.start)) & (clock < float(utterance.span.end))
                if landmarks is None or both.sum() < 5 or usable[both].mean() < _SEEN:
                    continue
                start, stop = float(clock[both][0]), float(clock[both][-1])
                fps = (both.sum() - 1) / max(stop - start, 1e-6)
                speech = wav.read(source.file("speech.wav"), start=round(start * _RATE), stop=round(stop * _RATE))
                value = judge(landmarks[both], float(fps), speech[:, 0])
                yield Sighting(track.id, track.shot, utterance.id, str(utterance.speaker), stop - start, value)


def decide(sightings: Sequence[Sighting], flags: list[Flag]) -> dict[str, str]:
    """Return track to speaker. Each utterance votes for the face that plainly says it; the most seconds win a face.

    A face alone in its shot must still move its mouth; of several the best must lead by `CLEAR_LEAD`.
    """
    votes: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    scenes: dict[tuple[str, str], list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        scenes[sighting.shot, sighting.utterance].append(sighting)
    for faces in scenes.values():
        best, *others = sorted(faces, key=lambda sighting: -sighting.score)
        if best.score <= 0:
            continue
        if others and best.score - others[0].score < CLEAR_LEAD:
            continue
        votes[best.track][best.speaker] += best.seconds * best.score
    tied = {track: owner for track, owners in votes.items() if (owner := _winner(owners)) is not None}
    flags += _doubts(sightings, tied)
    return dict(sorted(tied.items()))


def _winner(owners: Mapping[str, float]) -> str | None:
    """Return the speaker with the most votes, unless another has nearly as many."""
    ranked = sorted(owners, key=lambda owner: -owners[owner])
    is_plain = len(ranked) == 1 or owners[ranked[0]] >= 1.5 * owners[ranked[1]]
    return ranked[0] if is_plain else None


def _doubts(sightings: Sequence[Sighting], tied: Mapping[str, str]) -> list[Flag]:
    """Flag faces that are seen during speech and tied to nobody."""
    best: dict[str, Sighting] = {}
    for sighting in sightings:
        if sighting.track not in tied and sighting.score >= best.get(sighting.track, sighting).score:
            best[sighting.track] = sighting
    found = []
    for track, sighting in sorted(best.items()):
        if sighting.score <= 0:
            code, severity, what = "face-silent", Severity.INFO, "its mouth is at rest while somebody speaks"
        else:
            code, severity, what = "face-unclear", Severity.WARNING, "whether it speaks, or as whom, is not plain"
        found.append(Flag(severity, code, track, f"{what}; it keeps the film's picture", "tie it by hand if it speaks"))
    return found
