"""How one actor speaks, learnt from their own footage: range, rest, and what their mouth does for a sound.

The shared model says what a mean talker's mouth does. What an actor does differently is learnt by ridge regression
in its Bayesian form (Rasmussen and Williams, "Gaussian processes for machine learning", 2006, ch. 2), linear in

    the sound   Whisper features of +-160 ms around a frame, the same that the shared model hears
    the model   its own answer, so that its size and direction may be corrected a little
    the head    yaw, pitch and roll: lips of a turned head are measured a little elsewhere

What changes slowly (a smile, a tired tracker) is held apart as a drift over time, so that it is not taken for speech.
Each part is used only where it brings stretches that were left out nearer to what was filmed (`learn`, `_chosen`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dubsync.mouth.articulation import OWN_DILATION, OWN_TAPS, Articulation, Manner, rest_shape
from dubsync.mouth.hearing import FEATURES_PER_SECOND, at_times

Array = NDArray[np.float32]
Wide = NDArray[np.float64]

_MOST_FRAMES = 1500
_FEWEST_FRAMES = 25
_FEWEST_TO_LEARN = 60
_GAIN, _BIAS, _SOUND, _HEAD = 0.1, 3.0, 1.0, 0.3
"""Variances of what an actor differs by, where the noise of a frame is 1 (one usual spread of a component).

Set so that stretches left out of the first two thirds of clips come nearest; the bench measures on the last third.
"""
_DRIFT, _DRIFT_S = 1.0, 1.0
_LAGS_S = tuple(round(0.02 * step, 2) for step in range(-5, 6))
_LAG_PRICE = 1.0
"""Correlation that footage must gain for each second it is said to be out of sync."""
_LIVELINESS, _MOST_LIVELY = 0.6, 2.5
_BLOCKS = 3
PARTS = ("shared", "sound", "sound and head")


@dataclass(frozen=True, slots=True)
class Take:
    """One stretch of footage. `features`: (m, width) of its sound; rows below are its n usable frames.

    `shapes`: (n, points, 3); `seconds`: (n,) on the clock of the features; `times`: (n,) of the film; `turned`: (n, 3)
    as `turned` says; `speaking`: (n,).
    """

    features: Array
    shapes: Array
    seconds: Wide
    times: Wide
    turned: Array
    speaking: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What frames say. `heard`: (n, k) the shared model; `sound`: (n, inputs); `turned`: (n, 3); `seen`: (n, k)."""

    heard: Wide
    sound: Wide
    turned: Wide
    seen: Wide
    times: Wide

    def at(self, rows: NDArray[np.intp]) -> _Evidence:
        """Return some of the frames."""
        return _Evidence(self.heard[rows], self.sound[rows], self.turned[rows], self.seen[rows], self.times[rows])


@dataclass(frozen=True, slots=True)
class _Fit:
    """Linear: seen = heard @ gain + sound @ own + turned @ turn + offset."""

    gain: Wide
    own: Wide
    turn: Wide
    offset: Wide

    def says(self, known: _Evidence) -> Wide:
        """Return what it expects to be seen, (n, k)."""
        return known.heard @ self.gain + known.sound @ self.own + known.turned @ self.turn + self.offset


