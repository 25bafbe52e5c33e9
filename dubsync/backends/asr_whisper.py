"""asr.whisper: Whisper (Radford et al., 2022; MIT) through faster-whisper and CTranslate2, on local weights only.

The film is heard in windows of a few minutes that are cut in silences, so memory does not grow with its length.
Decoding is beam search without sampling, so the same sound gives the same words. What a silence, a noise or a loop of
the decoder made up is left out (`_is_heard`).
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import onsets, wav
from dubsync.backends.protocols import Capabilities, Progress, Transcript
from dubsync.errors import UnreadableMedia
from dubsync.text.language import base
from dubsync.text.repetition import is_loop
from dubsync.text.sentences import breaks, ends_sentence, joiner, utterance_of
from dubsync.timing import Span, seconds
from dubsync.title import Utterance, Word

log = logging.getLogger(__name__)

WEIGHTS = "whisper-base"
RATE = 16000
WINDOW_S = 240
"""Sound held in memory at once."""
_SHORTEST_CUT_S = 60
_ENCODED_S, _LANGUAGE_S = 30, 60
"""What the encoder takes at once, and how much of a window's speech tells its language."""
_LEAST_S, _AFTER_S = 10, 4
"""The least that the encoder is given, and how much padding after the last sound. faster-whisper pads
everything to half a minute, which takes more computing than in proportion; with less, words are lost in noise."""
_SURE, _LIKELY, _MOST_TRIED = 0.8, 0.05, 3
"""From which probability a language is believed, and from which it is tried by its words, so many at most."""
_VAD = {"min_silence_duration_ms": 500, "min_speech_duration_ms": 120, "speech_pad_ms": 250}
_MAX_COMPRESSION = 2.4
_SILENT_DB = -60.0

_FAR_S, _HEELS_S, _ASTRAY_S, _MOST_ASTRAY = 1.0, 0.1, 0.35, 2
"""A sentence's first words are astray before a pause of a second, if they follow the last sentence within a tenth."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A word with what the recogniser thinks of it. `start`, `end`: seconds of the film."""

    text: str
    start: float
    end: float
    confidence: float


class _Once:
    """Encodes the same features once, however often they come in a row: the language and the words of a short film.

    Of what they were padded with to half a minute, only a little is encoded.
    """

    def __init__(self, encode: Callable[[NDArray[np.float32]], Any]) -> None:
        self._encode = encode
        self._last: tuple[NDArray[np.float32], Any] | None = None

    def __call__(self, features: NDArray[np.float32]) -> Any:
        features = np.ascontiguousarray(features[..., : _worth_encoding(features)])
        if self._last is None or not np.array_equal(features, self._last[0]):
            self._last = features, self._encode(features)
        return self._last[1]


def _worth_encoding(features: NDArray[np.float32]) -> int:
    """Return how many frames, of 10 ms, hold sound or a little of the padding after it, in whole seconds.

    `features`: (bands, frames); padding is exactly zero, which silence is not.
    """
    (sounding,) = np.nonzero(features.any(axis=tuple(range(features.ndim - 1))))
    seconds_heard = int(sounding[-1]) // 100 + 1 if len(sounding) else 0
    return 100 * max(_LEAST_S, seconds_heard + _AFTER_S)


