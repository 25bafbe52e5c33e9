"""`dubsync bench mouth`: what every part of the mouth is worth, on real clips, each cut in three by time.

Two thirds of a clip are learnt, the rest is painted again and compared with what was filmed. Painting is measured
inside the mouth box, with the film's own pixels hidden there; what goes into a film is measured on finished patches.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dubsync.backends import mouth_clips
from dubsync.backends.mouth_clips import Clip
from dubsync.backends.protocols import FaceFinder, MouthSynth
from dubsync.mouth import actor as actors
from dubsync.mouth import (
    bench_speech,
    bench_stage,
    learning,
    library,
    measure,
    performance,
    rehearsal,
    warp,
)
from dubsync.mouth.bench_speech import thirds
from dubsync.mouth.library import Library
from dubsync.mouth.painter import Finish, NetworkPainter, export
from dubsync.weights import resolve

Picture = NDArray[np.uint8]
METHODS = ("static", "nearest", "warp", "scratch", "base", "adapted")
_LONG_S = 7.9
_EVERY = 3
"""Every third frame of the held-out third is painted: neighbours say the same."""


@dataclass
class Findings:
    """What one clip showed; medians over its frames. `rows`: method to (dB, SSIM, sharpness)."""

    clip: str
    seconds: float
    rows: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)


def run(  # noqa: PLR0913 - the choices of a bench
    clips: Path,
    *,
    finder: Callable[[], FaceFinder],
    engine: Callable[[], MouthSynth] | None = None,
    embed: bench_stage.Embed | None = None,
    steps: int = 0,
    pictures: Path | None = None,
    only: Sequence[str] = (),
    fold: int = 2,
    paints: bool = True,
    progress: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Measure on the clips of a folder with its `clips.tsv`; return the numbers of issue 3 and a row for each method.

    `steps`: of adaptation to each clip, 0 for the base painter alone; `fold`: which third is held out, 0 to 2.
    `paints`: False leaves out all that is painted, so that what sound alone does is known in minutes.
    """
    drive = bench_speech.shipped()
    found = []
    whole: dict[str, float] = {}
    for clip in read_all(clips, finder, only):
        one = Findings(clip.name, len(clip.times) / clip.rate)
        if paints:
            reconstruct(clip, one, steps=steps, fold=fold, pictures=pictures)
        one.numbers |= bench_speech.speak(clip, drive, fold=fold)
        found.append(one)
        progress(line(one))
        if paints and engine is not None and not whole:
            whole = bench_stage.stage(clip, engine(), embed=embed)
    if not paints:
        return bench_speech.summary([one.numbers for one in found]) | {
            "clips": len(found),
            "each": {one.clip: one.numbers for one in found},
        }
    speed = generator_fps(resolve("mouth-base"))
    beside = {"fps_generator": speed, "speedup_vs_wav2lip": round(speed / bench_stage.wav2lip_fps(), 1)}
    return summary(found) | {"flicker": None, "identity": None, "fps_stage": None} | whole | beside


def read_all(clips: Path, finder: Callable[[], FaceFinder], only: Sequence[str]) -> Iterator[Clip]:
    """Yield the clips listed in `clips.tsv`, their listed lag taken into account."""
    with (clips / "clips.tsv").open(encoding="utf-8") as table:
        for row in csv.DictReader(table, delimiter="\t"):
            file = clips / "clips" / row["file"]
            shift = row["suggested_audio_shift_ms"].split(" ")[0]
            if (only and file.stem not in only) or not file.exists():
                continue
            yield mouth_clips.read(file, finder(), lag=float(shift or 0) / 1000)


def reconstruct(clip: Clip, out: Findings, *, steps: int, fold: int, pictures: Path | None) -> None:
    """Paint the held-out third again from true landmarks, by every method."""
    whole, mesh = whole_library(clip)
    hidden = thirds(len(whole), fold)
    rows = np.flatnonzero(hidden)[::_EVERY]
    test = rehearsal.rehearse(whole, mesh, rows, hidden=hidden)
    made = {name: picture for name, picture in _simple(whole, rows, hidden, test)}
    base = learning.load_generator(resolve("mouth-base") / learning.BASE)
    made["base"] = _painted(base, test, whole.nodes[rows])
    if steps > 0:
        practice = rehearsal.rehearse(whole, mesh, learning.practice_rows(whole, hidden), hidden=hidden)
        made["scratch"] = _painted(_trained(None, practice, steps), test, whole.nodes[rows])
        made["adapted"] = _painted(_trained(base, practice, steps), test, whole.nodes[rows])
    truth = [np.ascontiguousarray(one.transpose(1, 2, 0)) for one in test.filmed]
    for name, painted in made.items():
        out.rows[name] = _compared(painted, truth, whole.nodes[rows])
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
        best = made.get("adapted", made["base"])
        write_strip(pictures / f"{clip.name}.png", [truth, made["warp"], best])


def whole_library(clip: Clip) -> tuple[Library, warp.Mesh]:
    """Return all frames of a clip as a library, and its mesh."""
    geometry = library.measure(clip.landmarks)
    kept = Library(
        size=actors.CROP_SIZE,
        shapes=geometry.shapes,
        poses=geometry.poses,
        nodes=geometry.nodes,
        shot=np.zeros(len(geometry), np.int32),
        number=np.arange(len(geometry), dtype=np.int32),
    )
    for number, picture in clip.footage(0, len(geometry)).frames():
        kept.add(performance.crop_of(picture, geometry.affines[number], kept.size)[0])
    return kept, actors.mesh_of(kept)