def learn(
    model: Articulation, takes: Sequence[Take], *, parts: Sequence[str] = PARTS
) -> tuple[Manner, dict[str, float | str]]:
    """Return an actor's manner, and what was learnt: `part` used, of `parts`, `lag` in seconds of their footage.

    `nearer`: by what share stretches that were left out came nearer to the film than with the shared model alone.
    """
    shapes = np.concatenate([take.shapes for take in takes])
    speaking = np.concatenate([take.speaking for take in takes])
    used = speaking if speaking.sum() >= _FEWEST_FRAMES else np.ones(len(shapes), bool)
    mean = shapes[used].mean(axis=0)
    seen = model.encode(shapes, mean)
    lag = _lag(model, takes, seen, used)
    rows = np.flatnonzero(used)
    rows = rows[:: -(-len(rows) // _MOST_FRAMES)]
    evidence = _evidence(model, takes, seen, lag, rows)
    part, said, nearer = _chosen(evidence, model.spread, parts)
    fit = _fit(evidence, part)
    low, high = np.percentile(seen, [1, 99], axis=0)
    margin = 0.15 * (high - low)
    manner = Manner(
        mean=np.asarray(mean, np.float32),
        rest=rest_shape(shapes, speaking, np.concatenate([take.times for take in takes])),
        gain=np.asarray(fit.gain, np.float32),
        offset=np.asarray(fit.offset, np.float32),
        own=np.stack(np.split(fit.own, OWN_TAPS)).astype(np.float32),
        turn=np.asarray(fit.turn, np.float32),
        turned=np.asarray(np.percentile(evidence.turned, [1, 99], axis=0), np.float32),
        lively=_lively(said, evidence.seen),
        low=np.asarray(low - margin, np.float32),
        high=np.asarray(high + margin, np.float32),
    )
    return manner, {"part": part, "lag": lag, "nearer": round(nearer, 4)}


def _lag(model: Articulation, takes: Sequence[Take], seen: Array, used: NDArray[np.bool_]) -> float:
    """Return by how many seconds the mouth is ahead of its sound (negative: behind), as the main movements say."""
    heard = [model.coefficients(take.features) for take in takes]
    main = seen[used, :3]
    weight = main.var(axis=0) + 1e-9
    worth = []
    for lag in _LAGS_S:
        there = [at_times(one, take.seconds + lag) for one, take in zip(heard, takes, strict=True)]
        expected = np.concatenate(there)[used, :3]
        both = np.mean((expected - expected.mean(axis=0)) * (main - main.mean(axis=0)), axis=0)
        likeness = both / (expected.std(axis=0) * main.std(axis=0) + 1e-9)
        worth.append(float((likeness * weight).sum() / weight.sum()) - _LAG_PRICE * abs(lag))
    return _LAGS_S[int(np.argmax(worth))]


def _evidence(model: Articulation, takes: Sequence[Take], seen: Array, lag: float, rows: NDArray[np.intp]) -> _Evidence:
    heard, sound = [], []
    starts = np.cumsum([0, *(len(take.seconds) for take in takes)])
    for take, start in zip(takes, starts, strict=False):
        mine = rows[(rows >= start) & (rows < start + len(take.seconds))] - start
        at = take.seconds[mine] + lag
        heard.append(at_times(model.coefficients(take.features), at))
        sound.append(context((take.features - model.centre) / model.scale, at))
    turned_by, times = (np.concatenate([getattr(take, name) for take in takes])[rows] for name in ("turned", "times"))
    columns = (np.concatenate(heard), np.concatenate(sound), turned_by, seen[rows], times)
    return _Evidence(*(np.asarray(column, np.float64) for column in columns))


def context(features: Array, seconds: Wide) -> Array:
    """Return (n, OWN_TAPS * width): standardised features around each time, as the layer `Manner.own` hears them."""
    steps = (np.arange(OWN_TAPS) - OWN_TAPS // 2) * OWN_DILATION / FEATURES_PER_SECOND
    level = np.asarray(features, np.float32)
    return np.concatenate([at_times(level, seconds + step) for step in steps], axis=1)


def _fit(known: _Evidence, part: str) -> _Fit:
    """Return the most probable fit; its prior is the shared model as it is."""
    sound, head = (_SOUND * (part != "shared"), _HEAD * (part == PARTS[2]))
    heard, heard_middle = _centred(known.heard)
    inputs, inputs_middle = _centred(known.sound)
    turned_by, turned_middle = _centred(known.turned)
    sound /= inputs.shape[1]
    cov = _GAIN * heard @ heard.T + sound * inputs @ inputs.T + head * turned_by @ turned_by.T + _BIAS
    drift = _DRIFT * np.exp(-0.5 * np.square((known.times[:, None] - known.times[None]) / _DRIFT_S))
    pull = np.linalg.solve(cov + drift + np.eye(len(cov)), known.seen - heard)
    gain = np.eye(heard.shape[1]) + _GAIN * heard.T @ pull
    own, turn = sound * inputs.T @ pull, head * turned_by.T @ pull
    offset = _BIAS * pull.sum(axis=0) - heard_middle @ gain - inputs_middle @ own - turned_middle @ turn
    return _Fit(gain, own, turn, offset)


def _chosen(known: _Evidence, spread: Array, parts: Sequence[str]) -> tuple[str, Wide, float]:
    """Return the part that comes nearest to stretches left out, what it said there, and its gain over `shared`."""
    order = np.argsort(known.times, kind="stable")
    blocks = np.array_split(order, _BLOCKS if len(order) >= _FEWEST_TO_LEARN else 1)
    if len(blocks) == 1:
        return PARTS[0], _fit(known, PARTS[0]).says(known), 0.0
    said = {part: np.zeros_like(known.seen) for part in parts}
    for block in blocks:
        rest = np.setdiff1d(order, block)
        for part in parts:
            said[part][block] = _fit(known.at(rest), part).says(known.at(block))
    wrong = {part: float(np.linalg.norm((said[part] - known.seen) * spread, axis=1).mean()) for part in parts}
    best = min(parts, key=lambda part: wrong[part])
    return best, said[best], 1 - wrong[best] / max(wrong[PARTS[0]], 1e-9)


def _lively(said: Wide, seen: Wide) -> Array:
    """Return (k,) by what each movement is enlarged in a film, to `_LIVELINESS` of what the actor really does.

    A regression answers with the mean of what it is unsure of, and a mouth that follows it mumbles.
    """
    factor = _LIVELINESS * seen.std(axis=0) / (said.std(axis=0) + 1e-6)
    return np.asarray(np.clip(factor, 1.0, _MOST_LIVELY), np.float32)


def _centred(values: Wide) -> tuple[Wide, Wide]:
    middle = values.mean(axis=0)
    return values - middle, middle


def turned(poses: NDArray[np.floating]) -> Array:
    """Return (n, 3) yaw, pitch and roll in tens of degrees, as `Take.turned` wants them, from degrees (n, 3)."""
    return np.asarray(poses, np.float32) / np.float32(10)
