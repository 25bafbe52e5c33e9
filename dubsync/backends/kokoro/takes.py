"""A voice that is fitted to a person, as it is said and heard: by two encoders, against the person's own spectra."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypedDict, TypeVar

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import equaliser, features
from dubsync.backends.kokoro import shades
from dubsync.backends.kokoro.engine import RATE
from dubsync.backends.kokoro.languages import Speech
from dubsync.backends.kokoro.speech import CENTRES, Speaker
from dubsync.backends.protocols import SpeakerEncoder, Take, Voice
from dubsync.title import Phone

Array = NDArray[np.float32]

EQ_LIMIT = 12.0
_SENTENCES = {
    "es": "Mi padre dice que mañana comemos junto al río.",
    "fr": "Demain soir, nous dînons au bord de la rivière.",
    "it": "Domani mangiamo con mio padre vicino al fiume.",
    "pt": "Meu pai disse que amanhã vamos até o rio.",
    "en": "Tomorrow night we will have dinner by the river.",
    "hi": "कल रात हम नदी के किनारे खाना खाएंगे।",
}
"""What a voice says while it is fitted, and what a recogniser must understand of it: words that the packaged one hears
without error in the languages' own voices."""
FURTHER = {
    "es": (
        "Nadie le contó que el puente abriría antes del verano.",
        "Cuando llueve, los niños juegan dentro de casa.",
    ),
    "fr": (
        "Personne ne lui a dit que le pont ouvrirait avant l'été.",
        "Quand il pleut, les enfants jouent dans la maison.",
    ),
    "it": (
        "Nessuno sapeva che il ponte sarebbe rimasto chiuso.",
        "Quando piove, i bambini giocano dentro casa.",
    ),
    "pt": (
        "Ninguém sabia que o trem chegaria tão tarde.",
        "Quando chove, as crianças brincam dentro de casa.",
    ),
    "en": (
        "Nobody told her that the bridge would open before the summer.",
        "When it rains, the children play inside the house.",
    ),
    "hi": (
        "किसी ने उसे नहीं बताया कि पुल गर्मियों से पहले खुलेगा।",
        "जब बारिश होती है तो बच्चे घर के अंदर खेलते हैं।",
    ),
}
"""What it says where one sentence is too little to tell two voices apart."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom voices are fitted to. `fit`, `judge`: their voiceprint to either encoder; `levels`: dB by third octaves;
    `wanted`: (phones, bands) dB, with which spectra they would say the sentence, once that is known (shades.py).
    """

    fit: Array
    judge: Array
    statistics: Array
    levels: NDArray[np.float64]
    speech: Speech
    wanted: Array | None = None


@dataclass(frozen=True, slots=True)
class Fitted(Take):
    """A take of this engine. `phones`: when which sound is heard; `found`: its voiceprint by the encoder that aims;
    `nearest`: the voice of the table that it starts from; `without`: those that it may not be mixed of; `steps`: along
    the gradient.
    """

    of: Person
    phones: tuple[Phone, ...]
    found: Array
    nearest: int
    without: frozenset[int] = frozenset()
    steps: int = 0


@dataclass(frozen=True, slots=True)
class Stock(Take):
    """A voice that was not fitted. `name`: of a published one, or empty; `person`: zeros where it stands for nobody."""

    speech: Speech
    name: str = ""


_Said = TypeVar("_Said", bound=Take)


class _Prints(TypedDict):
    """What a take keeps of how it was heard."""

    said: Array
    found: Array
    heard: Array


