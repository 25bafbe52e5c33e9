"""Measures of the hearing and of the words: on speech that code made, so that the truth is known.

Each function takes the engines it measures and returns plain numbers. `dubsync bench text` prints them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dubsync.text import duration
from dubsync.text.words import normal_words, word_errors

if TYPE_CHECKING:
    from dubsync.backends.align_kokoro import KokoroAligner
    from dubsync.backends.protocols import Aligner, SpeakerEncoder, Transcriber, Transcript, VoiceCloner
    from dubsync.timing import Span
    from dubsync.title import Word

RATE = 16000
PAUSE = Fraction(12, 100)
"""Seconds between words that are heard as a pause."""
PASSAGES = {
    "en": (
        "Good morning. I did not expect to find the door open.",
        "My grandmother kept every letter, and the oldest of them is from nineteen twelve.",
        "Take the second street on the left, then walk until you see the bridge.",
        "Nobody told us that the last train had already gone.",
        "We could wait here, or we could try to reach the village before dark.",
        "Please close the window, the wind is getting colder.",
    ),
    "es": (
        "Buenos días. No esperaba encontrar la puerta abierta.",
        "Mi abuela guardaba todas las cartas, y la más antigua es de hace cien años.",
        "Tome la segunda calle a la izquierda y camine hasta ver el puente.",
        "Nadie nos dijo que el último tren ya había salido.",
        "Podríamos esperar aquí o intentar llegar al pueblo antes de que anochezca.",
        "Por favor, cierra la ventana, el viento es cada vez más frío.",
    ),
    "fr": (
        "Bonjour. Je ne pensais pas trouver la porte ouverte.",
        "Ma grand-mère gardait toutes les lettres, et la plus ancienne a cent ans.",
        "Prenez la deuxième rue à gauche, puis marchez jusqu'au pont.",
        "Personne ne nous a dit que le dernier train était déjà parti.",
        "Nous pourrions attendre ici, ou essayer d'arriver au village avant la nuit.",
        "Ferme la fenêtre, s'il te plaît, le vent devient plus froid.",
    ),
    "pt": (
        "Bom dia. Eu não esperava encontrar a porta aberta.",
        "Minha avó guardava todas as cartas, e a mais antiga tem cem anos.",
        "Pegue a segunda rua à esquerda e caminhe até ver a ponte.",
        "Ninguém nos disse que o último trem já tinha partido.",
        "Podemos esperar aqui ou tentar chegar à aldeia antes do anoitecer.",
        "Por favor, feche a janela, o vento está cada vez mais frio.",
    ),
    "it": (
        "Buongiorno. Non mi aspettavo di trovare la porta aperta.",
        "Mia nonna conservava tutte le lettere, e la più vecchia ha cento anni.",
        "Prenda la seconda strada a sinistra e cammini fino al ponte.",
        "Nessuno ci ha detto che l'ultimo treno era già partito.",
        "Potremmo aspettare qui, o cercare di arrivare al paese prima che faccia buio.",
        "Per favore, chiudi la finestra, il vento diventa sempre più freddo.",
    ),
}
"""Sentences of our own for measuring."""
CASTS = {
    "en": ("af_heart", "am_michael"),
    "es": ("ef_dora", "em_alex"),
    "fr": ("ff_siwis", "am_michael"),
    "pt": ("pf_dora", "pm_alex"),
    "it": ("if_sara", "im_nicola"),
}
"""Two voices of Kokoro that read them in turn. It has one French voice; the other speaks French as that one does."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Speech with known truth. `samples`: mono at 16 kHz. `words`: on its clock. `turns`: (voice, start, end)."""

    samples: NDArray[np.float32]
    words: tuple[Word, ...]
    turns: tuple[tuple[str, float, float], ...]
    text: str


