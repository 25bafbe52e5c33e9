"""speakers: who says what, by voice; and which faces say it, by when and how their mouths move.

A face is tied to a speaker only when that is plain. A face that is not tied keeps its pixels, and a flag says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dubsync.audio import voices
from dubsync.documents import from_json, to_json
from dubsync.engine.stage import Axis, Context, Made, Unit, stage
from dubsync.errors import Flag, Severity
from dubsync.stages._ties import Ties, tie
from dubsync.stages._turns import Ear, Parts, settled
from dubsync.title import Shot, Speaker, Utterance, content_id


@dataclass(frozen=True, slots=True)
class SpeakersParams:
    """`count`: how many voices there are, None: find out. `threshold`: cosine from which two are one voice."""

    count: int | None = None
    threshold: float = voices.THRESHOLD


@stage(
    over=Axis.TITLE,
    needs=("source", "transcript"),
    optional=("faces", "shots", "stems"),
    params=SpeakersParams,
    backends=("speaker", "sync"),
    version=4,
)
def speakers(unit: Unit, made: Made, ctx: Context, params: SpeakersParams) -> Mapping[str, Any]:
    """Cluster the utterances by voice and tie faces to the voices."""
    utterances = from_json(tuple[Utterance, ...], made.one("transcript").value["utterances"])
    speech = made.one("stems").file("dialogue.wav") if made.has("stems") else made.one("source").file("speech.wav")
    ear = Ear(speech, ctx.backend("speaker"), str(made.one("transcript").value["language"]), _cuts(made))
    parts = _parts(ear, utterances, ctx)
    lengths = [float(utterance.span.duration) for utterance in utterances]
    prints = [ear.voiceprint(utterance) for utterance in utterances]
    voiced = voices.cluster(prints, lengths, count=params.count, threshold=params.threshold)
    together, changes = settled(utterances, parts, voiced, ear)
    ctx.flags += changes
    utterances, labels = tuple(one for one, _ in together), voices.numbered([label for _, label in together])
    ids = _ids(utterances, labels)
    spoken = tuple(replace(one, speaker=ids[label]) for one, label in zip(utterances, labels, strict=True))
    owners, lengths = [ids[label] for label in labels], [float(one.span.duration) for one in utterances]
    known = voices.centres([ear.voiceprint(one) for one in utterances], owners, lengths)
    np.savez(ctx.out / "voiceprints.npz", **known)  # type: ignore[arg-type]
    _flag_count(ids, params, ctx)
    tied = tie(made, spoken, ctx) if made.has("faces") else Ties()
    people = tuple(_speaker(id_, number, spoken, tied.faces) for number, id_ in enumerate(ids))
    return {"speakers": to_json(people), "utterances": to_json(spoken), "faces": tied.faces, "unsaid": tied.unsaid}


def _cuts(made: Made) -> list[float]:
    """Return when the picture cuts, in seconds; nothing where nobody looked."""
    shots = from_json(tuple[Shot, ...], made.one("shots").value["shots"]) if made.has("shots") else ()
    return [float(shot.span.start) for shot in shots if not shot.continues]


def _parts(ear: Ear, utterances: Sequence[Utterance], ctx: Context) -> Parts:
    """Part the utterances where another voice seems to go on."""
    parts = []
    for number, utterance in enumerate(utterances):
        parts.append(ear.parted(utterance))
        ctx.progress(0.7 * (number + 1) / len(utterances))
    return parts


def _ids(utterances: Sequence[Utterance], labels: Sequence[int]) -> list[str]:
    """Name each voice after the first thing it says, so that an inserted line renames nobody else."""
    firsts: dict[int, Utterance] = {}
    for utterance, label in zip(utterances, labels, strict=True):
        firsts.setdefault(label, utterance)
    return [content_id("speaker", firsts[label].id) for label in range(len(firsts))]


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
