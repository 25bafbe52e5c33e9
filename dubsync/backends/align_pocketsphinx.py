"""align.pocketsphinx: words aligned to the sound by PocketSphinx (BSD), which brings an acoustic model of English.

Each utterance is aligned alone, so a failure costs one utterance, which keeps the times it had. Words that the English
dictionary lacks, and all words of other languages, are pronounced by espeak-ng, each sound written as the English one
nearest to it: to find where a sound begins that is near enough. Its model of silence is one of rooms, and takes no
heed of a silence without any sound: faint noise is laid under everything. Words that it begins in a pause are moved to
where the sound starts again. `dubsync bench text` says how near word starts come.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import onsets, wav
from dubsync.backends.protocols import Capabilities, Progress, Transcript
from dubsync.text.language import base
from dubsync.text.numbers import read_out
from dubsync.timing import Span, seconds
from dubsync.title import Utterance, Word

log = logging.getLogger(__name__)

RATE = 16000
MARGIN_S = 0.25
"""Sound before and after an utterance that its words may turn out to lie in."""
_FRAMES_PER_SECOND = 100
_HISS_DB = -65.0
"""Of the noise under everything: nobody hears it beside speech."""
_ARPABET = {
    "tʃ": "CH", "dʒ": "JH", "aɪ": "AY", "aʊ": "AW", "eɪ": "EY", "oʊ": "OW", "əʊ": "OW", "ɔɪ": "OY", "iə": "IY AH",
    "ɪə": "IH R", "eə": "EH R", "ʊə": "UH R", "əl": "AH L", "i": "IY", "ɪ": "IH", "ɛ": "EH", "e": "EH", "æ": "AE",
    "a": "AA", "ʌ": "AH", "ə": "AH", "ɐ": "AH", "ᵻ": "IH", "ɔ": "AO", "ɒ": "AA", "ɑ": "AA", "ʊ": "UH", "u": "UW",
    "o": "OW", "ɜ": "ER", "ɝ": "ER", "ɚ": "ER", "θ": "TH", "ð": "DH", "ʃ": "SH", "ʒ": "ZH", "ŋ": "NG", "ɹ": "R",
    "ɾ": "D", "ʔ": "T", "j": "Y", "h": "HH", "ɡ": "G", "g": "G", "x": "K", "b": "B", "d": "D", "f": "F", "k": "K",
    "l": "L", "m": "M", "n": "N", "p": "P", "r": "R", "s": "S", "t": "T", "v": "V", "w": "W", "z": "Z",
    "β": "V", "ɣ": "G", "ʎ": "Y", "ɲ": "N Y", "ʝ": "JH", "ʁ": "K", "y": "UW", "ø": "ER", "œ": "AH", "ɥ": "W",
}  # fmt: skip
"""IPA as espeak-ng writes it to the phones of the CMU dictionary; longer keys are tried first."""


VOICES = {"en": "en-us", "es": "es", "fr": "fr", "pt": "pt-br"}
"""What espeak-ng calls the languages that word times were measured in."""
_OWN = "~"
"""Stands between language and word in the dictionary, so that "as" in Spanish is not the English word."""


class PocketSphinxAligner:
    """Gives words better times; leaves what it cannot align as it was."""

    capabilities = Capabilities(name="align.pocketsphinx", version="5", languages=tuple(VOICES), licence="BSD-2-Clause")

    def __init__(self) -> None:
        from pocketsphinx import Decoder  # brings its acoustic model: 0.2 s

        self._decoder = Decoder(samprate=RATE, loglevel="FATAL", bestpath=False)
        self._espeak: Any = None

    def align(self, speech: Path, transcript: Transcript, *, progress: Progress) -> Transcript:
        """Return the same transcript, no word dropped, with corrected times."""
        aligned: list[Utterance] = []
        count = len(transcript.utterances)
        for number, utterance in enumerate(transcript.utterances):
            before = aligned[-1].span.end if aligned else Fraction(0)
            after = transcript.utterances[number + 1].span.start if number + 1 < count else None
            aligned.append(self._utterance(speech, utterance, (before, after), base(transcript.language)))
            progress((number + 1) / count)
        return replace(transcript, utterances=tuple(aligned))

    def _utterance(
        self, speech: Path, utterance: Utterance, around: tuple[Fraction, Fraction | None], language: str
    ) -> Utterance:
        """Align one utterance within its margins, which do not reach into its neighbours (`around`: their edges)."""
        span = window(utterance.span, *around)
        low, high = span.start, span.end
        samples = wav.read(speech, start=round(low * RATE), stop=round(high * RATE))[:, 0]
        tokens = [_tokens(word.text, language) for word in utterance.words]
        times = self._times(samples, [token for group in tokens for token in group])
        if times is None:
            log.info("not aligned, keeps its times: %r", utterance.text)
            return utterance
        words = begun(_placed(utterance.words, tokens, times, low), samples, low)
        return replace(utterance, words=words, span=Span(words[0].span.start, words[-1].span.end))

    def _times(self, samples: NDArray[np.float32], tokens: Sequence[str]) -> list[tuple[int, int]] | None:
        """Return first and last+1 frame (10 ms) of each token; None where they do not fit the sound."""
        if not tokens or len(samples) < RATE // 10:
            return None
        for token in tokens:
            if self._decoder.lookup_word(token) is None:
                self._decoder.add_word(token, self._pronounced(token), True)
        hiss = np.random.default_rng(0).normal(0, 10 ** (_HISS_DB / 20), len(samples)).astype(np.float32)
        pcm = (np.clip(samples + hiss, -1, 1) * 32767).astype(np.int16).tobytes()
        try:
            self._decoder.set_align_text(" ".join(tokens))
            self._decoder.start_utt()
            self._decoder.process_raw(pcm, full_utt=True)
            self._decoder.end_utt()
            found = [segment for segment in self._decoder.seg() or () if segment.word[0] not in "<[("]
        except RuntimeError:
            return None
        if len(found) != len(tokens):
            return None
        return [(segment.start_frame, segment.end_frame + 1) for segment in found]

    def _pronounced(self, word: str) -> str:
        if self._espeak is None:
            from dubsync.backends.kokoro.espeak import Espeak  # a process of its own, started only when needed

            self._espeak = Espeak()
        language, _, bare = word.rpartition(_OWN)
        return arpabet(self._espeak.phonemes([bare], VOICES[language or "en"])[0])


def window(span: Span, before: Fraction, after: Fraction | None) -> Span:
    """Return where an utterance's words may lie: MARGIN_S around it, but not where its neighbours are (`before`: the
    end of the one before, `after`: the start of the next)."""
    low = max(Fraction(0), min(span.start, max(before, span.start - seconds(MARGIN_S))))
    high = span.end + seconds(MARGIN_S)
    return Span(low, max(span.end, min(high, after)) if after is not None else high)


def begun(words: Sequence[Word], samples: NDArray[np.float32], offset: Fraction) -> tuple[Word, ...]:
    """Return words with those that begin in a pause moved to where the sound starts again (`onsets.begun`).

    `samples`: mono at `RATE`, from `offset` of the film on.
    """
    times = [(float(word.span.start - offset), float(word.span.end - offset)) for word in words]
    found = onsets.begun(times, onsets.level_db(samples, RATE))
    pairs = zip(words, times, found, strict=True)
    starts = [word.span.start if start == old else offset + seconds(start) for word, (old, _), (start, _) in pairs]
    return tuple(
        replace(word, span=Span(start, max(start, word.span.end))) for word, start in zip(words, starts, strict=True)
    )


def arpabet(ipa: str) -> str:
    """Return the phones of an IPA word.

    >>> arpabet("dˈʌbsɪŋk")
    'D AH B S IH NG K'
    """
    left = re.sub(r"[ˈˌː^\s\u0329]", "", ipa)
    phones: list[str] = []
    while left:
        key = left[:2] if left[:2] in _ARPABET else left[0]
        phones += _ARPABET.get(key, "").split()
        left = left[len(key) :]
    return " ".join(phones) or "AH"


def _tokens(word: str, language: str) -> list[str]:
    """Return what the dictionary may hold of a word: figures read out, letters and apostrophes only."""
    said = read_out(word, language).lower().replace("’", "'")
    if language != "en":
        return [f"{language}{_OWN}{part}" for part in re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*", said)]
    bare = re.sub(r"[^a-z']", " ", said)
    return [token for token in (part.strip("'") for part in bare.split()) if token]


def _placed(
    words: Sequence[Word], tokens: Sequence[Sequence[str]], times: Sequence[tuple[int, int]], offset: Fraction
) -> tuple[Word, ...]:
    """Give each word the time of its tokens; a word without any (a dash) lies where the one before ends."""
    placed: list[Word] = []
    used = 0
    at = offset
    for word, group in zip(words, tokens, strict=True):
        if group:
            first, last = times[used][0], times[used + len(group) - 1][1]
            used += len(group)
            span = Span(offset + Fraction(first, _FRAMES_PER_SECOND), offset + Fraction(last, _FRAMES_PER_SECOND))
        else:
            span = Span(at, at)
        at = span.end
        placed.append(replace(word, span=span))
    return tuple(placed)
