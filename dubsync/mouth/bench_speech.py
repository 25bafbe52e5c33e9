"""What sound alone makes of a mouth, on one clip: shapes, sync, silence; a part of `dubsync bench mouth`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.backends.mouth_clips import Clip
from dubsync.mouth import articulation, bench_closures, closures, library, manner, shape, sync
from dubsync.mouth.articulation import Articulation
from dubsync.mouth.hearing import Ear, at_times
from dubsync.mouth.rehearsal import thirds
from dubsync.weights import resolve

_SHORT_S = 4.9
_PAUSE_S = 0.3


@dataclass(frozen=True, slots=True)
class Drive:
    """What moves a mouth, and the judge that moves none."""

    ear: Ear
    model: Articulation
    judge: sync.Judge


def shipped() -> Drive:
    """Return the shipped weights."""
    weights = resolve("articulation")
    return Drive(Ear(resolve("whisper-tiny-en")), articulation.load(weights), sync.load_judge(weights))


def speak(clip: Clip, drive: Drive, *, fold: int) -> dict[str, float]:
    """Drive the held-out third by sound alone, and measure shapes, sync and silence.

    `lmd`: mean lip landmark error of the likeliest shapes, for which the actor's manner is learnt on the other thirds;
    `lmd_vs_mean`: by what share it is below that of a mouth held at its mean; `lmd_film`: with a film's liveliness;
    `lmd_shared`: the likeliest shapes without anything learnt of the actor but size and direction; `closures`: of p, b
    and m of sentences whose phones are known, the share seen closed; `closures_unaided`: without using them.
    `rest_open`: how far the mouth at rest is open, as a share of the actor's own range;
    `silence_ratio`: opening in pauses of the sound, as footage and sound were found to be in time, beside the film's.
    """
    features, times = drive.ear.hear(clip.samples), clip.shown - clip.lag
    head = library.measure(clip.landmarks)
    hidden = thirds(len(times), fold)
    talking = at_times(articulation.activity(clip.samples, len(features))[:, None], times)[:, 0] > 0.5
    turned = manner.turned(head.poses)
    rows = ~hidden
    take = manner.Take(features, head.shapes[rows], times[rows], clip.shown[rows], turned[rows], talking[rows])
    numbers = _landmark_errors(drive.model, take, head.shapes[hidden], times[hidden], turned[hidden])
    learnt, facts = manner.learn(drive.model, [take])
    heard = times + float(facts["lag"])
    spoken = articulation.perform(drive.model, learnt, features, clip.samples, heard, turned)
    numbers |= bench_closures.measured(drive.model, learnt, head.shapes, bench_closures.sentences(drive.ear))
    lips = closures.lips_of(head.shapes)
    rest = float(shape.opening(learnt.rest[None])[0])
    numbers["rest_open"] = (rest - lips.closed) / max(lips.open - lips.closed, 1e-3)
    numbers["lmd_film"] = _lips_apart(spoken[hidden], head.shapes[hidden])
    if clip.times[-1] >= _SHORT_S:
        numbers |= _agree(clip, drive.model, features, drive.judge)
    every = clip.times - clip.lag + float(facts["lag"])
    share = at_times(articulation.activity(clip.samples, len(features))[:, None], every)[:, 0]
    quiet = pauses(share <= 0.5, clip.rate)[clip.numbers]
    if quiet.any():
        was = float(shape.opening(head.shapes[quiet]).mean())
        numbers["silence_ratio"] = float(shape.opening(spoken[quiet]).mean()) / max(was, 1e-3)
    return numbers


def pauses(quiet: NDArray[np.bool_], rate: float) -> NDArray[np.bool_]:
    """Return which frames are in a pause: `quiet` for more than `_PAUSE_S` on end."""
    edges = np.flatnonzero(np.diff(np.pad(quiet.astype(np.int8), 1)))
    found = np.zeros(len(quiet), bool)
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        found[start:stop] = stop - start > _PAUSE_S * rate
    return found


def _landmark_errors(
    model: Articulation, take: manner.Take, shown: NDArray[np.float32], times: NDArray[np.float64], turned: Any
) -> dict[str, float]:
    """Return how far the lips of hidden frames are from what each kind of manner, learnt on a take, expects."""
    numbers = {}
    for name, parts in (("lmd", manner.PARTS), ("lmd_sound", manner.PARTS[:2]), ("lmd_shared", manner.PARTS[:1])):
        learnt, facts = manner.learn(model, [take], parts=parts)
        wanted = articulation.expected(model, learnt, take.features, times + float(facts["lag"]), turned)
        numbers[name] = _lips_apart(model.decode(wanted, learnt.mean), shown)
        still = _lips_apart(learnt.mean, shown)
        numbers[f"{name}_vs_mean"] = 1 - numbers[name] / still
    return numbers


def _lips_apart(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return the mean distance of lip landmarks of shapes, in eye distances."""
    lips = (..., shape.LIPS, slice(0, 2))
    return float(np.linalg.norm(one[lips] - other[lips], axis=-1).mean())


