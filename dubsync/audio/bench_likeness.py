"""How like real speakers the fitted voices are, what that costs, and whether the original performance is followed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import features
from dubsync.audio.bench_lines import LINES
from dubsync.audio.voices import THRESHOLD
from dubsync.backends.protocols import Enrolled, SpeakerEncoder, Voice, VoiceCloner

Samples = NDArray[np.float32]

RATE = 24000
_FILMS = {".mp4", ".mov", ".mkv", ".avi", ".mpg", ".wav", ".flac"}
_LEAST_REFERENCE_S = 8.0
_MOST_SPEAKERS = 10
_LINES_EACH = 8
_POINTS = 50


LONG_S = 600.0
"""How long each speaks in what stands for a long film: long enough for all that an engine does for a voice."""


@dataclass(frozen=True, slots=True)
class Cast:
    """How the pipeline casts. `fitted`: a Spanish voice for a person heard in mono at `RATE`, who speaks for so many
    seconds in the film, only what is heard if None; `apart`: those voices as the ones of one film.
    """

    fitted: Callable[[Samples, float | None], Enrolled]
    apart: Callable[[Sequence[Enrolled]], list[Enrolled]]


@dataclass(frozen=True, slots=True)
class Judges:
    """Who listens: the encoder that fits, the one that judges, a recogniser (sounds, texts to word error), a critic."""

    fit: SpeakerEncoder
    judge: SpeakerEncoder
    word_error: Any
    opinion: Any


@dataclass(frozen=True, slots=True)
class _Take:
    """A voice saying four pairs of lines; of the first, how like the speaker's own speech that was not learnt from."""

    sounds: tuple[Samples, ...]
    texts: tuple[str, ...]
    fit: float
    judge: float
    vector: Samples


