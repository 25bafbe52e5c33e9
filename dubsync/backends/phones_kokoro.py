"""phones.kokoro: when each sound of a known text is heard in anybody's recording of it.

Kokoro says the text too, in the same time, and knows when it says what; what it says is laid over the recording by
dynamic time warping (audio/following.py). Two kinds of features tell how alike two moments are: what Whisper's encoder
makes of them, which cares little for whose voice it is, and mel cepstra, which are sharper in time. `dubsync bench
text` measures it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import features, following
from dubsync.audio.following import FRAMES_PER_SECOND, RATE
from dubsync.backends.kokoro.engine import RATE as SPOKEN_RATE
from dubsync.backends.kokoro.engine import Engine
from dubsync.backends.kokoro.espeak import Espeak
from dubsync.backends.kokoro.languages import LANGUAGES, Speech, speech_of
from dubsync.backends.kokoro.speech import Speaker, Utterance
from dubsync.backends.kokoro.voices import Library, plain
from dubsync.backends.protocols import Capabilities, Pronounced, Samples
from dubsync.errors import Flag, PermanentError, Severity
from dubsync.mouth.closures import CLOSED
from dubsync.mouth.hearing import Ear, at_times
from dubsync.timing import Span, seconds
from dubsync.title import Phone, Word

VOICE, EAR = "kokoro", "whisper-tiny-en"
MOST_DOUBT = 0.8
"""`following.Path.doubt` above which text and sound have too little in common."""
MOST_S = 60.0
_BY_EAR = 0.7
"""Share of Whisper's features in the distance."""
_HIGH_HZ = 165.0
"""Pitch from which the guide is a woman."""
_SHORTEST_S = 0.1
_AROUND = 2
"""Frames that a sound may begin before the first of its own, or end after the last."""
_REACH_S, _FAR_DB, _OVER_HZ = 0.05, 30.0, 300.0
"""A closure lies at the quietest moment above 300 Hz within 50 ms; one so far away must be 30 dB quieter."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """Features of a sound by frames. `ear`, `mel`: (n, width); `levels`: (n,) dB."""

    ear: NDArray[np.float32]
    mel: NDArray[np.float32]
    levels: NDArray[np.float32]


class KokoroPhones:
    """Finds the sounds of a text in a recording of it, in every language that Kokoro speaks."""

    capabilities = Capabilities(
        name="phones.kokoro", version="1", languages=tuple(speech.tag for speech in LANGUAGES), weights=(VOICE, EAR)
    )

    def __init__(self, *, threads: int = 1) -> None:
        self._threads = threads

    @cached_property
    def _library(self) -> Library:
        from dubsync.weights import resolve

        return Library(resolve(VOICE))

    @cached_property
    def _speaker(self) -> Speaker:
        from dubsync.weights import resolve

        return Speaker(Engine(resolve(VOICE), threads=self._threads), Espeak())

    @cached_property
    def _ear(self) -> Ear:
        from dubsync.weights import resolve

        return Ear(resolve(EAR), threads=self._threads)

    def find(
        self, samples: Samples, sample_rate: int, *, text: str, language: str, guide: str | None = None
    ) -> Pronounced:
        """Return times within mono `samples` (n,); `guide`: the voice that says the text, else one of a like pitch."""
        recorded = features.resample(samples, sample_rate, RATE)
        said_s = float(features.active(recorded, RATE).sum()) / 100
        if said_s < _SHORTEST_S or len(recorded) > MOST_S * RATE:
            return _missed(f"{len(recorded) / RATE:.1f} s of sound, {said_s:.1f} of them loud: too little or too much")
        speech = speech_of(language)
        style = self._library.style(guide or _like(recorded, speech))
        try:
            said = self._speaker.speak(text, plain(style, style), speech, said_s)
        except PermanentError as error:
            return _missed(error.message)
        return self._laid_over(recorded, said)

    def _laid_over(self, recorded: Samples, said: Utterance) -> Pronounced:
        own, theirs = self._hear(recorded), self._hear(features.resample(said.samples, SPOKEN_RATE, RATE))
        sounds = [(float(phone.span.start), float(phone.span.end)) for phone in said.phones]
        kept = np.flatnonzero(following.sounding(theirs.levels, sounds))
        distance = _apart(own, theirs)[:, kept]
        starts = [round(float(word.span.start) * FRAMES_PER_SECOND) for word in said.words]
        path = following.path(distance, own.levels, np.searchsorted(kept, starts).tolist())
        if path.doubt > MOST_DOUBT:
            return _missed(f"the sound is not that of the text (doubt {path.doubt:.2f}, at most {MOST_DOUBT})")
        moved = _Moved(path.place, kept, len(recorded) / RATE)
        words = tuple(Word(word.text, moved.span(word.span)) for word in said.words)
        phones = [Phone(phone.symbol, moved.span(phone.span)) for phone in said.phones]
        return Pronounced(words, _met(phones, recorded))

    def _hear(self, sound: Samples) -> _Heard:
        levels = following.level_db(sound)
        heard = at_times(self._ear.recognise(sound), np.arange(len(levels)) / FRAMES_PER_SECOND)
        middled = heard - heard.mean(axis=0)
        unit = middled / np.maximum(np.linalg.norm(middled, axis=1, keepdims=True), 1e-6)
        return _Heard(np.asarray(unit, np.float32), following.cepstra(sound), levels)


class _Moved:
    """Times of the guide on the recording's clock. `place`: see `following.Path`; `kept`: the guide's frames in it."""

    def __init__(self, place: NDArray[np.int64], kept: NDArray[np.int64], length_s: float) -> None:
        rows = np.flatnonzero(place >= 0)
        seen, first, count = np.unique(place[rows], return_index=True, return_counts=True)
        every = np.arange(len(kept))
        self._first, self._last = (np.interp(every, seen, rows[one]) for one in (first, first + count - 1))
        self._middle = (self._first + self._last) / 2
        self._times, self._length = kept.astype(np.float64), seconds(length_s)

    def span(self, span: Span) -> Span:
        """Return when a sound is heard; a pause before or after it is none of it."""
        start, end = (float(edge) * FRAMES_PER_SECOND for edge in (span.start, span.end))
        last = len(self._times) - 1
        first_in = min(int(np.searchsorted(self._times, start)), last)
        last_in = max(int(np.searchsorted(self._times, end, side="right")) - 1, 0)
        begins = max(float(np.interp(start, self._times, self._middle)), self._first[first_in] - _AROUND)
        ends = min(float(np.interp(end, self._times, self._middle)), self._last[last_in] + _AROUND)
        low, high = (seconds(float(edge) / FRAMES_PER_SECOND) for edge in (begins, ends))
        low = min(max(low, seconds(0)), self._length)
        return Span(low, min(max(low, high), self._length))


def _apart(one: _Heard, other: _Heard) -> NDArray[np.float32]:
    by_ear, by_mel = following.apart(one.ear, other.ear), following.apart(one.mel, other.mel)
    return np.asarray(_BY_EAR * by_ear + (1 - _BY_EAR) * by_mel, np.float32)


def _like(recorded: Samples, speech: Speech) -> str:
    """Return the language's own voice that is nearer in pitch."""
    curve = features.pitch(recorded, RATE)
    voiced = curve[curve > 0]
    return speech.female if len(voiced) and float(np.median(voiced)) >= _HIGH_HZ else speech.male


