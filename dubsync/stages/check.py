"""check: the finished film is measured as it will be delivered, and the report is written.

Where a pipeline makes subtitles alone, the film's own sound and picture are held against the source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dubsync.audio.loudness import Meter
from dubsync.documents import save, write_whole
from dubsync.engine.stage import Axis, Context, Made, Unit, stage
from dubsync.errors import Flag, Severity
from dubsync.media import measure
from dubsync.media.sound import sound
from dubsync.quality import chart, timing, voices
from dubsync.quality.look import Look
from dubsync.quality.page import Pictures, Subject, render, stamp
from dubsync.quality.report import Sheet, not_measured, partly_measured
from dubsync.quality.timing import SpokenLine
from dubsync.rights.detect import Listener, Mark
from dubsync.stages._bench import (
    Bench,
    closures_seen,
    earlier_flags,
    look_again,
    mouth_agreement,
    open_bench,
    patch_book,
    spoken_lines,
)
from dubsync.text import language as tags
from dubsync.text import layout, subtitles

SAME_SOUND = 0.9
"""Correlation of the film's track with the mix under which it is another sound; lossy coding leaves 0.98 and more."""
_SAME_LU, _SAME_DB = 0.2, 0.2
"""What the delivered sound may differ by from what the mix stage heard of the same coding."""
NEEDS = ("source", "transcript", "speakers", "script", "render")
_SPOKEN = ("rights", "casting", "voice", "mix", "heard")
OPTIONAL = ("shots", "faces", "stems", "actor", "translation", "drive", "mouth", "credentials", *_SPOKEN)
_NOT_SPOKEN = "no line is spoken anew"


@dataclass(frozen=True, slots=True)
class CheckParams:
    """`mouth_seconds`: of new mouths that are looked at again, at most; the rest is taken on trust, with a flag."""

    mouth_seconds: float = 120.0


@stage(
    over=Axis.LANGUAGE,
    needs=NEEDS,
    optional=OPTIONAL,
    params=CheckParams,
    backends=("face", "lips"),
    version=10,
)
def check(unit: Unit, made: Made, ctx: Context, params: CheckParams) -> Mapping[str, Any]:
    """Measure, write report.json and report.html, and return the headline figures."""
    bench = open_bench(unit, made)
    sheet = Sheet(ctx.film.stem, bench.language, earlier=tuple(earlier_flags(made, (*NEEDS, *OPTIONAL))))
    with ThreadPoolExecutor(1) as beside:
        facts = beside.submit(_film_facts, bench, ctx.film)
        lines = spoken_lines(bench)
        _enter_timing(sheet, bench, lines)
        _enter_subtitles(sheet, bench)
        _enter_voice(sheet, bench, lines)
        seen = look_again(bench, ctx, seconds=params.mouth_seconds) if made.has("mouth") else None
        ctx.progress(0.8)
        _enter_mouths(sheet, bench, seen, ctx)
        _enter_film(sheet, bench, facts.result())
    _enter_rest(sheet, bench)
    report = sheet.report()
    save(ctx.out / "report.json", report)
    names = {speaker["id"]: speaker["name"] for speaker in bench.value("speakers")["speakers"]}
    pictures = _pictures(bench, seen, lines)
    subject = Subject(tags.name(bench.language), names, bench.value("render")["synthetic"], bench.is_dub)
    page = render(report, pictures, subject, at=partial(stamp, bench.film), shown=bench.table.time)
    write_whole(ctx.out / "report.html", page.encode())
    ctx.flags += sheet.own
    return {section: report[section] for section in ("sync", "picture", "voice", "sound")}


def _enter_timing(sheet: Sheet, bench: Bench, lines: Sequence[SpokenLine]) -> None:
    overlap = timing.speech_overlap((each.span for each in bench.utterances), bench.placed.values())
    why_not = "nobody speaks" if bench.is_dub else _NOT_SPOKEN
    sheet.put("timing.speech_overlap", overlap if bench.is_dub else None, why_not=why_not)
    sheet.put("timing.speech_rate_max", timing.speech_rate_max(lines), why_not=_NOT_SPOKEN)
    sheet.put("timing.lines", [line.row() for line in lines])


