"""check: the finished dub is measured as it will be delivered, and the report is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from dubsync.audio import features
from dubsync.audio.streams import resampled
from dubsync.audio.wav import WavWriter
from dubsync.documents import from_json, save, write_whole
from dubsync.engine.stage import Axis, Context, Made, Unit, stage
from dubsync.media import measure
from dubsync.media.patches import PatchBook
from dubsync.media.probe import examine
from dubsync.media.read import Upright
from dubsync.media.sound import sound
from dubsync.media.table import FrameTable
from dubsync.quality import chart, filmstrip, timing, voices
from dubsync.quality.look import Look, ShotFaces, look
from dubsync.quality.page import Pictures, render
from dubsync.quality.report import OWN_FLAGS, Sheet, not_measured, partly_measured
from dubsync.quality.timing import SpokenLine
from dubsync.text import language as tags
from dubsync.timing import Span
from dubsync.title import FaceTrack, Flag, Line, Source, Utterance

NEEDS = ("source", "transcript", "speakers", "rights", "script", "voice", "mix", "render")
OPTIONAL = ("shots", "faces", "stems", "actor", "translation", "casting", "drive", "mouth")
HEAR_RATE = 16_000


@dataclass(frozen=True, slots=True)
class CheckParams:
    """`mouth_seconds`: of new mouths that are looked at again, at most; the rest is taken on trust, with a flag."""

    mouth_seconds: float = 120.0


@stage(
    over=Axis.LANGUAGE,
    needs=NEEDS,
    optional=OPTIONAL,
    params=CheckParams,
    backends=("asr", "judge", "face"),
    version=1,
)
def check(unit: Unit, made: Made, ctx: Context, params: CheckParams) -> Mapping[str, Any]:
    """Measure, write report.json and report.html, and return the headline figures."""
    bench = _bench(unit, made, ctx)
    sheet = Sheet(ctx.film.stem, bench.language, flags=list(_flags(made)))
    heard = _heard(bench, ctx)
    ctx.progress(0.4)
    lines = _lines(bench, heard)
    _enter_timing(sheet, bench, lines)
    _enter_voice(sheet, bench, lines, heard, ctx)
    ctx.progress(0.5)
    seen = _look(bench, ctx, params) if made.has("mouth") else None
    _enter_picture(sheet, bench, seen, ctx)
    ctx.progress(0.9)
    _enter_rest(sheet, bench)
    report = sheet.report()
    save(ctx.out / "report.json", report)
    page = render(report, _pictures(bench, seen, lines, ctx), language_name=tags.name(bench.language))
    write_whole(ctx.out / "report.html", page.encode())
    ctx.flags += [flag for flag in sheet.flags if flag.code in OWN_FLAGS]
    return {section: report[section] for section in ("sync", "picture", "voice", "sound")}


@dataclass(frozen=True)
class Bench:
    """What is measured: the dub's film, beside the original and what was planned."""

    language: str
    made: Made
    film: Source
    table: FrameTable
    video: Path
    utterances: tuple[Utterance, ...]
    placed: Mapping[str, Span]

    @property
    def upright(self) -> Upright:
        return Upright(self.film.video.rotation, self.film.video.width, self.film.video.height)

    def value(self, stage: str) -> Any:
        return self.made.one(stage).value


def _bench(unit: Unit, made: Made, ctx: Context) -> Bench:
    assert unit.language is not None, "the stage runs once per language"
    rendered, placements = made.one("render"), made.one("mix").value["placements"]
    return Bench(
        unit.language,
        made,
        film=from_json(Source, made.one("source").value, where="source"),
        table=FrameTable.load(made.one("source").file("frames.npz")),
        video=rendered.file(rendered.value["video"]),
        utterances=from_json(tuple[Utterance, ...], made.one("speakers").value["utterances"], where="speakers"),
        placed={item["line"]: Span(Fraction(item["start"]), Fraction(item["end"])) for item in placements},
    )


def _flags(made: Made) -> Iterable[Flag]:
    for name in (*NEEDS, *OPTIONAL):
        if made.has(name):
            yield from (flag for product in made.all(name) for flag in product.flags)


def _heard(bench: Bench, ctx: Context) -> tuple[Utterance, ...]:
    """Listen to the sound that is muxed into the dub."""
    path = ctx.out / "heard.wav"
    dub, table = examine(bench.video)
    mono = (features.mono(block)[:, None] for block in sound(bench.video, table))
    with WavWriter(path, HEAR_RATE, 1) as file:
        for block in resampled(mono, dub.audio[0].sample_rate, HEAR_RATE, 1):
            file.write(block)
    language = tags.base(bench.language)
    heard = ctx.backend("asr").transcribe(path, language=language, progress=lambda share: ctx.progress(0.4 * share))
    path.unlink()
    utterances: tuple[Utterance, ...] = heard.utterances
    return utterances


def _lines(bench: Bench, heard: Sequence[Utterance]) -> tuple[SpokenLine, ...]:
    original = {utterance.id: utterance for utterance in bench.utterances}
    natural = {each.value["line"]: each.value["natural_seconds"] for each in bench.made.all("voice")}
    lines = []
    for line in from_json(tuple[Line, ...], bench.value("script")["lines"], where="script"):
        utterance, spoken = original.get(line.utterance), bench.placed.get(line.id)
        lines.append(SpokenLine(
            line.id, line.speaker, utterance.text if utterance else "", line.text,
            slot=line.span, spoken=spoken, natural_seconds=natural.get(line.id),
            heard=voices.heard_in(heard, spoken) if spoken else None,
        ))  # fmt: skip
    return tuple(lines)