def _met(phones: Sequence[Phone], recorded: Samples) -> tuple[Phone, ...]:
    """Return the sounds with p, b and m where the voice is quietest for them, between the sounds beside them."""
    hop = RATE // 200
    window = np.hanning(2 * RATE // 100).astype(np.float32)
    power = features.power_spectrum(recorded, window=window, size=512, hop=hop, centred=True)
    over = power[:, round(_OVER_HZ * 512 / RATE) :].sum(axis=1)
    quiet = np.convolve(10 * np.log10(over + 1e-8), np.ones(5) / 5, "same")
    moved = [
        replace(phone, span=_quietest(phone.span, quiet, hop / RATE)) if phone.symbol in CLOSED else phone
        for phone in phones
    ]
    return tuple(sorted(moved, key=lambda phone: phone.span.start))


def _quietest(span: Span, levels: NDArray[np.float64], step_s: float) -> Span:
    """Return a span moved to where the level is least, `_REACH_S` away at most."""
    reach = round(_REACH_S / step_s)
    middle = round(float(span.start + span.end) / 2 / step_s)
    low, high = max(middle - reach, 0), min(middle + reach + 1, len(levels))
    places = np.arange(low, high)
    if len(places) == 0:
        return span
    cost = levels[low:high] + _FAR_DB * ((places - middle) / reach) ** 2
    shift = max(seconds(float(places[np.argmin(cost)] - middle) * step_s), -span.start)
    return span.shift(shift)


def _missed(why: str) -> Pronounced:
    hint = "compare the line's text with what is said; lips follow the sound alone here"
    return Pronounced(flags=(Flag(Severity.WARNING, "phones-not-found", "", why, hint),))
