"""Public fakes, one of each kind: deterministic, without weights, done in milliseconds.

They are honest toys: the fake transcriber hears where there is sound, the face finder finds skin-coloured discs, the
fake voice hums for as long as the text takes. A pipeline of fakes runs whole films in seconds and is what tests, and
people who write stages or backends, stand on. Films that suit them are drawn by `dubsync.testing.talking`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.backends.protocols import (
    Capabilities,
    Enrolled,
    Face,
    Footage,
    Patch,
    Picture,
    Progress,
    Pronounced,
    Samples,
    SourceLine,
    Spoken,
    Transcript,
    TranslatedLine,
    Voice,
)
from dubsync.errors import Flag, Severity
from dubsync.face import geometry
from dubsync.timing import Span, seconds
from dubsync.title import Candidate, Phone, Utterance, Word, content_id

_RATE = 16000
_STEP = 0.02
_PAUSE_STEPS = 20
_LOUD = 0.02
_SYLLABLE_S = 0.16


class FakeSeparator:
    """Calls everything above the noise dialogue, block by block; the bed is what is left."""

    capabilities = Capabilities(name="fake.stems", version="2")

    def separate(self, mixture: Path, dialogue: Path, bed: Path, *, progress: Progress) -> None:
        from dubsync.audio import wav

        film = wav.facts(mixture)
        form = film.sample_rate, film.channels
        with wav.WavWriter(dialogue, *form) as speech, wav.WavWriter(bed, *form) as rest:
            for block in wav.blocks(mixture, size=film.sample_rate // 10):
                spoken = block if np.abs(block).max(initial=0.0) > _LOUD else np.zeros_like(block)
                speech.write(spoken)
                rest.write(block - spoken)
        progress(1.0)


class FakeTranscriber:
    """Hears an utterance wherever there is sound, one word for each 0.3 s of it."""

    capabilities = Capabilities(name="fake.asr", version="1")

    def transcribe(self, speech: Path, *, language: str | None, progress: Progress) -> Transcript:
        spans = list(_loud_spans(speech))
        progress(1.0)
        return Transcript(language or "en", 1.0, tuple(_utterance(span) for span in spans))


def _loud_spans(speech: Path) -> Iterator[Span]:
    import soundfile

    loud = [
        float(np.abs(block).max(initial=0.0)) > _LOUD
        for block in soundfile.blocks(str(speech), int(_STEP * _RATE), dtype="float32")
    ]
    steps = np.flatnonzero(loud)
    if not len(steps):
        return
    cuts = [0, *(np.flatnonzero(np.diff(steps) > _PAUSE_STEPS) + 1).tolist(), len(steps)]
    for first, stop in pairwise(cuts):
        yield Span(Fraction(int(steps[first]), 50), Fraction(int(steps[stop - 1]) + 1, 50))


def _utterance(span: Span) -> Utterance:
    count = max(1, round(float(span.duration) / 0.3))
    share = span.duration / count
    words = tuple(
        Word(f"word{n}", Span(span.start + n * share, span.start + (n + 1) * share), 1.0) for n in range(count)
    )
    text = " ".join(word.text for word in words) + "."
    return Utterance(content_id("utterance", text, span.start), text, span, words, confidence=1.0)


class FakeAligner:
    """Agrees with every time it is shown."""

    capabilities = Capabilities(name="fake.align", version="1")

    def align(self, speech: Path, transcript: Transcript, *, progress: Progress) -> Transcript:
        progress(1.0)
        return transcript


class FakeSpeakerEncoder:
    """Tells voices by their pitch: the spectrum below 1 kHz in 16 bands."""

    capabilities = Capabilities(name="fake.speaker", version="1")

    def embed(self, samples: Samples, sample_rate: int) -> NDArray[np.float32]:
        spectrum = np.abs(np.fft.rfft(samples, n=max(len(samples), 4096)))
        top = int(1000 / (sample_rate / 2) * len(spectrum))
        bands = np.array([band.mean() for band in np.array_split(spectrum[:top], 16)], np.float32) + 1e-6
        unit: NDArray[np.float32] = (bands / np.linalg.norm(bands)).astype(np.float32)
        return unit


class FakeTranslator:
    """Says each word in brackets with the language's tag."""

    capabilities = Capabilities(name="fake.mt", version="1")
    is_draft = True

    def translate(
        self, lines: Sequence[SourceLine], *, source: str, target: str, glossary: Mapping[str, str], progress: Progress
    ) -> tuple[TranslatedLine, ...]:
        progress(1.0)
        return tuple(TranslatedLine(line.id, (Candidate(_fake_words(line.text, target, glossary)),)) for line in lines)


def _fake_words(text: str, target: str, glossary: Mapping[str, str]) -> str:
    return " ".join(glossary.get(word, f"{word}{target}") for word in text.rstrip(".").split()) + "."