def _enter_subtitles(sheet: Sheet, bench: Bench) -> None:
    cues = subtitles.read(bench.made.one("render").file(f"{bench.language}.vtt"))
    fastest = max(map(layout.reading_speed, cues), default=None)
    sheet.put("subtitles.count", len(cues))
    sheet.put("subtitles.reading_speed_max", fastest, why_not="no line has a text")
    sheet.put("subtitles.too_fast", len(layout.too_fast(cues, bench.language)))


def _enter_voice(sheet: Sheet, bench: Bench, lines: Sequence[SpokenLine]) -> None:
    if not (bench.is_dub and bench.made.has("heard")):
        why_not = "this pipeline has no heard stage" if bench.is_dub else _NOT_SPOKEN
        sheet.put("voice.wer_back", None, why_not=why_not)
        sheet.put("voice.speaker_similarity", None, why_not=why_not)
        return
    originals = {each.value["line"] for each in bench.made.all("voice") if each.value["says"] == "original"}
    anew = [line for line in lines if line.spoken and line.line not in originals]
    kept = [line.spoken for line in lines if line.spoken and line.line in originals]
    heard = voices.outside(bench.heard, kept)
    wrong = voices.wer_back([line.text for line in anew], heard, bench.language)
    why_not = "no line was spoken anew" if kept else "no line was spoken"
    if anew:
        why_not = f"the recogniser writes {bench.language} in other letters"
    sheet.put("voice.wer_back", wrong, why_not=why_not)
    alike = bench.value("heard")["speaker_similarity"]
    sheet.put("voice.speaker_similarity", alike)
    for speaker in (speaker for speaker, value in alike.items() if value is None):
        sheet.own.append(not_measured(f"voice.speaker_similarity.{speaker}", "too little speech to compare"))


@dataclass(frozen=True, slots=True)
class _FilmFacts:
    """What the finished file shows without looking at faces."""

    untouched_db: float
    changed_s: float
    track: measure.TrackFit | None
    sound: Meter
    marks: tuple[Mark, ...]


def _film_facts(bench: Bench, film: Path) -> _FilmFacts:
    book = patch_book(bench) if bench.made.has("mouth") else None
    untouched = measure.untouched_psnr(film, bench.video, book.boxes() if book else {}, table=bench.table)
    durations = bench.table.durations[book.frames] if book else np.zeros(0)
    track = measure.track_fit(bench.video, bench.sound)
    audio = bench.film.audio[0]
    meter, listener = Meter(audio.sample_rate, audio.channels), Listener(audio.sample_rate)
    for block in sound(bench.video, bench.table):
        meter.add(block)
        listener.add(block)
    return _FilmFacts(untouched, float(durations.sum() * bench.table.time_base), track, meter, listener.marks())


def _enter_film(sheet: Sheet, bench: Bench, facts: _FilmFacts) -> None:
    sheet.put("picture.psnr_untouched_db", facts.untouched_db)
    sheet.put("picture.faces_changed_s", facts.changed_s)
    _enter_sound(sheet, bench, facts.sound)
    _enter_marks(sheet, bench, facts.marks)
    sheet.put("media.av_offset_ms", facts.track.offset_ms if facts.track else None, why_not="the sound is silent")
    if facts.track and facts.track.likeness < SAME_SOUND:
        wanted = "the mix that was made for it" if bench.is_dub else "the film's own"
        what = f"the film's first sound track is not {wanted} (likeness {facts.track.likeness:.2f})"
        sheet.own.append(
            Flag(Severity.ERROR, "track-is-not-mix", bench.language, what, "report it: it should not happen")
        )


def _enter_sound(sheet: Sheet, bench: Bench, heard: Meter) -> None:
    """Enter what the delivered track measures, and flag where it is not what the mix was mastered to."""
    sheet.put("sound.integrated_lufs", heard.integrated())
    sheet.put("sound.true_peak_dbtp", heard.true_peak)
    if not bench.is_dub:
        return
    mix = bench.value("mix")
    moved = heard.integrated() - mix["integrated_lufs"]
    over = heard.true_peak - max(mix["true_peak_dbtp"], mix["ceiling_dbtp"])
    if abs(moved) > _SAME_LU or over > _SAME_DB:
        what = f"the delivered sound is {moved:+.1f} LU and {over:+.1f} dBTP off what the mix was mastered to"
        sheet.own.append(
            Flag(Severity.ERROR, "delivery-differs", bench.language, what, "report it: it should not happen")
        )


