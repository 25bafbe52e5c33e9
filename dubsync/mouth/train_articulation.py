"""Makes the articulation weights from speech with known phonemes and from faces that were filmed, at once.

    1. A face space: principal components of how filmed lower faces differ from their own mean.
    2. One ridge regression from features of +-160 ms to that space, over two kinds of evidence that weigh the same:
       spoken sentences, for which phonetics says what lips and jaw do (`visemes`), and filmed clips.
It is linear in the features, so it ends up as one convolution. Everything is closed form: same data, same weights.
Asked together, the two give directions that hold for both; phonetics first and the rest from films gave less.
Fitting the phonetic targets themselves to the filmed clips was tried: better on those talkers, worse on all others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dubsync.mouth import shape, visemes
from dubsync.mouth.articulation import Articulation, Layer
from dubsync.mouth.hearing import FEATURES_PER_SECOND, at_times
from dubsync.mouth.sync import Judge

Array = NDArray[np.float32]
Wide = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Spoken:
    """One sentence: features (n, width) 50 a second, phonemes and the seconds at which they begin."""

    features: Array
    symbols: tuple[str, ...]
    edges: Array


@dataclass(frozen=True, slots=True)
class Filmed:
    """One clip: features, and shapes (m, points, 3) at `times`, seconds of the features' clock."""

    features: Array
    shapes: Array
    times: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FitConfig:
    """`components`: of the face space; `lead`: seconds faces are ahead of the synthesiser's phonemes.

    `taps` at `dilation` features apart; `ridge`: of the mean square of a standardised feature; `spoken`: what the
    spoken sentences weigh together, the filmed clips being 1; `every`: each how manieth spoken feature is used.
    """

    components: int = 10
    lead: float = 0.12
    taps: int = 9
    dilation: int = 2
    ridge: float = 3.6
    spoken: float = 1.0
    every: int = 2


def fit(spoken: Sequence[Spoken], filmed: Sequence[Filmed], config: FitConfig) -> Articulation:
    """Return the articulation model for a corpus and clips."""
    basis, spread = _face_space(filmed, config.components)
    shown = _of_equal_size([_flat(one) @ basis.T / spread for one in filmed])
    measures = np.concatenate([_standard(shape.measures(one.shapes)) for one in filmed])
    to_space: Wide = np.linalg.lstsq(measures, np.concatenate(shown), rcond=None)[0]
    layer, centre, scale = _regression(spoken, filmed, shown, to_space, config)
    return Articulation(
        layers=(layer,),
        centre=centre,
        scale=scale,
        basis=basis.reshape(len(basis), -1, 3).astype(np.float32),
        mean_shape=np.mean([clip.shapes.mean(axis=0) for clip in filmed], axis=0).astype(np.float32),
        spread=spread.astype(np.float32),
    )


def fit_judge(spoken: Sequence[Spoken], filmed: Sequence[Filmed], config: FitConfig) -> Judge:
    """Return the judge of sync, by the same regression on log-mel features, straight to opening, width and jaw."""
    measures = [_standard(shape.measures(one.shapes)) for one in filmed]
    return Judge(*_regression(spoken, filmed, measures, np.eye(measures[0].shape[1]), config))


def _regression(
    spoken: Sequence[Spoken], filmed: Sequence[Filmed], shown: Sequence[Wide], to_space: Wide, config: FitConfig
) -> tuple[Layer, Array, Array]:
    """Return the convolution from standardised features to `shown`, and the features' centre and scale.

    `to_space` takes standardised opening, width and jaw, which is all that phonetics knows, to what is shown.
    """
    some = np.concatenate([*(one.features[::4] for one in spoken), *(one.features for one in filmed)])
    centre, scale = some.mean(axis=0), some.std(axis=0) + np.float32(0.02)
    steps = (np.arange(config.taps) - config.taps // 2) * config.dilation / FEATURES_PER_SECOND

    def context(features: Array, times: NDArray[np.float64]) -> Array:
        level = (features - centre) / scale
        return np.concatenate([at_times(level, times + step) for step in steps], axis=1)

    clocks = [_clock(one)[number % config.every :: config.every] for number, one in enumerate(spoken)]
    wished = [
        visemes.trajectory(one.symbols, one.edges, at + config.lead) for one, at in zip(spoken, clocks, strict=True)
    ]
    middle, size = _spread_of(wished)
    said = _moments(
        (context(one.features, at), (wish - middle) / size @ to_space)
        for one, at, wish in zip(spoken, clocks, wished, strict=True)
    )
    seen = _moments((context(one.features, one.times), face) for one, face in zip(filmed, shown, strict=True))
    squares, products = (config.spoken * one + other for one, other in zip(said, seen, strict=True))
    weights = np.linalg.solve(squares + config.ridge * np.eye(len(squares)), products)
    taps = np.stack(np.split(weights, config.taps)).astype(np.float32)
    layer = Layer(taps, np.zeros(taps.shape[-1], np.float32), config.dilation)
    return layer, centre.astype(np.float32), scale.astype(np.float32)


def _moments(pairs: Iterable[tuple[Array, Wide]]) -> tuple[Wide, Wide]:
    """Return the mean over all rows of inputs' and of inputs' and outputs' products; never holds all the inputs."""
    squares, products, count = np.zeros(()), np.zeros(()), 0
    for inputs, outputs in pairs:
        squares = squares + inputs.T @ inputs
        products = products + inputs.T @ outputs
        count += len(inputs)
    return squares / count, products / count


def _face_space(filmed: Sequence[Filmed], components: int) -> tuple[Wide, Wide]:
    """Return basis (k, points * 3) and spread (k,) of how lower faces differ from their own mean."""
    flat = np.concatenate([_flat(one) for one in filmed])
    axes: Wide = np.linalg.svd(flat - flat.mean(axis=0), full_matrices=False)[2][:components]
    spread: Wide = (flat @ axes.T).std(axis=0)
    return axes, spread


def _of_equal_size(clips: Sequence[Wide]) -> list[Wide]:
    """Return coefficients as if all mouths moved equally much: none counts more for being lively."""
    sizes = [float(np.sqrt((one**2).mean())) for one in clips]
    return [one * (float(np.median(sizes)) / max(size, 1e-6)) for one, size in zip(clips, sizes, strict=True)]


def _spread_of(values: Sequence[Array]) -> tuple[Wide, Wide]:
    every = np.concatenate(values)
    return every.mean(axis=0, dtype=np.float64), every.std(axis=0, dtype=np.float64) + 1e-6


def _flat(clip: Filmed) -> Wide:
    return np.asarray((clip.shapes - clip.shapes.mean(axis=0)).reshape(len(clip.shapes), -1), np.float64)


def _standard(values: NDArray[np.floating]) -> Wide:
    return np.asarray((values - values.mean(axis=0)) / (values.std(axis=0) + 1e-6), np.float64)


def _clock(sentence: Spoken) -> NDArray[np.float64]:
    return np.arange(len(sentence.features)) / FEATURES_PER_SECOND
