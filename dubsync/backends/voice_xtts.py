"""voice.xtts: XTTS v2 through the maintained fork coqui-tts, cloning in 17 languages (see cloners/).

Its weights, and what they say, are for non-commercial use only (Coqui Public Model License), so a pipeline must say
`allow_non_commercial = true`.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np

from dubsync.backends.cloners import takes as performing
from dubsync.backends.cloners.seat import Needs, Seat, packed, unpacked
from dubsync.backends.protocols import Capabilities, Enrolled, Progress, Samples, Spoken, Voice
from dubsync.errors import UsageError
from dubsync.text.duration import natural_seconds
from dubsync.text.language import base

WEIGHTS = "xtts-v2"
OWN = "Claribel Dervla"
"""Who speaks for a speaker that there is nothing to learn from."""
LIMIT = 200
_UNSPACED_LIMIT = 65
_NAMES = {"zh": "zh-cn"}
_TAGS = ["ar", "cs", "de", "en", "es", "fr", "hi", "hu", "it", "ja", "ko", "nl", "pl", "pt", "ru", "tr", "zh"]


class XttsVoice:
    """Speaks in the voice of a reference. `takes`: how often a line is said at most, the nearest being kept."""

    capabilities = Capabilities(
        name="voice.xtts",
        version="2",
        languages=tuple(_TAGS),
        devices=("cuda", "cpu"),
        licence="CPML 1.0 (non-commercial)",
        commercial_use=False,
        needs_consent=True,
        deterministic=False,
        weights=(WEIGHTS,),
        extra="xtts",
    )
    needs = Needs("xtts", "coqui-tts", "TTS")

    def __init__(self, folder: Path | None = None, *, takes: int = 3) -> None:
        self._folder = folder
        self._takes = takes

    @classmethod
    def check(cls) -> None:
        """Raise MissingExtra when the engine is not installed."""
        cls.needs.check()

    @cached_property
    def _seat(self) -> Seat:
        from dubsync.weights import resolve

        return Seat(self.needs, self._folder or resolve(WEIGHTS, allow_non_commercial=True))

    def named(self, name: str, language: str) -> Voice:
        """Return one of the engine's own speakers."""
        answer = self._seat.ask("named", name=name)
        if "unknown" in answer:
            raise UsageError(f"voice.xtts has no voice {name!r}", hint="it has " + ", ".join(answer["unknown"]))
        return {part: unpacked(array) for part, array in answer["voice"].items()}

    def enroll(self, samples: Samples, sample_rate: int, *, language: str, progress: Progress) -> Enrolled:
        """Return what the engine hears of the speaker."""
        reference, flags = performing.reference_of(samples, sample_rate)
        if reference is None:
            return Enrolled(self.named(OWN, language), None, flags)
        answer = self._seat.ask("learn", reference=packed(reference), rate=performing.REFERENCE_RATE)
        progress(1.0)
        return Enrolled({part: unpacked(array) for part, array in answer["voice"].items()}, None, flags)

    def duration(self, text: str, *, voice: Voice, language: str) -> float:
        return natural_seconds(text, language)

    def speak(self, text: str, *, voice: Voice, language: str, seconds: float | None, seed: int) -> Spoken:
        """Speak as near to `seconds` as several takes and stretching by 15 % come."""
        tag = base(language)
        known = {name: packed(array) for name, array in voice.items()}

        def say(piece: str, number: int) -> tuple[Samples, int]:
            answer = self._seat.ask("speak", text=piece, language=_NAMES.get(tag, tag), seed=number, voice=known)
            return np.asarray(unpacked(answer["samples"])), int(answer["rate"])

        limit = _UNSPACED_LIMIT if tag in ("ja", "zh", "ko") else LIMIT
        return performing.speak(say, performing.Wish(text, language, seconds, seed, self._takes, limit))
