"""Fit a voice to a person: a mixture of published timbres, the length of the vocal tract, pitch and range, spectrum.

What a mixture sounds like to the encoder is nearly the mixture of what its voices sound like; so the weights are the
solution of a small ridge regression that starts from the nearest voice. The mixture is then spoken and heard, and by
what it missed the speaker the aim is moved beyond them (`takes`): a Newton step with the table for its slopes. How far
the weights may reach beyond the voices is bounded: further out more likeness is to be had, and words are lost for it.
Whoever speaks enough to be worth it is then brought nearer by the gradient (`descent`). What fitting gains and costs:
docs/voice.md.

One encoder (speaker.resemblyzer) aims; another (speaker.voicefilter), which nothing aims at, judges: the take it finds
most like the person is kept, and where that is no better than the language's own voice, the latter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import features
from dubsync.backends.kokoro import mixture
from dubsync.backends.kokoro import table as tables
from dubsync.backends.kokoro.engine import RATE, TIMBRE
from dubsync.backends.kokoro.languages import Speech
from dubsync.backends.kokoro.speech import Speaker, tract
from dubsync.backends.kokoro.takes import Fitted, Person, Stock, Studio, sentence_of
from dubsync.backends.kokoro.voices import LEFT_OUT, Library, plain
from dubsync.backends.protocols import Enrolled, SpeakerEncoder, Take, Voice
from dubsync.backends.speaker_resemblyzer import ResemblyzerEncoder
from dubsync.backends.speaker_voicefilter import VoicefilterEncoder
from dubsync.errors import Flag, Severity

if TYPE_CHECKING:
    from dubsync.backends.kokoro.descent import Descent

Array = NDArray[np.float32]

ENOUGH = 1.5
"""Seconds of speech under which an encoder hears noise more than a person."""
SEMITONES = 8 * np.log(2) / 12
"""Voices further off in pitch are not mixed in."""
TRACT = 0.05
"""Steps in the logarithm of the vocal tract's length in which it is sought."""
MOST_TRACT = 2.01 * TRACT
"""How far it may be from the voice's own length."""
SIZES = (-2 * TRACT, -TRACT, 0.0, TRACT, 2 * TRACT)
"""Tracts in which a voice is tried that is too much like another."""
NEXT = 2
"""Nearest voices after the first that such a voice is tried from."""
AWAY = (0.25, 0.5)
"""Of the way from another's timbre to a person's, how much further a voice is tried that is too much like the other."""
STRANGERS = 6
"""Published voices that are tried for somebody whom no voice was fitted to."""
NATIVE = 0.3
"""Share of a native voice's timbre in every fitted voice: words that are lost without it, for hardly any likeness."""
OWN_TRACT = 3.0
"""What likeness another length must win, for each squared unit of its logarithm: 0.03 at ten per cent."""
DOUBT = 0.08
"""How much less likeness a sentence of two seconds may show than the default voice's, which was heard for longer."""
DIRECTED = 4 * np.log(2) / 12
"""How far a line may take a voice from its usual pitch: four semitones."""
USUAL_SPREAD = 0.2
"""Deviation of ln F0 in talk that is neither flat nor excited."""


