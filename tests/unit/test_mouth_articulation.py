"""Speech to shapes: phonetics, the model, an actor's manner, sync."""

import itertools

import numpy as np
import pytest
import talking_head

from dubsync.mouth import articulation, hearing, shape, sync, visemes
from dubsync.weights import resolve


def test_lips_meet_on_p_and_open_on_a() -> None:
    edges = np.array([0.0, 0.1, 0.25, 0.35, 0.5], np.float32)
    times = np.array([0.05, 0.175, 0.3, 0.42])

    course = visemes.trajectory(("p", "a", "m", "a"), edges, times)[:, 0]

    assert course[0] < 0.25
    assert course[2] < 0.25
    assert course[1] > 0.4
    assert course[3] > 0.5


def test_lips_round_on_u() -> None:
    edges = np.array([0.0, 0.2, 0.4], np.float32)

    width = visemes.trajectory(("i", "u"), edges, np.array([0.05, 0.35]))[:, 1]

    assert width[0] > width[1] + 0.4


def test_a_stress_mark_takes_no_time_of_its_own() -> None:
    plain = visemes.classes(("m", "a"), np.array([0, 0.1, 0.3], np.float32), np.array([0.05, 0.15]))
    marked = visemes.classes(("m", "ˈ", "a"), np.array([0, 0.05, 0.1, 0.3], np.float32), np.array([0.05, 0.15]))

    assert plain.tolist() == marked.tolist()


def test_encoding_and_decoding_are_inverse_within_the_face_space() -> None:
    model = talking_head.model()
    wanted = np.random.default_rng(1).normal(size=(4, len(model.basis))).astype(np.float32)

    found = model.encode(model.decode(wanted, model.mean_shape), model.mean_shape)

    assert np.allclose(found, wanted, atol=1e-3)


def test_features_do_not_depend_on_where_a_long_sound_is_cut() -> None:
    starts = hearing.HALF_MINUTES.starts(95 * 16000)

    assert starts[0] == 0
    assert starts[-1] + 30 * 16000 >= 95 * 16000
    assert all(after - before == 20 * 16000 for before, after in itertools.pairwise(starts))


@pytest.mark.parametrize(("seconds", "length"), [(1.5, 10), (8, 10), (8.5, 11), (20, 22), (28, 30), (95, 30)])
def test_windows_around_a_short_sound_hold_it_with_silence_after_it(seconds: float, length: int) -> None:
    windows = hearing.Windows.around(seconds)

    assert windows.length == length
    assert len(windows.starts(round(seconds * 16000))) == (1 if seconds <= 30 else 5)
    assert windows.length - windows.margin - windows.hop >= windows.margin, "a moment between two windows is lost"


def test_in_silence_the_mouth_rests() -> None:
    model = talking_head.model()
    count = len(model.basis)
    rest = model.mean_shape - 0.05
    manner = articulation.Manner(
        mean=model.mean_shape,
        rest=rest,
        gain=np.eye(count, dtype=np.float32),
        offset=np.zeros(count, np.float32),
        own=np.zeros((articulation.OWN_TAPS, model.centre.shape[0], count), np.float32),
        turn=np.zeros((3, count), np.float32),
        turned=np.zeros((2, 3), np.float32),
        lively=np.ones(count, np.float32),
        low=np.full(count, -3, np.float32),
        high=np.full(count, 3, np.float32),
    )
    features, seconds = np.zeros((101, model.centre.shape[0]), np.float32), np.arange(50) / 25

    performed = articulation.perform(
        model, manner, features, np.zeros(32000, np.float32), seconds, np.zeros((50, 3), np.float32)
    )

    assert np.allclose(performed, rest, atol=1e-5)


def test_activity_begins_before_the_sound_and_ends_after_it() -> None:
    samples = np.zeros(32000, np.float32)
    samples[12800:19200] = 0.3 * np.sin(np.arange(6400))

    share = articulation.activity(samples, 100)

    assert share[10] == 0
    assert share[39] > 0.2
    assert share[50] > 0.99
    assert share[62] > 0.2
    assert share[90] == 0


