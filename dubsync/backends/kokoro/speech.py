"""Speak a text with Kokoro: pieces, pace, pitch, timbre, and where each word falls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import equaliser, features
from dubsync.backends.kokoro import melody, pacing, shades
from dubsync.backends.kokoro.engine import FRAME, FRAMES_PER_SECOND, PROSODY, RATE, TIMBRE, Encoded, Engine
from dubsync.backends.kokoro.espeak import Espeak
from dubsync.backends.kokoro.languages import Speech
from dubsync.backends.kokoro.phonemes import LIMIT, VOCABULARY, Tokens, tokens_of
from dubsync.backends.kokoro.text import MARKS, clean, pieces
from dubsync.timing import Span, seconds
from dubsync.title import Phone, Word

Array = NDArray[np.float32]
CENTRES = features.third_octave_centres()
_MARK_IDS = frozenset(VOCABULARY[mark] for mark in MARKS if mark in VOCABULARY)
_SOUNDS = {number: symbol for symbol, number in VOCABULARY.items() if symbol not in f"{MARKS} ˈˌːʰʲ\u0303↓→↗↘"}
"""Tokens that are sounds of their own: no marks, spaces, stresses or lengths."""
EARLY = seconds("0.065")
"""By how much a sound is heard before its token's frames; a test looks for the silence of p where this says it is."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text the model takes at once. `raw`: the model's durations; `natural`: frames without hurry."""

    tokens: Tokens
    style: Array
    raw: Array
    natural: Array
    ends_in_mark: bool


@dataclass(frozen=True, slots=True)
class Utterance:
    """A spoken text, mono at 24 kHz. `natural_seconds`: its length without hurry."""

    samples: Array
    natural_seconds: float
    words: tuple[Word, ...]
    phones: tuple[Phone, ...] = ()


class Speaker:
    """Speaks in voices made of `timbre` and `prosody` rows, a pitch shift and an equaliser (see voices.py)."""

    def __init__(self, engine: Engine, espeak: Espeak) -> None:
        self._engine, self._espeak = engine, espeak

    def rest(self) -> None:
        """Let go of the model until there is something to say."""
        self._engine.rest()

    def natural_seconds(self, text: str, voice: Mapping[str, Array], speech: Speech) -> float:
        """Return how long the text takes when nobody is in a hurry; only the duration graph runs."""
        return sum(float(piece.natural.sum()) for piece in self._pieces(text, voice, speech)) / FRAMES_PER_SECOND

    def pitch_statistics(self, text: str, voice: Mapping[str, Array], speech: Speech) -> Array:
        """Return mean and deviation of ln F0 as the model itself would say the text; no sound is made."""
        curves = []
        for piece in self._pieces(text, voice, speech):
            frames = pacing.allocate(piece.natural, round(float(piece.natural.sum())))
            curves.append(self._engine.encode(piece.tokens.ids, piece.style, piece.raw, frames).pitch.ravel())
        curve = np.concatenate(curves)
        logarithms = np.log(curve[curve > 40])
        return np.array([logarithms.mean(), logarithms.std()], np.float32)

    def speak(self, text: str, voice: Mapping[str, Array], speech: Speech, wanted: float | None) -> Utterance:
        """Say the text in `wanted` seconds, or as near to it as unhurried speech can come.

        A voice with an `ending` of so many semitones raises a question's last syllable to them.
        """
        ending = float(voice["ending"]) if "ending" in voice and melody.is_question(text) else 0.0
        parts = list(self._pieces(text, voice, speech))
        natural = sum(float(part.natural.sum()) for part in parts)
        taken = pacing.fit(natural, None if wanted is None else wanted * FRAMES_PER_SECOND)
        sounds: list[Array] = []
        words: list[Word] = []
        phones: list[Phone] = []
        at = 0
        length = tract(voice)
        for part, frames in zip(parts, _shares(parts, taken / length), strict=True):
            sounds.append(self._sound(part, frames, voice, ending if part is parts[-1] else 0.0))
            edges = _edges(frames, at, length)
            words.extend(_words(part, edges))
            phones.extend(_phones(part, edges))
            at += int(frames.sum())
        sound = features.resample(np.concatenate(sounds), RATE, round(RATE * length))
        if wanted is not None and abs(len(sound) - wanted * RATE) <= 2 * RATE // FRAMES_PER_SECOND:
            sound = _exactly(sound, round(wanted * RATE))
        return Utterance(_finish(sound, voice, phones), natural / FRAMES_PER_SECOND, tuple(words), tuple(phones))

    def _pieces(self, text: str, voice: Mapping[str, Array], speech: Speech) -> Iterator[Piece]:
        """Yield the text in pieces that the model can take."""
        said = clean(text, speech)
        whole = tokens_of(said, speech, self._espeak)
        cut = (said,) if len(whole.ids) <= LIMIT else pieces(said, lambda part: 2 * len(part), LIMIT)
        for index, part in enumerate(cut):
            tokens = whole if len(cut) == 1 else tokens_of(part, speech, self._espeak)
            style = style_row(voice, len(tokens.ids))
            raw = self._engine.durations(tokens.ids, style)
            is_last, ends_in_mark = index == len(cut) - 1, tokens.ids[-1] in _MARK_IDS
            natural = pacing.natural(raw, tail_token=ends_in_mark, is_last=is_last)
            yield Piece(tokens, style, raw, natural, ends_in_mark)

    def laid_out(self, text: str, voice: Mapping[str, Array], speech: Speech) -> tuple[Encoded, Array]:
        """Return a text of one piece as the decoder takes it, without silence around it, and its style (256,)."""
        (piece,) = self._pieces(text, voice, speech)
        frames = pacing.allocate(piece.natural, round(float(piece.natural.sum()) / tract(voice)))
        encoded, before, after = self._encoded(piece, frames, voice)
        end = encoded.text.shape[2] - after
        halves = slice(2 * before, 2 * end)
        return (
            Encoded(encoded.text[..., before:end], encoded.pitch[..., halves], encoded.energy[..., halves]),
            piece.style,
        )

    def _sound(self, piece: Piece, frames: NDArray[np.int64], voice: Mapping[str, Array], ending: float) -> Array:
        encoded, before, after = self._encoded(piece, frames, voice)
        encoded = replace(encoded, pitch=melody.risen(encoded.pitch, ending))
        sound = self._engine.decode(encoded, piece.style)
        return sound[before * FRAME : len(sound) - after * FRAME]

    def _encoded(self, piece: Piece, frames: NDArray[np.int64], voice: Mapping[str, Array]) -> tuple[Encoded, int, int]:
        """Return a piece laid out at the voice's pitch, and how many frames before and after are not to be heard."""
        made, before, after = pacing.unheard(frames, piece.raw, tail_token=piece.ends_in_mark)
        encoded = self._engine.encode(piece.tokens.ids, piece.style, piece.raw, made)
        pitch = melody.moved(encoded.pitch, voice["pitch"]) * np.float32(tract(voice))
        return Encoded(encoded.text, pitch, encoded.energy), before, after


