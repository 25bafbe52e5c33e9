"""A line out of an engine that cannot be told how long it shall take: say it several times, keep the nearest, fit it.

What is left to fit is stretched by at most 15 %. An engine of this kind may also babble or break off; a take whose
length is far from what the text needs is only kept when there is none better, and is flagged.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np

from dubsync.audio import features
from dubsync.audio.stretch import stretch
from dubsync.backends.kokoro.text import pieces
from dubsync.backends.protocols import Enrolled, Samples, Spoken
from dubsync.errors import Flag, PermanentError, Severity
from dubsync.text.duration import natural_seconds
from dubsync.text.numbers import read_out
from dubsync.timing import Span
from dubsync.title import Word

Say = Callable[[str, int], tuple[Samples, int]]
"""Speaks a short text with a seed; returns mono samples and their rate."""
MOST_STRETCH = 0.15
NEAR_ENOUGH = 0.02
PAUSE_S = 0.15
BABBLE, BROKEN_OFF = 2.5, 0.4
"""Lengths against the predicted one beyond which a take is doubtful."""
LEAST_S, LITTLE_S = 0.4, 1.5
REFERENCE_RATE = 24000
_MARKUP = re.compile(r"<[^<>]*>|\{\\[^{}]*\}")
_CLEARLY = 0.03


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be said. `limit`: letters that the engine takes at once."""

    text: str
    language: str
    seconds: float | None
    seed: int
    takes: int
    limit: int


def speak(say: Say, wish: Wish) -> Spoken:
    """Return the take nearest to the wanted length, stretched within bounds, peaks under full scale."""
    text = clean(wish.text, wish.language)
    predicted = natural_seconds(text, wish.language)
    sound, rate = _nearest(say, text, wish, wish.seconds or predicted)
    natural = len(sound) / rate
    length = len(sound)
    if wish.seconds is not None:
        factor = float(np.clip(wish.seconds / natural, 1 - MOST_STRETCH, 1 + MOST_STRETCH))
        length = round(natural * factor * rate)
    fitted = _safe(stretch(sound, rate, length))
    flags = _flags(natural, predicted, length / rate, wish.seconds)
    return Spoken(fitted, rate, natural, _even_words(text, Fraction(length, rate)), flags)


def clean(text: str, language: str) -> str:
    """Return the text with figures in words, without markup and signs that nobody says.

    Raises PermanentError when no letter is left: silence is never passed off as speech.
    """
    said = read_out(_MARKUP.sub(" ", unicodedata.normalize("NFC", text)), language)
    said = "".join(mark if unicodedata.category(mark)[0] in "LMNP" else " " for mark in said)
    said = " ".join(said.split())
    if not any(letter.isalnum() for letter in said):
        raise PermanentError(f"nothing in {text!r} can be spoken", hint="give the line words, or remove it")
    return said


def reference_of(samples: Samples, sample_rate: int) -> tuple[Samples | None, tuple[Flag, ...]]:
    """Return a speaker's clean speech as engines take it, mono 24 kHz under full scale; None where there is none."""
    loud = features.active(samples, sample_rate)
    seconds = float(loud.sum()) / 100
    if seconds < LEAST_S or features.level_db(samples) < -60:
        what = f"{seconds:.1f} s of speech: nothing to learn a voice from, so the engine's own voice speaks"
        return None, (Flag(Severity.WARNING, "no-clear-speech", "", what, "cast a voice in casting.toml"),)
    resampled = features.resample(features.mono(samples), sample_rate, REFERENCE_RATE)
    peak = float(np.abs(resampled).max())
    scaled = resampled * np.float32(0.9 / peak) if peak > 0.9 else resampled
    if seconds < LITTLE_S:
        what = f"only {seconds:.1f} s of clean speech: the voice may not be like the speaker's"
        return scaled, (Flag(Severity.WARNING, "little-speech", "", what, "listen, or cast a voice in casting.toml"),)
    return scaled, ()


def nobody(flags: tuple[Flag, ...]) -> Enrolled:
    """Return the engine's own voice, which is an empty one."""
    return Enrolled({}, None, flags)


def _nearest(say: Say, text: str, wish: Wish, wanted: float) -> tuple[Samples, int]:
    """Say the text up to `takes` times; return the take whose length is nearest to the wanted one."""
    best, best_rate, least = np.zeros(0, np.float32), REFERENCE_RATE, np.inf
    for number in range(wish.takes):
        sound, rate = _take(say, text, wish, number)
        missed = abs(float(np.log(max(len(sound) / rate, 1e-3) / wanted)))
        if missed < least:
            best, best_rate, least = sound, rate, missed
        if missed < NEAR_ENOUGH:
            break
    if len(best) == 0:
        raise PermanentError(
            f"the engine gave no sound for {text[:60]!r}", hint="change the text, or take another engine"
        )
    return best, best_rate


def _take(say: Say, text: str, wish: Wish, number: int) -> tuple[Samples, int]:
    """Say the pieces of a text one after the other, each without the silence around it."""
    parts: list[Samples] = []
    rate = REFERENCE_RATE
    for index, piece in enumerate(pieces(text, len, wish.limit)):
        sound, rate = say(piece, (wish.seed + 7919 * number + 104729 * index) % 2**63)
        if parts:
            parts.append(np.zeros(round(PAUSE_S * rate), np.float32))
        parts.append(_trimmed(sound.astype(np.float32), rate))
    return np.concatenate(parts), rate


def _trimmed(sound: Samples, rate: int) -> Samples:
    (loud,) = np.nonzero(features.active(sound, rate, depth_db=40.0))
    step = rate // 100
    return sound[int(loud[0]) * step : (int(loud[-1]) + 1) * step] if len(loud) else sound[:0]


def _flags(natural: float, predicted: float, length: float, wanted: float | None) -> tuple[Flag, ...]:
    flags = []
    if not BROKEN_OFF < natural / predicted < BABBLE:
        what = f"the engine took {natural:.1f} s for a text of about {predicted:.1f} s: it may babble or break off"
        flags.append(Flag(Severity.WARNING, "take-doubtful", "", what, "listen to the line, or change its text"))
    if wanted is not None and length > wanted + _CLEARLY:
        what = f"the line takes {length:.2f} s at the fastest bearable rate, and there are {wanted:.2f} s"
        flags.append(Flag(Severity.WARNING, "line-too-long", "", what, "shorten the text"))
    return tuple(flags)


def _safe(sound: Samples) -> Samples:
    """Fade 5 ms at both ends, and keep the peak under full scale."""
    out = np.nan_to_num(sound, nan=0.0, posinf=1.0, neginf=-1.0)
    fade = np.linspace(0, 1, min(120, len(out)), dtype=np.float32)
    out[: len(fade)] *= fade
    out[len(out) - len(fade) :] *= fade[::-1]
    peak = float(np.abs(out).max(initial=0.0))
    return out * np.float32(0.98 / peak) if peak > 0.98 else out


def _even_words(text: str, length: Fraction) -> tuple[Word, ...]:
    """Return the words with the time shared out by their letters: the engine tells no times."""
    words = text.split()
    letters = [len(word) for word in words]
    edges = [length * sum(letters[:index]) / max(1, sum(letters)) for index in range(len(words) + 1)]
    return tuple(Word(word, Span(*pair)) for word, pair in zip(words, pairwise(edges), strict=True))
