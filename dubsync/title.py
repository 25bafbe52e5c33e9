"""The nouns of the trade. Frozen, made of tuples, without behaviour beyond naming themselves.

A title is a film with everything made from it. Ids come from content, never from running numbers, so that an
inserted line does not rename the rest.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from fractions import Fraction

from dubsync.errors import Flag, Severity
from dubsync.timing import Span

__all__ = [
    "AudioTrack",
    "Candidate",
    "Casting",
    "Dub",
    "FaceTrack",
    "Flag",
    "Line",
    "Phone",
    "Severity",
    "Shot",
    "Source",
    "Speaker",
    "SubtitleTrack",
    "Title",
    "Utterance",
    "VideoTrack",
    "Word",
    "content_id",
]


def content_id(prefix: str, *parts: object) -> str:
    """Return a short id made from what it names.

    >>> content_id("line", "hello", 3)
    'line-7b888c3f'
    """
    text = "\x1f".join(str(part) for part in parts)
    return f"{prefix}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """The picture as it is coded. `width`, `height`: pixels before rotation; `rotation`: degrees clockwise."""

    index: int
    codec: str
    width: int
    height: int
    frames: int
    rate: Fraction
    time_base: Fraction
    is_variable_rate: bool
    pixel_format: str
    rotation: int = 0
    sample_aspect: Fraction = Fraction(1)
    color_primaries: int = 2
    color_transfer: int = 2
    color_matrix: int = 2
    color_range: int = 0


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """A sound track. `offset`: seconds its first sample lies after the first frame of the picture.

    `bits`: of a sample, 16, 24, or 32 for floats, where the track is coded without loss; None where it is not.
    """

    index: int
    codec: str
    sample_rate: int
    channels: int
    layout: str
    language: str | None = None
    name: str | None = None
    is_default: bool = False
    offset: Fraction = Fraction(0)
    bits: int | None = None


@dataclass(frozen=True, slots=True)
class SubtitleTrack:
    """A subtitle track of the source, carried along untouched."""

    index: int
    codec: str
    language: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """What the film is: the facts that must come out as they went in. `duration`: seconds of picture.

    `timecode`: seconds since midnight at which its first frame stands, 0 where its container names none.
    """

    name: str
    sha256: str
    container: str
    duration: Fraction
    video: VideoTrack
    audio: tuple[AudioTrack, ...]
    subtitles: tuple[SubtitleTrack, ...] = ()
    timecode: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Shot:
    """Frames `[first, stop)`, 0-based, without a cut inside.

    Long shots are worked on in pieces: `continues` is true where a piece goes on from the one before without a cut.
    """

    id: str
    first: int
    stop: int
    span: Span
    continues: bool = False


@dataclass(frozen=True, slots=True)
class FaceTrack:
    """One face through one shot. Numbers per frame lie in the `.npz` beside, under this id.

    `size`: median distance of the eye centres in pixels. `yaw`: median degrees. `found`: share of frames with a face.
    """

    id: str
    shot: str
    first: int
    stop: int
    size: float
    yaw: float
    found: float
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """One spoken word; `confidence` 0 to 1, None where the recogniser gives none."""

    text: str
    span: Span
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Phone:
    """One speech sound. `symbol`: IPA, as the voice that said it writes it; `span`: when it is heard."""

    symbol: str
    span: Span


@dataclass(frozen=True, slots=True)
class Utterance:
    """What one speaker says without a long pause, in the film's language."""

    id: str
    text: str
    span: Span
    words: tuple[Word, ...] = ()
    speaker: str | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Speaker:
    """A voice of the film. `seconds`: of clean speech found. `tracks`: faces that speak with it."""

    id: str
    name: str
    seconds: float
    tracks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to say a line; `seconds`: predicted natural duration, `score`: the translator's, higher is better."""

    text: str
    score: float = 0.0
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """The unit a translator edits: a text that one speaker says within a span."""

    id: str
    utterance: str
    text: str
    span: Span
    speaker: str | None = None
    candidates: tuple[Candidate, ...] = ()
    voice: str | None = None
    lock: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Casting:
    """What a person decided about the speakers, as pairs of speaker id and decision.

    `voices`: who speaks for whom. `address`: formal or informal. `gender`: female, male or neutral.
    """

    voices: tuple[tuple[str, str], ...] = ()
    address: tuple[tuple[str, str], ...] = ()
    gender: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Title:
    """A film and the folder that everything made from it lives in."""

    name: str
    film: str
    folder: str
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dub:
    """What one language came to: the paths of its files and what is not as it should be."""

    language: str
    video: str | None
    subtitles: tuple[str, ...]
    report: str | None
    flags: tuple[Flag, ...] = field(default=())