def _meeting(words: Sequence[Word]) -> list[Word]:
    """Let two words meet in the middle of what lies between them, unless that is a pause.

    The voice counts the 25 to 75 ms between two words to neither. Aligners that are right on average about the word
    starts of espeak-ng, which are exact, come on average between the middle and the end of it.
    """
    from dubsync.timing import Span

    starts = [word.span.start for word in words]
    for number, (earlier, word) in enumerate(pairwise(words), start=1):
        gap = word.span.start - earlier.span.end
        if 0 < gap <= PAUSE:
            starts[number] -= gap / 2
    return [
        replace(word, span=Span(start, max(start, word.span.end))) for word, start in zip(words, starts, strict=True)
    ]


def read_aloud(engine: VoiceCloner, turns: Sequence[tuple[str, str]], language: str, *, pause: float = 0.7) -> Reading:
    """Let named voices say texts one after another; the engine must know `named(name, language)` voices."""
    from dubsync.audio.features import resample
    from dubsync.timing import seconds

    parts: list[NDArray[np.float32]] = [np.zeros(round(pause * RATE), np.float32)]
    words: list[Word] = []
    spoken: list[tuple[str, float, float]] = []
    for name, text in turns:
        start = sum(map(len, parts)) / RATE
        voice = engine.named(name, language)  # type: ignore[attr-defined]
        said = engine.speak(text, voice=voice, language=language, seconds=None, seed=0)
        samples = resample(said.samples, said.sample_rate, RATE)
        parts += [samples, np.zeros(round(pause * RATE), np.float32)]
        words += [replace(word, span=word.span.shift(seconds(start))) for word in _meeting(said.words)]
        spoken.append((name, start, start + len(samples) / RATE))
    return Reading(np.concatenate(parts), tuple(words), tuple(spoken), " ".join(text for _, text in turns))


def read_all(engine: VoiceCloner, *, pause: float = 0.25) -> NDArray[np.float32]:
    """Return all passages in all languages as they are said one after another, mono (n,) at `RATE`."""
    read = [
        read_aloud(engine, [(CASTS[tag][at % 2], text) for at, text in enumerate(texts)], tag, pause=pause).samples
        for tag, texts in PASSAGES.items()
    ]
    return np.concatenate(read)


def hearing(
    reading: Reading, transcriber: Transcriber, aligner: Aligner | None, folder: Path, language: str
) -> dict[str, Any]:
    """Return WER and the error of word starts in milliseconds, of all words heard right; `folder`: for a WAV file."""
    from dubsync.audio import wav

    path = folder / "reading.wav"
    wav.write(path, reading.samples, RATE)
    heard = transcriber.transcribe(path, language=language, progress=lambda share: None)
    found = {"recogniser": heard}
    if aligner is not None:
        found["aligned"] = aligner.align(path, heard, progress=lambda share: None)
    text = " ".join(utterance.text for utterance in heard.utterances)
    result: dict[str, Any] = {
        "wer": round(word_errors(reading.text, text, language).rate, 4),
        "words": len(reading.words),
    }
    return result | {name: onset_errors(reading.words, one, language) for name, one in found.items()}


def onset_errors(truth: Sequence[Word], heard: Transcript, language: str) -> dict[str, float]:
    """Return median, 90th percentile and share beyond 50 ms of |start - true start|, and the median signed error."""
    from rapidfuzz.distance import Levenshtein

    said = [("".join(normal_words(word.text, language)), word.span.start) for word in truth]
    got = [
        ("".join(normal_words(word.text, language)), word.span.start)
        for utterance in heard.utterances
        for word in utterance.words
    ]
    errors: list[Fraction] = []
    for block in Levenshtein.opcodes([text for text, _ in said], [text for text, _ in got]):
        if block.tag == "equal":
            pairs = zip(said[block.src_start : block.src_end], got[block.dest_start : block.dest_end], strict=True)
            errors += [found[1] - true[1] for true, found in pairs]
    signed = np.array([float(error) * 1000 for error in errors])
    if not len(signed):
        return {"matched": 0}
    size = np.abs(signed)
    return {
        "matched": len(errors),
        "median_ms": round(float(np.median(size)), 1),
        "mean_ms": round(float(np.mean(size)), 1),
        "p90_ms": round(float(np.percentile(size, 90)), 1),
        "beyond_50_ms": round(float(np.mean(size > 50)), 3),
        "bias_ms": round(float(np.median(signed)), 1),
    }


