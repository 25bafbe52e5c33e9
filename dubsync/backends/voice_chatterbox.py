"""voice.chatterbox: Chatterbox Multilingual, zero-shot cloning in 23 languages, best on a GPU (see cloners/).

The voice that is kept of a speaker is a stretch of their clean speech. What the engine says carries Resemble AI's
inaudible mark (Perth); it is left in.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from dubsync.backends.cloners import takes as performing
from dubsync.backends.cloners.seat import Needs, Seat, packed, unpacked
from dubsync.backends.protocols import Capabilities, Enrolled, Progress, Samples, Spoken, Voice
from dubsync.errors import Flag, Severity, UsageError
from dubsync.text.duration import natural_seconds
from dubsync.text.language import base

WEIGHTS = "chatterbox-multilingual"
OWN = "default"
LIMIT = 280
_NAMES = {"nb": "no", "nn": "no"}
"""The engine's tags where they are not ours."""
_TAGS = (
    "ar", "da", "de", "el", "en", "es", "fi", "fr", "he", "hi", "it", "ja", "ko", "ms", "nb", "nl", "no", "pl", "pt",
    "ru", "sv", "sw", "tr", "zh",
)  # fmt: skip


class ChatterboxVoice:
    """Speaks in the voice of a reference.

    `takes`: how often a line is said at most, the nearest in length being kept. `exaggeration`: 0 to 1, how much
    feeling. `cfg_weight`: how closely the pace of the reference is followed; 0 keeps the accent of its language out.
    """

    capabilities = Capabilities(
        name="voice.chatterbox",
        version="2",
        languages=_TAGS,
        devices=("cuda", "cpu"),
        licence="MIT",
        needs_consent=True,
        deterministic=False,
        weights=(WEIGHTS,),
        extra="chatterbox",
    )
    needs = Needs("chatterbox", "chatterbox-tts", "chatterbox")

    def __init__(
        self, folder: Path | None = None, *, takes: int = 3, exaggeration: float = 0.5, cfg_weight: float = 0.0
    ) -> None:
        self._folder = folder
        self._takes = takes
        self._style = {"exaggeration": exaggeration, "cfg_weight": cfg_weight}

    @classmethod
    def check(cls) -> None:
        """Raise MissingExtra when the engine is not installed."""
        cls.needs.check()

    @cached_property
    def _seat(self) -> Seat:
        from dubsync.weights import resolve

        return Seat(self.needs, self._folder or resolve(WEIGHTS))

    def named(self, name: str, language: str) -> Voice:
        """Return the engine's own voice, the only one it brings."""
        if name != OWN:
            raise UsageError(f"voice.chatterbox has no voice {name!r}", hint=f"it has {OWN}")
        return {}

    def enroll(self, samples: Samples, sample_rate: int, *, language: str, progress: Progress) -> Enrolled:
        """Keep the speech as the reference; nothing is fitted."""
        reference, flags = performing.reference_of(samples, sample_rate)
        progress(1.0)
        if reference is None:
            return performing.nobody(flags)
        return Enrolled({"reference": reference}, None, flags)

    def duration(self, text: str, *, voice: Voice, language: str) -> float:
        return natural_seconds(text, language)

    def speak(self, text: str, *, voice: Voice, language: str, seconds: float | None, seed: int) -> Spoken:
        """Speak as near to `seconds` as several takes and stretching by 15 % come."""
        tag = _NAMES.get(base(language), base(language))
        known = {name: packed(array) for name, array in voice.items()}
        warnings: dict[str, None] = {}

        def say(piece: str, number: int) -> tuple[Samples, int]:
            request = {"voice": {**known, "rate": performing.REFERENCE_RATE}, **self._style}
            answer = self._seat.ask("speak", text=piece, language=tag, seed=number, **request)
            warnings.update(dict.fromkeys(answer["warnings"]))
            return np.asarray(unpacked(answer["samples"])), int(answer["rate"])

        spoken = performing.speak(say, performing.Wish(text, language, seconds, seed, self._takes, LIMIT))
        told = tuple(Flag(Severity.WARNING, "engine-warned", "", each, "listen to the line") for each in warnings)
        return replace(spoken, flags=spoken.flags + told)