class WhisperTranscriber:
    """Hears speech in about a hundred languages. `beam`: 1 is faster, 5 is better by about a word in a hundred."""

    capabilities = Capabilities(name="asr.whisper", version="6", licence="MIT", weights=(WEIGHTS,))

    def __init__(self, folder: Path | None = None, *, beam: int = 5, threads: int = 0) -> None:
        from faster_whisper import WhisperModel  # loads CTranslate2 and FFmpeg: 1 s

        if folder is None:
            from dubsync.weights import resolve

            folder = resolve(WEIGHTS)
        self.beam = beam
        self.model = WhisperModel(
            str(folder), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
        )
        self.model.encode = _Once(self.model.encode)

    def transcribe(self, speech: Path, *, language: str | None, progress: Progress) -> Transcript:
        """Return utterances with word times from a mono 16 kHz WAV; `language` None: find out."""
        length = wav.facts(speech)
        if length.sample_rate != RATE or length.channels != 1:
            raise UnreadableMedia(f"{speech.name}: {RATE} Hz mono was expected, not {length}")
        spoken, confidence, words = base(language) if language else None, 1.0, list[Heard]()
        for start, samples, chunks in _windows(speech, length.frames):
            if chunks and spoken is None:
                spoken, confidence = self._language(samples, chunks)
            if chunks:
                words += self._words(samples, start / RATE, spoken or "en")
            progress((start + len(samples)) / max(length.frames, 1))
        utterances = to_utterances(words, spoken or "en")
        return Transcript(language or spoken or "und", confidence if words else 0.0, utterances)

    def _language(self, samples: NDArray[np.float32], chunks: list[dict[str, int]]) -> tuple[str, float]:
        """Tell the language of up to a minute of speech, and how sure that is.

        The longest stretches are put together, since the encoder takes half a minute at once however little it is
        given. Where that leaves doubt, each stretch is heard alone as well, and the words of each language decide.
        """
        stretches = _longest(samples, chunks, _LANGUAGE_S * RATE)
        together = np.concatenate(stretches)
        width = _ENCODED_S * RATE
        scores = self._scores([together[at : at + width] for at in range(0, len(together), width)])
        if max(scores.values()) < _SURE:
            alone = self._scores([part[:width] for part in stretches])
            scores = {tag: (scores.get(tag, 0.0) + alone.get(tag, 0.0)) / 2 for tag in {**scores, **alone}}
        if max(scores.values()) < _SURE:
            scores = self._by_words(together[:width], scores)
        best = max(scores, key=lambda tag: scores[tag])
        return best, scores[best]

    def _by_words(self, part: NDArray[np.float32], scores: dict[str, float]) -> dict[str, float]:
        """Weigh the likeliest languages by how likely words are found in the speech when each is taken for spoken."""
        likeliest = sorted((tag for tag in scores if scores[tag] >= _LIKELY), key=lambda tag: -scores[tag])
        heard = {tag: list(self._decode(part, tag, no_repeat=0)) for tag in likeliest[:_MOST_TRIED]}
        heard = {tag: segments for tag, segments in heard.items() if segments}
        if not heard:
            return scores
        longest = max(sum(len(one.tokens) for one in segments) for segments in heard.values())
        weights = {tag: np.log(scores[tag]) + longest * _mean_log(segments) for tag, segments in heard.items()}
        likely = np.exp(np.array(list(weights.values())) - max(weights.values()))
        return dict(zip(weights, (likely / likely.sum()).tolist(), strict=True))

    def _scores(self, parts: list[NDArray[np.float32]]) -> dict[str, float]:
        """Average the probabilities of languages over parts of at most half a minute, weighted by their length."""
        total = sum(len(part) for part in parts)
        scores: dict[str, float] = {}
        for part in parts:
            features = self.model.feature_extractor(part)[..., :-1]  # as `transcribe` takes them, so encoded once
            _, _, found = self.model.detect_language(features=features)
            for tag, probability in found:
                scores[tag] = scores.get(tag, 0.0) + probability * len(part) / total
        return scores

    def _words(self, samples: NDArray[np.float32], offset: float, language: str) -> list[Heard]:
        found: list[Heard] = []
        for segment in self._segments(samples, language):
            for number, word in enumerate(segment.words or ()):
                is_tail = number > 0 and joiner(language) == " " and not word.word.startswith(" ")
                if is_tail and found:
                    found[-1] = replace(found[-1], text=found[-1].text + word.word.rstrip(), end=word.end)
                elif word.word.strip():
                    found.append(Heard(word.word.strip(), word.start, word.end, word.probability))
        found = brought_back(found)
        times = onsets.corrected([(word.start, word.end) for word in found], onsets.level_db(samples, RATE))
        return [
            Heard(word.text, start + offset, end + offset, word.confidence)
            for word, (start, end) in zip(found, times, strict=True)
        ]

    def _segments(self, samples: NDArray[np.float32], language: str) -> Iterator[Any]:
        """Yield what was truly heard; a stretch on which the decoder looped is heard again with repeats forbidden."""
        for segment in self._decode(samples, language, no_repeat=0):
            if is_loop(segment.text) or _compression(segment.text) > _MAX_COMPRESSION:
                first, last = int(segment.start * RATE), int(segment.end * RATE)
                again = self._decode(samples[first:last], language, no_repeat=3)
                yield from (_shifted(one, segment.start) for one in again if _is_heard(one, samples[first:last]))
            elif _is_heard(segment, samples):
                yield segment
            else:
                log.info("left out, not believed to be speech: %r", segment.text)

    def _decode(self, samples: NDArray[np.float32], language: str, *, no_repeat: int) -> Iterable[Any]:
        segments, _ = self.model.transcribe(
            samples,
            language=language,
            beam_size=self.beam,
            temperature=0.0,
            no_repeat_ngram_size=no_repeat,
            condition_on_previous_text=False,
            word_timestamps=True,
            vad_filter=True,
            vad_parameters=_VAD,
        )
        found: Iterable[Any] = segments
        return found


def _mean_log(segments: Sequence[Any]) -> float:
    """Return the mean log probability of a token over segments."""
    counts = [len(one.tokens) for one in segments]
    return float(np.average([one.avg_logprob for one in segments], weights=counts))


