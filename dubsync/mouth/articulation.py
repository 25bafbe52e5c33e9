"""Speech to the shape of the mouth: a small temporal network on `hearing` features, 50 shapes a second.

A shape is `mean + coefficients @ basis`: a few components of how lower faces differ from their own mean while they
speak, learnt on clean clips. An actor's own mean, resting shape and range come from their footage (`manner.learn`).
The network is a stack of dilated convolutions, run in plain numpy; `mouth/train_articulation.py` makes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dubsync.mouth import shape
from dubsync.mouth.footage import rate_of
from dubsync.mouth.hearing import FEATURES_PER_SECOND, at_times, levels

Array = NDArray[np.float32]
FILE = "articulation.safetensors"

OWN_TAPS, OWN_DILATION = 9, 2
"""How an actor's own layer hears: as many features, so many apart."""
_FLOOR_DB = -50.0
_BELOW_PEAK_DB = 34.0
_OPEN_BEFORE_S, _CLOSE_AFTER_S = 0.10, 0.12
_RESTS_AFTER_S = 0.2
"""Seconds before and after speech in which a mouth is still on its way."""
_SILENT_S = 2.0
"""Seconds of rest that tell as much of the resting mouth as the most closed frames of speech."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A dilated convolution over time. `weight`: (taps, inputs, outputs); `bias`: (outputs,)."""

    weight: Array
    bias: Array
    dilation: int

    def __call__(self, values: Array) -> Array:
        """Map (n, inputs) to (n, outputs), edges repeated."""
        taps = len(self.weight)
        reach = (taps - 1) // 2 * self.dilation
        padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
        total = np.broadcast_to(self.bias, (len(values), len(self.bias))).astype(np.float32)
        for tap in range(taps):
            start = tap * self.dilation
            total = total + padded[start : start + len(values)] @ self.weight[tap]
        return np.asarray(total, np.float32)


@dataclass(frozen=True, slots=True)
class Articulation:
    """The network and the space it speaks in. `basis`: (k, points, 3); `mean_shape`: (points, 3); `spread`: (k,)."""

    layers: tuple[Layer, ...]
    centre: Array
    scale: Array
    basis: Array
    mean_shape: Array
    spread: Array

    def coefficients(self, features: Array) -> Array:
        """Return (n, k) coefficients for features (n, width), in units of each component's usual spread."""
        values = (features - self.centre) / self.scale
        for layer in self.layers[:-1]:
            values = np.maximum(layer(np.asarray(values, np.float32)), 0)
        return self.layers[-1](np.asarray(values, np.float32))

    def encode(self, shapes: Array, mean: Array) -> Array:
        """Return the coefficients (n, k) of measured shapes (n, points, 3) around a face's own mean shape."""
        flat = (shapes - mean).reshape(len(shapes), -1)
        return np.asarray(flat @ self.basis.reshape(len(self.basis), -1).T / self.spread, np.float32)

    def decode(self, coefficients: Array, mean: Array) -> Array:
        """Return shapes (n, points, 3) from coefficients (n, k)."""
        moved = (coefficients * self.spread) @ self.basis.reshape(len(self.basis), -1)
        return np.asarray(mean + moved.reshape(len(coefficients), *mean.shape), np.float32)


def load(folder: Path) -> Articulation:
    """Read the articulation weights."""
    from safetensors.numpy import load_file

    arrays = load_file(folder / FILE)
    count = sum(name.endswith(".weight") for name in arrays)
    layers = tuple(
        Layer(arrays[f"{k}.weight"], arrays[f"{k}.bias"], int(arrays[f"{k}.dilation"][0])) for k in range(count)
    )
    names = ("centre", "scale", "basis", "mean_shape", "spread")
    return Articulation(layers, *(arrays[name] for name in names))


def save(model: Articulation, path: Path) -> None:
    """Write the articulation weights."""
    from safetensors.numpy import save_file

    arrays = {name: getattr(model, name) for name in ("centre", "scale", "basis", "mean_shape", "spread")}
    for number, layer in enumerate(model.layers):
        arrays[f"{number}.weight"], arrays[f"{number}.bias"] = layer.weight, layer.bias
        arrays[f"{number}.dilation"] = np.array([layer.dilation], np.int32)
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)


