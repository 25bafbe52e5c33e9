"""Speech whose phones and their times are known, spoken by the packaged voices: what articulation is taught with.

Kokoro says when each phoneme of its own speech begins and ends, in steps of 25 ms. Nothing here was recorded from
a person. Out: files with, for sentence k, `<k>.samples` (n,) int16 at 16 kHz, `<k>.symbols` (m,) and `<k>.edges`
(m + 1,) float32 seconds.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from dubsync.audio.features import resample
from dubsync.backends.kokoro import pacing
from dubsync.backends.kokoro.engine import FRAME, RATE, Engine
from dubsync.backends.kokoro.espeak import Espeak
from dubsync.backends.kokoro.languages import speech_of
from dubsync.backends.kokoro.phonemes import VOCABULARY, tokens_of
from dubsync.backends.kokoro.speech import style_row
from dubsync.backends.kokoro.text import clean
from dubsync.backends.kokoro.voices import LEFT_OUT, Library, plain

HEARD_RATE = 16000
_SYMBOLS = {number: symbol for symbol, number in VOCABULARY.items()}
PIECE = 60
"""Sentences kept in one file, so that a run that was stopped goes on from the last whole one."""
_KNOTS_HZ = (0, 150, 500, 1500, 3000, 5000, 8000)
_PAUSE_S = (0.15, 0.6)
"""Silence put before and after each sentence, drawn evenly from this range."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One spoken sentence. `edges`: seconds at which symbol k begins; the last entry is the end of the last one."""

    samples: NDArray[np.int16]
    symbols: tuple[str, ...]
    edges: NDArray[np.float32]


class PhoneSpeaker:
    """Says sentences in the packaged voices and keeps the times of their phonemes."""

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        self._engine = Engine(folder, threads=threads)
        self._library = Library(folder)
        self._espeak = Espeak()

    def voices(self, prefixes: Sequence[str]) -> tuple[str, ...]:
        """Return the voices whose names begin with one of the prefixes and who may speak in the corpus.

        A voice says any language: what counts are its mouth's sounds, not its accent.
        """
        return tuple(
            name for name in self._library.names() if name.startswith(tuple(prefixes)) and name not in LEFT_OUT
        )

    def say(self, text: str, language: str, voice: str, random_source: random.Random) -> Sentence:
        """Say a sentence at a rate between 0.85 and 1.2 of the natural one."""
        speech = speech_of(language)
        style = self._library.style(voice)
        tokens = tokens_of(clean(text, speech), speech, self._espeak)
        row = style_row(plain(style, style), len(tokens.ids))
        raw = self._engine.durations(tokens.ids, row)
        natural = pacing.natural(raw, tail_token=False, is_last=True)
        wanted = round(float(natural.sum()) * random_source.uniform(0.85, 1.18))
        frames = pacing.allocate(natural, wanted)
        sound = self._engine.decode(self._engine.encode(tokens.ids, row, raw, frames), row)
        before, after = (random_source.uniform(*_PAUSE_S) for _ in range(2))
        edges = np.concatenate([[0], np.cumsum(frames)]) * (FRAME / RATE) + before
        padded = np.pad(resample(sound, RATE, HEARD_RATE), (round(before * HEARD_RATE), round(after * HEARD_RATE)))
        loud = padded / max(float(np.abs(padded).max()), 1e-4) * random_source.uniform(0.2, 0.9)
        symbols = ("", *(_SYMBOLS[number] for number in tokens.ids), "")
        return Sentence((loud * 32767).astype(np.int16), symbols, edges.astype(np.float32))


def pieces(
    texts: Sequence[str], language: str, prefixes: Sequence[str], folder: Path, speaker: Callable[[], PhoneSpeaker]
) -> Iterator[Path]:
    """Yield files of spoken sentences, `PIECE` each; what was spoken before is not spoken again."""
    engine: PhoneSpeaker | None = None
    for number, first in enumerate(range(0, len(texts), PIECE)):
        part = texts[first : first + PIECE]
        kept = folder / f"spoken-{language}-{number}-{_digest([language, *prefixes, *part])}.npz"
        if not kept.exists():
            engine = engine or speaker()
            voices, chance = engine.voices(prefixes), random.Random(f"{language} {number}")
            said = [engine.say(text, language, chance.choice(voices), chance) for text in part]
            beside = kept.with_suffix(".part.npz")
            write(beside, said)
            beside.replace(kept)
        yield kept


def roughened(samples: NDArray[np.float32], chance: np.random.Generator) -> NDArray[np.float32]:
    """Return speech as another microphone in another room would have it: coloured, echoing, noisy; as long as before.

    A model that heard only the synthesiser's clean sound follows real voices less well (opening 0.54 against 0.57).
    """
    coloured = _coloured(samples, chance.normal(0, 4, len(_KNOTS_HZ)))
    decay = round(chance.uniform(0.1, 0.6) * HEARD_RATE)
    echo = chance.normal(size=decay) * np.exp(-6.9 * np.arange(decay) / decay)
    echo *= 10 ** (-chance.uniform(3, 20) / 20) / np.linalg.norm(echo)
    echo[0] = 1
    sounding = fftconvolve(coloured, echo)[: len(samples)]
    noise = _coloured(chance.normal(size=len(samples)), chance.normal(0, 6, len(_KNOTS_HZ)) - 4 * np.arange(7.0))
    share = np.sqrt((sounding**2).mean() / ((noise**2).mean() + 1e-12)) * 10 ** (-chance.uniform(8, 40) / 20)
    return np.asarray(sounding + noise * share, np.float32)


def _coloured(samples: NDArray[np.floating], gains_db: NDArray[np.float64]) -> NDArray[np.float64]:
    spectrum = np.fft.rfft(samples)
    at = np.linspace(0, HEARD_RATE / 2, len(spectrum))
    gains = 10 ** (np.interp(at, _KNOTS_HZ, gains_db) / 20)
    return np.asarray(np.fft.irfft(spectrum * gains, len(samples)), np.float64)


def _digest(words: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:12]


def sentences_of(table: str, column: int, *, seed: int) -> Iterator[str]:
    """Yield sentences of 15 to 70 letters from a column of a tab-separated text, in a shuffled order."""
    found = sorted({line.split("\t")[column] for line in table.splitlines()})
    wanted = [text for text in found if 15 <= len(text) <= 70]
    random.Random(seed).shuffle(wanted)
    yield from wanted


def write(path: Path, sentences: list[Sentence]) -> None:
    """Write spoken sentences as one file."""
    arrays: dict[str, Any] = {}
    for number, sentence in enumerate(sentences):
        arrays[f"{number}.samples"] = sentence.samples
        arrays[f"{number}.symbols"] = np.array(sentence.symbols)
        arrays[f"{number}.edges"] = sentence.edges
    np.savez_compressed(path, **arrays)


def read(path: Path) -> list[Sentence]:
    """Read what `write` wrote."""
    with np.load(path) as arrays:
        return [
            Sentence(arrays[f"{k}.samples"], tuple(arrays[f"{k}.symbols"].tolist()), arrays[f"{k}.edges"])
            for k in range(len(arrays.files) // 3)
        ]
