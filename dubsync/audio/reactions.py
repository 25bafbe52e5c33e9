"""Laughs, breaths, sighs and cries: short sounds of a voice between words, found in a dialogue stem.

Only what stands apart is taken: a sound that runs on into a word is part of the word, whatever its recogniser's times
say. Whether there is a word in a sound is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import features, wav
from dubsync.timing import Span, seconds

Samples = NDArray[np.float32]

FROM_WORD = Fraction(8, 100)
"""Seconds that a sound must lie away from any word."""
SHORTEST, LONGEST = 0.35, 4.0
"""Seconds. In less, a high voice's word changes as little as a laugh does, and recognisers miss it."""
ABOVE_FLOOR_DB, QUIETEST_DB = 12.0, -50.0
LOUDER_THAN_BED_DB = -6.0
"""How far below the bed a sound may lie: under louder music, what the stem holds is as likely left-over music."""
CLOSURE_S = 0.13
"""Silence inside a word, before a plosive: sounds no further apart are one."""
_STEP_S = 0.01
_FLOOR_PERCENTILE = 20
_NOT_WORDS = re.compile(r"a?(?:h+[aeiou]+[hy]*){2,}|(j[aeiou])h?(?:\1h?)+|h?m+(?:h?m+)*|a+h+|u+[gh]+h*|h+[aeu]*h+")


@dataclass(frozen=True, slots=True)
class Levels:
    """How loud both stems are, in dB, for each hundredth of a second of a film; `step`: samples of one."""

    dialogue: NDArray[np.float32]
    bed: NDArray[np.float32]
    step: int
    sample_rate: int

    def time(self, index: int) -> Fraction:
        return Fraction(index * self.step, self.sample_rate)

    def index(self, time: Fraction) -> int:
        return min(len(self.dialogue), max(0, int(time * self.sample_rate) // self.step))


def measure(dialogue: Path, bed: Path) -> Levels:
    """Hear both stems, however long they are."""
    rate = wav.facts(dialogue).sample_rate
    step = max(1, round(_STEP_S * rate))
    return Levels(_levels(dialogue, step), _levels(bed, step), step, rate)


def _levels(path: Path, step: int) -> NDArray[np.float32]:
    size = step * max(1, wav.BLOCK // step)
    parts = [features.frame_levels(features.mono(block), step) for block in wav.blocks(path, size=size)]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def candidates(levels: Levels, area: Span, words: Iterable[Span]) -> list[Span]:
    """Return what may be reactions in a stretch of film. `words`: all that are spoken in it."""
    first, stop = levels.index(area.start), levels.index(area.end)
    heard, under = levels.dialogue[first:stop], levels.bed[first:stop]
    if len(heard) == 0:
        return []
    floor = max(QUIETEST_DB, float(np.percentile(heard, _FLOOR_PERCENTILE)) + ABOVE_FLOOR_DB)
    near = [Span(max(Fraction(0), word.start - FROM_WORD), word.end + FROM_WORD) for word in words]
    found = []
    for begin, end in _runs(heard > floor, round(CLOSURE_S / _STEP_S)):
        span = Span(levels.time(first + begin), levels.time(first + end))
        is_clear = _mean_db(heard[begin:end]) - _mean_db(under[begin:end]) > LOUDER_THAN_BED_DB
        is_whole = begin > 0 and end < len(heard)
        fits = SHORTEST <= span.duration <= LONGEST and is_clear and is_whole
        if fits and not any(span.overlap(word) for word in near):
            found.append(span)
    return found


def _runs(loud: NDArray[np.bool_], gap: int) -> Iterator[tuple[int, int]]:
    """Yield [first, stop) of stretches that hold, those less than `gap` apart taken as one."""
    (at,) = np.nonzero(loud)
    if len(at) == 0:
        return
    cuts = [0, *(np.flatnonzero(np.diff(at) > gap) + 1).tolist(), len(at)]
    for first, stop in pairwise(cuts):
        yield int(at[first]), int(at[stop - 1]) + 1


def _mean_db(levels: NDArray[np.float32]) -> float:
    return float(10 * np.log10(np.mean(10 ** (levels.astype(np.float64) / 10)) + features.SILENCE))


PAUSE_S, HEARING_RATE, HEARING_DB = 1.0, 16000, -20.0


def strung(sounds: Iterable[tuple[Samples, int]]) -> Iterator[tuple[Samples, Span]]:
    """Yield sounds for a recogniser to hear one after the other, all equally loud, and where each one then lies.

    Mono 16 kHz, each with a pause after it. The span reaches half a pause beyond the sound: a word there is its own.
    """
    at = 0
    for samples, rate in sounds:
        sound = features.resample(samples, rate, HEARING_RATE)
        gain = np.float32(10 ** ((HEARING_DB - features.level_db(sound)) / 20))
        half = round(PAUSE_S * HEARING_RATE / 2)
        pause = np.zeros(half, np.float32)
        yield (
            np.concatenate([pause, np.clip(sound * gain, -1, 1), pause]),
            Span(seconds(at / HEARING_RATE), seconds((at + len(sound) + 2 * half) / HEARING_RATE)),
        )
        at += len(sound) + 2 * half


def is_word(text: str) -> bool:
    """Tell a word from laughing, humming and groaning as recognisers write them.

    >>> [is_word(text) for text in ("Haha!", "Ha-hey-hey!", "hmm", "(laughs)", "no", "Oh", "hija")]
    [False, False, False, False, True, True, True]
    """
    bare = re.sub(r"\([^)]*\)|\[[^\]]*\]|\*[^*]*\*", "", text).casefold()
    letters = "".join(letter for letter in bare if letter.isalpha())
    return bool(letters) and not _NOT_WORDS.fullmatch(letters)


def wordless(spans: Sequence[Span], heard: Iterable[tuple[str, Span]]) -> list[bool]:
    """Tell for each stretch whether no word was heard in it; laughs may be written as several ("Ha! Ha-ha.")."""
    words = list(heard)
    texts = ("".join(text for text, span in words if one.overlap(span) or span.start in one) for one in spans)
    return [not is_word(text) for text in texts]
