"""mouth: the speaker's mouth in one take moves to the new voice. Only patches are stored; render lays them on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from dubsync.audio import wav
from dubsync.backends.protocols import Footage, MouthSynth, Patch
from dubsync.documents import from_json
from dubsync.engine.stage import Axis, Context, Made, Unit, stage
from dubsync.media.table import FrameTable
from dubsync.stages._footage import RATE, Film, Sound, Spans, footage, within
from dubsync.title import Phone, Shot, Utterance

CHUNK = 100
"""Patches in one file."""


@dataclass(frozen=True, slots=True)
class Task:
    """One face to perform with. `actor`: what was learnt of its owner."""

    track: str
    speaker: str
    actor: Path
    footage: Footage


@stage(
    over=Axis.TAKE,
    needs=("source", "faces", "speakers", "rights", "actor", "drive"),
    backends=("mouth",),
    version=4,
)
def mouth(unit: Unit, made: Made, ctx: Context, params: None) -> Mapping[str, Any]:
    """Write patches for the frames in which a speaker who agreed to it speaks, or spoke, on screen."""
    engine: MouthSynth = ctx.backend("mouth")
    tracks = {}
    done = 0
    tasks = list(_tasks(unit, made, ctx))
    for place, task in enumerate(tasks):
        patches = engine.perform(
            task.actor,
            task.footage,
            progress=lambda share, place=place: ctx.progress((place + share) / len(tasks)),  # type: ignore[misc]
        )
        written = _write(patches, ctx.out, done)
        done += len(written)
        tracks[task.track] = {"speaker": task.speaker, "frames": sum(written)}
    return {"frames": sum(track["frames"] for track in tracks.values()), "tracks": tracks}


def _tasks(unit: Unit, made: Made, ctx: Context) -> Iterator[Task]:
    """Yield the faces of the shot whose owners speak or spoke, agreed, and were learnt."""
    shot = from_json(Shot, unit.item, where="shot")
    film = Film(ctx.film, FrameTable.load(made.one("source").file("frames.npz")))
    speakers = made.one("speakers").value
    drive = made.one("drive")
    sound = Sound(wav.read(drive.file("speech.wav"))[:, 0], float(drive.value["start"]))
    phones = from_json(dict[str, tuple[Phone, ...]], drive.value.get("phones", {}), where="drive")
    said = from_json(tuple[Utterance, ...], speakers["utterances"], where="speakers")
    allowed = {row["speaker"] for row in made.one("rights").value["consent"] if row["face"]}
    with np.load(made.one("faces").file("tracks.npz")) as arrays:
        for track in sorted(name.removesuffix(".numbers") for name in arrays if name.endswith(".numbers")):
            speaker = speakers["faces"].get(track)
            learnt = made.one("actor").folder / str(speaker)
            if speaker is None or speaker not in allowed or not learnt.is_dir():
                continue
            lines = [(float(start), float(end)) for start, end in drive.value["speaking"].get(speaker, [])]
            off = [one for one in said if one.id in speakers.get("unsaid", {}).get(track, ())]
            new = [line for line in lines if not _is_within(line, off)]
            old = [_edges(one) for one in said if one.speaker == speaker and one not in off]
            own = _only(sound, new)
            heard = _within(phones.get(speaker, ()), new)
            shown = footage(film, shot, arrays, track, sound=own, speaking=new, was_speaking=old, phones=heard)
            yield Task(track, speaker, learnt, as_filmed(shown, drive.value["kept"]))


def _only(sound: Sound, spans: Spans) -> Sound:
    """Return the sound with silence wherever others speak: a mouth moves to its own voice alone."""
    times = sound.start + np.arange(len(sound.samples)) / RATE
    return Sound(np.where(within(times, spans), sound.samples, np.float32(0)), sound.start)


def _within(phones: Sequence[Phone], spans: Spans) -> tuple[Phone, ...]:
    """Return the phones whose middle lies in one of the spans."""
    middles = np.array([float(one.span.start + one.span.end) / 2 for one in phones])
    return tuple(one for one, inside in zip(phones, within(middles, spans), strict=True) if inside)


def _is_within(line: tuple[float, float], utterances: Sequence[Utterance]) -> bool:
    """Tell whether most of a line is heard where these utterances were."""
    shared = sum(max(0.0, min(line[1], end) - max(line[0], start)) for start, end in map(_edges, utterances))
    return shared > 0.5 * (line[1] - line[0])


def as_filmed(shown: Footage, kept: Spans) -> Footage:
    """Return the footage with the mouth left alone where the film's own voice is kept: under a laugh it laughs."""
    was = shown.speaking if shown.was_speaking is None else shown.was_speaking
    return replace(shown, was_speaking=was & ~within(shown.times[shown.numbers - shown.first], kept))


def _edges(utterance: Utterance) -> tuple[float, float]:
    return float(utterance.span.start), float(utterance.span.end)


def _write(patches: Iterable[Patch], folder: Path, first: int) -> list[int]:
    """Write patches in files of at most `CHUNK`, numbered from `first`; return how many went into each."""
    counts: list[int] = []
    stream = iter(patches)
    while chunk := list(islice(stream, CHUNK)):
        np.savez(
            folder / f"patches-{first + len(counts):04}.npz",
            frame=np.array([patch.frame for patch in chunk], np.int32),
            pixels=np.stack([patch.pixels for patch in chunk]),
            mask=np.stack([patch.mask for patch in chunk]),
            affine=np.stack([patch.affine for patch in chunk]).astype(np.float32),
        )
        counts.append(len(chunk))
    return counts
