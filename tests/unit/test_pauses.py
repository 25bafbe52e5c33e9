"""A pause that the actor makes on screen is kept in the dub, where text and time have room for it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from dubsync.audio import features, pauses
from dubsync.audio.pauses import Pause, afforded, insert, planned
from dubsync.backends.protocols import Spoken
from dubsync.timing import Span, seconds
from dubsync.title import Phone, Word

RATE = 24000


def said(*times: tuple[float, float]) -> tuple[Word, ...]:
    return tuple(Word(f"w{n}", Span(seconds(start), seconds(end))) for n, (start, end) in enumerate(times))


HALVES = said((0.0, 0.4), (0.4, 0.9), (1.5, 2.0), (2.0, 2.4))
"""Two words, 0.6 s of silence, two words."""


def test_a_pause_falls_on_the_mark_at_the_same_share_of_the_text() -> None:
    assert planned(HALVES, "No sé, la verdad.") == (Pause(2, pytest.approx(0.6)),)
    assert planned(HALVES, "Oh, no sé nada de eso, hombre, de verdad.") == (Pause(6, pytest.approx(0.6)),)


def test_without_a_mark_near_it_no_phrase_is_torn() -> None:
    assert planned(HALVES, "No sé la verdad.") == ()
    assert planned(HALVES, "Sí, no tengo ni la menor idea de todo eso.") == ()


def test_a_short_breath_is_no_pause() -> None:
    assert planned(said((0.0, 0.5), (0.75, 1.2)), "Sí, claro.") == ()


def test_two_pauses_take_two_marks_in_order() -> None:
    words = said((0.0, 0.5), (1.0, 1.5), (2.3, 2.8))
    assert [pause.after for pause in planned(words, "Uno, dos, tres.")] == [1, 2]


def test_a_mark_that_stands_alone_belongs_to_the_word_before() -> None:
    assert pauses.spoken_words("Espera — aquí no.") == ["Espera—", "aquí", "no."]
    assert [pause.after for pause in planned(HALVES, "Espera — aquí no.")] == [1]


def test_pauses_shrink_before_anybody_is_hurried_and_vanish_when_not_worth_it() -> None:
    wanted = (Pause(1, 0.8),)
    assert afforded(wanted, natural=1.08, slot=3.0)[0].seconds == pytest.approx(0.8)
    assert afforded(wanted, natural=1.08, slot=1.4)[0].seconds == pytest.approx(0.4)
    assert afforded(wanted, natural=1.08, slot=1.1) == ()
    assert afforded(wanted, natural=3.0, slot=1.0) == ()


def speech() -> Spoken:
    """Two buzzing words with 0.1 s between them."""
    time = np.arange(RATE) / RATE
    sound = (0.3 * np.sin(2 * np.pi * 150 * time) * ((time < 0.45) | (time > 0.55))).astype(np.float32)
    return Spoken(sound, RATE, 1.0, said((0.0, 0.45), (0.55, 1.0)))


def test_the_silence_between_two_words_grows_to_the_pause_and_later_words_move() -> None:
    paused = insert(speech(), (Pause(1, 0.6),))
    assert paused.words[1].span.start - paused.words[0].span.end == pytest.approx(Fraction(6, 10), abs=1e-4)
    assert len(paused.samples) == RATE + RATE // 2
    assert paused.natural_seconds == pytest.approx(1.5)
    assert features.level_db(paused.samples[int(0.46 * RATE) : int(1.04 * RATE)]) < -90
    np.testing.assert_array_equal(paused.samples[: int(0.45 * RATE)], speech().samples[: int(0.45 * RATE)])


def test_the_phones_of_later_words_move_with_them() -> None:
    spans = {"a": (0.3, 0.44), "p": (0.51, 0.56), "o": (0.56, 0.9)}
    phones = tuple(Phone(symbol, Span(seconds(start), seconds(end))) for symbol, (start, end) in spans.items())
    paused = insert(replace(speech(), phones=phones), (Pause(1, 0.6),))
    assert [phone.symbol for phone in paused.phones] == ["a", "p", "o"]
    moved = [float(now.span.start - was.span.start) for now, was in zip(paused.phones, phones, strict=True)]
    assert moved == pytest.approx([0, 0.5, 0.5], abs=1e-4)


def test_a_silence_that_is_long_enough_already_stays() -> None:
    np.testing.assert_array_equal(insert(speech(), (Pause(1, 0.08),)).samples, speech().samples)


def test_where_the_voice_leaves_no_silence_there_is_no_click() -> None:
    time = np.arange(RATE) / RATE
    running = Spoken((0.3 * np.sin(2 * np.pi * 150 * time)).astype(np.float32), RATE, 1.0, said((0, 0.5), (0.5, 1.0)))
    paused = insert(running, (Pause(1, 0.4),))
    assert np.abs(np.diff(paused.samples)).max() < 0.02
