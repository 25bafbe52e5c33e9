"""What can go wrong, drawn as a tree, and `Flag`, for what went on but not as well as it should.

    DubsyncError
      UsageError 2       BadPipeline UnknownLanguage UnknownBackend MissingExtra ConsentMissing EditConflict
      InputError 3       UnreadableMedia NoAudio NoSpeech UnsupportedStream
      MissingWeights 4
      StageFailed 5      (title, stage, unit, attempts, cause)
      SystemRefused 5
      BackendError 5     TransientError PermanentError
      IntegrityError 6   ChecksumMismatch CorruptStore SourceChanged
      Flagged 7          (--strict)
      Unmarked 8         (verify)
      Cancelled 130

A message says what, where and why; `hint` says what to do. Only `dubsync.cli` turns one into an exit status.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DubsyncError(Exception):
    """One clear sentence, a hint, and the exit status the command line ends with."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.hint, self.__dict__.copy()))


def _rebuild(kind: type[DubsyncError], message: str, hint: str, state: dict[str, object]) -> DubsyncError:
    """Restore an error that crossed a process boundary, whatever its constructor asks for."""
    error = kind.__new__(kind)
    Exception.__init__(error, message)
    error.__dict__.update(state)
    error.message, error.hint = message, hint
    return error


class UsageError(DubsyncError):
    """The request cannot be carried out as it was written."""

    exit_code = 2


class BadPipeline(UsageError):
    """A pipeline file does not say something that can be run."""


class UnknownLanguage(UsageError):
    """A language tag is unknown, or nothing here speaks it."""


class UnknownBackend(UsageError):
    """No backend has this name."""


class MissingExtra(UsageError):
    """A backend needs a package that is installed only on request."""


class ConsentMissing(UsageError):
    """Nobody allowed this voice or face to be synthesised for this title and language."""


class EditConflict(UsageError):
    """A line is not what it was when somebody began to change it."""


class InputError(DubsyncError):
    """The film, or another file that was given, cannot be used."""

    exit_code = 3


class UnreadableMedia(InputError, OSError):
    """A media file is missing, empty, truncated or not a media file."""


class NoAudio(InputError):
    """The film has no sound to dub."""


class NoSpeech(InputError):
    """Nobody speaks in the film."""


class UnsupportedStream(InputError):
    """A stream has a property that cannot be kept, so it is refused."""


class MissingWeights(DubsyncError):
    """A model's weights are not in the cache and cannot be fetched."""

    exit_code = 4


class StageFailed(DubsyncError):
    """A unit of work failed; `cause` is what it said."""

    exit_code = 5

    def __init__(  # noqa: PLR0913 - the five facts a person needs to find the unit
        self, message: str, *, title: str, stage: str, unit: str, attempts: int, cause: str, hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.title, self.stage, self.unit = title, stage, unit
        self.attempts, self.cause = attempts, cause


class SystemRefused(DubsyncError):
    """The machine refused a file: the disk is full, or a folder may not be written."""

    exit_code = 5

    @classmethod
    def by(cls, error: OSError) -> SystemRefused:
        """Return what the operating system said as an error of ours."""
        place = f"{error.filename}: " if error.filename else ""
        hint = "what was finished is kept; mend the cause (free the disk, allow writing) and run again"
        return cls(f"{place}{error.strerror}", hint=hint)


class BackendError(DubsyncError):
    """An engine behind a protocol failed."""

    exit_code = 5


class TransientError(BackendError):
    """It may work when tried again (a busy endpoint, a lost connection)."""


class PermanentError(BackendError):
    """Trying again gives the same answer."""


class IntegrityError(DubsyncError):
    """Bytes on disk are not the bytes that were promised."""

    exit_code = 6


class ChecksumMismatch(IntegrityError):
    """A file's SHA-256 is not the one on record."""


class CorruptStore(IntegrityError):
    """A product in the store does not match its manifest."""


class SourceChanged(IntegrityError):
    """The film is not the one this title was begun with."""


class Flagged(DubsyncError):
    """The work is done, but flags were raised and `--strict` was asked for."""

    exit_code = 7


class Unmarked(DubsyncError):
    """A media file was looked through, and nothing in it says that it is synthetic."""

    exit_code = 8


class Cancelled(DubsyncError):
    """A person stopped the work; the next run continues it."""

    exit_code = 130


class Severity(StrEnum):
    """How much a flag matters to somebody who signs off a delivery."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Flag:
    """A result that is not as good as it should be: what, where, and what to do about it.

    `code` is a stable kebab-case name ("draft-translation"); `where` names a line, shot, speaker or time.
    """

    severity: Severity
    code: str
    where: str
    what: str
    hint: str = ""
