"""mix: the dubbed lines laid into the film's sound.

Where a line is dubbed the bed stands for the original, so that the original speech is never heard under the dub;
elsewhere the original is kept as it is, and so are reactions (laughs, breaths) that no dubbed line covers. Each line
takes the level, the spectrum, the room and the place between the channels of the original line it stands for. The
whole is then brought to the loudness profile under its true peak, and synthetic speech gets its watermark.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import features, loudness, match, room, timeline, wav
from dubsync.audio.mastering import PROFILES, Mastering
from dubsync.audio.room import Rooms
from dubsync.audio.slots import Turn, in_turn
from dubsync.audio.timeline import Placed, Region
from dubsync.documents import from_json, to_json
from dubsync.engine.stage import Axis, Context, Made, Product, Unit, stage
from dubsync.errors import BadPipeline, Flag, Severity
from dubsync.rights import watermark
from dubsync.rights.mark import payload_of
from dubsync.rights.markcode import Payload
from dubsync.stages import _deliverables as deliverables
from dubsync.stages import _finish as finish
from dubsync.stages._deliverables import Form
from dubsync.stages.rights import needs_consent
from dubsync.timing import Span, seconds, to_samples
from dubsync.title import Source

Samples = NDArray[np.float32]

AROUND = Fraction(10)
"""Seconds on either side of a line in which its room is heard."""
DRY_S = 15
MARGIN = Fraction(3, 20)
REACH_S = 0.6
"""How far the original speech is followed beyond the times that its recogniser gave."""
_QUIET_DB = -50.0
_LEVEL_RANGE = (-12.0, 8.0)
"""How far from a speaker's usual level a line's own is believed, dB."""
_UNHEARD_LEVEL = -27.0
LEAST_CUT_S = 0.05
"""Of a line's speech after the film's end, before a flag says so."""
TOGETHER_S, MOST_LATE_S = 0.1, 1.5
"""By how much lines of one speaker may overlap, the silence around them counted, and how long one waits for another."""
MOST_GAIN_DB = 40.0
"""Beyond it there is no speech in the line, only noise."""


@dataclass(frozen=True, slots=True)
class MixParams:
    """`profile`: "source", "ebu-r128", "netflix" or "streaming".

    `stems`: also write the dialogue stem, the M&E stem and every line alone, as they are handed over.
    """

    profile: str = "source"
    stems: bool = False


@dataclass(frozen=True, slots=True)
class Dubbed:
    """A line as the mix uses it. `file`: processed, mono, at the film's rate, at the original's level."""

    line: str
    speaker: str
    start: int
    frames: int
    own: Span
    gain_db: float
    gains: Samples
    file: Path
    is_synthetic: bool


@stage(
    over=Axis.LANGUAGE,
    needs=("source", "stems", "voice"),
    optional=("reactions",),
    params=MixParams,
    backends=("voice",),
    version=10,
)
def mix(unit: Unit, made: Made, ctx: Context, params: MixParams) -> Mapping[str, Any]:
    """Write `dub.wav` and the dub's `dialogue.wav`, and say where each line came to lie."""
    if params.profile not in PROFILES:
        raise BadPipeline(f"mix: no loudness profile {params.profile!r}", hint=f"known: {', '.join(PROFILES)}")
    original = made.one("source").file("audio.wav")
    stems = made.one("stems").file("dialogue.wav"), made.one("stems").file("bed.wav")
    facts = wav.facts(original)
    form = Form.of(from_json(Source, made.one("source").value, where="source"))
    with tempfile.TemporaryDirectory(dir=ctx.out) as folder:
        lines = _prepared(made.all("voice"), stems[0], Path(folder), ctx)
        kept = _reactions(made, lines, facts.sample_rate)
        regions = timeline.without(_regions(lines, stems[0]), kept)
        mixed = partial(_mixed, original, stems[1], lines, regions)
        spoken = [(line.start, line.frames) for line in lines]
        synthetic = _synthetic(made, lines, stems[0], kept, unit.language or "")
        found, numbers = finish.master_mix(mixed, made.one("source"), PROFILES[params.profile], spoken, synthetic, ctx)
        speech = found.limited(_dialogue(lines, facts.frames, found.line_db), facts.sample_rate)
        deliverables.write(ctx.out / "dialogue.wav", speech, 1, replace(form, bits=32))
        handed_over = _hand_over(lines, found, stems[1], form, synthetic.payload, ctx) if params.stems else []
    return {
        "placements": [_placement(line, facts.sample_rate) for line in lines],
        "kept": [[str(Fraction(edge, facts.sample_rate)) for edge in (one.start, one.stop)] for one in kept],
        "stems": handed_over,
        "mark": _mark(synthetic, facts.sample_rate),
        **numbers,
    }


