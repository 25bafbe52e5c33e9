"""Whether the words of a fitted voice are understood; where they are not, another is taken.

A voice may be most like a person where a recogniser no longer understands it: what makes the timbre of an English
speaker colours the vowels of another language too. So a recogniser hears what the voice said while it was fitted, and
where a word is lost, the other takes; where each loses more than one word in eight, a larger and larger share of a
native voice's timbre is mixed into the most alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import features, wav
from dubsync.backends.protocols import Enrolled, Progress, Take, Transcript, VoiceCloner
from dubsync.errors import Flag, Severity
from dubsync.text import language as tags
from dubsync.text.words import same_script, word_errors

RATE = 16_000
SHARES = (0.35, 0.5, 0.65)
"""Of the native timbre, tried in turn."""
CODES = ("voice-tempered", "voice-unclear")
"""Of flags: a native share was mixed in; words are lost all the same."""
LOST = 0.12
"""Share of words that may be misheard: one of a sentence of nine may be the recogniser's own fault."""


@runtime_checkable
class Temperable(Protocol):
    """A voice backend whose fitted voices can be brought nearer to a native speaker of their language."""

    def tempered(self, take: Take, share: float) -> Take:
        """Return the take said again, with a share (0 to 1) of the native timbre in its voice."""


class Hearing(Protocol):
    """What is needed of a recogniser."""

    def transcribe(self, speech: Path, *, language: str | None, progress: Progress) -> Transcript:
        """Return what is said in a mono 16 kHz WAV."""


@dataclass(frozen=True, slots=True)
class Ways:
    """What voices are cast with. `ears`: none where a pipeline has none. `folder`: for sound that the ears hear;
    nothing stays there. `make_room`: before work that takes much memory.
    """

    engine: VoiceCloner
    ears: Hearing | None
    language: str
    folder: Path
    make_room: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Clarity:
    """`lost`: share of a take's words that a recogniser misses; `unsure`: of what it hears, one less its confidence.

    `is_known`: the recogniser writes this language as it is written; if not, the figures are zeros and mean nothing.
    """

    lost: float
    unsure: float
    is_known: bool = True

    @property
    def doubt(self) -> float:
        return self.lost + self.unsure


@dataclass(frozen=True, slots=True)
class Tried:
    """A take as it was heard. `lost`: share of its words; `share`: of native timbre in it."""

    lost: float
    share: float
    take: Take


def understood(enrolled: Enrolled, ways: Ways) -> Enrolled:
    """Return the voice, or, if words are lost in it, the nearest to it in which they are not, with a flag.

    Stock voices, voices that an engine cannot temper, and pipelines without a recogniser are left as they are, and so
    are voices of a language that the recogniser writes in other letters than it is written in, with a flag.
    """
    engine = ways.engine
    if not isinstance(engine, Temperable) or ways.ears is None or not enrolled.takes:
        return enrolled
    tried: list[Tried] = []
    for share, take in _options(engine, enrolled):
        clarity = heard(take, ways, {})
        if not clarity.is_known:
            return replace(enrolled, flags=(*enrolled.flags, _unknown(ways.language)))
        tried.append(Tried(clarity.lost, share, take))
        if tried[-1].lost == 0 or (len(tried) >= len(enrolled.takes) and min(one.lost for one in tried) <= LOST):
            break
    best = min(tried, key=lambda one: (one.lost, one.share))
    notes = {**enrolled.notes, "words_lost": best.lost, "native_share": best.share, "fitted": best.take.likeness}
    flags = (_flag(tried[0].lost, best),) if best.share or best.lost > LOST else ()
    takes = (best.take, *(take for take in enrolled.takes if take is not best.take))
    return replace(
        enrolled, voice=best.take.voice, similarity=best.take.likeness, flags=flags, notes=notes, takes=takes
    )


def _options(engine: Temperable, enrolled: Enrolled) -> Iterator[tuple[float, Take]]:
    """Yield what to hear, each with its native share, made when it is asked for."""
    yield from ((0.0, take) for take in enrolled.takes)
    yield from ((share, engine.tempered(enrolled.takes[0], share)) for share in SHARES)


def heard(take: Take, ways: Ways, known: dict[str, Clarity]) -> Clarity:
    """Return how the recogniser understands the take, each sentence by itself: in a row one helps with the other.

    `known`: what was heard of this voice before, by sentence; what is heard now is kept there.
    """
    said = {text: sound for text, sound in ((take.text, take.said), *take.more) if text}
    if ways.ears is None or not said:
        return Clarity(0.0, 0.0)
    for text, sound in said.items():
        if text not in known:
            known[text] = _understood(ways.ears, text, sound, take.sample_rate, ways)
    if not all(known[text].is_known for text in said):
        return Clarity(0.0, 0.0, is_known=False)
    words = np.array([len(text.split()) for text in said], np.float64)
    missed, unsure = np.average([(known[text].lost, known[text].unsure) for text in said], axis=0, weights=words)
    return Clarity(float(missed), float(unsure))


def _understood(ears: Hearing, text: str, sound: NDArray[np.float32], rate: int, ways: Ways) -> Clarity:
    path = ways.folder / "take.wav"
    wav.write(path, features.resample(sound, rate, RATE), RATE)
    heard = ears.transcribe(path, language=tags.base(ways.language), progress=lambda share: None).utterances
    path.unlink()
    words = " ".join(one.text for one in heard)
    if not same_script(text, words):
        return Clarity(0.0, 0.0, is_known=False)
    sure = [word.confidence for one in heard for word in one.words if word.confidence is not None]
    missed = word_errors(text, words, ways.language).rate
    return Clarity(missed, 1 - float(np.mean(sure)) if sure else 0.0)


def _unknown(language: str) -> Flag:
    what = f"whether words are understood in this voice is not known: the recogniser writes {language} in other letters"
    return Flag(Severity.INFO, "words-not-checked", "", what, "have somebody listen who speaks the language")


def _flag(before: float, best: Tried) -> Flag:
    what = f"of a sentence in the fitted voice {before:.0%} of the words were misheard"
    if best.share:
        what += f"; {best.share:.0%} of a native voice is mixed in, which leaves {best.lost:.0%}"
    return Flag(
        Severity.WARNING if best.lost > LOST else Severity.INFO,
        CODES[0] if best.share else CODES[1], "", what,
        "listen to it; a voice can be cast by hand in casting.toml",
    )  # fmt: skip
