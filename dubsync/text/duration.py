"""How long a text takes to say: from its syllables and stops, per language.

The rates were fitted to the packaged Kokoro voices (`dubsync.text.bench.durations` measures them again). Where a voice
engine can tell the duration itself, that is better and is used instead.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from dubsync.text.language import base
from dubsync.text.numbers import read_out

_COMMAS = re.compile(r"[,;:—–،、，]")
_STOPS = re.compile(r"[.?!…。？！؟]+(?=\s|$)")
_VOWELS = {
    "en": re.compile(r"[aeiouy]+"),
    "fr": re.compile(r"[aeiouyœæ]+"),
    "other": re.compile(r"[aeiouyœæаеиоуыэюяієαεηιουω]+"),
}
_STRONG = "aeo"
_LETTER_SYLLABLES = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Rate:
    """Seconds: at rest before and after, for a syllable, for a comma, for a stop inside the text."""

    rest: float
    syllable: float
    comma: float
    stop: float


RATES = {
    "en": Rate(0.40, 0.198, 0.33, 0.28),
    "es": Rate(0.17, 0.159, 0.21, 0.28),
    "fr": Rate(0.31, 0.177, 0.20, 0.33),
    "pt": Rate(0.15, 0.163, 0.17, 0.27),
    "it": Rate(0.21, 0.167, 0.24, 0.30),
}
OTHER = Rate(0.20, 0.165, 0.18, 0.35)


def natural_seconds(text: str, language: str) -> float:
    """Return the predicted duration of a text that nobody hurries; at least 0.2 s.

    >>> natural_seconds("Hola.", "es") < natural_seconds("Hola, buenas tardes.", "es")
    True
    """
    rate = RATES.get(base(language), OTHER)
    bare = text.strip().rstrip(".?!…。？！؟\"'”’» ")
    commas, stops = len(_COMMAS.findall(bare)), len(_STOPS.findall(bare))
    return rate.rest + rate.syllable * syllables(text, language) + rate.comma * commas + rate.stop * stops


def syllables(text: str, language: str) -> int:
    """Return about how many syllables a text has; figures count as they are read out.

    >>> syllables("El murciélago veía 2 películas", "es"), syllables("the hopes of nations", "en")
    (13, 5)
    """
    words = re.findall(r"[^\W\d_]+", read_out(text, language).lower())
    return sum(_in_word(word, base(language)) for word in words)


def _in_word(word: str, language: str) -> int:
    letters = _LETTER_SYLLABLES.findall(word)
    if letters:
        return len(letters)
    if language in {"es", "pt", "it"}:
        return max(1, sum(_romance_nuclei(group) for group in re.findall(r"[aeiouáéíóúàèìòùâêôãõü]+", _soft(word))))
    plain = _unaccented(word)
    found = len(_VOWELS.get(language, _VOWELS["other"]).findall(plain))
    if language == "en":
        found -= _silent_in_english(plain)
    if language == "fr" and re.search(r"[^aeiouy](e|es|ent)$", plain) and found > 1:
        found -= 1
    if not found and not any("a" <= letter <= "z" for letter in plain):
        return max(1, len(word) // 2)
    return max(1, found)


def _soft(word: str) -> str:
    """The u of que, qui, gue, gui is not said."""
    return re.sub(r"([qg])u(?=[eiéí])", r"\1", word)


def _romance_nuclei(vowels: str) -> int:
    """Count syllables in a run of vowels: two strong ones part, and an accented i or u stands alone."""
    nuclei = 1
    for one, other in pairwise(vowels):
        is_strong = _unaccented(one) in _STRONG and _unaccented(other) in _STRONG and one not in "ãõ"
        nuclei += is_strong or one in "íúì" or other in "íúì"
    return nuclei


def _silent_in_english(word: str) -> int:
    """The e of "hope", "hopes", "hoped", but not of "table", "houses", "wanted"."""
    if re.search(r"[^aeiouyl]e$|[aeiou]le$", word) and len(word) > 2:
        return len(_VOWELS["en"].findall(word)) > 1
    return bool(re.search(r"[^aeiousxz]es$|[^aeioutd]ed$", word) and not re.search(r"(ch|sh|[cg])es$", word))


def _unaccented(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))


SLOWEST, FASTEST = 0.85, 1.2
"""Between these rates, of what is natural, speech sounds neither slack nor rushed."""


LIPS = 0.1
"""What full agreement with the actor's lips is worth against a translator's score, in nats a piece."""


def choose(
    seconds: Sequence[float], scores: Sequence[float], *, own: float, slot: float, lips: Sequence[float] = ()
) -> int:
    """Return the index of the candidate to speak.

    Those that fill the time the original took (`own`) at a natural rate and fit the slot come first, then those that
    fit, then the shortest; among equals the best score, to which agreement with the actor's `lips` (0 to 1) adds a
    little, then the first.
    """
    worth = [score + LIPS * (lips[index] if lips else 0.0) for index, score in enumerate(scores)]

    def rank(index: int) -> tuple[int, float, float]:
        if seconds[index] > FASTEST * slot:
            return 2, seconds[index], -worth[index]
        return int(seconds[index] < SLOWEST * own), -worth[index], 0.0

    return min(range(len(seconds)), key=rank)


def syllables_in(seconds: float, language: str) -> int:
    """Return about how many syllables can be said in a time, without stops; at least 1."""
    rate = RATES.get(base(language), OTHER)
    return max(1, int((seconds - rate.rest) / rate.syllable))
