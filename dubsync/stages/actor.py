"""actor: the mouth engine learns each speaker's face from the title's own footage, once for all languages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dubsync.audio import features, wav
from dubsync.backends.protocols import Footage, MouthSynth
from dubsync.documents import from_json
from dubsync.engine.stage import Axis, Context, Made, Product, Unit, stage
from dubsync.media.table import FrameTable
from dubsync.stages._footage import RATE, Film, Sound, footage
from dubsync.timing import to_samples
from dubsync.title import FaceTrack, Shot, Utterance

_MARGIN_S = 1.0
_ENOUGH_FRAMES = 15000
"""Ten minutes of an actor's face; more teaches nothing new and would have to be held in memory."""


@dataclass(frozen=True, slots=True)
class ActorParams:
    """`seconds`: of training for each speaker, about."""

    seconds: float = 120.0


@stage(
    over=Axis.TITLE,
    needs=("source", "shots", "faces", "speakers", "likeness"),
    optional=("stems",),
    params=ActorParams,
    backends=("mouth",),
    version=3,
)
def actor(unit: Unit, made: Made, ctx: Context, params: ActorParams) -> Mapping[str, Any]:
    """Learn every speaker who has a face and lets it be learnt; write `<speaker id>/` for each."""
    ctx.make_room()
    engine: MouthSynth = ctx.backend("mouth")
    film = Film(ctx.film, FrameTable.load(made.one("source").file("frames.npz")))
    allowed = made.one("likeness").value["faces"]
    people = sorted(each for each in set(made.one("speakers").value["faces"].values()) if allowed.get(each))
    actors: dict[str, dict[str, int | str]] = {}
    for place, speaker in enumerate(people):
        shots = list(_of_speaker(speaker, film, made))
        flags = engine.learn(
            shots,
            ctx.out / speaker,
            seconds=params.seconds,
            seed=ctx.seed,
            progress=lambda share, place=place: ctx.progress((place + share) / len(people)),  # type: ignore[misc]
        )
        for flag in flags:
            ctx.flag(replace(flag, where=flag.where or speaker))
        actors[speaker] = {"shots": len(shots), "frames": sum(int(shot.usable.sum()) for shot in shots)}
        actors[speaker] |= _painter(ctx.out / speaker / "actor.json")
    return {"actors": actors}


def _painter(facts: Path) -> dict[str, str]:
    """Return which painter the engine says it kept, if it says so."""
    told = json.loads(facts.read_text(encoding="utf-8")) if facts.is_file() else {}
    return {"painter": told["painter"]} if "painter" in told else {}


def _of_speaker(speaker: str, film: Film, made: Made) -> Iterator[Footage]:
    """Yield the speaker's face tracks, those with most usable frames first chosen, in the film's order."""
    tied = {track for track, owner in made.one("speakers").value["faces"].items() if owner == speaker}
    spans = spoken_spans(made.one("speakers").value, speaker)
    shots = {shot.id: shot for shot in from_json(tuple[Shot, ...], made.one("shots").value["shots"], where="shots")}
    found = [
        (product, track)
        for product in made.all("faces")
        for track in from_json(tuple[FaceTrack, ...], product.value["tracks"], where="faces")
        if track.id in tied
    ]
    for product, track in _richest(found):
        shot = shots[track.shot]
        with np.load(product.file("tracks.npz")) as arrays:
            yield footage(film, shot, arrays, track.id, sound=_sound(made, shot), speaking=spans)


def _richest(found: list[tuple[Product, FaceTrack]]) -> list[tuple[Product, FaceTrack]]:
    """Keep the largest faces until there are enough frames; the order stays the film's."""
    kept, frames = set(), 0
    for place in sorted(range(len(found)), key=lambda index: -found[index][1].size * found[index][1].found):
        if frames < _ENOUGH_FRAMES:
            kept.add(place)
            frames += found[place][1].stop - found[place][1].first
    return [item for place, item in enumerate(found) if place in kept]


def spoken_spans(value: Mapping[str, Any], speaker: str) -> list[tuple[float, float]]:
    """Return when the speaker speaks in the film as it was shot, in seconds."""
    utterances = from_json(tuple[Utterance, ...], value["utterances"], where="speakers")
    return [(float(one.span.start), float(one.span.end)) for one in utterances if one.speaker == speaker]


def _sound(made: Made, shot: Shot) -> Sound:
    """Return the speech over a shot: the separated dialogue where there is one."""
    if made.has("stems"):
        file = made.one("stems").file("dialogue.wav")
        rate = wav.facts(file).sample_rate
    else:
        file, rate = made.one("source").file("speech.wav"), RATE
    first = to_samples(shot.span.start, rate) - round(_MARGIN_S * rate)
    stop = to_samples(shot.span.end, rate) + round(_MARGIN_S * rate)
    samples = features.resample(features.mono(wav.read(file, start=first, stop=stop)), rate, RATE)
    return Sound(samples, first / rate)
