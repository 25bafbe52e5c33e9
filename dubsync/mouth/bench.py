"""`dubsync bench mouth`: what every part of the mouth is worth, on real clips, each cut in three by time.

Painting is in `bench_paint`, what sound alone does in `bench_speech`, what goes into a film in `bench_stage`. Each clip
is measured once and its figures may be kept, so that a long run goes on where it was stopped.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dubsync.backends import mouth_clips
from dubsync.backends.mouth_clips import Clip
from dubsync.backends.protocols import FaceFinder, MouthSynth
from dubsync.documents import write_whole
from dubsync.mouth import actor, bench_blur, bench_paint, bench_speech, bench_stage
from dubsync.weights import digest, resolve
from dubsync.weights.cache import cache_folder

_LONG_S = 7.9
_TALL_PX = 1080
_LISTED_FPS = 25
"""Of the lags in `clips.tsv`; they are whole frames, so what is listed may be 20 ms off."""
QUICK_FOLDS, ALL_FOLDS = (2,), (0, 1, 2)
COUNTED = (
    "frames for a second of one processor: CPU time of a process whose libraries have one thread each; "
    f"the stage's best of {bench_stage.TURNS} turns"
)
STEPS = 240
"""Of training on each clip."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What to measure. `steps`: of adaptation to each clip, 0 for the base painter alone; `folds`: thirds left out.

    `paints`: False leaves out all that is painted, so that what sound alone does is known in minutes.
    """

    steps: int = STEPS
    folds: tuple[int, ...] = ALL_FOLDS
    paints: bool = True


@dataclass
class Findings:
    """What one clip showed. `rows`: method to (dB, SSIM, sharpness), medians over frames; `numbers`: all else."""

    clip: str
    seconds: float
    rows: dict[str, list[float]] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Means:
    """What a clip is measured with, made when first needed."""

    finder: Callable[[], FaceFinder]
    engine: Callable[[], MouthSynth]
    embed: bench_stage.Embed


def run(  # noqa: PLR0913 - the choices of a bench
    clips: Path,
    asked: Asked,
    means: Means,
    *,
    only: Sequence[str] = (),
    pictures: Path | None = None,
    kept: Path | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Measure on the clips of a folder with its `clips.tsv`; return the numbers of issue 3 and a row for each method.

    `kept`: a folder for the figures of each clip; those that are there and were asked for in the same way are taken.
    """
    found = []
    for file, lag in listed(clips, only):
        record = kept / f"{file.stem}.json" if kept else None
        one = _recalled(record, asked)
        if one is None:
            clip = mouth_clips.read(file, means.finder(), lag=lag, kept=cache_folder() / "bench")
            one = measured(clip, asked, means, pictures=pictures)
            if record is not None:
                record.parent.mkdir(parents=True, exist_ok=True)
                write_whole(record, json.dumps({"asked": _identity(asked), **asdict(one)}).encode())
        found.append(one)
        progress(line(one))
    if not asked.paints:
        figures: dict[str, Any] = dict(bench_speech.summary([one.numbers for one in found]))
        return figures | {"clips": len(found), "each": {one.clip: one.numbers for one in found}}
    speed = bench_paint.generator_fps(resolve("mouth-base"))
    ratio = round(speed / bench_stage.wav2lip_fps(), 1)
    return summary(found) | {"fps_generator": speed, "speedup_vs_wav2lip": ratio, "fps_counted": COUNTED}


def _identity(asked: Asked) -> dict[str, Any]:
    """Return what the figures of a clip depend on besides the code."""
    asked_for: dict[str, Any] = json.loads(json.dumps(asdict(asked)))
    return asked_for | {name: digest(name) for name in ("mouth-base", "articulation")}


def _recalled(record: Path | None, asked: Asked) -> Findings | None:
    if record is None or not record.is_file():
        return None
    found = json.loads(record.read_text(encoding="utf-8"))
    return Findings(**found) if found.pop("asked") == _identity(asked) else None


def listed(clips: Path, only: Sequence[str] = ()) -> Iterator[tuple[Path, float]]:
    """Yield the clips of `clips.tsv` that are there, with the seconds by which the picture is behind the sound."""
    with (clips / "clips.tsv").open(encoding="utf-8") as table:
        for row in csv.DictReader(table, delimiter="\t"):
            file = clips / "clips" / row["file"]
            if file.exists() and (not only or file.stem in only):
                yield file, -float(row["lag_frames_25fps"] or 0) / _LISTED_FPS


def measured(clip: Clip, asked: Asked, means: Means, *, pictures: Path | None = None) -> Findings:
    """Measure one clip."""
    one = Findings(clip.name, clip.seconds)
    if asked.paints:
        every = bench_paint.reconstruct(clip, steps=asked.steps, folds=asked.folds, pictures=pictures)
        one.rows = {name: np.median(rows, axis=0).round(4).tolist() for name, rows in every.items()}
        one.numbers |= bench_paint.gains(every)
        one.numbers |= bench_blur.measured(mouth_clips.library_of(clip, actor.CROP_SIZE))
        one.numbers |= bench_stage.stage(clip, means.engine(), embed=means.embed)
    one.numbers |= bench_speech.speak(clip, bench_speech.shipped(), fold=asked.folds[-1])
    return one


def summary(found: Sequence[Findings]) -> dict[str, Any]:
    """Return the medians over clips under the names of issue 3, and every method's row; painting: of the long clips."""
    long = [one for one in found if one.seconds >= _LONG_S] or list(found)
    rows = {
        name: [round(_median([one.rows[name][k] for one in long if name in one.rows]), 3) for k in range(3)]
        for name in bench_paint.METHODS
        if any(name in one.rows for one in long)
    }
    decibels, likeness, sharpness = rows.get("adapted", rows["base"])
    tall = [one for one in found if one.numbers["height"] >= _TALL_PX] or list(found)
    gains = sorted({name for one in long for name in one.numbers if name.startswith("over_")})
    return {
        "psnr_db": round(decibels, 2),
        "ssim": likeness,
        "sharpness": sharpness,
        **bench_speech.summary([one.numbers for one in found]),
        "sharp": _middle(found, "sharp"),
        "flicker": _middle(found, "flicker"),
        "identity": _middle(found, "identity"),
        "smeared_lent": _middle(long, "smeared_lent"),
        "smeared_lent_blind": _middle(long, "smeared_lent_blind"),
        "fps_stage": _middle(tall, "fps_stage"),
        **{name: _middle(long, name) for name in gains},
        "clips": len(found),
        "methods": rows,
        "each": {one.clip: {"rows": one.rows, **one.numbers} for one in found},
    }


def _middle(found: Sequence[Findings], name: str) -> float | None:
    values = [one.numbers[name] for one in found if name in one.numbers]
    return round(_median(values), 3) if values else None


def _median(values: Sequence[float]) -> float:
    return float(np.median(values))


def line(one: Findings) -> str:
    """Return a clip's findings in one line."""
    rows = "  ".join(f"{name} {row[0]:.1f}/{row[1]:.2f}/{row[2]:.2f}" for name, row in one.rows.items())
    numbers = " ".join(f"{name} {value:.3f}" for name, value in one.numbers.items())
    return f"{one.clip} {one.seconds:.1f} s  {rows}  {numbers}"