class Studio:
    """Says voices and hears them. `fit` aims, `judge` judges."""

    def __init__(self, speaker: Speaker, fit: SpeakerEncoder, judge: SpeakerEncoder) -> None:
        self._speaker, self._fit, self._judge = speaker, fit, judge
        self._shades = shades.Shades()

    def rest(self) -> None:
        """Let go of the models until there is something to say."""
        self._speaker.rest()
        self._shades.rest()

    def person(self, sound: Array, spoken: Array, sample_rate: int, statistics: Array, speech: Speech) -> Person:
        """Return who speaks in `sound`; `spoken`: without the silences."""
        return Person(
            self._fit.embed(sound, sample_rate),
            self._judge.embed(sound, sample_rate),
            statistics,
            features.band_levels(spoken, sample_rate, CENTRES),
            speech,
        )

    def wanted(self, spoken: Array, sample_rate: int, take: Fitted) -> Array:
        """Return the spectra (phones, bands) with which a person who is heard would say the take's sentence."""
        person = self._shades.moments(features.resample(spoken, sample_rate, RATE))
        return self._shades.wanted(person, take.said, take.phones)

    def heard(self, voice: Voice, of: Person, nearest: int, without: frozenset[int]) -> Fitted:
        """Return what a voice sounds like with the person's spectrum, and with their shades if those are known."""
        plain: dict[str, Array] = {**voice, "eq": np.zeros(len(CENTRES), np.float32)}
        plain.pop("shades", None)
        sentence = sentence_of(of.speech)
        said = self._speaker.speak(sentence, plain, of.speech, None)
        gains = equaliser.match(of.levels, features.band_levels(said.samples, RATE, CENTRES), limit_db=EQ_LIMIT)
        sound = equaliser.apply(said.samples, equaliser.design(CENTRES, gains, RATE))
        made: dict[str, Array] = {**plain, "eq": gains.astype(np.float32)}
        if of.wanted is not None:
            made["shades"] = shades.table(of.wanted, sound, said.phones)
            sound = shades.shaded(sound, made["shades"], said.phones)
        heard = self._prints(sound)
        return Fitted(
            made, sentence, sound, RATE, heard["heard"], of.judge, of, said.phones, heard["found"], nearest, without
        )

    def shaded(self, take: Fitted, of: Person) -> Fitted:
        """Return a take that has no shades with those of its person, who is known better now."""
        assert of.wanted is not None, "the sentence was said before"
        found = shades.table(of.wanted, take.said, take.phones)
        sound = shades.shaded(take.said, found, take.phones)
        return replace(take, of=of, voice={**take.voice, "shades": found}, **self._prints(sound))

    def again(self, take: Fitted, voice: Voice) -> Fitted:
        """Return the take in another voice."""
        said = self._speaker.speak(take.text, dict(voice), take.of.speech, None).samples
        once = replace(take, voice=voice, sentences=1, more=(), **self._prints(said))
        for text, _ in take.more:
            once = self._in_also(once, text, take.of.speech)
        return once

    def stock(self, voice: Voice, speech: Speech) -> Stock:
        """Return a voice that was not fitted, as it is heard."""
        sentence = sentence_of(speech)
        said = self._speaker.speak(sentence, dict(voice), speech, None).samples
        heard = self._judge.embed(said, RATE)
        return Stock(voice, sentence, said, RATE, heard, np.zeros_like(heard), speech)

    def further(self, take: Fitted | Stock) -> Take:
        """Return the take as it is heard in the next of the further sentences too."""
        speech = take.of.speech if isinstance(take, Fitted) else take.speech
        return self._in_also(take, FURTHER[_language(speech)][len(take.more)], speech)

    def _in_also(self, take: _Said, text: str, speech: Speech) -> _Said:
        said = self._speaker.speak(text, dict(take.voice), speech, None).samples
        both = take.sentences * take.heard + self._judge.embed(said, RATE)
        heard = both / np.linalg.norm(both)
        return replace(take, heard=heard, sentences=take.sentences + 1, more=(*take.more, (text, said)))

    def _prints(self, said: Array) -> _Prints:
        return {"said": said, "found": self._fit.embed(said, RATE), "heard": self._judge.embed(said, RATE)}


def sentence_of(speech: Speech) -> str:
    """Return what a voice of this language says while it is fitted."""
    return _SENTENCES[_language(speech)]


def _language(speech: Speech) -> str:
    return speech.tag.split("-")[0].lower()