def _agree(clip: Clip, model: Articulation, features: NDArray[np.float32], judge: sync.Judge) -> dict[str, float]:
    """Compare what the shipped weights expect, without any adaptation, with the measured face."""
    shown = shape.measures(shape.moving(clip.landmarks))
    expected = shape.measures(model.decode(model.coefficients(features), model.mean_shape))
    times = clip.shown - clip.lag
    lags = np.arange(-8, 9)
    every = np.array([_correlations(at_times(expected, times + lag / 25), shown) for lag in lags])
    best = int(np.argmax(every @ (1.0, 0.5, 0.5)))
    numbers = {}
    numbers["a2m_opening"], numbers["a2m_corr"] = float(every[8, 0]), float(every[8].mean())
    numbers["a2m_best_lag"] = float(lags[best])
    numbers["lag_ok"] = float(abs(lags[best]) <= 1)
    numbers["a2m_opening_at_best"], numbers["a2m_corr_at_best"] = float(every[best, 0]), float(every[best].mean())
    judged = sync.score_at(clip.landmarks, times, judge.expects(clip.samples), clip.rate)
    numbers["sync_offset"], numbers["sync_confidence"] = float(judged.offset), judged.confidence
    driven = at_times(expected, times)
    mimed = sync.agreement_curve(driven, times, judge.expects(clip.samples), clip.rate)
    numbers["sync_conf_ratio"] = mimed.confidence / max(judged.confidence, 0.1)
    numbers["sync_offset_dubbed"] = float(mimed.offset)
    return numbers


def _correlations(one: NDArray[np.float32], other: NDArray[np.float32]) -> list[float]:
    return [float(np.corrcoef(one[:, k], other[:, k])[0, 1]) for k in range(3)]


def summary(found: Sequence[Mapping[str, float]]) -> dict[str, float | None]:
    """Return the medians over clips under the names of issue 3."""

    def middle(name: str, how: Callable[[Any], Any] = np.median) -> float | None:
        values = [numbers[name] for numbers in found if name in numbers]
        return round(float(how(values)), 3) if values else None

    return {
        "lmd": middle("lmd"),
        "lmd_vs_mean": middle("lmd_vs_mean"),
        "lmd_sound_vs_mean": middle("lmd_sound_vs_mean"),
        "lmd_shared_vs_mean": middle("lmd_shared_vs_mean"),
        "lmd_film": middle("lmd_film"),
        "a2m_opening": middle("a2m_opening"),
        "a2m_corr": middle("a2m_corr"),
        "a2m_opening_at_best": middle("a2m_opening_at_best"),
        "a2m_corr_at_best": middle("a2m_corr_at_best"),
        "lag_ok_share": middle("lag_ok", np.mean),
        "sync_offset": middle("sync_offset_dubbed"),
        "sync_conf_ratio": middle("sync_conf_ratio"),
        "silence_ratio": middle("silence_ratio"),
        "rest_open": middle("rest_open"),
        "closures": middle("closures", np.mean),
        "closures_unaided": middle("closures_unaided", np.mean),
    }
