"""How near do the sounds of a text come that are found in a recording of it? A part of `dubsync bench text`.

One voice of Kokoro speaks, which knows when it says what; the sounds are found by means of the language's other voice,
of the other sex and at its own pace. The lines were not used to choose anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, sosfilt

from dubsync.mouth.closures import CLOSED
from dubsync.title import Phone

if TYPE_CHECKING:
    from dubsync.backends.phones_kokoro import KokoroPhones
    from dubsync.backends.protocols import Spoken
    from dubsync.backends.voice_kokoro import KokoroVoice

Array = NDArray[np.float32]
_NEAR_S = 0.05
_RATES = (0.9, 1.15, 1.0)
LINES = {
    "es": (
        "El pobre Tomás compró un bonito sombrero para su amiga Blanca.",
        "Mamá, ¿por qué no vienes conmigo al campo esta primavera?",
    ),
    "fr": (
        "Mon beau-père a peint la porte en blanc et les murs en brun.",
        "Pourquoi ne m'as-tu pas apporté mon manteau, maman?",
    ),
    "pt": (
        "O meu primo comprou um barco pequeno para pescar no mar.",
        "Mamãe, por que você não vem comigo ao campo nesta primavera?",
    ),
    "it": (
        "Il povero Tommaso comprò un bel cappello per la sua amica.",
        "Mamma, perché non vieni con me in campagna questa primavera?",
    ),
    "en": (
        "My poor brother bought a big umbrella for his best friend.",
        "Mom, why won't you come to the beach with me in September?",
    ),
}
"""Sentences of our own, rich in closed lips."""
_VOICES = {
    "es": ("ef_dora", "em_alex"),
    "fr": ("ff_siwis", "am_michael"),
    "pt": ("pf_dora", "pm_alex"),
    "it": ("if_sara", "im_nicola"),
    "en": ("af_heart", "am_michael"),
}


@dataclass(frozen=True, slots=True)
class _Recorded:
    """A line with known sounds, and the voice by means of which they are found."""

    language: str
    text: str
    spoken: Spoken
    guide: str


def figures(voice: KokoroVoice, finder: KokoroPhones) -> dict[str, Any]:
    """Return how far found edges of p, b and m lie from the true ones: by language, and of spoilt sound by its fault.

    `wrong_text_refused`: share of lines in which another text was rightly not found. About two minutes on one core.
    """
    lines = list(_lines(voice))
    clean = {language: _edges([one for one in lines if one.language == language], finder) for language in LINES}
    spoilt = {name: _edges(lines[::2], finder, fault) for name, fault in FAULTS.items()}
    return {**{name: _summary(*found) for name, found in (clean | spoilt).items()}, **_refused(lines, finder)}


def _lines(voice: KokoroVoice) -> Iterator[_Recorded]:
    rates = cycle(_RATES)
    for language, texts in LINES.items():
        casts = (_VOICES[language], _VOICES[language][::-1])
        for text, (name, guide) in zip(texts, casts, strict=True):
            cast = voice.named(name, language)
            wanted = voice.duration(text, voice=cast, language=language) / next(rates)
            spoken = voice.speak(text, voice=cast, language=language, seconds=wanted, seed=0)
            yield _Recorded(language, text, spoken, guide)


def _edges(
    lines: Sequence[_Recorded], finder: KokoroPhones, fault: Callable[[Array, int], Array] | None = None
) -> tuple[NDArray[np.float64], int]:
    """Return the errors of all lines in seconds, and how many lines were not found."""
    errors, missed = [np.zeros(0)], 0
    for one in lines:
        rate = one.spoken.sample_rate
        sound = fault(one.spoken.samples, rate) if fault else one.spoken.samples
        found = finder.find(sound, rate, text=one.text, language=one.language, guide=one.guide)
        missed += not found.phones
        errors.append(closure_errors(found.phones, one.spoken.phones))
    return np.concatenate(errors), missed


def closure_errors(found: Sequence[Phone], true: Sequence[Phone]) -> NDArray[np.float64]:
    """Return by how many seconds starts and ends of p, b and m are late; sounds that only one of them has are left out.

    >>> from dubsync.timing import Span, seconds
    >>> one, other = (Phone("p", Span(seconds(start), seconds("0.5"))) for start in ("0.4", "0.375"))
    >>> closure_errors([one], [other]).tolist()
    [0.025, 0.0]
    """
    one, other = ([phone.symbol for phone in phones] for phones in (found, true))
    pairs = [
        (found[block.a + step].span, true[block.b + step].span)
        for block in SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
        for step in range(block.size)
        if one[block.a + step] in CLOSED
    ]
    return np.array([float(late) for got, had in pairs for late in (got.start - had.start, got.end - had.end)])


def _summary(errors: NDArray[np.float64], missed: int) -> Mapping[str, float]:
    if len(errors) == 0:
        return {"edges": 0, "lines_missed": missed}
    away = np.abs(errors)
    return {
        "median_ms": round(1000 * float(np.median(away)), 1),
        "p90_ms": round(1000 * float(np.percentile(away, 90)), 1),
        "within_50_ms": round(float((away <= _NEAR_S).mean()), 3),
        "edges": len(errors),
        "lines_missed": missed,
    }


def _refused(lines: Sequence[_Recorded], finder: KokoroPhones) -> dict[str, float]:
    """Return for what share of the lines the text of the language's other line is not found in it."""
    refused = []
    for one in lines[::2]:
        (other,) = (text for text in LINES[one.language] if text != one.text)
        found = finder.find(one.spoken.samples, one.spoken.sample_rate, text=other, language=one.language)
        refused.append(not found.phones)
    return {"wrong_text_refused": round(float(np.mean(refused)), 3)}


def noise(sound: Array, rate: int) -> Array:
    """Return the sound in noise, which falls by 3 dB an octave and is 10 dB weaker."""
    spectrum = np.fft.rfft(np.random.default_rng(0).normal(size=len(sound)))
    hiss = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 20)), len(sound))
    share = np.sqrt(float(np.mean(sound**2)) / float(np.mean(hiss**2))) * 10 ** (-10 / 20)
    return np.asarray(sound + hiss * share, np.float32)


def room(sound: Array, rate: int) -> Array:
    """Return the sound in a room that dies away by 60 dB in half a second, its echoes 3 dB weaker than the voice."""
    echo = np.random.default_rng(0).normal(size=rate // 2) * np.exp(-6.9 * np.arange(rate // 2) / (rate // 2))
    echo *= 10 ** (-3 / 20) / np.linalg.norm(echo)
    echo[0] = 1
    return np.asarray(fftconvolve(sound, echo)[: len(sound)], np.float32)


def telephone(sound: Array, rate: int) -> Array:
    """Return the sound as a line of 8 kHz passes it, 300 to 3400 Hz."""
    return np.asarray(sosfilt(butter(6, [300, 3400], "bandpass", fs=rate, output="sos"), sound), np.float32)


FAULTS: Mapping[str, Callable[[Array, int], Array]] = {"noise": noise, "room": room, "telephone": telephone}