def _simple(
    whole: Library, rows: NDArray[np.int64], hidden: NDArray[np.bool_], test: rehearsal.Rehearsal
) -> Iterator[tuple[str, list[Picture]]]:
    """Yield what can be had without a network: a still mouth, the nearest frame unwarped, the warped collage."""
    known = np.flatnonzero(~hidden)
    calm = known[np.argmin(np.abs(whole.shapes[known] - whole.shapes[known].mean(axis=0)).sum(axis=(1, 2)))]
    yield "static", [warp.window(whole.picture(int(calm))) for _ in rows]
    chosen = performance.cast(
        whole.shapes[rows], whole.poses[rows], whole, banned=np.broadcast_to(hidden, (len(rows), len(whole)))
    )
    yield "nearest", [warp.window(whole.picture(mix[0][0])) for mix in chosen.skin]
    yield "warp", [np.ascontiguousarray(one[3:6].transpose(1, 2, 0)) for one in test.inputs]


def _trained(start: Any, practice: rehearsal.Rehearsal, steps: int) -> Any:
    import copy

    from dubsync.mouth.generator import Generator
    from dubsync.mouth.training import TrainConfig, Trainer

    trainer = Trainer(copy.deepcopy(start) if start is not None else Generator(), TrainConfig(steps=steps), seed=0)
    trainer.run([practice], lambda share: None)
    return trainer.average


def _painted(generator: Any, test: rehearsal.Rehearsal, nodes: NDArray[np.float32]) -> list[Picture]:
    """Return finished windows; how far to sharpen is decided on the first half, as in an actor's held-out frames."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / learning.FILE
        export(generator, file, test.filmed.shape[-1])
        half = max(2, len(test.inputs) // 2)
        part = rehearsal.Rehearsal(test.inputs[:half], test.filmed[:half], test.runs[:0])
        verdict = learning.judge(file, part, nodes[:half])
        raw = NetworkPainter(file).raw(test.inputs)
    finish = Finish(1.0, verdict.sharpen)
    return [
        finish(one, np.ascontiguousarray(given[3:6].transpose(1, 2, 0)))
        for one, given in zip(raw, test.inputs, strict=True)
    ]


def _compared(
    painted: Sequence[Picture], truth: Sequence[Picture], nodes: NDArray[np.float32]
) -> tuple[float, float, float]:
    rows = []
    for made, filmed, place in zip(painted, truth, nodes, strict=True):
        box = measure.mouth_box(place, len(filmed))
        sharp = measure.sharpness(made[box]) / max(measure.sharpness(filmed[box]), 1e-3)
        rows.append((measure.psnr(made[box], filmed[box]), measure.ssim(made[box], filmed[box]), sharp))
    decibels, likeness, sharpness = np.median(np.array(rows), axis=0)
    return float(decibels), float(likeness), float(sharpness)


def summary(found: Sequence[Findings]) -> dict[str, Any]:
    """Return the medians over clips under the names of issue 3, and every method's row."""
    best = "adapted" if any("adapted" in one.rows for one in found) else "base"
    rows = {
        name: [round(float(np.median([one.rows[name][k] for one in found if name in one.rows])), 3) for k in range(3)]
        for name in METHODS
        if any(name in one.rows for one in found)
    }
    long = [one.rows[best] for one in found if one.seconds >= _LONG_S] or [one.rows[best] for one in found]
    decibels, likeness, sharpness = np.median(np.array(long), axis=0)

    return {
        "psnr_db": round(float(decibels), 2),
        "ssim": round(float(likeness), 3),
        "sharpness": round(float(sharpness), 3),
        **bench_speech.summary([one.numbers for one in found]),
        "clips": len(found),
        "methods": rows,
        "each": {one.clip: {"rows": one.rows, **one.numbers} for one in found},
    }


def generator_fps(base: Path, *, threads: int = 1, frames: int = 160) -> float:
    """Return how many windows a second the exported generator paints on this machine, by the clock of the process."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / learning.FILE
        export(learning.load_generator(base / learning.BASE), file, actors.CROP_SIZE // 2)
        painter = NetworkPainter(file, threads=threads)
        inputs = np.zeros((8, 12, actors.CROP_SIZE // 2, actors.CROP_SIZE // 2), np.uint8)
        painter.raw(inputs)
        begun = time.process_time()
        for _ in range(frames // 8):
            painter.raw(inputs)
        return round(frames / (time.process_time() - begun), 1)


def line(one: Findings) -> str:
    """Return a clip's findings in one line."""
    rows = "  ".join(f"{name} {row[0]:.1f}/{row[1]:.2f}/{row[2]:.2f}" for name, row in one.rows.items())
    numbers = " ".join(f"{name} {value:.3f}" for name, value in one.numbers.items())
    return f"{one.clip} {one.seconds:.1f} s  {rows}  {numbers}"


def write_strip(file: Path, rows: Sequence[Sequence[Picture]], columns: int = 8) -> None:
    """Write a picture: rows as given, the difference of the last to the first added, `columns` frames across."""
    pick = np.linspace(0, len(rows[0]) - 1, columns).astype(int)
    difference = [
        np.clip(128 + (last.astype(int) - first) // 2, 0, 255).astype(np.uint8)
        for first, last in zip(rows[0], rows[-1], strict=True)
    ]
    bands: Iterable[Sequence[Picture]] = (*rows, difference)
    whole = np.vstack([np.hstack([band[k] for k in pick]) for band in bands])
    cv2.imwrite(str(file), whole[..., ::-1])
