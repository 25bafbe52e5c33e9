"""Makes the articulation weights from speech with known phonemes and from faces that were filmed, at once.

    1. A face space: principal components of how filmed lower faces differ from their own mean.
    2. One ridge regression from features of +-160 ms to that space, over two kinds of evidence that weigh the same:
       spoken sentences, for which phonetics says what lips and jaw do (`visemes`), and filmed clips.
It is linear in the features, so it ends up as one convolution. Everything is closed form: same data, same weights.
Asked together, the two give directions that hold for both; phonetics first and the rest from films gave less. That
spread lips open more than round ones (Fromkin, "Lip positions in American English vowels", 1964) is worth 0.03.
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
_LOUDEST = 2.0
"""Deviations of loudness; more is no more effort."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One sentence: features (n, width) 50 a second, phonemes and the seconds at which they begin.

    `loudness`: (n,) of each syllable, in deviations from the sentence's mean.
    """

    features: Array
    symbols: tuple[str, ...]
    edges: Array
    loudness: Array


@dataclass(frozen=True, slots=True)
class Filmed:
    """One clip: features, and shapes (m, points, 3) at `times`, seconds of the features' clock."""

    features: Array
    shapes: Array
    times: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FitConfig:
    """`components`: of the face space; `lead`: seconds opening, width and jaw are ahead of the synthesiser's phonemes.

    `spread`: how much more lips open that are one deviation wider (round lips are held together); `effort`: by what
    share they open more in syllables that are one deviation louder; `centred`: whether each recording's means are taken
    away, so that nothing is learnt from how recordings differ, only from what changes within them; `taps` at `dilation`
    features apart; `ridge`: of the mean square of a standardised feature; `spoken`: what the spoken sentences weigh
    together, the filmed clips being 1; `every`: each how manieth spoken feature is used.
    """

    components: int = 10
    lead: tuple[float, float, float] = (0.13, 0.12, 0.14)
    spread: float = 0.4
    effort: float = 0.3
    centred: bool = True
    taps: int = 9
    dilation: int = 2
    ridge: float = 3.6
    spoken: float = 1.0
    every: int = 2


def fit(spoken: Sequence[Spoken], filmed: Sequence[Filmed], config: FitConfig) -> Articulation:
    """Return the articulation model for a corpus and clips."""
    basis, spread = _face_space(filmed, config.components)
    shown = _of_equal_size([_flat(one) @ basis.T / spread for one in filmed])
    mean = np.mean([clip.shapes.mean(axis=0) for clip in filmed], axis=0)
    shown, to_space = _measured_alike(filmed, shown, _read_off(basis * spread[:, None], mean))
    layer, centre, scale = _regression(spoken, filmed, shown, to_space, config)
    return Articulation(
        layers=(layer,),
        centre=centre,
        scale=scale,
        basis=basis.reshape(len(basis), -1, 3).astype(np.float32),
        mean_shape=mean.astype(np.float32),
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
    wished = _wishes(spoken, clocks, config)
    said = _moments(
        ((context(one.features, at), wish @ to_space) for one, at, wish in zip(spoken, clocks, wished, strict=True)),
        config.centred,
    )
    faces = ((context(one.features, one.times), face) for one, face in zip(filmed, shown, strict=True))
    seen = _moments(faces, config.centred)
    squares, products = (config.spoken * one + other for one, other in zip(said, seen, strict=True))
    weights = np.linalg.solve(squares + config.ridge * np.eye(len(squares)), products)
    taps = np.stack(np.split(weights, config.taps)).astype(np.float32)
    layer = Layer(taps, np.zeros(taps.shape[-1], np.float32), config.dilation)
    return layer, centre.astype(np.float32), scale.astype(np.float32)


def _wishes(spoken: Sequence[Spoken], clocks: Sequence[NDArray[np.float64]], config: FitConfig) -> list[Wide]:
    """Return standardised opening, width and jaw that phonetics wishes for each sentence at its times."""
    raw = []
    for one, at in zip(spoken, clocks, strict=True):
        courses = [visemes.trajectory(one.symbols, one.edges, at + lead)[:, k] for k, lead in enumerate(config.lead)]
        raw.append(np.stack(courses, axis=1))
    middle, size = _spread_of(raw)
    wished: list[Wide] = [(wish - middle) / size for wish in raw]
    for one, at, wish in zip(spoken, clocks, wished, strict=True):
        loud = np.clip(at_times(one.loudness[:, None], at)[:, 0], -_LOUDEST, _LOUDEST)
        wish[:, 0] = wish[:, 0] * (1 + config.effort * loud) + config.spread * wish[:, 1]
    wider = 1 / np.std(np.concatenate([wish[:, 0] for wish in wished]))
    for wish in wished:
        wish[:, 0] *= wider
    return wished


def _read_off(axes: Wide, mean: Wide) -> Wide:
    """Return (k, 3): by how much opening, width and jaw grow with each coefficient; nearly linear."""
    moved = mean + 0.1 * axes.reshape(len(axes), *mean.shape)
    grown = shape.measures(moved.astype(np.float32)) - shape.measures(mean[None].astype(np.float32))
    return np.asarray(grown / 0.1, np.float64)


def _measured_alike(filmed: Sequence[Filmed], shown: Sequence[Wide], read_off: Wide) -> tuple[list[Wide], Wide]:
    """Return coefficients of clips, and the way from standardised measures to them, that mean the same measures.

    Every clip's opening, width and jaw get the same deviations, and a wish, taken to the face space, is read off there
    as it was wished. Left to regression alone, the three mix: opening 0.56 instead of 0.58 on talkers never seen.
    """
    sizes = np.sqrt(np.mean([(one @ read_off).var(axis=0) for one in shown], axis=0))
    back = np.linalg.pinv(read_off)
    measures = [_standard(shape.measures(one.shapes)) for one in filmed]
    equal = [
        one + (wish * sizes - (one - one.mean(axis=0)) @ read_off) @ back
        for one, wish in zip(shown, measures, strict=True)
    ]
    way: Wide = np.linalg.lstsq(np.concatenate(measures), np.concatenate(equal), rcond=None)[0]
    return equal, way + (np.diag(sizes) - way @ read_off) @ back


def _moments(pairs: Iterable[tuple[Array, Wide]], centred: bool) -> tuple[Wide, Wide]:
    """Return the mean over all rows of inputs' and of inputs' and outputs' products; never holds all the inputs.

    `centred`: each pair's own means are taken away first.
    """
    squares, products, count = np.zeros(()), np.zeros(()), 0
    for inputs, outputs in pairs:
        if centred:
            inputs, outputs = inputs - inputs.mean(axis=0), outputs - outputs.mean(axis=0)
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