def _windows(speech: Path, frames: int) -> Iterator[tuple[int, NDArray[np.float32], list[dict[str, int]]]]:
    """Yield (first sample, samples, speech chunks in them); windows end in the last silence that fits."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    start = 0
    while start < frames:
        samples = wav.read(speech, start=start, stop=min(frames, start + WINDOW_S * RATE))[:, 0]
        chunks = get_speech_timestamps(samples, VadOptions(**_VAD))
        if start + len(samples) < frames:
            samples = samples[: _cut(chunks, len(samples))]
            chunks = [chunk for chunk in chunks if chunk["end"] <= len(samples)]
        yield start, samples, chunks
        start += len(samples)


def _longest(samples: NDArray[np.float32], chunks: list[dict[str, int]], limit: int) -> list[NDArray[np.float32]]:
    """Return the longest stretches of speech up to `limit` samples in all, in the order of the film."""
    taken, total = [], 0
    for chunk in sorted(chunks, key=lambda chunk: chunk["start"] - chunk["end"]):
        if total < limit:
            taken.append((chunk["start"], min(chunk["end"], chunk["start"] + limit - total)))
            total += taken[-1][1] - taken[-1][0]
    return [samples[start:end] for start, end in sorted(taken)]


def _cut(chunks: list[dict[str, int]], length: int) -> int:
    """Return where to end a window: in its last silence, unless that would leave less than a minute."""
    for chunk, following in zip(reversed(chunks[:-1]), reversed(chunks), strict=False):
        if following["start"] >= _SHORTEST_CUT_S * RATE:
            return (chunk["end"] + following["start"]) // 2
    return length


def _is_heard(segment: Any, samples: NDArray[np.float32]) -> bool:
    """Tell speech from what the decoder makes up over silence, noise and music."""
    if segment.no_speech_prob > 0.6 and segment.avg_logprob < -0.5:
        return False
    if segment.avg_logprob < -1.2 or is_loop(segment.text) or _compression(segment.text) > _MAX_COMPRESSION:
        return False
    part = samples[int(segment.start * RATE) : int(segment.end * RATE) + 1]
    return bool(10 * np.log10(float(np.mean(part**2)) + 1e-12) > _SILENT_DB)


def _compression(text: str) -> float:
    """How many times smaller the text becomes: above 2.4 it repeats itself (the measure of Whisper's paper)."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw))


@dataclass(frozen=True, slots=True)
class _Segment:
    """A segment moved in time."""

    words: tuple[Any, ...]


def _shifted(segment: Any, offset: float) -> _Segment:
    return _Segment(tuple(replace(word, start=word.start + offset, end=word.end + offset) for word in segment.words))


def brought_back(words: Sequence[Heard]) -> list[Heard]:
    """Move the first words of a sentence that were put before a pause to the rest of it.

    Whisper hears speech without its pauses and puts words beside one early, so that a sentence's first word may come to
    lie before the pause, on the heels of the sentence that ended there.
    """
    found = list(words)
    for last in range(len(found) - 1, 0, -1):
        gap = found[last + 1].start - found[last].end if last + 1 < len(found) else 0.0
        first = next(
            (at for at in range(last, max(0, last - _MOST_ASTRAY), -1) if ends_sentence(found[at - 1].text)), 0
        )
        is_whole = any(ends_sentence(word.text) for word in found[first : last + 1])
        is_close = first and found[first].start - found[first - 1].end < _HEELS_S
        is_brief = found[last].end - found[first].start < _ASTRAY_S
        if gap >= _FAR_S and is_close and is_brief and not is_whole:
            by = found[last + 1].start - found[last].end
            moved = [replace(word, start=word.start + by, end=word.end + by) for word in found[first : last + 1]]
            found[first : last + 1] = moved
    return found


def to_utterances(words: list[Heard], language: str) -> tuple[Utterance, ...]:
    """Part words into utterances at pauses and sentence ends; ids come from text and time."""
    if not words:
        return ()
    nouns = [_noun(word, earlier) for word, earlier in zip(words, [None, *words], strict=False)]
    firsts = breaks([word.text for word in nouns], [word.span for word in nouns])
    return tuple(
        utterance_of(nouns[start:stop], language) for start, stop in zip(firsts, [*firsts[1:], len(nouns)], strict=True)
    )


def _noun(word: Heard, earlier: Heard | None) -> Word:
    """Make times exact and keep them in order: a word never begins before the one before it has ended."""
    start = seconds(round(max(word.start, earlier.end if earlier else 0.0), 3))
    return Word(word.text, Span(start, max(start, seconds(round(word.end, 3)))), round(word.confidence, 3))
