"""align.kokoro: words aligned to the sound by means of another voice that says them too (phones_kokoro.py).

Each utterance is aligned alone. One that is not found (another text, a minute of it, hardly any sound) is left to
PocketSphinx where that speaks the language, and else keeps its times. It takes about as long as the speech lasts;
`dubsync bench text` says how near word starts come.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from dubsync.audio import wav
from dubsync.backends.align_pocketsphinx import RATE, PocketSphinxAligner, window
from dubsync.backends.phones_kokoro import KokoroPhones
from dubsync.backends.protocols import Aligner, Progress, Transcript
from dubsync.text.language import best_match
from dubsync.timing import Span
from dubsync.title import Utterance

log = logging.getLogger(__name__)

Guide = Callable[[Span], str | None]
"""Says which voice to lay over what is heard in a span; None: one of a like pitch."""


class KokoroAligner:
    """Gives words better times; leaves what nobody can align as it was."""

    capabilities = replace(KokoroPhones.capabilities, name="align.kokoro", version="1")

    def __init__(
        self,
        *,
        threads: int = 1,
        finder: KokoroPhones | None = None,
        otherwise: Aligner | None = None,
        guide: Guide = lambda span: None,
    ) -> None:
        self._finder = finder or KokoroPhones(threads=threads)
        self._otherwise = otherwise or PocketSphinxAligner()
        self._guide = guide

    def guided(self, guide: Guide) -> KokoroAligner:
        """Return an aligner that is told which voice to use: to measure it by speech of its own usual one."""
        return KokoroAligner(finder=self._finder, otherwise=self._otherwise, guide=guide)

    def align(self, speech: Path, transcript: Transcript, *, progress: Progress) -> Transcript:
        """Return the same transcript, no word dropped, with corrected times."""
        aligned: list[Utterance] = []
        count = len(transcript.utterances)
        for number, utterance in enumerate(transcript.utterances):
            before = aligned[-1].span.end if aligned else Fraction(0)
            after = transcript.utterances[number + 1].span.start if number + 1 < count else None
            around = window(utterance.span, before, after)
            found = self._found(speech, utterance, around, transcript.language)
            aligned.append(found or self._left(speech, replace(transcript, utterances=(utterance,))))
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
        words = tuple(replace(old, span=new.span.shift(around.start)) for old, new in pairs)
        ends = max(word.span.end for word in words)
        return replace(utterance, words=words, span=Span(words[0].span.start, ends))

    def _left(self, speech: Path, alone: Transcript) -> Utterance:
        spoken = self._otherwise.capabilities.languages
        if best_match(alone.language, spoken) is not None:
            alone = self._otherwise.align(speech, alone, progress=lambda share: None)
        return alone.utterances[0]
