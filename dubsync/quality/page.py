"""report.html: one self-contained page that a person can read, sign off or send back. No script, no outside address."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

from dubsync.media.measure import IDENTICAL_DB
from dubsync.quality.chart import Row, clock
from dubsync.quality.filmstrip import Pair
from dubsync.timing import clock as readable
from dubsync.timing import frame_time, nearest, timecode
from dubsync.title import Source

if TYPE_CHECKING:
    from jinja2 import Template


@dataclass(frozen=True, slots=True)
class Pictures:
    """What the page shows besides words. `whole`: a frame of both films; `rows`: mouth against voice."""

    whole: Pair | None = None
    close_ups: Sequence[Pair] = ()
    rows: Sequence[Row] = ()


@dataclass(frozen=True, slots=True)
class Tile:
    """A headline figure. `value` is None where it was not measured."""

    name: str
    value: str | None
    meaning: str


def stamp(film: Source, time: Fraction | float) -> str:
    """Return how an editor finds a moment: by the film's timecode, or by the clock where its rate varies.

    `time`: seconds from the first frame; the nearest frame is named.
    """
    if film.video.is_variable_rate:
        return readable(time)
    frame = nearest(Fraction(time) * film.video.rate)
    return timecode(film.timecode + frame_time(frame, film.video.rate), film.video.rate)


@dataclass(frozen=True, slots=True)
class Subject:
    """What the report is about. `speakers`: names by id. `is_dub`: a new sound, and not new subtitles alone.

    `synthetic`: in words, what of the film is (`rights.mark.synthetic`).
    """

    language_name: str
    speakers: Mapping[str, str]
    synthetic: Sequence[str]
    is_dub: bool


@cache
def _template() -> Template:
    """Return the page's template; it is compiled once."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("dubsync.quality"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["clock"] = clock
    return environment.get_template("report.html.j2")


def render(
    report: Mapping[str, Any],
    pictures: Pictures,
    subject: Subject,
    *,
    at: Callable[[Fraction | float], str],
    shown: Callable[[int], Fraction],
) -> str:
    """Return the page. `at` names a moment of so many seconds; `shown`: a frame's seconds."""
    return _template().render(
        report=report,
        pictures=pictures,
        tiles=tiles(report, is_dub=subject.is_dub),
        synthetic=subject.synthetic,
        is_dub=subject.is_dub,
        language_name=subject.language_name,
        names=defaultdict(str, subject.speakers),
        at=at,
        shown=shown,
    )


def tiles(report: Mapping[str, Any], *, is_dub: bool) -> tuple[Tile, ...]:
    """Return the headline figures in words: of a dub all, of new subtitles what is said of them and of the film."""
    fastest = report["subtitles"]["reading_speed_max"]
    film = (
        Tile("fastest subtitle", None if fastest is None else f"{fastest:.0f}", "characters a second"),
        Tile("picture and sound", _unit(report["media"]["av_offset_ms"], "ms"), "offset of the first sound track"),
        Tile(
            "untouched picture",
            _fidelity(report["picture"]["psnr_untouched_db"]),
            "outside the new mouths, against the film" if is_dub else "all of it, against the film",
        ),
        Tile(
            "loudness",
            _unit(report["sound"]["integrated_lufs"], "LUFS"),
            f"integrated, of {'the new mix' if is_dub else 'the film itself'}",
        ),
    )
    return (*_spoken(report), *film) if is_dub else film


def _spoken(report: Mapping[str, Any]) -> tuple[Tile, ...]:
    """Return what is said of new voices and mouths."""
    timing, voice, sync = report["timing"], report["voice"], report["sync"]
    understood = None if voice["wer_back"] is None else max(0.0, 1 - voice["wer_back"])
    likeness = [value for value in (voice["speaker_similarity"] or {}).values() if value is not None]
    return (
        Tile("words understood", _percent(understood), "heard back by a speech recogniser"),
        Tile(
            "voice likeness", _number(min(likeness, default=None)), "cosine to the original voice, least alike speaker"
        ),
        Tile("speech overlap", _percent(timing["speech_overlap"]), "time that original and dub both speak"),
        Tile("fastest line", _times(timing["speech_rate_max"]), "against an unhurried reading"),
        Tile("mouth and sound", _frames(sync["offset_frames"]), "offset of the new mouth to the new voice"),
        Tile("lips closed", _percent(report["closures"]["closed_share"]), "of the p, b and m that are on screen"),
    )


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"


def _percent(value: float | None) -> str | None:
    return None if value is None else f"{100 * value:.0f} %"


def _times(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f} x"


def _frames(value: float | None) -> str | None:
    return None if value is None else f"{value:+.1f} frames"


def _unit(value: float | None, unit: str) -> str | None:
    return None if value is None else f"{round(value, 1) + 0.0:.1f} {unit}"


def _fidelity(value: float | None) -> str | None:
    if value is None:
        return None
    return "identical" if value >= IDENTICAL_DB else f"{value:.1f} dB"