class Enrolment:
    """Fits voices; the encoders and the table are loaded at the first use."""

    def __init__(
        self,
        speaker: Speaker,
        library: Library,
        *,
        fit: ResemblyzerEncoder | None = None,
        judge: SpeakerEncoder | None = None,
        folder: Path | None = None,
        takes: int = 2,
    ) -> None:
        self._takes = max(1, takes)
        self._speaker, self._library = speaker, library
        self._fit = fit or ResemblyzerEncoder()
        self._studio = Studio(speaker, self._fit, judge or VoicefilterEncoder())
        self._table = tables.load(folder or _table_folder())
        self._strangers: dict[tuple[str, str], Stock] = {}

    @cached_property
    def _descent(self) -> Descent:
        from dubsync.backends.kokoro.descent import Descent

        return Descent(self._library, self._fit.network)

    def named(self, name: str, speech: Speech) -> dict[str, Array]:
        """Return a published voice with the rhythm and melody of the language's own voice, at its own pitch."""
        native = self._native(name, speech)
        voice = plain(self._library.style(name), self._library.style(native))
        if native != name:
            voice["pitch"] = self._pitch_curve(voice, self._table.pitch[self._table.row(name)], speech)
        return voice

    def enroll(self, samples: Array, sample_rate: int, speech: Speech, progress: Callable[[float], None]) -> Enrolled:
        """Return the fitted voice of the one who speaks in `samples`, judged, with flags for what was lacking."""
        sound = features.mono(samples)
        spoken = features.trim_silence(sound, sample_rate)
        statistics = tables.pitch_statistics(spoken, sample_rate) if len(spoken) else np.zeros(2, np.float32)
        lacking = _lacking(len(spoken) / sample_rate, statistics)
        if lacking is not None:
            stock = self._stock(
                self._default(statistics, speech), speech, np.zeros(self._table.judge.shape[1], np.float32)
            )
            return Enrolled(stock.voice, None, (lacking,), stock=stock)
        of = self._studio.person(sound, spoken, sample_rate, statistics, speech)
        progress(0.2)
        flat = self._fitted(of, of.fit)
        of = replace(of, wanted=self._studio.wanted(spoken, sample_rate, flat))
        takes = [self._studio.shaded(flat, of)]
        for number in range(1, self._takes):
            aim = of.fit + sum(of.fit - take.found for take in takes)
            takes.append(self._fitted(of, aim))
            progress(0.2 + 0.8 * (number + 1) / self._takes)
        takes.append(replace(flat, of=of))
        takes.sort(key=lambda take: -take.likeness)
        return self._judged(takes, self._default(statistics, speech), speech)

    def sized(self, take: Fitted) -> Fitted:
        """Return the take with the vocal tract as long as its person's, as far as the encoder that aims can tell.

        Three lengths are heard, and that at the top of the parabola through what they are like, if it has one nearby.
        The judge must agree.
        """
        tried = {0.0: take}
        for size in (-TRACT, TRACT):
            tried[size] = self._with_tract(take, size)
        shorter, own, longer = (_worth(tried[size], size) for size in (-TRACT, 0.0, TRACT))
        bend = shorter - 2 * own + longer
        top = float(np.sign(longer - shorter)) * MOST_TRACT
        if bend < 0:
            top = float(np.clip(TRACT * (shorter - longer) / (2 * bend), -MOST_TRACT, MOST_TRACT))
        tried[top] = self._with_tract(take, top)
        best = tried[max(tried, key=lambda size: _worth(tried[size], size))]
        return best if best.likeness >= take.likeness else take

    def tempered(self, take: Fitted, share: float) -> Fitted:
        """Return the take in a voice with a share of the native timbre in it."""
        return self._studio.again(take, tempered(take.voice, share))

    def nearer(self, take: Fitted, steps: int) -> Fitted:
        """Return the take with its timbre moved so many steps towards its person."""
        text, style = self._speaker.laid_out(sentence_of(take.of.speech), take.voice, take.of.speech)
        self._studio.rest()  # the decoder with gradients is large enough by itself
        moved = self._descent.moved(text, style[TIMBRE], take.voice, take.of.fit, steps)
        voice: Voice = {**take.voice, "timbre": take.voice["timbre"] + np.float32(1 - NATIVE) * moved}
        return replace(self._studio.heard(voice, take.of, take.nearest, take.without), steps=take.steps + steps)

    def between(self, one: Fitted, other: Fitted) -> Fitted:
        """Return the take of the same person whose timbre lies halfway between those of two."""
        middle = np.float32(0.5) * (one.voice["timbre"] + other.voice["timbre"])
        voice: Voice = {**other.voice, "timbre": middle}
        return replace(self._studio.heard(voice, other.of, other.nearest, other.without), steps=other.steps)

    def further(self, take: Fitted | Stock) -> Take:
        """Return the take as it is heard in a further sentence too."""
        return self._studio.further(take)

    def known(self, voice: Voice, speech: Speech) -> Stock:
        """Return a voice that was not fitted, as it is heard; whose it is is not known."""
        return self._studio.stock(voice, speech)

    def variants(self, take: Fitted) -> Iterator[Fitted]:
        """Yield takes of the same person that may be less like others' voices.

        With shorter and longer vocal tracts, and from the next nearest voices of the table, these too.
        """
        size = float(np.log(tract(take.voice)))
        for wanted in SIZES:
            if abs(wanted - size) > TRACT / 2:
                yield self._with_tract(take, wanted)
        for _ in range(NEXT):
            take = self._fitted(take.of, take.of.fit, float(np.exp(size)), take.without | {take.nearest})
            yield take
            for wanted in (size - TRACT, size + TRACT):
                if abs(wanted) <= MOST_TRACT:
                    yield self._with_tract(take, wanted)

    def away(self, take: Fitted, other: Voice) -> Iterator[Fitted]:
        """Yield takes whose timbre lies beyond the person's as seen from another voice."""
        difference = take.voice["timbre"] - other["timbre"]
        for share in AWAY:
            voice: Voice = {**take.voice, "timbre": take.voice["timbre"] + np.float32(share) * difference}
            yield replace(self._studio.heard(voice, take.of, take.nearest, take.without), steps=take.steps)

    def strangers(self, take: Stock) -> Iterator[Stock]:
        """Yield published voices of the same sex as a stock voice, the nearest in pitch first."""
        own = self._table.row(take.name)
        distance = np.abs(self._table.pitch[:, 0] - self._table.pitch[own, 0])
        names = [self._table.names[row] for row in np.argsort(distance, kind="stable") if row != own]
        usable = [name for name in names if name[1] == take.name[1] and name not in LEFT_OUT]
        for name in usable[:STRANGERS]:
            yield replace(self._stranger(name, take.speech), person=take.person)

    def _stranger(self, name: str, speech: Speech) -> Stock:
        """Return a published voice as it is heard; it is spoken once, however many people it is tried for."""
        known = self._strangers.get((name, speech.tag))
        if known is None:
            known = replace(self._studio.stock(self.named(name, speech), speech), name=name)
            self._strangers[name, speech.tag] = known
        return known

    def _mixture(self, aim: Array, of: Person, without: frozenset[int]) -> NDArray[np.float64]:
        """Return the weight of each voice of the table; they sum to one, and some are negative.

        The person's voiceprint chooses the nearest voice; `aim`: what the mixture shall sound like.
        """
        table = self._table
        distance = np.abs(table.pitch[:, 0] - of.statistics[0])
        usable = np.array([name not in LEFT_OUT and row not in without for row, name in enumerate(table.names)])
        (near,) = np.nonzero(usable & (distance < SEMITONES))
        if len(near) == 0:
            near = np.array([int(np.argmin(np.where(usable, distance, np.inf)))])
        prints = table.fit[near]
        weights = np.zeros(len(table.names))
        weights[near] = mixture.solve(prints, int(np.argmax(prints @ of.fit)), aim)
        return weights

    def _fitted(self, of: Person, aim: Array, length: float = 1.0, without: frozenset[int] = frozenset()) -> Fitted:
        """Return a voice made to sound like `aim`; the equaliser comes last in a voice, so it is said once."""
        weights = self._mixture(aim, of, without)
        nearest = int(np.argmax(weights))
        native = self._library.style(self._native(self._table.names[nearest], of.speech))
        voice = {**plain(self._mixed(weights), native), "native": native[:, TIMBRE], "tract": _length(length)}
        voice = tempered(voice, NATIVE)
        voice["pitch"] = self._pitch_curve(voice, of.statistics, of.speech)
        return self._studio.heard(voice, of, nearest, without)

    def _with_tract(self, take: Fitted, size: float) -> Fitted:
        voice: Voice = {**take.voice, "tract": _length(float(np.exp(size)))}
        return self._studio.heard(voice, take.of, take.nearest, take.without)

    def _mixed(self, weights: NDArray[np.float64]) -> Array:
        """Return the styles (510, 256) of a mixture of voices."""
        chosen = [(name, weight) for name, weight in zip(self._table.names, weights, strict=True) if weight]
        mixed: Array = sum(
            (np.float32(weight) * self._library.style(name) for name, weight in chosen),
            start=np.zeros((1, 1), np.float32),
        )
        return mixed

    def _judged(self, takes: list[Fitted], default: str, speech: Speech) -> Enrolled:
        """Return the first take, or the default voice if the judge finds that more like the person."""
        best = takes[0]
        before, after = float(self._table.judge[self._table.row(default)] @ best.person), best.likeness
        notes = {"nearest": float(best.nearest), "default": before, "fitted": after}
        if after >= before - DOUBT:
            return Enrolled(best.voice, after, (), notes, tuple(takes))
        flag = Flag(
            Severity.WARNING,
            "voice-not-fitted",
            "",
            f"the fitted voice is less like the speaker ({after:.2f}) than a stock voice ({before:.2f}): one is used",
            "cast a voice by hand in casting.toml",
        )
        stock = self._stock(default, speech, best.of.judge)
        return Enrolled(stock.voice, before, (flag,), notes, stock=stock)

    def _stock(self, name: str, speech: Speech, person: Array) -> Stock:
        """Return a published voice as it was heard when the table was made."""
        heard = self._table.judge[self._table.row(name)]
        heard = heard / np.linalg.norm(heard)
        silent = np.zeros(0, np.float32)
        return Stock(
            self.named(name, speech), "", silent, RATE, heard, person, speech, name, sentences=len(tables.SENTENCES)
        )

    def direct(self, voice: Mapping[str, Array], samples: Array, sample_rate: int) -> dict[str, Array]:
        """Return the voice raised and widened as the speaker is in this line, within what still sounds like them."""
        line = tables.pitch_statistics(features.trim_silence(features.mono(samples), sample_rate), sample_rate)
        source, usual, spread = (float(value) for value in voice["pitch"])
        if line[0] == 0 or usual == 0:
            return dict(voice)
        mean = float(np.clip(line[0], usual - DIRECTED, usual + DIRECTED))
        liveliness = float(np.clip(line[1] / USUAL_SPREAD, 0.8, 1.3))
        return {**voice, "pitch": np.array([source, mean, np.clip(spread * liveliness, 0.5, 1.7)], np.float32)}

    def _pitch_curve(self, voice: Mapping[str, Array], wanted: Array, speech: Speech) -> Array:
        """Return (mean of the model, mean wanted, factor of the range) in ln Hz."""
        found = self._speaker.pitch_statistics(sentence_of(speech), voice, speech)
        spread = np.clip(wanted[1] / max(float(found[1]), 1e-3), 0.6, 1.5)
        return np.array([found[0], wanted[0], spread], np.float32)

    def _native(self, name: str, speech: Speech) -> str:
        """Return the voice of the language whose rhythm goes with this voice: of the same sex, or itself."""
        if name[0] == speech.female[0] or (speech.is_english and name[0] in "ab"):
            return name
        return speech.male if name[1] == "m" else speech.female

    def _default(self, statistics: Array, speech: Speech) -> str:
        """Return the language's own voice that is nearer in pitch."""
        pitch = {name: float(self._table.pitch[self._table.row(name)][0]) for name in (speech.female, speech.male)}
        return min(pitch, key=lambda name: abs(pitch[name] - float(statistics[0] or np.log(150))))