def tract(voice: Mapping[str, Array]) -> float:
    """Return how much longer a voice's vocal tract is than its timbre's: all formants are that much lower.

    The model speaks faster and higher by as much, and its sound is stretched to the time and the pitch that are wanted.
    """
    return float(voice["tract"][0]) if "tract" in voice else 1.0


def style_row(voice: Mapping[str, Array], tokens: int) -> Array:
    """Return the style (256,) for a text of that many tokens: the model has one for each length."""
    timbre, prosody = voice["timbre"], voice["prosody"]
    style = np.empty(256, np.float32)
    style[TIMBRE] = timbre[min(tokens, len(timbre)) - 1]
    style[PROSODY] = prosody[min(tokens, len(prosody)) - 1]
    return style


def _shares(parts: list[Piece], taken: float) -> list[NDArray[np.int64]]:
    """Divide the frames taken over the pieces in proportion, without a rounding error in the sum."""
    natural = np.array([float(part.natural.sum()) for part in parts])
    edges = np.ceil(np.concatenate([[0.0], np.cumsum(natural)]) * (taken / natural.sum()) - 1e-6).astype(int)
    return [
        pacing.allocate(part.natural, int(end - start))
        for part, (start, end) in zip(parts, pairwise(edges), strict=True)
    ]


def _words(piece: Piece, edges: list[Fraction]) -> Iterator[Word]:
    """Yield the words with the times at which they are heard; token k of the piece follows the framing one as k + 1."""
    for text, first, last in piece.tokens.words:
        start, end = edges[first + 1], edges[max(last, first) + 1]
        yield Word(text, Span(start, max(start, end)))


def _phones(piece: Piece, edges: list[Fraction]) -> Iterator[Phone]:
    """Yield the sounds with the times at which they are heard."""
    for index, token in enumerate(piece.tokens.ids, start=1):
        if token in _SOUNDS:
            yield Phone(_SOUNDS[token], Span(edges[index], edges[index + 1]))


def _edges(frames: NDArray[np.int64], at: int, length: float) -> list[Fraction]:
    """Return when the tokens of a piece that begins at frame `at` are heard: (len(frames) + 1,) seconds, ascending.

    `length`: of the vocal tract, by which the model's sound is stretched.
    """
    edges = np.concatenate([[0], np.cumsum(frames)]) + at
    stretched = Fraction(round(RATE * length), RATE)
    return [max(Fraction(0), seconds(int(edge) / FRAMES_PER_SECOND) * stretched - EARLY) for edge in edges]


def _exactly(sound: Array, length: int) -> Array:
    """Cut or lengthen the silence at the end, at most a frame or two, to an exact number of samples."""
    return sound[:length] if len(sound) >= length else np.pad(sound, (0, length - len(sound)))


def _finish(sound: Array, voice: Mapping[str, Array], phones: Sequence[Phone]) -> Array:
    """Equalise, shade the sounds, fade 5 ms at both ends, and keep the peak under full scale."""
    equalised = equaliser.apply(sound, _taps(voice["eq"].tobytes()))
    if "shades" in voice:
        equalised = shades.shaded(equalised, voice["shades"], phones)
    fade = np.linspace(0, 1, min(RATE // 200, len(equalised)), dtype=np.float32)
    equalised[: len(fade)] *= fade
    equalised[len(equalised) - len(fade) :] *= fade[::-1]
    peak = float(np.abs(equalised).max(initial=0.0))
    return equalised * np.float32(0.98 / peak) if peak > 0.98 else equalised


@lru_cache(maxsize=64)
def _taps(gains: bytes) -> NDArray[np.float64]:
    return equaliser.design(CENTRES, np.frombuffer(gains, np.float32).astype(np.float64), RATE)