def _prepared(voices: Sequence[Product], dialogue: Path, folder: Path, ctx: Context) -> list[Dubbed]:
    """Fit every line to its place and keep it in a file until it is its turn."""
    rate = wav.facts(dialogue).sample_rate
    rooms = Rooms(_dry_speech(voices, rate), rate)
    places = [match.listen(_cut(dialogue, _own(voice), rate), rate) for voice in voices]
    usual = _usual_levels(voices, places)
    is_synthetic = needs_consent(ctx)
    starts = _starts(voices, rate, wav.facts(dialogue).frames, ctx)
    lines = []
    for number, (voice, place, start) in enumerate(zip(voices, places, starts, strict=True)):
        speakers_own = usual.get(voice.value["speaker"])
        level = _level(place, speakers_own)
        around = features.mono(_cut(dialogue, _around(_own(voice)), rate))
        spoken = _dry(voice, rate)
        _flag_cut(voice, spoken[max(0, wav.facts(dialogue).frames - start) :], rate, ctx)
        dry = match.colour(spoken, rate, place, usual=speakers_own)
        if place.is_audible:
            dry = match.follow(dry, features.mono(_cut(dialogue, _own(voice), rate)), rate)
        wet = room.place(dry, rate, rooms.find(around, rate))
        line = _dubbed(voice, place, wet, level, rate, folder / f"{number}.wav")
        lines.append(replace(line, start=start, is_synthetic=is_synthetic and voice.value["says"] == "line"))
        ctx.progress(0.5 * (number + 1) / len(voices))
    return lines


def _dubbed(voice: Product, place: match.Place, wet: Samples, level: float, rate: int, file: Path) -> Dubbed:
    """Keep the line at the level it is to have, and say where it belongs."""
    value = voice.value
    gain_db = float(np.clip(level - loudness.speech_level(wet, rate), -MOST_GAIN_DB, MOST_GAIN_DB))
    wav.write(file, wet * np.float32(10 ** (gain_db / 20)), rate)
    start, length = (to_samples(seconds(float(value[name])), rate) for name in ("start", "seconds"))
    return Dubbed(value["line"], value["speaker"], start, length, _own(voice), gain_db, place.gains, file, False)


def _starts(voices: Sequence[Product], rate: int, end: int, ctx: Context) -> list[int]:
    """Return at which sample each line starts; who waits for their line before, or talks over it, is flagged.

    What people recorded, and the film's own lines, stay where they are.
    """
    stays = not needs_consent(ctx)
    turns = [
        Turn(
            voice.value["speaker"],
            to_samples(seconds(float(voice.value["start"])), rate),
            to_samples(seconds(float(voice.value["seconds"])), rate),
            stays or voice.value["says"] != "line",
        )
        for voice in voices
    ]
    placed = in_turn(turns, tolerated=int(TOGETHER_S * rate), most=int(MOST_LATE_S * rate), end=end)
    for voice, turn, (start, over) in zip(voices, turns, placed, strict=True):
        late, hint = start - turn.start, "shorten the line before"
        if late:
            what = f"starts {late / rate:.2f} s late: until then its speaker says the line before"
            ctx.flag(Flag(Severity.WARNING, "line-late", voice.value["line"], what, hint))
        if over:
            what = f"{over / rate:.2f} s of it are said over its speaker's line before"
            ctx.flag(Flag(Severity.WARNING, "lines-overlap", voice.value["line"], what, hint))
    return [start for start, _ in placed]