def _lacking(seconds: float, statistics: Array) -> Flag | None:
    hint = "cast a voice by hand in casting.toml"
    if seconds < ENOUGH:
        told = f"{np.floor(100 * seconds) / 100:.2f} s"  # never rounded up to what is needed
        what = f"only {told} of speech to learn the voice from, {ENOUGH:.2f} s are needed; a stock voice is used"
        return Flag(Severity.WARNING, "little-speech", "", what, hint)
    if statistics[0] == 0:
        what = "no voiced speech was found to learn the voice from; a stock voice is used"
        return Flag(Severity.WARNING, "no-clear-speech", "", what, hint)
    return None


def _worth(take: Fitted, size: float) -> float:
    """Return how like the person a take is to the encoder that aims, less for an unlikely length of the tract."""
    return float(take.found @ take.of.fit) - OWN_TRACT * size * size


def _length(length: float) -> Array:
    return np.array([length], np.float32)


def tempered(voice: Mapping[str, Array], share: float) -> dict[str, Array]:
    """Return a fitted voice with a share of the native timbre in it; published voices have none beside their own."""
    native = voice.get("native", voice["timbre"])
    timbre = (1 - np.float32(share)) * voice["timbre"] + np.float32(share) * native
    return {**voice, "timbre": timbre.astype(np.float32)}


def _table_folder() -> Path:
    from dubsync.weights import resolve

    return resolve(tables.WEIGHTS)
