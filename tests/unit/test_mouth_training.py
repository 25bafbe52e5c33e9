"""How the articulation is fitted: what phonetics wishes arrives at the mouth as it was wished."""

import itertools

import numpy as np
import talking_head

from dubsync.mouth import shape, train_articulation
from dubsync.mouth.hearing import at_times
from dubsync.mouth.train_articulation import Filmed, FitConfig, Spoken

PHONES = {"p": 0, "a": 1, "i": 2, "u": 3, "s": 4, "o": 5}


def said(seed: int, width: int = 12) -> Spoken:
    """Return a sentence of phonemes whose features say which one sounds."""
    chance = np.random.default_rng(seed)
    symbols = tuple(chance.choice(list(PHONES), 30))
    edges = np.arange(31) * 0.12
    features = 0.05 * chance.normal(size=(round(edges[-1] * 50), width))
    for symbol, (start, stop) in zip(symbols, itertools.pairwise(edges), strict=True):
        features[round(start * 50) : round(stop * 50), PHONES[symbol]] += 1
    return Spoken(features.astype(np.float32), symbols, edges.astype(np.float32))


def filmed(seed: int) -> Filmed:
    """Return a clip whose face opens and widens independently, with features that say nothing of it."""
    model = talking_head.model()
    chance = np.random.default_rng(seed)
    course = chance.normal(size=(75, len(model.basis))).astype(np.float32)
    features = chance.normal(size=(150, 12)).astype(np.float32)
    return Filmed(features, model.decode(course, model.mean_shape), np.arange(75) / 25)


def mouth(spread: float) -> tuple[np.ndarray, Spoken]:
    """Return opening, width and jaw of a model taught with that `spread`, for a sentence it did not hear."""
    config = FitConfig(taps=9, ridge=0.01, spoken=50.0, spread=spread)
    model = train_articulation.fit([said(k) for k in range(6)], [filmed(k) for k in range(3)], config)
    unheard = said(99)
    return shape.measures(model.decode(model.coefficients(unheard.features), model.mean_shape)), unheard


def during(measures: np.ndarray, sentence: Spoken, symbol: str, lead: float) -> np.ndarray:
    """Return the mean measures in the middle of a phoneme."""
    middles = np.array([e + 0.06 for s, e in zip(sentence.symbols, sentence.edges, strict=False) if s == symbol])
    return at_times(measures.astype(np.float32), middles - lead).mean(axis=0)


def test_opening_width_and_jaw_come_out_as_phonetics_wishes() -> None:
    measures, sentence = mouth(0.0)
    from dubsync.mouth import visemes

    clock = np.arange(len(measures)) / 50
    for number, lead in enumerate(FitConfig().lead):
        wish = visemes.trajectory(sentence.symbols, sentence.edges, clock + lead)[:, number]
        assert np.corrcoef(measures[:, number], wish)[0, 1] > 0.85


def test_spread_lips_open_more_than_round_ones_and_closed_lips_stay_closed() -> None:
    lead = FitConfig().lead[0]
    (plain, sentence), (spread, _) = mouth(0.0), mouth(0.8)

    def apart(measures: np.ndarray, one: str, other: str) -> float:
        return float(during(measures, sentence, one, lead)[0] - during(measures, sentence, other, lead)[0])

    assert apart(spread, "i", "u") > apart(plain, "i", "u") + 0.02
    assert apart(spread, "i", "p") > 0.02
