"""A line as people recorded it, or as it was in the film: cut out of its file and laid where it belongs."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np

from dubsync.audio import features, wav
from dubsync.backends.protocols import Recording, Samples, Spoken
from dubsync.errors import Flag, Severity
from dubsync.timing import Span, to_samples
from dubsync.title import Line, Word

BEFORE = Fraction(3, 10)
"""Seconds around a slot in which its recorded line is looked for."""
SILENT_DB = -60.0


def played(line: Line, own: Span, recording: Recording) -> tuple[Fraction, Spoken] | None:
    """Return the line without the silence around it, and when it starts; None when nothing sounds there.

    A recording on the film's clock stays where it sounds; one of the line alone begins with the original.
    """
    rate = wav.facts(recording.file).sample_rate
    first, sound = _heard(line, own, recording, rate)
    (loud,) = np.nonzero(features.active(sound, rate))
    if len(loud) == 0 or features.level_db(sound) < SILENT_DB:
        return None
    begin, end = int(loud[0]) * (rate // 100), (int(loud[-1]) + 1) * (rate // 100)
    start = Fraction(max(0, first) + begin, rate) if recording.is_on_clock else own.start
    length = Fraction(end - begin, rate)
    return start, Spoken(sound[begin:end], rate, float(length), _even_words(line.text, length))


def silent(line: Line, own: Span, rate: int, what: str, hint: str) -> Spoken:
    """Return silence as long as the original, with a flag that says so."""
    flag = Flag(Severity.WARNING, "nothing-recorded", line.id, what, hint)
    return Spoken(np.zeros(to_samples(own.duration, rate), np.float32), rate, float(own.duration), (), (flag,))


def _heard(line: Line, own: Span, recording: Recording, rate: int) -> tuple[int, Samples]:
    """Return the stretch in which the line is looked for, mono, and its first sample on the file's clock."""
    if not recording.is_on_clock:
        return 0, features.mono(wav.read(recording.file))
    first, stop = to_samples(own.start - BEFORE, rate), to_samples(max(own.end, line.span.end) + BEFORE, rate)
    return first, features.mono(wav.read(recording.file, start=max(0, first), stop=stop))


def _even_words(text: str, length: Fraction) -> tuple[Word, ...]:
    """Return the words with the time shared out by their letters."""
    words = text.split()
    letters = [len(word) for word in words]
    edges = [length * sum(letters[:index]) / max(1, sum(letters)) for index in range(len(words) + 1)]
    return tuple(Word(word, Span(*pair)) for word, pair in zip(words, pairwise(edges), strict=True))