def measure(voice: VoiceCloner, cast: Cast, judges: Judges, folder: Path) -> dict[str, Any] | None:
    """Fit a Spanish voice to the first half of each speaker's speech and judge it by the second; None without any.

    `fitted`: each alone, as in a film of one speaker; `together`: all as the speakers of one film, kept apart. `long`,
    `long_together`: the same in films in which each speaks for ten minutes.
    """
    sounds = list(islice(speakers(folder), _MOST_SPEAKERS))
    if not sounds:
        return None
    learnt, kept = [sound[: len(sound) // 2] for sound in sounds], [sound[len(sound) // 2 :] for sound in sounds]
    alone, spent = _alone(cast, learnt, None)
    alone_long, spent_long = _alone(cast, learnt, LONG_S)
    voices = {
        "default": [_nearer_stock(voice, sound) for sound in learnt],
        "fitted": [one.voice for one in alone],
        "together": [one.voice for one in cast.apart(alone)],
        "long": [one.voice for one in alone_long],
        "long_together": [one.voice for one in cast.apart(alone_long)],
    }
    takes = {
        name: [_take(voice, one, kept[number], judges, number) for number, one in enumerate(chosen)]
        for name, chosen in voices.items()
    }
    return {
        "speakers": len(sounds),
        **{name: _row(column, judges) for name, column in takes.items()},
        **{key: _gain(takes["default"], takes[name]) for key, name in _columns("gain")},
        "told_apart_original": told_apart([judges.judge.embed(sound, RATE) for sound in kept]),
        "told_apart_default": told_apart([take.vector for take in takes["default"]]),
        **{key: told_apart([take.vector for take in takes[name]]) for key, name in _columns("told_apart")},
        "enrol_cpu_s": spent,
        "enrol_long_cpu_s": spent_long,
    }


def _columns(figure: str) -> Iterator[tuple[str, str]]:
    """Yield a figure's name for each of the fitted columns, and the column."""
    yield figure, "fitted"
    yield from ((f"{figure}_{name}", name) for name in ("together", "long", "long_together"))


def _alone(cast: Cast, sounds: Sequence[Samples], said: float | None) -> tuple[list[Enrolled], float]:
    """Return a voice for each of the people, each in a film of their own, and core seconds for one of them."""
    began = time.process_time()
    fitted = [cast.fitted(sound, said) for sound in sounds]
    return fitted, round((time.process_time() - began) / len(sounds), 1)


def _gain(before: Sequence[_Take], after: Sequence[_Take]) -> float:
    return round(float(np.median([new.judge - old.judge for old, new in zip(before, after, strict=True)])), 3)


def _take(voice: VoiceCloner, chosen: Voice, kept: Samples, judges: Judges, number: int) -> _Take:
    lines = LINES["es"]
    pairs = [
        " ".join(lines[(2 * number + step) % len(lines)] for step in steps)
        for steps in ((0, 1), (2, 3), (4, 5), (6, 7))
    ]
    sounds = [voice.speak(text, voice=chosen, language="es", seconds=None, seed=0).samples for text in pairs]
    vector = judges.judge.embed(sounds[0], RATE)
    return _Take(
        tuple(sounds),
        tuple(pairs),
        float(judges.fit.embed(sounds[0], RATE) @ judges.fit.embed(kept, RATE)),
        float(vector @ judges.judge.embed(kept, RATE)),
        vector,
    )


def _row(takes: Sequence[_Take], judges: Judges) -> dict[str, float]:
    """Return the medians of a column of takes; words are counted over all of them, no line twice at a time."""
    whole = len(LINES["es"]) // _LINES_EACH
    groups = [takes[start : start + whole] for start in range(0, len(takes), whole)]
    errors = [
        (
            judges.word_error(
                [sound for take in group for sound in take.sounds],
                [text for take in group for text in take.texts],
                "es",
            ),
            len(group),
        )
        for group in groups
    ]
    return {
        "judge": round(float(np.median([take.judge for take in takes])), 3),
        "fit": round(float(np.median([take.fit for take in takes])), 3),
        "wer": round(sum(error * count for error, count in errors) / len(takes), 4),
        "mos": round(float(np.median([judges.opinion(take.sounds[0]) for take in takes])), 2),
    }


def told_apart(vectors: Sequence[Samples]) -> float | None:
    """Return the share of pairs of speakers that the judge does not take for one voice."""
    pairs = [float(one @ other) < THRESHOLD for one, other in combinations(vectors, 2)]
    return round(float(np.mean(pairs)), 3) if pairs else None


def stock(voice: Any, language: str, number: int) -> Voice:
    """Return the language's female or male voice in turn."""
    from dubsync.backends.kokoro.languages import speech_of

    speech = speech_of(language)
    found: Voice = voice.named((speech.female, speech.male)[number % 2], language)
    return found


def _nearer_stock(voice: Any, speech: Samples) -> Voice:
    """Return the stock voice somebody would choose by ear: of the two, the one of the speaker's sex."""
    pitch = features.pitch(speech, RATE)
    heard = pitch[pitch > 0]
    return stock(voice, "es", 1 if len(heard) and float(np.median(heard)) < 160 else 0)


def speakers(folder: Path) -> Iterator[Samples]:
    """Yield mono speech at 24 kHz of each film or sound in the folder that is long enough."""
    for sound in films(folder, 40.0):
        if len(features.trim_silence(sound, RATE)) >= _LEAST_REFERENCE_S * RATE:
            yield sound


def films(folder: Path, longest_s: float) -> Iterator[Samples]:
    """Yield the beginning of each film or sound in the folder that has any, mono at 24 kHz."""
    from dubsync.media.sound import beginning

    for path in sorted(folder.iterdir()):
        sound = beginning(path, RATE, longest_s) if path.suffix.lower() in _FILMS else None
        if sound is not None:
            yield sound


def contours(voice: Any, original: Sequence[Samples], lines: Sequence[str]) -> dict[str, float]:
    """Perform the originals' lines in Spanish as they direct; correlate the lines' pitch and their energy contours.

    `pitch_follows`: over the lines, of the mean log pitch, the originals moved by up to four semitones on purpose.
    `energy_follows`: median over the lines of the correlation of level contours, both stretched to one length.
    """
    from dubsync.audio import match

    cast = stock(voice, "es", 0)
    usual = {**cast, "pitch": np.array([np.log(165), np.log(165), 1.0], np.float32)}
    asked, given, energies = [], [], []
    for number, (sound, text) in enumerate(zip(original, lines, strict=True)):
        moved = _shifted(sound, (-3, 2, 0, 4, -1, 3, -4, 1, -2, 0)[number % 10])
        said = voice.speak(text, voice=voice.direct(usual, moved, RATE), language="es", seconds=None, seed=0).samples
        asked.append(_mean_pitch(moved))
        given.append(_mean_pitch(said))
        followed = match.follow(said, sound, RATE)
        energies.append(float(np.corrcoef(_energy(followed), _energy(sound))[0, 1]))
    return {
        "pitch_follows": round(float(np.corrcoef(asked, given)[0, 1]), 3),
        "energy_follows": round(float(np.median(energies)), 3),
    }


def _shifted(sound: Samples, semitones: float) -> Samples:
    """Return the sound faster or slower, and so higher or lower."""
    return features.resample(sound, RATE, round(RATE / 2 ** (semitones / 12)))


def _mean_pitch(sound: Samples) -> float:
    pitch = features.pitch(sound, RATE)
    return float(np.median(np.log(pitch[pitch > 0]))) if (pitch > 0).any() else 0.0


def _energy(sound: Samples) -> NDArray[np.float64]:
    """Return the level contour, smoothed over a fifth of a second, at 50 points of the line."""
    levels = np.maximum(features.frame_levels(sound, RATE // 100), -60).astype(np.float64)
    smooth = np.convolve(levels, np.ones(20) / 20, mode="same")
    return np.interp(np.linspace(0, len(smooth) - 1, _POINTS), np.arange(len(smooth)), smooth)


def headline(likeness: Mapping[str, Any] | None) -> dict[str, float | None]:
    """Return the three figures that the bench's promise is about."""
    if likeness is None:
        return dict.fromkeys(("similarity_default", "similarity", "similarity_gain"))
    return {
        "similarity_default": likeness["default"]["judge"],
        "similarity": likeness["fitted"]["judge"],
        "similarity_gain": likeness["gain"],
    }