class FakeVoice:
    """Hums: a tone at the voice's pitch, one syllable for each word, exactly as long as asked."""

    capabilities = Capabilities(name="fake.voice", version="1", needs_consent=True)

    def enroll(self, samples: Samples, sample_rate: int, *, language: str, progress: Progress) -> Enrolled:
        spectrum = np.abs(np.fft.rfft(samples, n=max(len(samples), 4096)))
        hertz = np.fft.rfftfreq(max(len(samples), 4096), 1 / sample_rate)
        pitch = float(hertz[hertz > 60][int(np.argmax(spectrum[hertz > 60]))])
        progress(1.0)
        return Enrolled({"pitch": np.array([min(pitch, 400.0)], np.float32)}, similarity=1.0)

    def named(self, name: str, language: str) -> Voice:
        """Return a voice whose pitch is made from the name."""
        return {"pitch": np.array([100 + sum(name.encode()) % 200], np.float32)}

    def duration(self, text: str, *, voice: Voice, language: str) -> float:
        return max(1, len(text.split())) * 2 * _SYLLABLE_S

    def speak(self, text: str, *, voice: Voice, language: str, seconds: float | None, seed: int) -> Spoken:
        natural = self.duration(text, voice=voice, language=language)
        wanted = min(max(seconds or natural, natural / 1.2), natural / 0.85)
        time = np.arange(round(wanted * 24000)) / 24000
        pitch = float(np.asarray(voice["pitch"]).ravel()[0])
        words = text.split() or ["?"]
        beats = 0.5 - 0.5 * np.cos(2 * np.pi * time * len(words) / wanted)
        samples = (0.3 * beats * np.sin(2 * np.pi * pitch * time)).astype(np.float32)
        return Spoken(samples, 24000, natural, _even_words(words, wanted))


def _even_words(words: Sequence[str], length: float) -> tuple[Word, ...]:
    share = length / len(words)
    return tuple(Word(word, Span(seconds(n * share), seconds((n + 1) * share))) for n, word in enumerate(words))


class FakePhones:
    """Lets the letters of a text share the time of the recording; finds nothing in silence."""

    capabilities = Capabilities(name="fake.phones", version="1")

    def find(self, samples: Samples, sample_rate: int, *, text: str, language: str) -> Pronounced:
        letters = [letter for letter in text.lower() if letter.isalpha()]
        if not letters or not np.abs(samples).max(initial=0.0) > 1e-3:
            flag = Flag(Severity.WARNING, "phones-not-found", "", "silence", "bring sound")
            return Pronounced(flags=(flag,))
        length = len(samples) / sample_rate
        phones = (Phone(word.text, word.span) for word in _even_words(letters, length))
        return Pronounced(_even_words(text.split(), length), tuple(phones))


class FakeWordless:
    """Finds variety in noise, and none in a steady tone."""

    capabilities = Capabilities(name="fake.wordless", version="1")

    def variety(self, samples: Samples, sample_rate: int) -> float:
        if not np.abs(samples).max(initial=0.0) > 1e-3:
            return 0.0
        spectrum = np.abs(np.fft.rfft(samples))
        return float(2 * (1 - spectrum.max() / spectrum.sum()))


class FakeFaceFinder:
    """Finds the skin-coloured disc of a film drawn by `dubsync.testing.talking`, with a schematic mesh laid over it."""

    capabilities = Capabilities(name="fake.face", version="1")

    def find(self, frames: Iterable[Picture]) -> Iterator[tuple[Face, ...]]:
        for frame in frames:
            red, green, blue = (frame[..., channel].astype(int) for channel in range(3))
            rows, columns = np.nonzero((red > 180) & (green > 120) & (green < 200) & (blue < 170) & (red - blue > 50))
            if len(rows) < 0.01 * red.size:
                yield ()
                continue
            box = (float(columns.min()), float(rows.min()), float(columns.max()), float(rows.max()))
            yield (Face(box, 1.0, schematic_face(box, _opening(red, green, blue, box))),)


def _opening(red: NDArray[np.int_], green: NDArray[np.int_], blue: NDArray[np.int_], box: Sequence[float]) -> float:
    """Return the height of the drawn mouth, dark red, as a share of the face's."""
    low, high = int((box[1] + box[3]) / 2), int(box[3]) + 1
    inside = (slice(low, high), slice(int(box[0]), int(box[2]) + 1))
    rows = np.nonzero((red[inside] > green[inside] + 20) & (red[inside] < 150) & (blue[inside] < 90))[0]
    return float(rows.max() - rows.min() + 1) / (box[3] - box[1]) / 2 if len(rows) else 0.01


