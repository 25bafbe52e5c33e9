"""Where to part running words: utterances at pauses and sentence ends, sentences out of utterances, and back again.

A recogniser parts speech where it breathes, a translator needs whole sentences, and a line must stay where it was
spoken. `plan` says which sentences to translate for a run of lines; `Plan.share` deals their translations back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from dubsync.text.language import base
from dubsync.timing import Span
from dubsync.title import Utterance, Word, content_id

PAUSE = Fraction(6, 10)
"""A silence longer than this ends an utterance."""
LONGEST = Fraction(12)
"""Longer utterances are parted at their best breath."""
JOIN_GAP = Fraction(15, 10)
"""A sentence that stops without its full stop goes on in the next line if that follows within this time."""

MOST_CHARACTERS = 240
"""Speech without any full stop is not joined beyond this."""

_ENDS = (".", "?", "!", "…", "。", "？", "！", "؟", "۔", "।")
_PAUSES = (",", ";", ":", "、", "，", "—", "–", "،", "؛")
_CLOSERS = "\"'”’»)]}"
_ABBREVIATIONS = frozenset(
    {"mr.", "mrs.", "ms.", "dr.", "st.", "prof.", "sr.", "sra.", "jr.", "vs.", "etc.", "u.s.", "e.g.", "i.e."}
)
_UNSPACED = frozenset({"zh", "ja", "th", "lo", "km", "my", "yue"})


def ends_sentence(text: str) -> bool:
    """Tell whether the text stops at the end of a sentence.

    >>> ends_sentence("Hello, Dr."), ends_sentence('He said "no!"'), ends_sentence("No.")
    (False, True, True)
    """
    bare = text.rstrip().rstrip(_CLOSERS)
    words = bare.split()
    return bare.endswith(_ENDS) and not (words and words[-1].lower() in _ABBREVIATIONS)


def joiner(language: str) -> str:
    """Return what stands between words: a space, or nothing in Chinese, Japanese, Thai."""
    return "" if base(language) in _UNSPACED else " "


def utterance_of(words: Sequence[Word], language: str) -> Utterance:
    """Make an utterance of words that were heard; its id comes from text and time."""
    text = joiner(language).join(word.text for word in words)
    span = Span(words[0].span.start, words[-1].span.end)
    confidence = sum(word.confidence or 0.0 for word in words) / len(words)
    return Utterance(content_id("utterance", text, span.start), text, span, tuple(words), None, round(confidence, 3))


def breaks(words: Sequence[str], spans: Sequence[Span], *, longest: Fraction = LONGEST) -> tuple[int, ...]:
    """Return the indices of words that begin a new utterance, 0 included unless there are no words."""
    if not words:
        return ()
    first = [0]
    for index in range(1, len(words)):
        if spans[index].start - spans[index - 1].end > PAUSE or ends_sentence(words[index - 1]):
            first.append(index)
    found: list[int] = []
    for start, stop in zip(first, [*first[1:], len(words)], strict=True):
        found += _shortened(words, spans, range(start, stop), longest)
    return tuple(found)


def _shortened(words: Sequence[str], spans: Sequence[Span], reach: range, longest: Fraction) -> list[int]:
    """Part one utterance until each part is short enough, at the widest pause, commas counting as 0.3 s."""
    first, last = reach[0], reach[-1]
    if len(reach) < 2 or spans[last].end - spans[first].start <= longest:
        return [first]
    middle = (spans[first].start + spans[last].end) / 2

    def worth(index: int) -> Fraction:
        pause = spans[index].start - spans[index - 1].end
        comma = Fraction(3, 10) if words[index - 1].rstrip(_CLOSERS).endswith(_PAUSES) else Fraction(0)
        return pause + comma - abs(spans[index].start - middle) / 10

    cut = max(reach[1:], key=worth)
    return [
        *_shortened(words, spans, range(first, cut), longest),
        *_shortened(words, spans, range(cut, last + 1), longest),
    ]


@dataclass(frozen=True, slots=True)
class Piece:
    """The part of a sentence that lies in one line. `line`: its place in the run, 0-based."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A whole sentence and the pieces, one line each, that it was spoken in."""

    pieces: tuple[Piece, ...]
    glue: str = " "

    @property
    def text(self) -> str:
        return self.glue.join(piece.text for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Spoken:
    """A line as the planner sees it."""

    text: str
    span: Span
    speaker: str | None = None


def plan(lines: Sequence[Spoken], language: str) -> tuple[Sentence, ...]:
    """Return the sentences of the lines, in order; each line's text is covered exactly once."""
    glue = joiner(language)
    sentences: list[Sentence] = []
    open_pieces: list[Piece] = []
    for number, line in enumerate(lines):
        parts = split_sentences(line.text, language) or (line.text.strip(),)
        for part in parts:
            open_pieces.append(Piece(number, part))
            is_last = part is parts[-1]
            is_short = sum(len(piece.text) for piece in open_pieces) < MOST_CHARACTERS
            if is_last and is_short and not ends_sentence(part) and _goes_on(line, lines[number + 1 : number + 2]):
                continue
            sentences.append(Sentence(tuple(open_pieces), glue))
            open_pieces = []
    return tuple(sentences)


def _goes_on(line: Spoken, following: Sequence[Spoken]) -> bool:
    if not following or following[0].speaker != line.speaker:
        return False
    return following[0].span.start - line.span.end <= JOIN_GAP


def split_sentences(text: str, language: str) -> tuple[str, ...]:
    """Return the sentences of a text, stripped, none empty."""
    from sentencex import segment

    try:
        found = segment(base(language), text)
    except (KeyError, ValueError):
        found = re.split(r"(?<=[.?!…。？！؟])\s+", text)
    return tuple(sentence.strip() for sentence in found if sentence.strip())


def deal(text: str, weights: Sequence[int], language: str) -> tuple[str, ...] | None:
    """Part a translation into as many texts as there are weights, near those shares and at natural breaks.

    None if there are fewer words than parts. No word is lost or moved.
    """
    if len(weights) == 1:
        return (text,)
    glue = joiner(language)
    words = list(text.replace(" ", "")) if not glue else text.split()
    if len(words) < len(weights):
        return None
    cuts = _cuts(words, weights)
    return tuple(glue.join(words[start:stop]) for start, stop in zip([0, *cuts], [*cuts, len(words)], strict=True))


def _cuts(words: Sequence[str], weights: Sequence[int]) -> list[int]:
    lengths = [0]
    for word in words:
        lengths.append(lengths[-1] + len(word) + 1)
    total, cuts, done = sum(weights), list[int](), 0
    for number, weight in enumerate(weights[:-1]):
        done += weight
        target = lengths[-1] * done / max(total, 1)
        low, high = (cuts[-1] if cuts else 0) + 1, len(words) - (len(weights) - 2 - number)
        cuts.append(min(range(low, high), key=lambda cut: abs(lengths[cut] - target) + unease(words, cut)))
    return cuts


_CLINGING = frozenset(
    "a an the of to in on at by with for and or but that my your his her our their is are was were "  # noqa: SIM905
    "el la los las un una de del al en con por para y o que mi tu su se le lo no es son "
    "o os as um uma do da dos das no na em com e ou meu seu um ao "
    "le les un une des du de à au aux et ou que je tu il elle nous vous ne se ce mon ma son sa".split()
)
"""Small words that lean on the next one; a line that ends in one sounds broken."""


def unease(words: Sequence[str], cut: int) -> int:
    """How ill it sounds, in letters away from the target, to stop before the word `cut`."""
    before = words[cut - 1].rstrip(_CLOSERS)
    if before.endswith(_ENDS + _PAUSES):
        return -8
    return 10 if before.lower() in _CLINGING else 0
