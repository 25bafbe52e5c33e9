"""Do the lips of a driven mouth meet on p, b and m? A part of `dubsync bench mouth`.

Filmed clips come without phone times, so each clip's actor says sentences of the packaged voice, whose phones are
known, once without them and once with.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dubsync.backends.kokoro.speech import EARLY
from dubsync.backends.mouth_corpus import PhoneSpeaker, Sentence
from dubsync.mouth import articulation, closures, shape
from dubsync.mouth.articulation import Articulation, Manner
from dubsync.mouth.hearing import Ear
from dubsync.timing import Span, seconds
from dubsync.title import Phone
from dubsync.weights import resolve

_SAID = (
    ("es", "ef_dora", "Mi padre no sabe por qué vamos a Bilbao mañana."),
    ("es", "em_alex", "Un hombre pobre busca su mapa en medio de la plaza."),
    ("fr", "ff_siwis", "Ma mère part pour Paris avec beaucoup de bagages."),
    ("en", "am_michael", "My brother put the map on top of a big table."),
)
_RATES = (24, 25, 30)
"""Frames a second; sentences take turns."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A sentence. `features`: (m, width) of its `samples` (16 kHz), on whose clock the `phones` lie."""

    samples: NDArray[np.float32]
    features: NDArray[np.float32]
    phones: tuple[Phone, ...]


def sentences(ear: Ear) -> tuple[Spoken, ...]:
    """Return what every actor says."""
    return tuple(_heard(sentence, ear) for sentence in _said())


@cache
def _said() -> tuple[Sentence, ...]:
    speaker, chance = PhoneSpeaker(resolve("kokoro")), random.Random(1)
    return tuple(speaker.say(text, language, voice, chance) for language, voice, text in _SAID)


def _heard(sentence: Sentence, ear: Ear) -> Spoken:
    samples = np.asarray(sentence.samples / 32768, np.float32)
    edges = [max(0.0, float(edge) - float(EARLY)) for edge in sentence.edges]
    spans = (Span(seconds(start), seconds(end)) for start, end in pairwise(edges))
    phones = tuple(Phone(symbol, span) for symbol, span in zip(sentence.symbols, spans, strict=True) if symbol)
    return Spoken(samples, ear.hear(samples), phones)


def measured(
    model: Articulation, manner: Manner, footage: NDArray[np.float32], said: Sequence[Spoken]
) -> dict[str, float]:
    """Return the share of closures that are seen in the shapes, with phones and without (`closures_unaided`).

    `footage`: (n, points, 3) of the actor, whose range says what is closed (`closures.SEEN_CLOSED`).
    """
    lips = closures.lips_of(footage)
    without, aided = (np.concatenate(found) for found in zip(*_seen(model, manner, said, lips), strict=True))
    return {"closures": float(aided.mean()), "closures_unaided": float(without.mean())}


def _seen(
    model: Articulation, manner: Manner, said: Sequence[Spoken], lips: closures.Lips
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    for number, one in enumerate(said):
        rate = _RATES[number % len(_RATES)]
        times = np.arange(int(len(one.samples) / 16000 * rate)) / rate
        still = np.zeros((len(times), 3), np.float32)
        driven = articulation.perform(model, manner, one.features, one.samples, times, still)
        both = (driven, closures.close(driven, times, one.phones, lips))
        without, aided = (closures.seen_closed(shape.opening(each), times, one.phones, lips) for each in both)
        yield without, aided
