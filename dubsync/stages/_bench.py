"""What the check stage measures, gathered: the finished film beside the original and what was planned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import features, wav
from dubsync.backends.protocols import LipModel, Samples
from dubsync.documents import from_json
from dubsync.engine.stage import Context, Made, Unit
from dubsync.media.patches import PatchBook
from dubsync.media.read import Upright
from dubsync.media.table import FrameTable
from dubsync.quality import closures, voices
from dubsync.quality.filmstrip import Filmstrip
from dubsync.quality.look import Look, ShotFaces, look
from dubsync.quality.mouths import Watched
from dubsync.quality.sync import Agreement, agreement
from dubsync.quality.timing import SpokenLine
from dubsync.stages.credentials import finished
from dubsync.timing import Span
from dubsync.title import FaceTrack, Flag, Line, Phone, Source, Utterance

HEAR_RATE = 16_000


@dataclass(frozen=True)
class Bench:
    """What is measured: the finished film, beside the original and what was planned.

    `placed`, `heard`: nothing where no line is spoken anew.
    """

    language: str
    made: Made
    film: Source
    table: FrameTable
    video: Path
    utterances: tuple[Utterance, ...]
    placed: Mapping[str, Span]
    heard: tuple[Utterance, ...]

    @property
    def upright(self) -> Upright:
        return Upright(self.film.video.rotation, self.film.video.width, self.film.video.height)

    @property
    def is_dub(self) -> bool:
        """Whether the film has a new sound, and not new subtitles alone."""
        return self.made.has("mix")

    @property
    def sound(self) -> Path:
        """The WAV that the film's first sound track was made of, or is."""
        return self.made.one("mix").file("dub.wav") if self.is_dub else self.made.one("source").file("audio.wav")

    def value(self, stage: str) -> Any:
        return self.made.one(stage).value


def open_bench(unit: Unit, made: Made) -> Bench:
    """Gather what is to be measured."""
    assert unit.language is not None, "the stage runs once per language"
    placements = made.one("mix").value["placements"] if made.has("mix") else ()
    heard = made.one("heard").value["utterances"] if made.has("heard") else []
    return Bench(
        unit.language,
        made,
        film=from_json(Source, made.one("source").value, where="source"),
        table=FrameTable.load(made.one("source").file("frames.npz")),
        video=finished(made),
        utterances=from_json(tuple[Utterance, ...], made.one("speakers").value["utterances"], where="speakers"),
        heard=from_json(tuple[Utterance, ...], heard, where="heard"),
        placed={item["line"]: Span(Fraction(item["start"]), Fraction(item["end"])) for item in placements},
    )


def earlier_flags(made: Made, stages: Sequence[str]) -> Iterator[Flag]:
    """Yield what every earlier stage has flagged."""
    for name in stages:
        if made.has(name):
            yield from (flag for product in made.all(name) for flag in product.flags)


def spoken_lines(bench: Bench) -> tuple[SpokenLine, ...]:
    """Return every line of the script as it came out."""
    original = {utterance.id: utterance for utterance in bench.utterances}
    voiced = bench.made.all("voice") if bench.made.has("voice") else ()
    natural = {each.value["line"]: each.value["natural_seconds"] for each in voiced}
    lines = []
    for line in from_json(tuple[Line, ...], bench.value("script")["lines"], where="script"):
        utterance, spoken = original.get(line.utterance), bench.placed.get(line.id)
        lines.append(SpokenLine(
            line.id, line.speaker, utterance.text if utterance else "", line.text,
            slot=line.span, spoken=spoken, natural_seconds=natural.get(line.id),
            heard=voices.heard_in(bench.heard, spoken) if spoken else None,
        ))  # fmt: skip
    return tuple(lines)


def patch_book(bench: Bench) -> PatchBook:
    """Open the new mouths of all takes."""
    return PatchBook(path for take in bench.made.all("mouth") for path in sorted(take.folder.glob("patches-*.npz")))


def look_again(bench: Bench, ctx: Context, *, seconds: float) -> Look:
    """Look at the new mouths again; tracks that no mouth was made for are left out."""
    made = {track for take in bench.made.all("mouth") for track in take.value["tracks"]}
    owners = {track: owner for track, owner in bench.value("speakers")["faces"].items() if track in made}
    faces = tuple(
        ShotFaces(from_json(tuple[FaceTrack, ...], shot.value["tracks"], where="faces"), shot.file("tracks.npz"))
        for shot in bench.made.all("faces")
    )
    most = round(seconds * bench.film.video.rate)
    films = (ctx.film, bench.video)
    strip = Filmstrip(bench.upright, float(bench.film.video.rate))
    book, finder = patch_book(bench), ctx.backend("face")
    return look(films, faces, owners, book, finder, filmstrip=strip, upright=bench.upright, most=most)


def mouth_agreement(bench: Bench, seen: Look, ctx: Context) -> Agreement | None:
    """Compare the new mouths with the new voice; None where no lips engine is named, or too little moves."""
    if "lips" not in ctx.backends:
        return None
    lips: LipModel = ctx.backend("lips")
    pieces = [_speech_during(bench, track) for track in seen.watched]
    starts = np.cumsum([0.0, *(len(samples) / HEAR_RATE for samples, _ in pieces)])
    seconds = [start + times for start, (_, times) in zip(starts, pieces, strict=False)]
    if not pieces:
        return None
    # one hearing for all: the model listens to half a minute at a time, however short the stretch
    wanted = lips.opening(np.concatenate([samples for samples, _ in pieces]), np.concatenate(seconds))
    courses = np.split(wanted, np.cumsum([len(times) for times in seconds])[:-1])
    measured = [track.openings()[1] for track in seen.watched]
    return agreement(list(zip(measured, courses, strict=True)), float(bench.film.video.rate))


def closures_seen(bench: Bench, seen: Look) -> NDArray[np.bool_]:
    """Return for each p, b and m of the new lines that is on screen whether the lips are seen closed."""
    phones: dict[str, set[Phone]] = {}
    for take in bench.made.all("drive") if bench.made.has("drive") else ():
        said = from_json(dict[str, tuple[Phone, ...]], take.value.get("phones", {}), where="drive")
        for speaker, sounds in said.items():
            phones.setdefault(speaker, set()).update(sounds)  # takes overlap by their margins
    return closures.seen(seen.watched, bench.table.times, phones)


def _speech_during(bench: Bench, track: Watched) -> tuple[Samples, NDArray[np.float64]]:
    """Return the dub's dialogue while a track is seen, a second more on either side, and the frames' times in it."""
    dialogue = bench.made.one("mix").file("dialogue.wav")
    rate = wav.facts(dialogue).sample_rate
    times = bench.table.times[track.numbers]
    start = max(0.0, float(times[0]) - 1)
    stretch = wav.read(dialogue, start=round(start * rate), stop=round((float(times[-1]) + 1) * rate))
    return features.resample(features.mono(stretch), rate, HEAR_RATE), times - start
