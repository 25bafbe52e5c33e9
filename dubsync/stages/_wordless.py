"""Utterances freed of what is no word: "Ha-ha-ha!" and "Hmm" stay the film's own and are not spoken anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from dubsync.audio.reactions import FROM_WORD, is_word
from dubsync.timing import Span
from dubsync.title import Utterance, Word, content_id


def parted(utterances: Iterable[Utterance], joiner: str) -> tuple[tuple[Utterance, ...], tuple[Word, ...]]:
    """Return the utterances without laughs that stand apart at their ends, and these laughs.

    One that runs into a word stays with it: it cannot be kept alone. `joiner`: what the language writes between words.
    """
    spoken, wordless = [], []
    for utterance in utterances:
        first, stop = _bounds(utterance.words)
        wordless += [*utterance.words[:first], *utterance.words[stop:]]
        if not utterance.words or (first, stop) == (0, len(utterance.words)):
            spoken.append(utterance)
        elif first < stop:
            spoken.append(_cut(utterance, utterance.words[first:stop], joiner))
    return tuple(spoken), tuple(wordless)


def _bounds(words: Sequence[Word]) -> tuple[int, int]:
    """Return [first, stop) of the words without what is none at either end; both the same where nothing is a word."""
    first = max(_ends(words), default=0)
    if first == len(words):
        return first, first
    return first, len(words) - max(_ends(words[::-1]), default=0)


def _ends(words: Sequence[Word]) -> Iterator[int]:
    """Yield how many words may be taken from the front: all up to there are none, and a pause follows."""
    for count, word in enumerate(words, 1):
        if is_word(word.text):
            return
        if count == len(words) or _pause(word.span, words[count].span) >= 2 * FROM_WORD:
            yield count


def _pause(one: Span, other: Span) -> Fraction:
    return max(one.start, other.start) - min(one.end, other.end)


def _cut(utterance: Utterance, words: tuple[Word, ...], joiner: str) -> Utterance:
    text = joiner.join(word.text for word in words)
    span = Span(words[0].span.start, words[-1].span.end)
    return replace(utterance, id=content_id("utterance", text, span.start), text=text, span=span, words=words)
