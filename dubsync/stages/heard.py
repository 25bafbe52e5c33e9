"""heard: the finished mix is listened to: what a recogniser understands of it, and whose voices it holds.

A stage of its own, because it needs the mix only: it works while mouths are made and the film is written. That the
film's track is this mix, and when it sounds, is measured by `check`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from dubsync.audio import features, wav
from dubsync.audio.streams import resampled
from dubsync.audio.wav import WavWriter
from dubsync.documents import from_json, to_json
from dubsync.engine.stage import Axis, Context, Made, Unit, stage
from dubsync.quality import voices
from dubsync.text import language as tags
from dubsync.timing import Span
from dubsync.title import Utterance

RATE = 16_000
NOBODY = "unknown"


@stage(
    over=Axis.LANGUAGE,
    needs=("source", "speakers", "mix"),
    optional=("stems",),
    backends=("asr", "judge"),
    version=1,
)
def heard(unit: Unit, made: Made, ctx: Context, params: None) -> Mapping[str, Any]:
    """Return the utterances a recogniser hears in the mix, and how alike original and dubbed voices are."""
    assert unit.language is not None, "the stage runs once per language"
    utterances = _understood(made.one("mix").file("dub.wav"), unit.language, ctx)
    return {"utterances": to_json(utterances), "speaker_similarity": _alike(made, ctx)}


def _understood(mix: Path, language: str, ctx: Context) -> tuple[Utterance, ...]:
    path = ctx.out / "heard.wav"
    with WavWriter(path, RATE, 1) as file:
        for block in resampled(_mono(mix), wav.facts(mix).sample_rate, RATE, 1):
            file.write(block)
    found = ctx.backend("asr").transcribe(path, language=tags.base(language), progress=ctx.progress)
    path.unlink()
    utterances: tuple[Utterance, ...] = found.utterances
    return utterances


def _mono(mix: Path) -> Iterator[features.Samples]:
    return (features.mono(block)[:, None] for block in wav.blocks(mix))


def _alike(made: Made, ctx: Context) -> dict[str, float | None]:
    """Return by speaker the cosine between the voice in the film and in the dub; None where too little is spoken."""
    before, after = defaultdict(list), defaultdict(list)
    for one in from_json(tuple[Utterance, ...], made.one("speakers").value["utterances"], where="speakers"):
        before[one.speaker or NOBODY].append(one.span)
    for row in made.one("mix").value["placements"]:
        after[row["speaker"] or NOBODY].append(Span(Fraction(row["start"]), Fraction(row["end"])))
    stems = made.has("stems")
    original = made.one("stems").file("dialogue.wav") if stems else made.one("source").file("speech.wav")
    dubbed = made.one("mix").file("dialogue.wav")
    return voices.speaker_similarity((original, before), (dubbed, after), ctx.backend("judge"))
