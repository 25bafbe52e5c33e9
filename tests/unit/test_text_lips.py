"""Lips are compared by when they meet and when they open wide."""

from __future__ import annotations

from words_stand import utterance

from dubsync.text.lips import Mouth, agreement, of_text, of_words


def test_a_text_that_closes_when_the_actor_does_agrees_more() -> None:
    seen = of_text("papa", 0.6)
    assert agreement(seen, seen) == 1.0
    assert agreement(seen, of_text("mamá", 0.6)) == 1.0
    assert agreement(seen, of_text("nítido", 0.6)) == 0.0


def test_a_closing_at_another_moment_does_not_count_and_none_counts_twice() -> None:
    seen = Mouth(closed=(0.2,), wide=())
    assert agreement(seen, Mouth((0.9,), ())) < agreement(seen, Mouth((0.25,), ()))
    assert agreement(seen, Mouth((0.15, 0.25), ())) < 1.0


def test_mouths_that_neither_close_nor_open_wide_agree() -> None:
    assert agreement(of_text("si", 1), of_text("no", 1)) == 1.0


def test_the_actors_lips_follow_the_times_of_the_words() -> None:
    said = utterance("pa", 3, 4)
    assert of_words(said.words, said.span).closed == (0.25,)
