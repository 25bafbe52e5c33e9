"""speakers: who says what, by voice; and which faces say it, by when and how their mouths move.

A face is tied to a speaker only when that is plain. A face that is not tied keeps its pixels, and a flag says so.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import features, voices, wav
from dubsync.backends.protocols import SpeakerEncoder
from dubsync.documents import from_json, to_json
from dubsync.engine.stage import Axis, Context, Made, Product, Unit, stage
from dubsync.errors import Flag, PermanentError, Severity
from dubsync.face import speaking
from dubsync.timing import Span, seconds, to_samples
from dubsync.title import FaceTrack, Speaker, Utterance, content_id

CLEAR_LEAD = 0.15
"""By how much the best face must score above the next to be taken for the speaker's."""
_SHORTEST_S = 0.4
_SEEN = 0.6
"""Share of the time both cover in which the face must be usable to be judged."""
_RATE = 16000


@dataclass(frozen=True, slots=True)
class SpeakersParams:
    """`count`: how many voices there are, None: find out. `threshold`: cosine from which two are one voice."""

    count: int | None = None
    threshold: float = voices.THRESHOLD


@dataclass(frozen=True, slots=True)
class Sighting:
    """A face seen while an utterance is spoken. `score`: how much it looks as if it says it."""

    track: str
    shot: str
    utterance: str
    speaker: str
    seconds: float
    score: float


@stage(
    over=Axis.TITLE,
    needs=("source", "transcript"),
    optional=("faces", "stems"),
    params=SpeakersParams,
    backends=("speaker", "sync"),
    version=1,
)
def speakers(unit: Unit, made: Made, ctx: Context, params: SpeakersParams) -> Mapping[str, Any]:
    """Cluster the utterances by voice and tie faces to the voices."""
    utterances = from_json(tuple[Utterance, ...], made.one("transcript").value["utterances"])
    speech = made.one("stems").file("dialogue.wav") if made.has("stems") else made.one("source").file("speech.wav")
    prints = _voiceprints(speech, utterances, ctx)
    lengths = [float(utterance.span.duration) for utterance in utterances]
    labels = voices.cluster(prints, lengths, count=params.count, threshold=params.threshold)
    ids = _ids(utterances, labels)
    spoken = tuple(replace(one, speaker=ids[label]) for one, label in zip(utterances, labels, strict=True))
    _save_voiceprints(ctx.out / "voiceprints.npz", prints, lengths, [ids[label] for label in labels])
    _flag_count(ids, params, ctx)
    tied = _tie(made, spoken, ctx) if made.has("faces") else {}
    people = tuple(_speaker(id_, number, spoken, tied) for number, id_ in enumerate(ids))
    return {"speakers": to_json(people), "utterances": to_json(spoken), "faces": tied}


def _voiceprints(
    speech: Path, utterances: Sequence[Utterance], ctx: Context
) -> list[NDArray[np.float32] | None]:
    """Hear each utterance's voice; None where it is too short or quiet to tell."""
    encoder: SpeakerEncoder = ctx.backend("speaker")
    rate = wav.facts(speech).sample_rate
    prints: list[NDArray[np.float32] | None] = []
    for number, utterance in enumerate(utterances):
        first, stop = to_samples(utterance.span.start, rate), to_samples(utterance.span.end, rate)
        samples = features.mono(wav.read(speech, start=first, stop=stop))
        try:
            prints.append(encoder.embed(samples, rate))
        except PermanentError:
            prints.append(None)
        ctx.progress(0.7 * (number + 1) / len(utterances))
    return prints


def _ids(utterances: Sequence[Utterance], labels: Sequence[int]) -> list[str]:
    """Name each voice after the first thing it says, so that an inserted line renames nobody else."""
    firsts: dict[int, Utterance] = {}
    for utterance, label in zip(utterances, labels, strict=True):
        firsts.setdefault(label, utterance)
    return [content_id("speaker", firsts[label].id) for label in range(len(firsts))]


def _save_voiceprints(
    path: Path, prints: Sequence[NDArray[np.float32] | None], lengths: Sequence[float], owners: Sequence[str]
) -> None:
    sums: dict[str, NDArray[np.float32]] = {}
    for vector, length, owner in zip(prints, lengths, owners, strict=True):
        if vector is not None:
            sums[owner] = sums.get(owner, np.zeros_like(vector)) + vector * np.float32(length)
    np.savez(path, **{owner: total / max(float(np.linalg.norm(total)), 1e-9) for owner, total in sums.items()})  # type: ignore[arg-type]


def _flag_count(ids: Sequence[str], params: SpeakersParams, ctx: Context) -> None:
    if params.count is not None and len(ids) != params.count:
        ctx.flag(Flag(
            Severity.WARNING, "speaker-count", "film",
            f"{params.count} speakers were asked for, {len(ids)} could be told apart",
            "correct the speaker of the lines in the script",
        ))  # fmt: skip


def _speaker(id_: str, number: int, spoken: Sequence[Utterance], tied: Mapping[str, str]) -> Speaker:
    length = sum(float(utterance.span.duration) for utterance in spoken if utterance.speaker == id_)
    tracks = tuple(track for track, owner in tied.items() if owner == id_)
    return Speaker(id_, f"Speaker {number + 1}", round(length, 3), tracks)


def _tie(made: Made, spoken: Sequence[Utterance], ctx: Context) -> dict[str, str]:
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


def _tracks(product: Product) -> tuple[FaceTrack, ...]:
    return from_json(tuple[FaceTrack, ...], product.value["tracks"])


def _sightings(product: Product, source: Product, spoken: Sequence[Utterance], ctx: Context) -> Iterator[Sighting]:
    """Yield the usable faces of one shot with the utterances spoken over them."""
    with np.load(source.file("frames.npz")) as frames:
        times = frames["times"]
    judge = ctx.backend("sync").score if "sync" in ctx.backends else speaking.score
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
