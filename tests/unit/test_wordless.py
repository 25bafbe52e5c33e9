"""Laughs that a recogniser writes down are no lines; what is said beside them is."""

from __future__ import annotations

from dubsync.stages._wordless import parted
from dubsync.timing import Span, seconds
from dubsync.title import Utterance, Word


def said(*words: tuple[str, float, float]) -> Utterance:
    found = tuple(Word(text, Span(seconds(start), seconds(end))) for text, start, end in words)
    text = " ".join(word.text for word in found)
    return Utterance(f"utterance-{text}", text, Span(found[0].span.start, found[-1].span.end), found)


def texts(*utterances: Utterance) -> tuple[list[str], list[str]]:
    spoken, wordless = parted(utterances, " ")
    return [one.text for one in spoken], [word.text for word in wordless]


def test_an_utterance_that_is_a_laugh_is_no_line() -> None:
    line = said(("Come", 3.0, 3.2), ("in.", 3.2, 3.5))
    assert texts(said(("Ha-ha-ha!", 1.0, 2.0)), line) == (["Come in."], ["Ha-ha-ha!"])
    assert parted([line], " ")[0] == (line,)


def test_a_laugh_with_a_pause_to_the_words_is_cut_off_and_one_without_stays() -> None:
    before = said(("Haha!", 1.0, 1.6), ("You", 1.9, 2.0), ("fool.", 2.0, 2.4))
    after = said(("You", 4.0, 4.1), ("fool.", 4.1, 4.5), ("Hmm.", 4.55, 4.9))
    both = said(("Haha!", 6.0, 6.5), ("heh", 6.5, 6.8), ("No.", 7.2, 7.4), ("Hahaha!", 8.0, 9.0))
    assert texts(before, after, both) == (
        ["You fool.", "You fool. Hmm.", "No."],
        ["Haha!", "Haha!", "heh", "Hahaha!"],
    )
    (cut, *_), _ = parted([before], " ")
    assert (float(cut.span.start), float(cut.span.end), len(cut.words)) == (1.9, 2.4, 2)
    assert cut.id != before.id


def test_a_laugh_between_words_stays_where_it_is() -> None:
    line = said(("Well,", 1.0, 1.2), ("haha,", 2.0, 2.5), ("no.", 3.0, 3.2))
    assert parted([line], " ") == ((line,), ())
