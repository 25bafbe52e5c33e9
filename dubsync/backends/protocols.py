"""What an engine must be able to do, one small protocol per kind, and what it says of itself as data.

A backend is one class with a `capabilities` value and the one or two verbs of its kind. Arrays are numpy;
sound is float32 in [-1, 1]; pictures are RGB uint8 `(height, width, 3)` unless stated. Long sound passes as
WAV files so that memory does not grow with the film.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dubsync.timing import Span
from dubsync.title import Candidate, Flag, Phone, Utterance, Word

Samples = NDArray[np.float32]
Picture = NDArray[np.uint8]
Progress = Callable[[float], None]
"""Called now and then with the share done, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend is, checked before the first unit runs. `languages`: BCP 47 tags, empty for any.

    For a translator `languages` holds pairs such as "en-es", `honours` which of a line's `MANNERS` it heeds, and
    `scripted` that it works line by line from a script somebody brings. `weights`: registry names it needs.
    `voices_of`: earlier versions of a voice engine whose kept voices this one speaks as they did.
    """

    name: str
    version: str
    languages: tuple[str, ...] = ()
    devices: tuple[str, ...] = ("cpu",)
    network: bool = False
    licence: str = "Apache-2.0"
    commercial_use: bool = True
    needs_consent: bool = False
    deterministic: bool = True
    weights: tuple[str, ...] = ()
    extra: str | None = None
    honours: tuple[str, ...] = ()
    scripted: bool = False
    voices_of: tuple[str, ...] = ()


class Backend(Protocol):
    """Every backend says what it is."""

    capabilities: Capabilities


@runtime_checkable
class Separator(Backend, Protocol):
    """Divides a mix into dialogue and everything else (music and effects)."""

    def separate(self, mixture: Path, dialogue: Path, bed: Path, *, progress: Progress) -> None:
        """Write two float32 WAV files of the mixture's rate, channels and length; their sum is the mixture."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was heard. `language`: BCP 47 tag; `confidence` of that, 0 to 1."""

    language: str
    confidence: float
    utterances: tuple[Utterance, ...]


@runtime_checkable
class Transcriber(Backend, Protocol):
    """Hears speech."""

    def transcribe(self, speech: Path, *, language: str | None, progress: Progress) -> Transcript:
        """Return utterances with word times from a mono 16 kHz WAV; `language` None: find out."""


@runtime_checkable
class Aligner(Backend, Protocol):
    """Gives words better times."""

    def align(self, speech: Path, transcript: Transcript, *, progress: Progress) -> Transcript:
        """Return the same transcript, no word dropped, with times corrected where this engine can."""


@runtime_checkable
class SpeakerEncoder(Backend, Protocol):
    """Says whose voice it is, as a vector."""

    def embed(self, samples: Samples, sample_rate: int) -> NDArray[np.float32]:
        """Return a unit vector of mono speech; the cosine of two says how alike the voices are."""


