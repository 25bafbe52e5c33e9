"""check: the finished dub is measured as it will be delivered, and the report is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dubsync.documents import save, write_whole
from dubsync.engine.stage import Axis, Context, Made, Unit, stage
from dubsync.media import measure
from dubsync.quality import chart, timing, voices
from dubsync.quality.look import Look
from dubsync.quality.page import Pictures, render
from dubsync.quality.report import Sheet, not_measured, partly_measured
from dubsync.quality.timing import SpokenLine
from dubsync.stages._bench import (
    Bench,
    earlier_flags,
    hear,
    look_again,
    mouth_agreement,
    open_bench,
    patch_book,
    spoken_lines,
)
from dubsync.text import language as tags
from dubsync.title import Utterance

NEEDS = ("source", "transcript", "speakers", "rights", "script", "voice", "mix", "render")
OPTIONAL = ("shots", "faces", "stems", "actor", "translation", "casting", "drive", "mouth")


@dataclass(frozen=True, slots=True)
class CheckParams:
    """`mouth_seconds`: of new mouths that are looked at again, at most; the rest is taken on trust, with a flag."""

    mouth_seconds: float = 120.0


@stage(
    over=Axis.LANGUAGE,
    needs=NEEDS,
    optional=OPTIONAL,
    params=CheckParams,
    backends=("asr", "judge", "face", "lips"),
    version=1,
)
def check(unit: Unit, made: Made, ctx: Context, params: CheckParams) -> Mapping[str, Any]:
    """Measure, write report.json and report.html, and return the headline figures."""
    bench = open_bench(unit, made)
    sheet = Sheet(ctx.film.stem, bench.language, earlier=tuple(earlier_flags(made, (*NEEDS, *OPTIONAL))))
    heard = hear(bench, ctx)
    ctx.progress(0.4)
    lines = spoken_lines(bench, heard)
    _enter_timing(sheet, bench, lines)
    _enter_voice(sheet, bench, lines, heard, ctx)
    ctx.progress(0.5)
    seen = look_again(bench, ctx, seconds=params.mouth_seconds) if made.has("mouth") else None
    _enter_picture(sheet, bench, seen, ctx)
    ctx.progress(0.9)
    _enter_rest(sheet, bench)
    report = sheet.report()
    save(ctx.out / "report.json", report)
    names = {speaker["id"]: speaker["name"] for speaker in bench.value("speakers")["speakers"]}
    pictures = _pictures(bench, seen, lines)
    page = render(report, pictures, language_name=tags.name(bench.language), speakers=names)
    write_whole(ctx.out / "report.html", page.encode())
    ctx.flags += sheet.own
    return {section: report[section] for section in ("sync", "picture", "voice", "sound")}


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
        sheet.own.append(not_measured(f"voice.speaker_similarity.{speaker}", "too little speech to compare"))


def _enter_picture(sheet: Sheet, bench: Bench, seen: Look | None, ctx: Context) -> None:
    book = patch_book(bench) if bench.made.has("mouth") else None
    boxes = book.boxes() if book else {}
    sheet.put("picture.psnr_untouched_db", measure.untouched_psnr(ctx.film, bench.video, boxes, table=bench.table))
    durations = bench.table.durations[book.frames] if book else np.zeros(0)
    sheet.put("picture.faces_changed_s", float(durations.sum() * bench.table.time_base))
    nothing_new = "no mouth was re-synthesised"
    sheet.put("picture.flicker", seen.flicker if seen else None, why_not=nothing_new)
    found = mouth_agreement(bench, seen, ctx) if seen else None
    reason = ("this pipeline names no lips engine", "the mouths move too little")["lips" in ctx.backends]
    for key in ("confidence", "offset_frames", "articulation_error"):
        sheet.put(f"sync.{key}", getattr(found, key, None), why_not=reason if seen else nothing_new)
    if seen and seen.share < 1:
        sheet.own.append(partly_measured("sync, picture.flicker", seen.share))


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


def _pictures(bench: Bench, seen: Look | None, lines: Sequence[SpokenLine]) -> Pictures:
    if seen is None or not seen.watched:
        return Pictures()
    speech = bench.made.one("mix").file("dialogue.wav")
    rows = chart.rows(seen.watched, bench.table.times, lambda start, stop: voices.energy(speech, start, stop), lines)
    return Pictures(seen.filmstrip.whole(), seen.filmstrip.close_ups(), rows)
