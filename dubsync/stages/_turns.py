"""Utterances in which another voice goes on: parted there, if both voices are known from the rest of the film.

Only what a recogniser parted is parted again: the cues of a person's transcript stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import features, turns, voices, wav
from dubsync.backends.protocols import SpeakerEncoder
from dubsync.errors import Flag, PermanentError, Severity
from dubsync.text.sentences import utterance_of
from dubsync.timing import clock, to_samples
from dubsync.title import Utterance

Parts = list[tuple[Utterance, ...]]
"""For each utterance of the transcript, what it was parted into."""


class Ear:
    """Hears the voice of stretches of a sound file, one utterance of it in memory at once. `cuts`: of the picture."""

    def __init__(self, speech: Path, encoder: SpeakerEncoder, language: str, cuts: Sequence[float]) -> None:
        self._speech, self._encoder, self.language, self._cuts = speech, encoder, language, cuts
        self._rate = wav.facts(speech).sample_rate
        self._known: dict[str, NDArray[np.float32] | None] = {}

    def voiceprint(self, utterance: Utterance) -> NDArray[np.float32] | None:
        """Return the voiceprint of an utterance; None where it is too short or quiet to tell."""
        if utterance.id not in self._known:
            self._known[utterance.id] = self._embed(self._samples(utterance))
        return self._known[utterance.id]

    def parted(self, utterance: Utterance) -> tuple[Utterance, ...]:
        """Part an utterance where it is likely that another voice goes on."""
        if any(word.confidence is None for word in utterance.words):
            return (utterance,)
        samples, begin = self._samples(utterance), float(utterance.span.start)

        def hear(start: float, stop: float) -> NDArray[np.float32] | None:
            first, last = (max(0, round((time - begin) * self._rate)) for time in (start, stop))
            return self._embed(samples[first:last])

        starts = [float(word.span.start) for word in utterance.words]
        found = turns.changes(hear, starts, float(utterance.span.end), cuts=self._cuts)
        edges = (0, *found, len(utterance.words))
        if not found:
            return (utterance,)
        words = utterance.words
        return tuple(utterance_of(words[a:b], self.language) for a, b in pairwise(edges))

    def _samples(self, utterance: Utterance) -> NDArray[np.float32]:
        first, stop = (to_samples(time, self._rate) for time in (utterance.span.start, utterance.span.end))
        return features.mono(wav.read(self._speech, start=first, stop=stop))

    def _embed(self, samples: NDArray[np.float32]) -> NDArray[np.float32] | None:
        try:
            return self._encoder.embed(samples, self._rate)
        except PermanentError:
            return None


def settled(
    wholes: Sequence[Utterance], parts: Parts, labels: Sequence[int], ear: Ear
) -> tuple[list[tuple[Utterance, int]], list[Flag]]:
    """Return utterances with their voices, and what to flag; parted is what two known voices of the film say in turn.

    `labels`: the voice of each whole utterance. A voice is known by the utterances that nobody else seems to speak in.
    """
    own = [label if len(part) == 1 else None for label, part in zip(labels, parts, strict=True)]
    known = voices.centres([ear.voiceprint(whole) for whole in wholes], own, [_length(whole) for whole in wholes])
    found: list[tuple[Utterance, int]] = []
    flags = []
    for whole, pieces, label in zip(wholes, parts, labels, strict=True):
        heard = [voices.told(ear.voiceprint(piece), known) for piece in pieces] if len(pieces) > 1 else []
        sure = [voice for voice in heard if voice is not None]
        if len(sure) < len(heard) or len(set(sure)) < 2:
            found.append((whole, label))
            if len(sure) < len(heard) and len(known) > 1:
                flags.append(_doubt(whole))
            continue
        turns_ = _joined(pieces, sure, ear.language)
        found += turns_
        flags.append(_changes(whole, [one for one, _ in turns_]))
    return found, flags


def _length(utterance: Utterance) -> float:
    return float(utterance.span.duration)


def _joined(pieces: Sequence[Utterance], heard: Sequence[int], language: str) -> list[tuple[Utterance, int]]:
    """Put neighbours of one voice together."""
    runs = groupby(zip(heard, pieces, strict=True), key=lambda pair: pair[0])
    return [
        (utterance_of(tuple(word for _, piece in run for word in piece.words), language), voice) for voice, run in runs
    ]


def _doubt(whole: Utterance) -> Flag:
    return Flag(
        Severity.INFO, "voice-unsure", whole.id,
        f"more than one voice may be heard at {clock(whole.span.start)}, and whose is not plain; it is taken for one: "
        f"{whole.text[:80]!r}",
        "listen; if two people speak, bring the words in two cues (--transcript)",
    )  # fmt: skip


def _changes(whole: Utterance, said: Sequence[Utterance]) -> Flag:
    times = " and ".join(clock(one.span.start) for one in said[1:])
    return Flag(
        Severity.INFO, "voice-changes", whole.id,
        f"another voice goes on at {times} without a pause; parted there: {whole.text[:80]!r}",
        "if that is wrong, bring the words in their right places (--transcript)",
    )  # fmt: skip