def speaker_errors(
    reading: Reading, encoder: SpeakerEncoder, *, count: int | None = None, threshold: float | None = None
) -> dict[str, float]:
    """Return how many voices were found, and the share of speech time given to the wrong one (best matching)."""
    from dubsync.audio import voices

    prints = [encoder.embed(reading.samples[round(a * RATE) : round(b * RATE)], RATE) for _, a, b in reading.turns]
    lengths = [end - start for _, start, end in reading.turns]
    limit = voices.THRESHOLD if threshold is None else threshold
    labels = voices.cluster(prints, lengths, count=count, threshold=limit)
    names = sorted({name for name, _, _ in reading.turns})
    overlap = np.zeros((len(names), max(labels) + 1))
    for (name, start, end), label in zip(reading.turns, labels, strict=True):
        overlap[names.index(name), label] += end - start
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(-overlap)
    right = float(overlap[rows, columns].sum())
    return {"voices": len(names), "found": max(labels) + 1, "error": round(max(0.0, 1 - right / sum(lengths)), 4)}


def duration_errors(
    measure: Callable[[str, str], float], languages: Sequence[str] = tuple(PASSAGES)
) -> dict[str, dict[str, float]]:
    """Return by language how far predicted durations lie from those an engine `measure(text, language)` gives."""
    result = {}
    for language in languages:
        pairs = [(duration.natural_seconds(text, language), measure(text, language)) for text in PASSAGES[language]]
        ratios = np.array([predicted / true for predicted, true in pairs])
        result[language] = {
            "mean_ratio": round(float(ratios.mean()), 3),
            "mean_error": round(float(np.abs(ratios - 1).mean()), 3),
        }
    return result


def _other(reading: Reading, cast: tuple[str, str]) -> Callable[[Span], str | None]:
    """Return what names the voice of the two that does not read at a time."""

    def other(span: Span) -> str:
        turn = min(reading.turns, key=lambda turn: abs(turn[1] + turn[2] - float(span.start + span.end)))
        return cast[1 - cast.index(turn[0])]

    return other


def figures(
    voice: VoiceCloner, transcriber: Transcriber, aligner: KokoroAligner, encoder: SpeakerEncoder, folder: Path
) -> dict[str, Any]:
    """Read the passages aloud in two voices a language and return word error, word onsets and speaker error.

    `word_onset_ms` is the median; `words_beyond_50_ms` the share of words farther off. Each voice's words are found by
    means of the language's other one. `folder`: for a WAV file on the way. Takes about eight minutes on one core.
    """
    kinds = ("wer_heard", "word_onset_ms", "words_beyond_50_ms", "speaker_error", "duration_error")
    found: dict[str, Any] = {kind: {} for kind in kinds}
    for language, cast in CASTS.items():
        turns = [(cast[number % 2], text) for number, text in enumerate(PASSAGES[language])]
        reading = read_aloud(voice, turns, language)
        heard = hearing(reading, transcriber, aligner.guided(_other(reading, cast)), folder, language)
        found["wer_heard"][language] = heard["wer"]
        onsets = heard["aligned"]
        found["word_onset_ms"][language] = onsets["median_ms"]
        found["words_beyond_50_ms"][language] = onsets["beyond_50_ms"]
        found["speaker_error"][language] = speaker_errors(reading, encoder)["error"]

    def natural(text: str, language: str) -> float:
        cast = CASTS[language]
        named = (voice.named(name, language) for name in cast)  # type: ignore[attr-defined]
        return sum(voice.duration(text, voice=one, language=language) for one in named) / len(cast)

    found["duration_error"] = {
        language: errors["mean_error"] for language, errors in duration_errors(natural, tuple(CASTS)).items()
    }
    return found
