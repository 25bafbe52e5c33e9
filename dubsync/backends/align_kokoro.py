"""align.kokoro: words aligned to the sound by means of another voice that says them too (phones_kokoro.py).

Each utterance is aligned alone. An utterance that is not found (another text, a minute of it, hardly any sound) has the
times of PocketSphinx where that speaks the language, or keeps its own. English, PocketSphinx's own language, is left to
it, which is much faster. `both = true` hears English by both, and where they agree a word begins in the middle. Words
that it begins in a pause are moved to where the sound starts again.
`dubsync bench text` says how near word starts come.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from dubsync.audio import wav
from dubsync.backends.align_pocketsphinx import RATE, PocketSphinxAligner, begun, window
from dubsync.backends.phones_kokoro import KokoroPhones
from dubsync.backends.protocols import Aligner, Progress, Transcript
from dubsync.text.language import best_match
from dubsync.timing import Span
from dubsync.title import Utterance

log = logging.getLogger(__name__)

NATIVE = ("en",)
NEAR = Fraction(6, 100)
"""Seconds within which two aligners agree; the middle of both is nearer to the truth than either."""

Guide = Callable[[Span], str | None]
"""Says which voice to lay over what is heard in a span; None: one of a like pitch."""


class KokoroAligner:
    """Gives words better times; leaves what nobody can align as it was."""

    capabilities = replace(KokoroPhones.capabilities, name="align.kokoro", version="3")

    def __init__(
        self,
        *,
        threads: int = 1,
        finder: KokoroPhones | None = None,
        otherwise: Aligner | None = None,
        guide: Guide = lambda span: None,
        both: bool = False,
    ) -> None:
        self._finder = finder or KokoroPhones(threads=threads)
        self._otherwise = otherwise or PocketSphinxAligner()
        self._guide, self._both = guide, both

    def guided(self, guide: Guide) -> KokoroAligner:
        """Return an aligner that is told which voice to use: to measure it by speech of its own usual one."""
        return KokoroAligner(finder=self._finder, otherwise=self._otherwise, guide=guide, both=self._both)

    def align(self, speech: Path, transcript: Transcript, *, progress: Progress) -> Transcript:
        """Return the same transcript, no word dropped, with corrected times."""
        aligned: list[Utterance] = []
        count = len(transcript.utterances)
        if not self._both and best_match(transcript.language, NATIVE) is not None:
            return self._otherwise.align(speech, transcript, progress=progress)
        is_spoken = best_match(transcript.language, self._otherwise.capabilities.languages) is not None
        for number, utterance in enumerate(transcript.utterances):
            before = aligned[-1].span.end if aligned else Fraction(0)
            after = transcript.utterances[number + 1].span.start if number + 1 < count else None
            around = window(utterance.span, before, after)
            alone = replace(transcript, utterances=(utterance,))
            beside = self._otherwise.align(speech, alone, progress=lambda share: None) if is_spoken else alone
            found = self._found(speech, utterance, around, transcript.language)
            other = beside.utterances[0]
            aligned.append(_middle(found, other) if found and is_spoken else found or other)
            progress((number + 1) / count)
        return replace(transcript, utterances=tuple(aligned))

    def _found(self, speech: Path, utterance: Utterance, around: Span, language: str) -> Utterance | None:
        samples = wav.read(speech, start=round(around.start * RATE), stop=round(around.end * RATE))[:, 0]
        text = " ".join(word.text for word in utterance.words)
        guide = self._guide(utterance.span)
        found = self._finder.find(samples, RATE, text=text, language=language, guide=guide).words
        if len(found) != len(utterance.words):
            log.info("not found in the sound: %r", utterance.text)
            return None
        pairs = zip(utterance.words, found, strict=True)
        placed = [replace(old, span=new.span.shift(around.start)) for old, new in pairs]
        words = begun(placed, samples, around.start)
        ends = max(word.span.end for word in words)
        return replace(utterance, words=words, span=Span(words[0].span.start, ends))


def _middle(found: Utterance, beside: Utterance) -> Utterance:
    """Return what was found, words begun half-way to where the other aligner has them if that is near."""
    begun = []
    for word, other in zip(found.words, beside.words, strict=True):
        away = other.span.start - word.span.start
        start = word.span.start + (away / 2 if abs(away) <= NEAR else 0)
        begun.append(replace(word, span=Span(start, max(start, word.span.end))))
    first = min(word.span.start for word in begun)
    return replace(found, words=tuple(begun), span=Span(first, max(found.span.end, first)))
