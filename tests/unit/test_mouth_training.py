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
    return Spoken(features.astype(np.float32), symbols, edges.astype(np.float32), np.zeros(len(features), np.float32))


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


def test_how_recordings_differ_is_not_learnt_from() -> None:
    def recording(symbol: str, other: str, colour: float, seed: int) -> Spoken:
        features = 0.3 * np.random.default_rng(seed).normal(size=(150, 12)).astype(np.float32)
        features[:, 11] = colour
        return Spoken(features, (symbol, other) * 10, np.arange(21, dtype=np.float32) * 0.15, np.zeros(150, np.float32))

    open_ones = [recording("a", "ɑ", 1.0, seed) for seed in range(4)]
    closed_ones = [recording("p", "m", -1.0, seed) for seed in range(4, 8)]

    films = [filmed(k) for k in range(3)]
    for film in films:
        film.features[:, 11] = 0

    def trust(*, centred: bool) -> float:
        config = FitConfig(ridge=0.1, centred=centred)
        model = train_articulation.fit(open_ones + closed_ones, films, config)
        return float(np.abs(model.layers[0].weight[:, 11]).sum())

    assert trust(centred=False) > 0.1
    assert trust(centred=True) < 1e-3


def test_a_loud_syllable_is_wished_wider_open_than_a_quiet_one_and_lips_that_meet_still_meet() -> None:
    sentence = Spoken(
        np.zeros((240, 12), np.float32),
        ("p", "a") * 12,
        np.arange(25, dtype=np.float32) * 0.2,
        np.where(np.arange(240) < 120, 1.0, -1.0).astype(np.float32),
    )
    clock = np.arange(240) / 50
    lead = FitConfig().lead[0]

    (wish,) = train_articulation._wishes([sentence], [clock], FitConfig(spread=0.0, effort=0.3))

    vowels, lips = (np.array([k * 0.4 + at - lead for k in range(1, 11)]) for at in (0.3, 0.1))
    opened = at_times(wish[:, :1].astype(np.float32), vowels)[:, 0]
    met = at_times(wish[:, :1].astype(np.float32), lips)[:, 0]
    assert opened[:4].min() > opened[-4:].max() + 0.2
    assert met.max() < opened.min() - 0.5
