"""How near do word starts come on speech of a quite different kind? A part of `dubsync bench text`.

espeak-ng makes its speech of formants and says to the sample when each word begins; nothing in the aligner was made
from it. Its texts come as a brought transcript does, their words parted by length, since recognisers hear it badly.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dubsync.text.bench import PASSAGES, RATE, Reading, onset_errors
from dubsync.timing import Span, seconds
from dubsync.title import Utterance, Word, content_id

if TYPE_CHECKING:
    from dubsync.backends.protocols import Aligner, Transcript

VOICES = {"en": "en-us", "es": "es-419", "fr": "fr", "pt": "pt-br", "it": "it"}
_WOMAN = "+f3"
_WHISPERS = ("+whisper", "+whisperf")
_PAUSE_S = 0.7


def figures(aligner: Aligner, folder: Path) -> dict[str, Any]:
    """Return {language: {matched, median_ms, beyond_50_ms, ...}} of the passages; `folder`: for a WAV file."""
    from dubsync.audio import wav

    found: dict[str, Any] = {}
    for language, texts in PASSAGES.items():
        reading = read_aloud(texts, language)
        path = folder / "formant.wav"
        wav.write(path, reading.samples, RATE)
        aligned = aligner.align(path, brought(reading, texts, language), progress=lambda share: None)
        found[language] = onset_errors(reading.words, aligned, language)
    return found


def read_aloud(texts: Sequence[str], language: str) -> Reading:
    """Let espeak-ng read texts in a man's and a woman's voice by turns."""
    from dubsync.audio.features import resample

    pause = np.zeros(round(_PAUSE_S * RATE), np.float32)
    parts, words, turns = [pause], list[Word](), list[tuple[str, float, float]]()
    for text, said in zip(texts, _said(texts, VOICES[language]), strict=True):
        start = sum(map(len, parts)) / RATE
        sound = resample(_sound(said), said["rate"], RATE)
        end = start + len(sound) / RATE
        words += _words(text, said, Span(seconds(start), seconds(end)))
        turns.append((VOICES[language], start, end))
        parts += [sound, pause]
    return Reading(np.concatenate(parts), tuple(words), tuple(turns), " ".join(texts))


def whispers(texts: Sequence[str], language: str) -> list[NDArray[np.float32]]:
    """Return texts (n,) at `RATE` as espeak-ng whispers them, a man and a woman by turns."""
    from dubsync.audio.features import resample

    said = _read([(VOICES[language] + _WHISPERS[number % 2], text) for number, text in enumerate(texts)])
    return [resample(_sound(one), one["rate"], RATE) for one in said]


def _said(texts: Sequence[str], voice: str) -> list[dict[str, Any]]:
    return _read([(voice + _WOMAN * (number % 2), text) for number, text in enumerate(texts)])


def _sound(said: Mapping[str, Any]) -> NDArray[np.float32]:
    return (np.frombuffer(base64.b64decode(said["pcm"]), np.int16) / 65536).astype(np.float32)


def _read(texts: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return what espeak-ng answers for each (voice, text)."""
    asked = [{"voice": voice, "text": text} for voice, text in texts]
    script = Path(__file__).with_name("_espeak_reads.py")
    command = [sys.executable, "-I", str(script)]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, encoding="utf-8", check=True)
    said: list[dict[str, Any]] = json.loads(done.stdout)
    return said


def _words(text: str, said: dict[str, Any], span: Span) -> Iterator[Word]:
    """Yield the words whose start espeak-ng says; it counts some that belong together as one."""
    starts = [(found, _start(found, said["words"])) for found in re.finditer(r"\S+", text)]
    known = [(found[0], span.start + Fraction(at, said["rate"])) for found, at in starts if at is not None]
    ends = [start for _, start in known[1:]] + [span.end]
    for (word, start), end in zip(known, ends, strict=True):
        yield Word(word, Span(start, max(start, end)))


def _start(word: re.Match[str], events: Sequence[tuple[int, int]]) -> int | None:
    return next((sample for place, sample in events if word.start() <= place < word.end()), None)


def brought(reading: Reading, texts: Sequence[str], language: str) -> Transcript:
    """Return the texts as somebody brings them: an utterance each, whose words share its time by their length."""
    from dubsync.backends.protocols import Transcript

    utterances = []
    for text, (_, start, end) in zip(texts, reading.turns, strict=True):
        words = text.split()
        edges = np.cumsum([0.0, *(len(word) + 1 for word in words)])
        times = [seconds(round(start + (end - start) * float(edge / edges[-1]), 3)) for edge in edges]
        spans = [Span(one, other) for one, other in pairwise(times)]
        nouns = tuple(Word(word, span) for word, span in zip(words, spans, strict=True))
        utterances.append(Utterance(content_id("utterance", text), text, Span(times[0], times[-1]), nouns))
    return Transcript(language, 1.0, tuple(utterances))
