"""voice.recorded: people's recorded lines instead of synthesis (the `adr` pipeline); voice.keep: the original sound.

Neither makes a sound. They name the file on the film's clock that the voice stage cuts each line from:
`recorded.<language>.wav` in the title folder, or the film's own dialogue.
"""

from __future__ import annotations

from pathlib import Path

from dubsync.backends.protocols import Capabilities, Enrolled, Progress, Samples, Spoken, Voice
from dubsync.errors import InputError, PermanentError
from dubsync.text.duration import natural_seconds


class RecordedVoice:
    """A person spoke the lines; their recording lies beside the film."""

    capabilities = Capabilities(name="voice.recorded", version="1", licence="Apache-2.0")

    def recording(self, brought: Path, dialogue: Path) -> Path:
        """Return the file, on the film's clock, that lines are cut from."""
        if not brought.is_file():
            raise InputError(
                f"{brought.name} is not in the title folder",
                hint="bring the recorded dialogue as one WAV that starts with the film",
            )
        return brought

    def enroll(self, samples: Samples, sample_rate: int, *, language: str, progress: Progress) -> Enrolled:
        """Return an empty voice: the recording is the voice."""
        return Enrolled({})

    def duration(self, text: str, *, voice: Voice, language: str) -> float:
        return natural_seconds(text, language)

    def speak(self, text: str, *, voice: Voice, language: str, seconds: float | None, seed: int) -> Spoken:
        raise PermanentError(f"{self.capabilities.name} cannot speak {text[:40]!r}: it only plays what was recorded")


class KeepVoice(RecordedVoice):
    """The film's own voices stay; only mouths move."""

    capabilities = Capabilities(name="voice.keep", version="1", licence="Apache-2.0")

    def recording(self, brought: Path, dialogue: Path) -> Path:
        return dialogue
