"""Which face speaks with which voice: by who is seen when an utterance is heard, and how the mouths move.

A face is tied to a speaker only when that is plain; a face that is not keeps the film's picture, and a flag says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import wav
from dubsync.documents import from_json
from dubsync.engine.stage import Context, Made, Product
from dubsync.errors import Flag, Severity
from dubsync.face import speaking
from dubsync.stages._owners import Sighting, decide, unsaid
from dubsync.timing import Span, seconds
from dubsync.title import FaceTrack, Utterance

_SHORTEST_S = 0.4
_SEEN = 0.6
"""Share of the time both cover in which the face must be usable to be judged."""
_RATE = 16000


@dataclass(frozen=True, slots=True)
class Ties:
    """`faces`: track to speaker, where that is plain. `unsaid`: track to utterances of its speaker it does not say."""

    faces: dict[str, str] = field(default_factory=dict)
    unsaid: dict[str, list[str]] = field(default_factory=dict)


def tie(made: Made, spoken: Sequence[Utterance], ctx: Context) -> Ties:
    """Tie the faces of all shots to the voices over them."""
    products = made.all("faces")
    tracks = [track for product in products for track in _tracks(product)]
    if not tracks:
        ctx.flag(Flag(Severity.WARNING, "no-face", "film", "no face was found in the film", "only the sound is dubbed"))
        return Ties()
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
    tied = decide(sightings, ctx.flags)
    return Ties(tied, unsaid(sightings, tied, ctx.flags))


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
                who = str(utterance.speaker)
                yield Sighting(track.id, track.shot, utterance.id, who, stop - start, value, start)
