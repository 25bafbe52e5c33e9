"""voice.recorded: people's recorded lines instead of synthesis (the `adr` pipeline); voice.keep: the original sound.

Neither makes a sound. They name the file that the voice stage cuts each line from: the line's own in the folder
`recorded.<language>` of the title folder, else `recorded.<language>.wav` there, or the film's own dialogue.
"""

from __future__ import annotations

from dubsync.backends.protocols import Brought, Capabilities, Enrolled, Progress, Recording, Samples, Spoken, Voice
from dubsync.errors import InputError, PermanentError
from dubsync.text.duration import natural_seconds


class RecordedVoice:
    """A person spoke the lines; their recording lies beside the film."""

    capabilities = Capabilities(name="voice.recorded", version="2", licence="Apache-2.0")

    def recording(self, brought: Brought) -> Recording | None:
        """Return the line's own file, else the one on the film's clock; None where only other lines were recorded."""
        if brought.alone.is_file():
            return Recording(brought.alone, is_on_clock=False)
        if brought.stem.is_file():
            return Recording(brought.stem, is_on_clock=True)
        if brought.alone.parent.is_dir():
            return None
        raise InputError(
            f"neither {brought.stem.name} nor the folder {brought.alone.parent.name} is in the title folder",
            hint="bring the recorded dialogue with --recorded: one WAV that starts with the film, or one for each line",
        )

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

    def recording(self, brought: Brought) -> Recording | None:
        """Return the film's own dialogue."""
        return Recording(brought.dialogue, is_on_clock=True, is_original=True)