def _flag_cut(voice: Product, after: Samples, rate: int, ctx: Context) -> None:
    """Say so where a line is still spoken when the film has ended; `after`: what would be heard then."""
    lost = np.count_nonzero(features.frame_levels(after, rate // 100) > _QUIET_DB) / 100
    if lost >= LEAST_CUT_S:
        ctx.flag(Flag(
            Severity.WARNING, "line-cut", voice.value["line"],
            f"its last {lost:.2f} s are not heard: the film ends before them", "shorten the text",
        ))  # fmt: skip


def _dry(voice: Product, rate: int) -> Samples:
    file = voice.file("line.wav")
    return features.resample(wav.read(file)[:, 0], wav.facts(file).sample_rate, rate)


def _dry_speech(voices: Sequence[Product], rate: int) -> Samples:
    """Return enough dubbed speech to try rooms on."""
    parts: list[Samples] = [np.zeros(0, np.float32)]
    for voice in voices:
        if sum(len(part) for part in parts) >= DRY_S * rate:
            break
        parts.append(_dry(voice, rate))
    return np.concatenate(parts)


def _usual_levels(voices: Sequence[Product], places: Sequence[match.Place]) -> dict[str, float]:
    """Return the median level of each speaker's audible lines, LUFS."""
    levels: dict[str, list[float]] = {}
    for voice, place in zip(voices, places, strict=True):
        if place.is_audible:
            levels.setdefault(voice.value["speaker"], []).append(place.level)
    return {speaker: float(np.median(heard)) for speaker, heard in levels.items()}


def _level(place: match.Place, usual: float | None) -> float:
    """Return the level for a line: the original's own, as far as it is credible for the speaker."""
    if usual is None:
        return _UNHEARD_LEVEL
    if not place.is_audible:
        return usual
    return float(np.clip(place.level, usual + _LEVEL_RANGE[0], usual + _LEVEL_RANGE[1]))


def _regions(lines: Sequence[Dubbed], dialogue: Path) -> tuple[Region, ...]:
    """Return where the bed stands for the original: under the dub, and wherever the original line is still heard."""
    rate = wav.facts(dialogue).sample_rate
    margin = to_samples(MARGIN, rate)
    found = []
    for line in lines:
        first, last = _heard(dialogue, line.own, rate)
        stop = max(last, line.start + line.frames) + margin
        found.append(Region(max(0, min(first, line.start) - margin), stop))
    return timeline.join(found, gap=rate // 2)


def _reactions(made: Made, lines: Sequence[Dubbed], rate: int) -> list[Region]:
    """Return where the original stands although its line is dubbed: never under a dubbed line."""
    if not made.has("reactions"):
        return []
    spans = from_json(tuple[Span, ...], made.one("reactions").value["reactions"])
    found = [Region(to_samples(span.start, rate), to_samples(span.end, rate)) for span in spans]
    return [one for one in found if not any(_meets(one, line) for line in lines)]


def _meets(one: Region, line: Dubbed) -> bool:
    return one.start < line.start + line.frames and line.start < one.stop


def _heard(dialogue: Path, own: Span, rate: int) -> tuple[int, int]:
    """Return the line's samples, widened while speech still sounds in the stem, at most `REACH_S` each way."""
    first, last, reach = to_samples(own.start, rate), to_samples(own.end, rate), int(REACH_S * rate)
    step = rate // 100
    before = features.frame_levels(_mono(dialogue, first - reach, first)[::-1], step) > _QUIET_DB
    after = features.frame_levels(_mono(dialogue, last, last + reach), step) > _QUIET_DB
    return first - _run(before) * step, last + _run(after) * step


def _run(loud: NDArray[np.bool_]) -> int:
    """Return how many steps it goes on, pauses of a tenth of a second included."""
    steps = 0
    for index, is_loud in enumerate(loud):
        if is_loud:
            steps = index + 1
        elif index - steps >= 10:
            break
    return steps


def _synthetic(
    made: Made, lines: Sequence[Dubbed], dialogue: Path, kept: Sequence[Region], language: str
) -> finish.Synthetic:
    """Return where speech was made, not recorded: that is marked, and what is kept of the film is not."""
    made_up = [line for line in lines if line.is_synthetic]
    channels = wav.facts(made.one("source").file("audio.wav")).channels
    spoken_in = np.any([_gains(line, channels) for line in made_up], axis=0) if made_up else np.zeros(0)
    return finish.Synthetic(
        payload_of(made.one("source").value["sha256"], language),
        timeline.without(_regions(made_up, dialogue), kept),
        tuple(int(channel) for channel in np.flatnonzero(spoken_in)),
    )


def _mark(synthetic: finish.Synthetic, rate: int) -> dict[str, Any] | None:
    """Return what the watermark says and how many seconds carry it; None where nothing is synthetic."""
    samples = sum(region.stop - region.start for region in synthetic.regions)
    return {"id": str(synthetic.payload), "seconds": round(samples / rate, 2)} if samples else None


def _hand_over(
    lines: Sequence[Dubbed], found: Mastering, bed: Path, form: Form, payload: Payload, ctx: Context
) -> list[str]:
    """Write the stems and each line alone, in the order of the film; return their names."""
    folder = ctx.out / deliverables.FOLDER
    (folder / "lines").mkdir(parents=True)
    clipped = deliverables.stems(folder, ctx.out / "dub.wav", found.limited(wav.blocks(bed), form.sample_rate), form)
    if clipped:
        ctx.flag(Flag(
            Severity.WARNING, "stem-clipped", "stems/dialogue.wav",
            f"{clipped} samples of the dialogue stem are beyond full scale in {form.bits} bits: the stems do not add "
            "up to the mix there",
            "a profile with more headroom (netflix, ebu-r128) keeps it below",
        ))  # fmt: skip
    for number, line in enumerate(sorted(lines, key=lambda line: line.start), start=1):
        sound = found.limited([_loud(line, found.line_db)], form.sample_rate)
        if line.is_synthetic:
            sound = watermark.mark(sound, form.sample_rate, payload, watermark.Place(start=line.start))
        deliverables.write(folder / "lines" / f"{number:04}-{line.line}.wav", sound, 1, form, at=line.start)
    return sorted(str(path.relative_to(ctx.out)) for path in folder.rglob("*.wav"))


def _mixed(
    original: Path, bed: Path, lines: Sequence[Dubbed], regions: Sequence[Region], line_db: float
) -> Iterator[Samples]:
    """Yield the film's sound with the lines in it."""
    channels = wav.facts(original).channels
    sounds = [Placed(line.start, partial(_panned, line, channels, line_db)) for line in lines]
    return timeline.lay(timeline.under(original, bed, regions), sounds)


def _dialogue(lines: Sequence[Dubbed], frames: int, line_db: float) -> Iterator[Samples]:
    """Yield the lines alone, mono."""
    sounds = [Placed(line.start, partial(_loud, line, line_db)) for line in lines]
    return timeline.lay(timeline.silence(frames, 1), sounds)


def _loud(line: Dubbed, line_db: float) -> Samples:
    return wav.read(line.file) * np.float32(10 ** (line_db / 20))


def _panned(line: Dubbed, channels: int, line_db: float) -> Samples:
    """Return the line in the channels that the original came from; in the middle when nothing was heard of it."""
    return _loud(line, line_db) * _gains(line, channels)[None, :]


def _gains(line: Dubbed, channels: int) -> Samples:
    return line.gains if line.gains.any() else _middle(channels)


def _middle(channels: int) -> Samples:
    gains = np.zeros(channels, np.float32)
    gains[[2] if channels in (3, 5, 6, 7, 8) else list(range(min(2, channels)))] = 1
    return gains


def _placement(line: Dubbed, rate: int) -> dict[str, Any]:
    return {
        "line": line.line,
        "speaker": line.speaker,
        "start": to_json(Fraction(line.start, rate)),
        "end": to_json(Fraction(line.start + line.frames, rate)),
        "gain_db": round(line.gain_db, 3),
    }


def _own(voice: Product) -> Span:
    return from_json(Span, voice.value["own"])


def _around(own: Span) -> Span:
    return Span(max(Fraction(0), own.start - AROUND), own.end + AROUND)


def _cut(path: Path, span: Span, rate: int) -> Samples:
    return wav.read(path, start=to_samples(span.start, rate), stop=to_samples(span.end, rate))


def _mono(path: Path, first: int, stop: int) -> Samples:
    return features.mono(wav.read(path, start=first, stop=stop))
