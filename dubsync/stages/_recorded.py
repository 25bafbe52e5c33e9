"""A line as people recorded it, or as it was in the film: cut out of its file and laid where it belongs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Literal

import numpy as np

from dubsync.audio import features, wav
from dubsync.backends.protocols import Brought, Recording, Recordings, Samples, Spoken
from dubsync.errors import Flag, Severity
from dubsync.timing import Span, to_samples
from dubsync.title import Line, Word

BEFORE = Fraction(3, 10)
"""Seconds around a slot in which its recorded line is looked for."""
SILENT_DB = -60.0


Unrecorded = Literal["silence", "original"]
"""What is heard of a line that should have been recorded and was not."""
_RECORD = "record it, and bring it as LINE.wav in a folder with --recorded"


@dataclass(frozen=True, slots=True)
class Played:
    """A line and when it starts. `says`: whose words are heard, the new line's or those of the film."""

    start: Fraction
    spoken: Spoken
    says: Literal["line", "original", "nothing"]


def played(engine: Recordings, line: Line, own: Span, brought: Brought, unrecorded: Unrecorded) -> Played:
    """Return what was recorded of the line; where nothing was, silence or the original with a flag."""
    recording = engine.recording(brought)
    found = _cut(line, own, recording) if recording else None
    if found:
        return found
    file = recording.file if recording else brought.alone
    what = f"no speech in {file.name} for this line" if recording else f"there is no {file.parent.name}/{file.name}"
    original = _cut(line, own, Recording(brought.dialogue, is_on_clock=True, is_original=True))
    if unrecorded == "original" and original:
        flag = Flag(Severity.WARNING, "nothing-recorded", line.id, f"{what}: the original is heard", _RECORD)
        return replace(original, spoken=replace(original.spoken, flags=(flag,)))
    silence = _silent(line, own, wav.facts(brought.dialogue).sample_rate, f"{what}: it is silent")
    return Played(own.start, silence, "nothing")


def _cut(line: Line, own: Span, recording: Recording) -> Played | None:
    """Return the line without the silence around it; None when nothing sounds there.

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
    spoken = Spoken(sound[begin:end], rate, float(length), _even_words(line.text, length))
    return Played(start, spoken, "original" if recording.is_original else "line")


def _silent(line: Line, own: Span, rate: int, what: str) -> Spoken:
    """Return silence as long as the original, with a flag that says so."""
    flag = Flag(Severity.WARNING, "nothing-recorded", line.id, what, _RECORD)
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
