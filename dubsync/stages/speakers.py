"""speakers: who says what, by voice; and which faces say it, by when and how their mouths move.

A face is tied to a speaker only when that is plain. A face that is not tied keeps its pixels, and a flag says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import features, voices, wav
from dubsync.backends.protocols import SpeakerEncoder
from dubsync.documents import from_json, to_json
from dubsync.engine.stage import Axis, Context, Made, Unit, stage
from dubsync.errors import Flag, PermanentError, Severity
from dubsync.stages._ties import Ties, tie
from dubsync.timing import to_samples
from dubsync.title import Speaker, Utterance, content_id


@dataclass(frozen=True, slots=True)
class SpeakersParams:
    """`count`: how many voices there are, None: find out. `threshold`: cosine from which two are one voice."""

    count: int | None = None
    threshold: float = voices.THRESHOLD


@stage(
    over=Axis.TITLE,
    needs=("source", "transcript"),
    optional=("faces", "stems"),
    params=SpeakersParams,
    backends=("speaker", "sync"),
    version=2,
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
    tied = tie(made, spoken, ctx) if made.has("faces") else Ties()
    people = tuple(_speaker(id_, number, spoken, tied.faces) for number, id_ in enumerate(ids))
    return {"speakers": to_json(people), "utterances": to_json(spoken), "faces": tied.faces, "unsaid": tied.unsaid}


def _voiceprints(speech: Path, utterances: Sequence[Utterance], ctx: Context) -> list[NDArray[np.float32] | None]:
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
