"""How the dub sounds: whether its words are understood, and whether each speaker sounds like the original one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import features, wav
from dubsync.backends.protocols import SpeakerEncoder
from dubsync.text.words import WordErrors, same_script, word_errors
from dubsync.timing import Span, to_samples
from dubsync.title import Utterance

ENOUGH_S = 30.0
"""Speech of one person beyond this does not change the vector much."""
LEAST_S = 1.0


def heard_in(utterances: Iterable[Utterance], span: Span) -> str:
    """Return the words that were heard within a span: those whose middle lies in it."""
    words = (word for utterance in utterances for word in utterance.words)
    return " ".join(word.text.strip() for word in words if (word.span.start + word.span.end) / 2 in span)


def outside(utterances: Iterable[Utterance], spans: Sequence[Span]) -> tuple[Utterance, ...]:
    """Return the utterances whose middle lies in none of the spans."""
    middles = ((each, (each.span.start + each.span.end) / 2) for each in utterances)
    return tuple(each for each, middle in middles if not any(middle in span for span in spans))


def wer_back(texts: Sequence[str], heard: Sequence[Utterance], language: str) -> float | None:
    """Return the word error rate of what is heard in the dub against what should be said.

    None without text, and where the recogniser writes the language in other letters than it is written in.
    """
    said, understood = " ".join(texts), " ".join(each.text for each in heard)
    if not any(texts) or not same_script(said, understood):
        return None
    errors: WordErrors = word_errors(said, understood, language)
    return errors.rate


def speaker_similarity(
    original: tuple[Path, Mapping[str, Sequence[Span]]],
    dubbed: tuple[Path, Mapping[str, Sequence[Span]]],
    judge: SpeakerEncoder,
) -> dict[str, float | None]:
    """Return for each speaker the cosine between original and dubbed voice; None where too little is spoken.

    Each side is a sound file and the spans in which each speaker speaks there.
    """
    result: dict[str, float | None] = {}
    for speaker, spans in dubbed[1].items():
        first = _embedding(original[0], original[1].get(speaker, ()), judge)
        second = _embedding(dubbed[0], spans, judge)
        result[speaker] = None if first is None or second is None else round(float(first @ second), 3)
    return result


def _embedding(sound: Path, spans: Sequence[Span], judge: SpeakerEncoder) -> NDArray[np.float32] | None:
    rate = wav.facts(sound).sample_rate
    pieces: list[NDArray[np.float32]] = []
    left = round(ENOUGH_S * rate)
    for span in sorted(spans, key=lambda span: span.duration, reverse=True):
        if left <= 0:
            break
        start = to_samples(span.start, rate)
        piece = features.mono(wav.read(sound, start=start, stop=min(to_samples(span.end, rate), start + left)))
        pieces.append(piece)
        left -= len(piece)
    samples = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
    if len(samples) < LEAST_S * rate or features.level_db(samples) < -60:
        return None
    return judge.embed(samples, rate)


def energy(sound: Path, start: float, stop: float, *, step: float = 0.04) -> NDArray[np.float32]:
    """Return the level of a stretch of sound in steps, 0 (45 dB under its loudest) to 1 (its loudest)."""
    rate = wav.facts(sound).sample_rate
    samples = features.mono(wav.read(sound, start=round(start * rate), stop=round(stop * rate)))
    size = round(step * rate)
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    if len(frames) == 0:
        return np.zeros(1, np.float32)
    level = 10 * np.log10(np.mean(np.square(frames, dtype=np.float64), axis=1) + 1e-10)
    return np.asarray(np.clip((level - level.max() + 45) / 45, 0, 1) * (level.max() > -70), np.float32)
