"""Pauses inside a line: where the original falls silent between two phrases, the dub does too.

A pause is put where the translated text has a mark at about the same share of the line. It is silence added between two
words of finished speech, so it costs no sound and works with every voice that says when its words fall.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from dubsync.audio.slots import COMFORTABLE
from dubsync.backends.protocols import Samples, Spoken
from dubsync.timing import seconds
from dubsync.title import Phone, Word

LEAST_S = 0.3
"""From here on a silence between words is a pause that is seen on the actor's face."""
MOST_S = 2.0
_APART = 0.2
"""Share of the line by which a mark in the text may lie elsewhere than the pause."""
_WORTH_S = 0.15
_FADE_S = 0.005
_MARK = re.compile(r"[,;:.!?…—–-]['\"”»)]*$")


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence after so many words of the text. `seconds`: from word to word."""

    after: int
    seconds: float


def planned(original: Sequence[Word], text: str) -> tuple[Pause, ...]:
    """Return the pauses of the original that the text has a mark for, in order.

    >>> from fractions import Fraction as F; from dubsync.timing import Span
    >>> said = [Word("Wait", Span(F(0), F(1))), Word("here", Span(F(2), F(3)))]
    >>> planned(said, "Espera, aquí.")
    (Pause(after=1, seconds=1.0),)
    """
    marks = _marks(text)
    found: dict[int, float] = {}
    for share, length in sorted(_silences(original), key=lambda silence: -silence[1]):
        near = [(abs(at - share), after) for after, at in marks.items() if after not in found]
        if near and min(near)[0] <= _APART:
            found[min(near)[1]] = min(length, MOST_S)
    return tuple(Pause(after, length) for after, length in sorted(found.items()))


def _silences(words: Sequence[Word]) -> list[tuple[float, float]]:
    """Return (share of the speech that comes before, seconds) of each pause between the words."""
    lengths = [float(word.span.duration) for word in words]
    total = max(sum(lengths), 1e-6)
    gaps = [float(after.span.start - before.span.end) for before, after in pairwise(words)]
    return [(sum(lengths[: n + 1]) / total, gap) for n, gap in enumerate(gaps) if gap >= LEAST_S]


def spoken_words(text: str) -> list[str]:
    """Return the written words that are said, with the marks that follow them."""
    words: list[str] = []
    for word in text.split():
        if any(letter.isalnum() for letter in word):
            words.append(word)
        elif words:
            words[-1] += word
    return words


def _marks(text: str) -> dict[int, float]:
    """Return for each mark within the text how many words, and which share of the letters, come before it."""
    words = spoken_words(text)
    letters = [sum(letter.isalnum() for letter in word) for word in words]
    total = max(1, sum(letters))
    return {n: sum(letters[:n]) / total for n, word in enumerate(words[:-1], start=1) if _MARK.search(word) is not None}


def afforded(pauses: Sequence[Pause], *, natural: float, slot: float) -> tuple[Pause, ...]:
    """Return the pauses that fit beside the speech, all shortened alike; nobody is hurried for the sake of a pause."""
    total = sum(pause.seconds for pause in pauses)
    room = min(total, slot - natural / COMFORTABLE)
    shorter = (replace(pause, seconds=pause.seconds * room / total) for pause in pauses)
    return tuple(pause for pause in shorter if pause.seconds >= _WORTH_S)


def insert(spoken: Spoken, pauses: Sequence[Pause]) -> Spoken:
    """Return the speech with the silence between the words widened to the pauses; what is there already counts."""
    for pause in reversed(pauses):
        before, after = spoken.words[pause.after - 1], spoken.words[pause.after]
        missing = pause.seconds - float(after.span.start - before.span.end)
        if missing > 0:
            spoken = _widened(spoken, pause.after, round(missing * spoken.sample_rate))
    return spoken


def _widened(spoken: Spoken, after: int, count: int) -> Spoken:
    """Put `count` samples of silence between two words, where it is quietest, faded on both sides."""
    rate, words = spoken.sample_rate, spoken.words
    first, stop = (int(time * rate) for time in (words[after - 1].span.end, words[after].span.start))
    at = _quietest(spoken.samples, first, stop, rate)
    fade = np.linspace(1, 0, max(1, int(_FADE_S * rate)), dtype=np.float32)
    head, tail = spoken.samples[:at].copy(), spoken.samples[at:].copy()
    out, in_ = min(len(fade), len(head)), min(len(fade), len(tail))
    head[len(head) - out :] *= fade[len(fade) - out :]
    tail[:in_] *= fade[::-1][:in_]
    shift = seconds(count / rate)
    moved = tuple(replace(word, span=word.span.shift(shift)) for word in words[after:])
    phones = tuple(
        replace(one, span=one.span.shift(shift)) if _is_after(one, at / rate) else one for one in spoken.phones
    )
    return replace(
        spoken,
        samples=np.concatenate([head, np.zeros(count, np.float32), tail]),
        natural_seconds=spoken.natural_seconds + count / rate,
        words=(*words[:after], *moved),
        phones=phones,
    )


def _is_after(phone: Phone, moment: float) -> bool:
    return float(phone.span.start + phone.span.end) / 2 >= moment


def _quietest(samples: Samples, first: int, stop: int, rate: int) -> int:
    """Return the middle of the quietest hundredth of a second between two samples, or a little around them."""
    step = max(1, rate // 100)
    first, stop = max(0, first - step), min(len(samples), max(stop, first) + step)
    places = range(first, max(first + 1, stop - step), max(1, step // 4))
    best = min(places, key=lambda place: float(np.square(samples[place : place + step], dtype=np.float64).sum()))
    return min(len(samples), best + step // 2)