def _enter_timing(sheet: Sheet, bench: Bench, lines: Sequence[SpokenLine]) -> None:
    overlap = timing.speech_overlap((each.span for each in bench.utterances), bench.placed.values())
    sheet.put("timing.speech_overlap", overlap, why_not="nobody speaks")
    sheet.put("timing.speech_rate_max", timing.speech_rate_max(lines), why_not="no line was spoken")
    sheet.put("timing.lines", [line.row() for line in lines])


def _enter_voice(
    sheet: Sheet, bench: Bench, lines: Sequence[SpokenLine], heard: Sequence[Utterance], ctx: Context
) -> None:
    texts = [line.text for line in lines if line.spoken]
    sheet.put("voice.wer_back", voices.wer_back(texts, heard, bench.language), why_not="no line was spoken")
    before, after = defaultdict(list), defaultdict(list)
    for utterance in bench.utterances:
        before[utterance.speaker or "unknown"].append(utterance.span)
    for line in lines:
        if line.spoken:
            after[line.speaker or "unknown"].append(line.spoken)
    has_stems = bench.made.has("stems")
    original = (
        bench.made.one("stems").file("dialogue.wav") if has_stems else bench.made.one("source").file("speech.wav")
    )
    dubbed = bench.made.one("mix").file("dialogue.wav")
    alike = voices.speaker_similarity((original, before), (dubbed, after), ctx.backend("judge"))
    sheet.put("voice.speaker_similarity", alike)
    for speaker in (speaker for speaker, value in alike.items() if value is None):
        sheet.flags.append(not_measured(f"voice.speaker_similarity.{speaker}", "too little speech to compare"))


def _book(bench: Bench) -> PatchBook:
    return PatchBook(path for take in bench.made.all("mouth") for path in sorted(take.folder.glob("patches-*.npz")))


def _look(bench: Bench, ctx: Context, params: CheckParams) -> Look:
    """Look at the new mouths again; tracks that no mouth was made for are left out."""
    made = {track for take in bench.made.all("mouth") for track in take.value["tracks"]}
    owners = {track: owner for track, owner in bench.value("speakers")["faces"].items() if track in made}
    faces = tuple(
        ShotFaces(from_json(tuple[FaceTrack, ...], shot.value["tracks"], where="faces"), shot.file("tracks.npz"))
        for shot in bench.made.all("faces")
    )
    most = round(params.mouth_seconds * bench.film.video.rate)
    films = (ctx.film, bench.video)
    return look(films, faces, owners, _book(bench), ctx.backend("face"), upright=bench.upright, most=most)


def _enter_picture(sheet: Sheet, bench: Bench, seen: Look | None, ctx: Context) -> None:
    book = _book(bench) if bench.made.has("mouth") else None
    boxes = book.boxes() if book else {}
    sheet.put("picture.psnr_untouched_db", measure.untouched_psnr(ctx.film, bench.video, boxes, table=bench.table))
    durations = bench.table.durations[book.frames] if book else np.zeros(0)
    sheet.put("picture.faces_changed_s", float(durations.sum() * bench.table.time_base))
    nothing_new = "no mouth was re-synthesised"
    sheet.put("picture.flicker", seen.flicker if seen else None, why_not=nothing_new)
    for key in ("sync.confidence", "sync.offset_frames", "sync.articulation_error"):
        sheet.put(key, None, why_not=nothing_new)
    if seen and seen.share < 1:
        sheet.flags.append(partly_measured("sync, picture.flicker", seen.share))


def _enter_rest(sheet: Sheet, bench: Bench) -> None:
    rate, mix = bench.film.video.rate, bench.value("mix")
    offset = measure.track_offset_ms(bench.video, bench.made.one("mix").file("dub.wav"))
    sheet.put("media.duration_s", float(bench.film.duration))
    sheet.put("media.frames", bench.film.video.frames)
    sheet.put("media.fps", float(rate))
    sheet.put("media.av_offset_ms", offset, why_not="the dub is silent")
    for key in ("integrated_lufs", "true_peak_dbtp"):
        sheet.put(f"sound.{key}", mix[key], why_not="the mix is silent")
    translated = bench.value("translation") if bench.made.has("translation") else {"backend": None, "draft": None}
    for key in ("backend", "draft"):
        sheet.put(f"translation.{key}", translated[key], why_not="the lines were brought, not translated")
    sheet.put("rights.consent", bench.value("rights")["consent"])
    for key in ("watermark", "c2pa"):
        sheet.put(f"rights.{key}", None, why_not="this version makes none; the container's tags disclose the synthesis")


def _pictures(bench: Bench, seen: Look | None, lines: Sequence[SpokenLine], ctx: Context) -> Pictures:
    if seen is None or not seen.watched:
        return Pictures()
    films, rate = (ctx.film, bench.video), float(bench.film.video.rate)
    moments = filmstrip.choose(seen.watched, rate)
    largest = max(moments, key=lambda moment: moment.change)
    speech = bench.made.one("mix").file("dialogue.wav")
    rows = chart.rows(seen.watched, bench.table.times, lambda start, stop: voices.energy(speech, start, stop), lines)
    whole = filmstrip.whole(films, largest.frame, bench.upright)
    return Pictures(whole, filmstrip.close_ups(films, moments, bench.upright), rows)
