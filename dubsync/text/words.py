"""Words for comparing what was said with what should have been: normal form, and word error rate.

The normal form forgives what nobody hears: case, punctuation, hyphens, figures against number words. Scripts without
spaces between words are compared by character.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

from dubsync.text.numbers import read_out

_APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'", "`": "'"})
_UNSPACED = re.compile(r"([\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff])")
_NOT_WORD = re.compile(r"[^\w']+|_")


_JAPANESE = {"HIRAGANA", "KATAKANA"}


@dataclass(frozen=True, slots=True)
class WordErrors:
    """Counts against a reference. `words`: of the reference."""

    substitutions: int
    deletions: int
    insertions: int
    words: int

    @property
    def errors(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Word error rate; above 1 where more was heard than said. An empty reference has rate 0 or 1."""
        return self.errors / self.words if self.words else float(self.errors > 0)

    def __add__(self, other: WordErrors) -> WordErrors:
        return WordErrors(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.words + other.words,
        )


def normal_words(text: str, language: str = "en") -> tuple[str, ...]:
    """Return the words as they are heard: lower case, no punctuation, figures as words.

    >>> normal_words("It’s 4 O'Clock -- twenty-one!")
    ("it's", 'four', "o'clock", 'twenty', 'one')
    """
    spoken = read_out(unicodedata.normalize("NFKC", text).translate(_APOSTROPHES), language).casefold()
    spoken = _UNSPACED.sub(r" \1 ", spoken)
    words = (word.strip("'") for word in _NOT_WORD.sub(" ", spoken).split())
    return tuple(word for word in words if word)


def word_errors(reference: str, heard: str, language: str = "en") -> WordErrors:
    """Count the fewest word changes that turn the reference into what was heard (Levenshtein).

    >>> word_errors("I have 2 cats", "i have two black cat").rate
    0.5
    """
    from rapidfuzz.distance import Levenshtein

    said = normal_words(reference, language)
    edits = Levenshtein.editops(said, normal_words(heard, language)).as_list()
    kinds = [edit[0] for edit in edits]
    return WordErrors(kinds.count("replace"), kinds.count("delete"), kinds.count("insert"), len(said))


def same_script(one: str, other: str) -> bool:
    """Tell whether two texts are written in the same letters; true where either has none.

    A recogniser may write a language in the letters of another (Hindi as Urdu): then no word is right.
    """
    scripts = _script(one), _script(other)
    return None in scripts or scripts[0] == scripts[1]


def _script(text: str) -> str | None:
    """Return the script of most letters, by the first word of their Unicode names."""
    names = Counter(unicodedata.name(letter, "?").split()[0] for letter in text if letter.isalpha())
    (most,) = names.most_common(1) or ((None, 0),)
    return "CJK" if most[0] in _JAPANESE else most[0]
