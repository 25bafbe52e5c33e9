"""An actor's manner of speaking: what is learnt of footage, and what is left alone."""

import numpy as np
import talking_head

from dubsync.mouth import articulation, manner
from dubsync.mouth.articulation import Articulation, Manner
from dubsync.mouth.hearing import at_times

COUNT = 300


SOURCES = 8


def features(model: Articulation, seed: int, frames: int = COUNT) -> np.ndarray:
    """Return features that change as quickly as speech does and, like those of speech, are few things mixed."""
    mixing = np.random.default_rng(0).normal(size=(SOURCES, len(model.centre)))
    raw = np.random.default_rng(seed).normal(size=(2 * frames + 20, SOURCES))
    smooth = np.apply_along_axis(np.convolve, 0, raw, np.hanning(7) / np.linalg.norm(np.hanning(7)), "same")
    return (model.centre + model.scale * (smooth @ mixing)).astype(np.float32)


def take(
    model: Articulation,
    heard: np.ndarray,
    *,
    size: float = 1.0,
    own: np.ndarray | None = None,
    late: float = 0.0,
    turned: np.ndarray | None = None,
    turn: float = 0.0,
    frames: int = COUNT,
) -> manner.Take:
    """Return footage of an actor who moves `size` times as much as the model, and `own` and `turn` besides."""
    seconds = 0.2 + np.arange(frames) / 25
    level = (heard - model.centre) / model.scale
    said = size * model.coefficients(heard)
    if own is not None:
        said = said + level @ own
    moved = at_times(said.astype(np.float32), seconds - late)
    heads = np.zeros((frames, 3), np.float32) if turned is None else turned
    moved[:, 0] += turn * heads[:, 0]
    shapes = model.decode(moved, model.mean_shape)
    return manner.Take(heard, shapes, seconds, seconds, heads, np.ones(frames, bool))


def error(model: Articulation, learnt: Manner, shown: manner.Take, lag: float = 0.0) -> float:
    wanted = articulation.expected(model, learnt, shown.features, shown.seconds + lag, shown.turned)
    return float(np.abs(model.decode(wanted, learnt.mean) - shown.shapes).mean())


def habit(model: Articulation) -> np.ndarray:
    """Return a direction of the features that this actor answers to and the model does not know of."""
    way = np.zeros((len(model.centre), len(model.basis)))
    mixing = np.random.default_rng(0).normal(size=(SOURCES, len(model.centre)))
    way[:, 0] = 2 * np.linalg.pinv(mixing)[:, 0]
    return way


def test_an_actor_with_a_larger_mouth_moves_it_more() -> None:
    model = talking_head.model()
    heard = features(model, 1)
    small, large = (manner.learn(model, [take(model, heard, size=size)], parts=("shared",))[0] for size in (0.5, 2.0))

    assert large.gain[0, 0] > 1.3 * small.gain[0, 0]


def test_an_own_habit_is_learnt_and_holds_for_footage_that_was_not_seen() -> None:
    model = talking_head.model()
    footage, unseen = (take(model, features(model, seed), own=habit(model)) for seed in (2, 3))

    shared, _ = manner.learn(model, [footage], parts=("shared",))
    learnt, facts = manner.learn(model, [footage])

    assert facts["part"] != "shared"
    assert float(facts["nearer"]) > 0.05
    assert error(model, learnt, unseen) < 0.9 * error(model, shared, unseen)


def test_a_mouth_that_has_nothing_to_do_with_its_sound_teaches_no_habit() -> None:
    model = talking_head.model()
    footage = take(model, features(model, 4))
    chance = np.random.default_rng(0)
    wild = model.decode(chance.normal(size=(COUNT, len(model.basis))).astype(np.float32), model.mean_shape)
    other = manner.Take(features(model, 5), wild, footage.seconds, footage.times, footage.turned, footage.speaking)

    learnt, _ = manner.learn(model, [other])
    unseen = articulation.expected(model, learnt, features(model, 6), footage.seconds, footage.turned)

    assert unseen.std(axis=0).mean() < model.coefficients(features(model, 6)).std(axis=0).mean() + 0.3


def test_footage_out_of_sync_is_noticed_and_the_manner_is_in_sync() -> None:
    model = talking_head.model()
    heard = features(model, 7)

    learnt, facts = manner.learn(model, [take(model, heard, late=0.06)])

    assert abs(float(facts["lag"]) + 0.06) < 0.021
    assert error(model, learnt, take(model, heard)) < error(model, learnt, take(model, heard, late=0.06))


def test_what_comes_of_a_turned_head_is_not_taken_for_speech() -> None:
    model = talking_head.model()
    turned = np.zeros((COUNT, 3), np.float32)
    turned[:, 0] = np.sin(np.arange(COUNT) / 9)
    footage = take(model, features(model, 8), turned=turned, turn=2.0)

    learnt, facts = manner.learn(model, [footage])
    blind, _ = manner.learn(model, [footage], parts=("shared", "sound"))

    assert facts["part"] == "sound and head"
    assert error(model, learnt, footage) < 0.8 * error(model, blind, footage)


def test_a_head_turned_further_than_ever_seen_moves_the_mouth_no_further() -> None:
    model = talking_head.model()
    turned = np.zeros((COUNT, 3), np.float32)
    turned[:, 0] = np.sin(np.arange(COUNT) / 9)
    footage = take(model, features(model, 8), turned=turned, turn=2.0)
    learnt, _ = manner.learn(model, [footage])
    seconds = footage.seconds[:2]

    far, further = (
        articulation.expected(model, learnt, footage.features, seconds, np.full((2, 3), yaw, np.float32))
        for yaw in (2.0, 8.0)
    )

    assert np.allclose(far, further)


def test_short_footage_keeps_to_the_shared_model() -> None:
    model = talking_head.model()

    learnt, facts = manner.learn(model, [take(model, features(model, 9), own=habit(model), frames=40)])

    assert facts["part"] == "shared"
    assert not learnt.own.any()
    assert not learnt.turn.any()


def test_a_film_is_livelier_than_what_is_likeliest_but_stays_in_the_actors_range() -> None:
    model = talking_head.model()
    heard = features(model, 10)
    chance = np.random.default_rng(1)
    footage = take(model, heard, size=0.3)
    noisy = footage.shapes + model.decode(
        chance.normal(0, 4, size=(COUNT, len(model.basis))).astype(np.float32), 0 * model.mean_shape
    )
    footage = manner.Take(heard, noisy, footage.seconds, footage.times, footage.turned, footage.speaking)

    learnt, _ = manner.learn(model, [footage])
    loud = np.random.default_rng(2).normal(size=len(heard) * 320).astype(np.float32)
    film = articulation.perform(model, learnt, heard, loud, footage.seconds, footage.turned)
    likely = articulation.expected(model, learnt, heard, footage.seconds, footage.turned)
    seen = model.encode(film, learnt.mean)

    assert (learnt.lively >= 1).all()
    assert seen[:, 0].std() > 1.2 * likely[:, 0].std()
    assert (seen <= learnt.high + 1e-3).all()