@dataclass(frozen=True, slots=True)
class Manner:
    """How one actor speaks; `manner.learn` makes it. `mean`, `rest`: shapes (points, 3).

    Expected coefficients are what the model says @ `gain` (k, k), and `own` (taps, width, k) of the standardised
    features, and `turn` (3, k) of the head's turn held within `turned` (2, 3), and `offset` (k,). `lively`: (k,) by
    what movements are enlarged in a film; `low`, `high`: (k,) the range their own mouth stays in.
    """

    mean: Array
    rest: Array
    gain: Array
    offset: Array
    own: Array
    turn: Array
    turned: Array
    lively: Array
    low: Array
    high: Array


def rest_shape(shapes: Array, speaking: NDArray[np.bool_], times: NDArray[np.float64]) -> Array:
    """Return how the mouth looks at rest: between the most closed frames of speech and the calmest silent ones.

    `times`: (n,) of the frames, in seconds. Between two lines a mouth stays open, and before the first word it draws
    breath: only frames `_RESTS_AFTER_S` away from speech are silent, and they count the more the more there are.
    """
    closed, still = _calmest(shapes, 15), shapes[_away(times, times[speaking]) > _RESTS_AFTER_S]
    if not len(still):
        return closed
    seconds = len(still) / rate_of(times)
    share = seconds / (seconds + _SILENT_S)
    return np.asarray(closed + np.float32(share) * (_calmest(still, 40) - closed), np.float32)


def _away(times: NDArray[np.float64], marked: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n,) how far each time is from the nearest of the marked ones; infinite if there is none."""
    edges = np.concatenate([[-np.inf], np.sort(marked), [np.inf]])
    after = np.clip(np.searchsorted(edges, times), 1, len(edges) - 1)
    return np.asarray(np.minimum(times - edges[after - 1], edges[after] - times), np.float64)


def _calmest(shapes: Array, percent: float) -> Array:
    """Return the median of the most closed part of the shapes."""
    gaps = shape.opening(shapes)
    return np.asarray(np.median(shapes[gaps <= np.percentile(gaps, percent)], axis=0), np.float32)


def expected(
    model: Articulation, manner: Manner, features: Array, seconds: NDArray[np.float64], turned: Array
) -> Array:
    """Return the coefficients (n, k) that are likeliest of the actor at some times: small where sound says little.

    `seconds`: (n,) on the clock of `features`; `turned`: (n, 3) yaw, pitch and roll of the head in tens of degrees.
    """
    own = Layer(manner.own, manner.offset, OWN_DILATION)
    level = np.asarray((features - model.centre) / model.scale, np.float32)
    spoken = at_times(model.coefficients(features) @ manner.gain + own(level), seconds)
    return np.asarray(spoken + np.clip(turned, *manner.turned) @ manner.turn, np.float32)


def perform(
    model: Articulation,
    manner: Manner,
    features: Array,
    samples: Array,
    seconds: NDArray[np.float64],
    turned: Array,
) -> Array:
    """Return the actor's shapes (n, points, 3) in a film: as lively as they are, and at rest in silence."""
    moving = np.clip(expected(model, manner, features, seconds, turned) * manner.lively, manner.low, manner.high)
    spoken = model.decode(moving, manner.mean)
    share = at_times(activity(samples, len(features))[:, None], seconds)[..., None]
    return np.asarray(manner.rest + share * (spoken - manner.rest), np.float32)


def activity(samples: Array, count: int) -> Array:
    """Return (count,) 0 to 1, 50 a second: 0 in silence, 1 in speech, a little early and a little late."""
    level = levels(samples, count)
    loud = level > max(_FLOOR_DB, float(np.percentile(level, 98)) - _BELOW_PEAK_DB)
    early, late = round(_OPEN_BEFORE_S * FEATURES_PER_SECOND), round(_CLOSE_AFTER_S * FEATURES_PER_SECOND)
    wide = np.convolve(loud, np.ones(early + late + 1), mode="full")[late:][: count + early][:count] > 0
    smooth = np.hanning(early + late + 3)[1:-1]
    share = np.convolve(
        np.pad(wide.astype(np.float64), (len(smooth) // 2,) * 2, mode="edge"), smooth / smooth.sum(), "valid"
    )
    return np.asarray(share[:count], np.float32)