def schematic_face(box: tuple[float, float, float, float], opening: float = 0.1) -> NDArray[np.float32]:
    """Return (468, 3) landmarks of a plain frontal face that fills the box; `opening`: of the lips, as share of it."""
    x0, y0, x1, y1 = box
    middle, width, height = (x0 + x1) / 2, x1 - x0, y1 - y0
    points = np.zeros((468, 3), np.float32)
    angle = np.linspace(0, 2 * np.pi, 468, endpoint=False)
    points[:, 0] = middle + 0.4 * width * np.sin(angle)
    points[:, 1] = (y0 + y1) / 2 - 0.4 * height * np.cos(angle)
    points[:, 2] = -0.1 * width * np.cos(angle)
    _ring(points, geometry.JAW_LINE, middle, y0 + 0.5 * height, 0.48 * width, 0.5 * height, half=True)
    for ring, size in ((geometry.OUTER_LIPS, opening + 0.05), (geometry.INNER_LIPS, opening)):
        _ring(points, ring, middle, y0 + 0.75 * height, 0.18 * width, size * height)
    centimetre = 0.06 * width
    for index, (x, y, z) in geometry.HEAD.items():
        points[index] = middle + x * centimetre, y0 + 0.55 * height - y * centimetre, -z * centimetre
    for index, x, y in ((2, 0, 0.62), (98, -0.07, 0.6), (327, 0.07, 0.6), (234, -0.48, 0.45), (454, 0.48, 0.45)):
        points[index, :2] = middle + x * width, y0 + y * height
    return points


def _ring(  # noqa: PLR0913 - an ellipse
    points: NDArray[np.float32], ring: Sequence[int], x: float, y: float, a: float, b: float, *, half: bool = False
) -> None:
    angle = np.linspace(np.pi, 0, len(ring)) if half else np.linspace(np.pi, 3 * np.pi, len(ring), endpoint=False)
    sign = 1.0 if half else -1.0
    points[list(ring), 0] = x + a * np.cos(angle)
    points[list(ring), 1] = y + b * np.sin(angle) * (1.0 if half else -sign)


class FakeLips:
    """Opens the lips as far as the speech is loud."""

    capabilities = Capabilities(name="fake.lips", version="1")

    def opening(self, speech: Samples, seconds: NDArray[np.float64]) -> NDArray[np.float32]:
        power = np.convolve(np.square(speech, dtype=np.float64), np.ones(640) / 640, mode="same")
        places = np.clip((np.asarray(seconds) * _RATE).astype(int), 0, len(power) - 1)
        return np.asarray(0.5 * np.sqrt(power[places]), np.float32)


class FakeSyncScorer:
    """Believes the mouth that opens widest."""

    capabilities = Capabilities(name="fake.sync", version="1")

    def score(self, landmarks: NDArray[np.float32], fps: float, speech: Samples) -> float:
        opening = geometry.mouth_opening(landmarks)
        return min(1.0, float(opening.max() - opening.min()))


class FakeMouth:
    """Paints a dark mouth that opens with the loudness of the new speech."""

    capabilities = Capabilities(name="fake.mouth", version="2", needs_consent=True)

    def learn(
        self, footage: Sequence[Footage], out: Path, *, seconds: float, seed: int, progress: Progress
    ) -> tuple[Flag, ...]:
        out.mkdir(parents=True, exist_ok=True)
        facts = {"frames": int(sum(len(each.numbers) for each in footage)), "painter": "a dark mouth, not trained"}
        (out / "actor.json").write_text(json.dumps(facts), encoding="utf-8")
        progress(1.0)
        return ()

    def perform(self, actor: Path, footage: Footage, *, progress: Progress) -> Iterator[Patch]:
        was = footage.speaking if footage.was_speaking is None else footage.was_speaking
        for row, number in enumerate(footage.numbers):
            if footage.usable[row] and (footage.speaking[row] or was[row]):
                yield _painted(footage, row, int(number))
            progress((row + 1) / len(footage.numbers))


def _painted(footage: Footage, row: int, number: int) -> Patch:
    time = float(footage.times[number - footage.first]) - footage.speech_start
    heard = footage.speech[max(0, int((time - 0.02) * _RATE)) : max(0, int((time + 0.02) * _RATE))]
    level = min(1.0, 4 * float(np.sqrt(np.mean(heard**2)))) if len(heard) else 0.0
    lips = footage.landmarks[row][list(geometry.OUTER_LIPS), :2]
    size = 32
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    pixels = np.full((size, size, 3), (200, 150, 120), np.uint8)
    pixels[(x**2 + (y / max(0.1, level)) ** 2) < 0.6] = (60, 20, 20)
    mask = np.where(x**2 + y**2 < 0.8, 255, 0).astype(np.uint8)
    low, high = lips.min(0), lips.max(0)
    scale = (high - low) / (size - 1)
    affine = np.array([[scale[0], 0, low[0]], [0, scale[1], low[1]]], np.float32)
    return Patch(number, pixels, mask, affine)


FAKES: Mapping[str, Any] = {
    "stems": FakeSeparator,
    "asr": FakeTranscriber,
    "align": FakeAligner,
    "speaker": FakeSpeakerEncoder,
    "mt": FakeTranslator,
    "voice": FakeVoice,
    "phones": FakePhones,
    "wordless": FakeWordless,
    "face": FakeFaceFinder,
    "lips": FakeLips,
    "sync": FakeSyncScorer,
    "mouth": FakeMouth,
}
"""The fake of each kind."""
