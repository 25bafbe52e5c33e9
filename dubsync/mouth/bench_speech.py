"""What sound alone makes of a mouth, on one clip: shapes, sync, silence; a part of `dubsync bench mouth`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.backends.mouth_clips import Clip
from dubsync.mouth import articulation, shape, sync
from dubsync.mouth.articulation import Articulation
from dubsync.mouth.hearing import Ear, at_times
from dubsync.weights import resolve

_SHORT_S = 4.9


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


def thirds(count: int, fold: int) -> NDArray[np.bool_]:
    """Return which frames are held out: the first, middle or last third."""
    hidden = np.zeros(count, bool)
    hidden[count * fold // 3 : count * (fold + 1) // 3] = True
    return hidden


def speak(clip: Clip, drive: Drive, *, fold: int) -> dict[str, float]:
    """Drive the held-out third by sound alone, and measure shapes, sync and silence."""
    model, numbers = drive.model, {}
    features = drive.ear.hear(clip.samples)
    times = clip.times - clip.lag
    shapes = shape.moving(clip.landmarks)
    heard = at_times(model.coefficients(features), times)
    hidden = thirds(len(times), fold)
    talking = at_times(articulation.activity(clip.samples, len(features))[:, None], times)[:, 0] > 0.5
    manner = articulation.learn_manner(model, shapes[~hidden], heard[~hidden], talking[~hidden], prior=400.0)
    performed = articulation.perform(model, manner, features, clip.samples)
    spoken = at_times(performed.reshape(len(performed), -1), times).reshape(shapes.shape)
    lips = (slice(None), shape.LIPS, slice(0, 2))
    still = np.linalg.norm(shapes[hidden][lips] - manner.mean[shape.LIPS, :2], axis=-1).mean()
    numbers["lmd"] = float(np.linalg.norm(spoken[hidden][lips] - shapes[hidden][lips], axis=-1).mean())
    numbers["lmd_vs_mean"] = 1 - numbers["lmd"] / float(still)
    if clip.times[-1] >= _SHORT_S:
        numbers |= _agree(clip, model, features, drive.judge)
    quiet = ~talking
    if quiet.sum() >= 8:
        numbers["silence_ratio"] = float(
            shape.opening(spoken[quiet]).mean() / max(shape.opening(shapes[quiet]).mean(), 1e-3)
        )
    return numbers


def _agree(clip: Clip, model: Articulation, features: NDArray[np.float32], judge: sync.Judge) -> dict[str, float]:
    """Compare what the shipped weights expect, without any adaptation, with the measured face."""
    shown = shape.measures(shape.moving(clip.landmarks))
    expected = shape.measures(model.decode(model.coefficients(features), model.mean_shape))
    times = clip.times - clip.lag
    lags = np.arange(-8, 9)
    every = np.array([_correlations(at_times(expected, times + lag / 25), shown) for lag in lags])
    best = int(np.argmax(every @ (1.0, 0.5, 0.5)))
    numbers = {}
    numbers["a2m_opening"], numbers["a2m_corr"] = float(every[8, 0]), float(every[8].mean())
    numbers["lag_ok"] = float(abs(lags[best]) <= 1)
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
        "a2m_opening": middle("a2m_opening"),
        "a2m_corr": middle("a2m_corr"),
        "lag_ok_share": middle("lag_ok", np.mean),
        "sync_offset": middle("sync_offset_dubbed"),
        "sync_conf_ratio": middle("sync_conf_ratio"),
        "silence_ratio": middle("silence_ratio"),
    }