MANNERS = ("address", "gender")
"""How somebody speaks, where a person said so; fields of `SourceLine`."""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line to translate. `seconds`: time there is to say it. `span`: when it is said, of a line that is whole.

    `address`: how the speaker addresses people, "formal" or "informal". `gender`: the speaker's, "female", "male" or
    "neutral". None where nobody said. `characters`: most that can be read in its time, of a line that is shown and
    not spoken.
    """

    id: str
    text: str
    seconds: float
    speaker: str | None = None
    span: Span | None = None
    address: str | None = None
    gender: str | None = None
    characters: int | None = None


@dataclass(frozen=True, slots=True)
class TranslatedLine:
    """Candidates for one line, best first, never empty, never an empty text."""

    id: str
    candidates: tuple[Candidate, ...]
    flags: tuple[Flag, ...] = ()


@runtime_checkable
class Translator(Backend, Protocol):
    """Translates lines. Ids, count and order stay as they were."""

    def translate(
        self, lines: Sequence[SourceLine], *, source: str, target: str, glossary: Mapping[str, str], progress: Progress
    ) -> tuple[TranslatedLine, ...]:
        """Return one TranslatedLine for each line, in order."""


@runtime_checkable
class Scripted(Protocol):
    """A translator that translates nothing itself, but knows the script in which people did."""

    def of(self, script: Path) -> Translator:
        """Return the translator that has the lines of this script (`dubsync.script` JSON)."""


Voice = Mapping[str, NDArray[np.float32]]
"""A voice as an engine keeps it: named arrays, saved as npz. What they mean is the engine's own affair."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A spoken line. `samples`: mono (n,). `natural_seconds`: how long it takes when nobody is in a hurry.

    `words`, `phones`: times within the samples; no phones where the engine does not know them. `flags`: what could not
    be spoken as asked.
    """

    samples: Samples
    sample_rate: int
    natural_seconds: float
    words: tuple[Word, ...] = ()
    flags: tuple[Flag, ...] = ()
    phones: tuple[Phone, ...] = ()


@dataclass(frozen=True, slots=True)
class Take:
    """A voice that was fitted to a person, saying `text` in `said` (n,), and in `more` further sentences, if any.

    `heard` and `person`: (256,) unit vectors of the two, by the encoder that was not optimised. `sentences`: in how
    many the voice was heard.
    """

    voice: Voice
    text: str
    said: Samples
    sample_rate: int
    heard: NDArray[np.float32]
    person: NDArray[np.float32]
    sentences: int = field(default=1, kw_only=True)
    more: tuple[tuple[str, Samples], ...] = field(default=(), kw_only=True)

    @property
    def likeness(self) -> float:
        """Return the cosine of take and person."""
        return float(self.heard @ self.person)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A voice fitted to a speaker, and how near it came (cosine; by the encoder that was not optimised).

    `takes`: what was tried, for whoever chooses among them; the most alike, whose voice this is, first. None of a stock
    voice. `stock`: a stock voice that nobody chose, so that another one may be taken for it.
    """

    voice: Voice
    similarity: float | None = None
    flags: tuple[Flag, ...] = ()
    notes: Mapping[str, float] = field(default_factory=dict)
    takes: tuple[Take, ...] = ()
    stock: Take | None = None


@runtime_checkable
class VoiceCloner(Backend, Protocol):
    """Speaks in a given voice."""

    def enroll(self, samples: Samples, sample_rate: int, *, language: str, progress: Progress) -> Enrolled:
        """Fit a voice that speaks `language` to mono clean speech of one person."""

    def duration(self, text: str, *, voice: Voice, language: str) -> float:
        """Return the natural duration of the text in seconds, without speaking it."""

    def speak(self, text: str, *, voice: Voice, language: str, seconds: float | None, seed: int) -> Spoken:
        """Speak; `seconds`: wanted duration, met as far as the engine can without sounding rushed or slack."""


@dataclass(frozen=True, slots=True)
class Pronounced:
    """When the words and sounds of a known text are said in a recording; none where that was not found, see `flags`."""

    words: tuple[Word, ...] = ()
    phones: tuple[Phone, ...] = ()
    flags: tuple[Flag, ...] = ()


@runtime_checkable
class PhoneFinder(Backend, Protocol):
    """Finds the sounds of a text in a recording of it."""

    def find(self, samples: Samples, sample_rate: int, *, text: str, language: str) -> Pronounced:
        """Return times within mono `samples` (n,), ascending by their starts."""


@runtime_checkable
class WordlessJudge(Backend, Protocol):
    """Tells laughs, breaths and cries from words, without knowing what is said."""

    def variety(self, samples: Samples, sample_rate: int) -> float:
        """Return how much mono `samples` (n,) change as speech does: 0 for silence, 1 and more where words may be."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What people may have recorded of a line. Files that need not be there: `alone`, the line by itself; `stem`, all
    lines on the film's clock. `dialogue`: the film's own, which is.
    """

    alone: Path
    stem: Path
    dialogue: Path


@dataclass(frozen=True, slots=True)
class Recording:
    """The file a line is cut from. `is_on_clock`: its first sample is the film's; else it holds the line alone.

    `is_original`: it holds the words that were said in the film, not those of the new line.
    """

    file: Path
    is_on_clock: bool
    is_original: bool = False


