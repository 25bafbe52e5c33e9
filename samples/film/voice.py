"""The lines, spoken by dubsync's own Kokoro engine, with the exact time of every phone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from dubsync.backends.kokoro.engine import Engine
    from dubsync.backends.kokoro.espeak import Espeak
    from dubsync.backends.kokoro.languages import Speech

RATE = 24000
_LEAD, _SETTLING = 4, 12
"""Frames (25 ms) kept before a line, and made before it: with fewer the model swallows the first sounds."""


@dataclass(frozen=True, slots=True)
class Phone:
    """One symbol of the voice's alphabet (IPA, single letters for diphthongs), seconds from the start of the line."""

    symbol: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Spoken:
    """A spoken line: mono `samples` at 24 kHz, its phones, and its words as (text, start, end)."""

    text: str
    samples: NDArray[np.float32]
    phones: tuple[Phone, ...]
    words: tuple[tuple[str, float, float], ...]

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE


def speak(lines: list[tuple[str, str]], *, pace: float = 1.0) -> list[Spoken]:
    """Say each (text, voice name). Fetches the voice's weights when they are not in the cache."""
    from dubsync import weights
    from dubsync.backends.kokoro.engine import Engine
    from dubsync.backends.kokoro.espeak import Espeak
    from dubsync.backends.kokoro.languages import LANGUAGES
    from dubsync.backends.kokoro.voices import Library

    folder = weights.resolve("kokoro")
    speech = {language.tag: language for language in LANGUAGES}
    engine, espeak, library = Engine(folder, threads=1), Espeak(), Library(folder)
    spoken = []
    for text, voice in lines:
        styles = library.style(voice)
        spoken.append(_say(text, styles, speech["en-GB" if voice[0] == "b" else "en"], engine, espeak, pace))
    return spoken


def _say(text: str, styles: NDArray[np.float32], speech: Speech, engine: Engine, espeak: Espeak, pace: float) -> Spoken:
    from dubsync.backends.kokoro.engine import FRAME
    from dubsync.backends.kokoro.phonemes import VOCABULARY, tokens_of
    from dubsync.backends.kokoro.speech import EARLY
    from dubsync.backends.kokoro.text import clean

    tokens = tokens_of(clean(text, speech), speech, espeak)
    style = styles[min(len(tokens.ids), len(styles)) - 1]
    raw = engine.durations(tokens.ids, style)
    frames = _frames(raw * pace)
    samples = engine.decode(engine.encode(tokens.ids, style, raw, frames), style)
    kept = min(int(frames[0]), _LEAD)
    samples = samples[(int(frames[0]) - kept) * FRAME :]
    frames[0] = kept
    ends = np.cumsum(frames) * FRAME / RATE
    starts = ends - frames * FRAME / RATE
    starts, ends = (np.maximum(times - float(EARLY), 0) for times in (starts, ends))
    symbols = {number: symbol for symbol, number in VOCABULARY.items()}
    phones = [Phone(symbols[token], starts[i + 1], ends[i + 1]) for i, token in enumerate(tokens.ids)]
    words = [(word, float(starts[first + 1]), float(ends[last])) for word, first, last in tokens.words]
    return Spoken(text, samples, tuple(phones), tuple(words))


def _frames(natural: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return whole frames for each token, with little silence before and after."""
    wanted = np.maximum(natural.astype(np.float64), 1)
    wanted[0], wanted[-2], wanted[-1] = min(wanted[0], _SETTLING), min(wanted[-2], 6), min(wanted[-1], 2)
    ends = np.rint(np.cumsum(wanted)).astype(np.int64)
    return np.asarray(np.maximum(np.diff(ends, prepend=0), 1))