@pytest.fixture(scope="module")
def judge() -> sync.Judge:
    return sync.load_judge(resolve("articulation"))


@pytest.mark.parametrize("rate", [25, 50])
def test_a_mouth_that_moves_as_the_judge_expects_is_in_sync_and_a_late_one_is_found_late(
    judge: sync.Judge, rate: int
) -> None:
    speech, _ = talking_head.babble(8)
    expected = judge.expects(speech)
    course = hearing.at_times(expected, np.arange(round(7.6 * rate)) / rate)[:, 0]
    heads, late_by = talking_head.landmarks(course), round(0.4 * rate)

    in_time = sync.score(heads, rate, speech, judge)
    late = sync.score(np.concatenate([heads[:1]] * late_by + [heads[:-late_by]]), rate, speech, judge)

    assert in_time.offset == 0
    assert in_time.confidence > 2
    assert late.offset == -late_by


def test_the_wrong_sound_fits_worse(judge: sync.Judge) -> None:
    speech, _ = talking_head.babble(8)
    heads = talking_head.landmarks(hearing.at_times(judge.expects(speech), np.arange(190) / 25)[:, 0])
    times = np.arange(190) / 25

    right = sync.fit(heads, times, judge.expects(speech))
    wrong = sync.fit(heads, times, judge.expects(speech[::-1].copy()))

    assert right > wrong + 0.2


def gaping(gaps: np.ndarray) -> np.ndarray:
    """Return mouths whose inner lips are that far apart, in eye distances."""
    model = talking_head.model()
    shapes = np.repeat(model.mean_shape[None], len(gaps), axis=0)
    more = (gaps - shape.opening(shapes)).astype(np.float32)
    for point in (87, 14, 317):
        shapes[:, shape.MOVING.index(point), 1] += more
    return shapes


def test_a_breath_before_the_first_word_is_not_how_a_mouth_rests() -> None:
    gaps = np.array([*[0.15] * 8, *np.linspace(0.0, 0.3, 60)], np.float32)
    speaking = np.arange(68) >= 8

    rest = articulation.rest_shape(gaping(gaps), speaking, np.arange(68) / 25)

    assert shape.opening(rest[None])[0] < 0.04


def test_a_mouth_that_stays_open_between_two_lines_does_not_rest_open() -> None:
    gaps = np.array([*[0.0] * 30, *[0.2] * 30, *[0.25] * 10, *[0.2] * 30], np.float32)
    speaking = (np.arange(100) < 60) | (np.arange(100) >= 70)

    rest = articulation.rest_shape(gaping(gaps), speaking, np.arange(100) / 25)

    assert shape.opening(rest[None])[0] < 0.01


def test_who_is_silent_with_open_lips_for_long_rests_with_open_lips() -> None:
    gaps = np.array([*[0.15] * 200, *np.linspace(0.0, 0.3, 60)], np.float32)
    speaking = np.arange(260) >= 200

    rest = articulation.rest_shape(gaping(gaps), speaking, np.arange(260) / 25)

    assert shape.opening(rest[None])[0] > 0.13


class Knowing(hearing.Ear):
    """An ear whose recogniser knows nothing."""

    def __init__(self) -> None:
        pass

    def recognise(self, samples: np.ndarray) -> np.ndarray:
        return np.zeros((len(samples) // 320 + 1, 5), np.float32)


def test_a_mouth_hears_energies_beside_what_the_recogniser_knows() -> None:
    speech, _ = talking_head.babble(2)

    heard = Knowing().hear(speech)

    assert np.array_equal(heard[:, 5:], hearing.log_mel(speech))
    assert heard[:, 5:].std() > 0.5


def test_loudness_tells_loud_syllables_from_quiet_ones_whatever_the_level() -> None:
    syllable = np.sin(np.arange(4800)) * np.hanning(4800)
    speech = np.concatenate([0.5 * syllable, 0.05 * syllable, 0.5 * syllable]).astype(np.float32)

    course = hearing.loudness(speech, 45)

    assert course[[7, 37]].min() > course[22] + 1
    assert np.allclose(course, hearing.loudness(speech * 0.3, 45), atol=1e-3)