@runtime_checkable
class Recordings(Backend, Protocol):
    """Speaks nothing, but knows where people did."""

    def recording(self, brought: Brought) -> Recording | None:
        """Return where the line is; None: nobody recorded it. Raises InputError when nothing at all was recorded."""


@dataclass(frozen=True, slots=True)
class Face:
    """A face in one picture. `landmarks`: (468, 3) float32 pixels, MediaPipe topology. `box`: x0 y0 x1 y1."""

    box: tuple[float, float, float, float]
    score: float
    landmarks: NDArray[np.float32]


@runtime_checkable
class FaceFinder(Backend, Protocol):
    """Finds faces and their dense landmarks, frame after frame of one shot."""

    def find(self, frames: Iterable[Picture]) -> Iterator[tuple[Face, ...]]:
        """Yield the faces of each frame; the finder may use the frame before, so frames come in order."""


@dataclass(frozen=True, slots=True)
class Footage:
    """An actor's face in one shot, for learning and for performing.

    `frames`: makes a fresh stream of (frame number, RGB picture) for the shot's frames, in order.
    `numbers`: (n,) int32 frames with a face. `landmarks`: (n, 468, 3) float32 coded pixels.
    `usable`: (n,) bool, pose and size allow re-synthesis. `speech`: mono 16 kHz of the shot [plus margins];
    sample 0 is at `speech_start` seconds on the clock on which frame k has the time `times[k - first]`.
    `speaking`: (n,) bool, the face's owner speaks in that frame. `times`: (stop - first,) seconds.
    `was_speaking`: (n,) bool, the owner speaks there in the film as it was shot; None: the same as `speaking`.
    `phones`: what the owner says in `speech`, on the clock of `times`; empty where that is not known.
    """

    shot: str
    first: int
    stop: int
    frames: Callable[[], Iterator[tuple[int, Picture]]]
    times: NDArray[np.float64]
    numbers: NDArray[np.int32]
    landmarks: NDArray[np.float32]
    usable: NDArray[np.bool_]
    speaking: NDArray[np.bool_]
    speech: Samples
    speech_start: float
    was_speaking: NDArray[np.bool_] | None = None
    phones: tuple[Phone, ...] = ()


@runtime_checkable
class LipModel(Backend, Protocol):
    """Says how open a mouth is while it says something; a judge of new mouths."""

    def opening(self, speech: Samples, seconds: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the gap between the lips at each time within mono 16 kHz speech, in eye distances."""


@dataclass(frozen=True, slots=True)
class Patch:
    """New pixels for one frame. `pixels`: (h, w, 3) RGB uint8; `mask`: (h, w) uint8, 0 keeps the film.

    `affine`: (2, 3) float32, from patch pixels to coded frame pixels (pixel centres).
    """

    frame: int
    pixels: Picture
    mask: NDArray[np.uint8]
    affine: NDArray[np.float32]


@runtime_checkable
class MouthSynth(Backend, Protocol):
    """Learns an actor's mouth from their own footage and performs new speech with it."""

    def learn(
        self, footage: Sequence[Footage], out: Path, *, seconds: float, seed: int, progress: Progress
    ) -> tuple[Flag, ...]:
        """Write what was learnt into the folder `out`, in at most about `seconds` of training.

        An `actor.json` in it may say in words, as "painter", how the face is painted; reports repeat that.
        """

    def perform(self, actor: Path, footage: Footage, *, progress: Progress) -> Iterator[Patch]:
        """Yield patches, in frame order, for the frames whose mouth must move otherwise than it does.

        `footage.speech` is the new speech and `footage.speaking` says where the new line is spoken. Where only the
        old one was (`was_speaking`), the mouth comes to rest. Other frames are not touched.
        """


@runtime_checkable
class SyncScorer(Backend, Protocol):
    """Says whether a mouth speaks what is heard."""

    def score(self, landmarks: NDArray[np.float32], fps: float, speech: Samples) -> float:
        """Return 0 to 1 for a face (n, 468, 3) in successive frames and mono 16 kHz speech from the first of them on.

        0: at rest. Up to about 0.2 is what a mouth that moves to something else may reach; see `stages/_owners.py`.
        """