def _enter_marks(sheet: Sheet, bench: Bench, marks: Sequence[Mark]) -> None:
    """Enter whether the watermark is heard in the delivered track, and what is signed."""
    made = bench.value("mix")["mark"] if bench.is_dub else None
    nothing = "no speech is synthetic: recorded and kept voices are not marked" if bench.is_dub else _NOT_SPOKEN
    found = next((mark for mark in marks if made and str(mark.payload) == made["id"]), None)
    entry = made and {
        "id": made["id"],
        "marked_s": made["seconds"],
        "heard": found is not None,
        "heard_s": found.seconds if found else 0.0,
        "score": round(found.score, 1) if found else None,
        "confidence": round(1 - found.chance, 6) if found else None,
    }
    sheet.put("rights.watermark", entry, why_not=nothing)
    if made and not found:
        what = f"the watermark in {made['seconds']} s of synthetic speech is not heard in the delivered sound"
        hint = (
            "it takes about ten seconds of speech to be heard; the container's tags disclose the synthesis all the same"
        )
        sheet.own.append(Flag(Severity.INFO, "mark-not-heard", "rights.watermark", what, hint))
    signed = {"c2pa": None, "why_not": "this pipeline has no credentials stage"}
    if bench.made.has("credentials"):
        signed = bench.value("credentials")
    sheet.put("rights.c2pa", signed["c2pa"], why_not=str(signed["why_not"]))


def _enter_mouths(sheet: Sheet, bench: Bench, seen: Look | None, ctx: Context) -> None:
    nothing_new = "no mouth was re-synthesised"
    sheet.put("picture.flicker", seen.flicker if seen else None, why_not=nothing_new)
    found = mouth_agreement(bench, seen, ctx) if seen else None
    reason = ("this pipeline names no lips engine", "the mouths move too little")["lips" in ctx.backends]
    for key in ("confidence", "offset_frames", "articulation_error"):
        sheet.put(f"sync.{key}", getattr(found, key, None), why_not=reason if seen else nothing_new)
    closed = closures_seen(bench, seen) if seen else np.zeros(0, bool)
    sheet.put("closures.count", len(closed))
    share = float(closed.mean()) if len(closed) else None
    unknown = "no p, b or m of a line whose phones are known is on screen"
    sheet.put("closures.closed_share", share, why_not=unknown if seen else nothing_new)
    actors = bench.value("actor")["actors"] if bench.made.has("actor") else {}
    sheet.put("mouth.painter", {speaker: one["painter"] for speaker, one in actors.items() if "painter" in one})
    if seen and seen.share < 1:
        sheet.own.append(partly_measured("sync, closures, picture.flicker", seen.share))


def _enter_rest(sheet: Sheet, bench: Bench) -> None:
    rate = bench.film.video.rate
    sheet.put("media.duration_s", float(bench.film.duration))
    sheet.put("media.frames", bench.film.video.frames)
    sheet.put("media.fps", float(rate))
    translated = bench.value("translation") if bench.made.has("translation") else {"backend": None, "draft": None}
    for key in ("backend", "draft"):
        sheet.put(f"translation.{key}", translated[key], why_not="the lines were brought, not translated")
    sheet.put("rights.consent", bench.value("rights")["consent"] if bench.made.has("rights") else [])


def _pictures(bench: Bench, seen: Look | None, lines: Sequence[SpokenLine]) -> Pictures:
    if seen is None or not seen.watched:
        return Pictures()
    speech = bench.made.one("mix").file("dialogue.wav")
    rows = chart.rows(seen.watched, bench.table.times, lambda start, stop: voices.energy(speech, start, stop), lines)
    return Pictures(seen.filmstrip.whole(), seen.filmstrip.close_ups(), rows)
