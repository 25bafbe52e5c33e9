"""The space of Kokoro's timbres: its directions, and what a point in it sounds like to the encoder that fits voices.

Points are coordinates in the principal directions of the published voices' timbre halves, in standard deviations.
`sample` speaks at random points and keeps (point, ln F0, vector of speaker.resemblyzer); `learn` fits a smooth map
from the first two to the third (kernel ridge regression), which enrolment climbs without making a sound.

    python -m dubsync.backends.kokoro.space sample SEED COUNT OUT.npz
    python -m dubsync.backends.kokoro.space learn OUT.npz SAMPLES.npz...
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dubsync.backends.kokoro.engine import TIMBRE
from dubsync.backends.kokoro.voices import LEFT_OUT, Library

Array = NDArray[np.float32]

FILE = "space.npz"
DIRECTIONS = 40
ROWS = (30, 60, 100)
_PITCHES = np.log((85.0, 260.0))


@dataclass(frozen=True, slots=True)
class Directions:
    """`mean`: (128,); `basis`: (directions, 128), one standard deviation each."""

    mean: Array
    basis: Array

    def point(self, timbre: Array) -> Array:
        """Return the coordinates (directions,) of a timbre (128,)."""
        solved: Array = np.linalg.lstsq(self.basis.T, timbre - self.mean, rcond=None)[0].astype(np.float32)
        return solved

    def timbre(self, point: Array) -> Array:
        """Return the timbre (128,) at a point."""
        return (self.mean + point @ self.basis).astype(np.float32)


def directions(library: Library) -> Directions:
    """Return the principal directions of the published voices, at several lengths of text."""
    names = [name for name in library.names() if name not in LEFT_OUT]
    rows = np.stack([library.style(name)[row, TIMBRE] for name in names for row in ROWS])
    mean = rows.mean(axis=0)
    _, sizes, basis = np.linalg.svd(rows - mean, full_matrices=False)
    scaled = basis[:DIRECTIONS] * (sizes[:DIRECTIONS, None] / np.sqrt(len(rows)))
    return Directions(mean.astype(np.float32), scaled.astype(np.float32))


def sample(seed: int, count: int, out: Path) -> None:
    """Speak at random mixtures of two to four voices, a little beyond them too, at random pitches."""
    from dubsync.audio.bench_lines import LINES
    from dubsync.backends.kokoro.engine import RATE
    from dubsync.backends.kokoro.languages import speech_of
    from dubsync.backends.speaker_resemblyzer import ResemblyzerEncoder
    from dubsync.backends.voice_kokoro import KokoroVoice

    random, engine, encoder = np.random.default_rng(seed), KokoroVoice(), ResemblyzerEncoder()
    library = engine.library
    found = directions(library)
    names = [name for name in library.names() if name not in LEFT_OUT]
    points, pitches, prints = [], [], []
    for _ in range(count):
        chosen = random.choice(names, random.integers(2, 5), replace=False)
        weights = random.dirichlet(np.ones(len(chosen))) * 1.4 - 0.4 / len(chosen)
        timbre = sum(w * library.style(name)[60, TIMBRE] for w, name in zip(weights, chosen, strict=True))
        point = found.point(timbre) + random.normal(0, 0.25, DIRECTIONS).astype(np.float32)
        language, pitch = str(random.choice(["es", "en"])), float(random.uniform(*_PITCHES))
        speech = speech_of(language)
        native = speech.male if pitch < np.log(160) else speech.female
        voice = dict(engine.at_pitch(engine.named(native, language), pitch, language))
        voice["timbre"] = found.timbre(point)[None]
        text = str(random.choice(LINES[language]))
        sound = engine.speak(text, voice=voice, language=language, seconds=None, seed=0).samples
        points.append(point)
        pitches.append(pitch)
        prints.append(encoder.embed(sound, RATE))
    np.savez(out, points=np.stack(points), pitches=np.array(pitches, np.float32), prints=np.stack(prints))


if __name__ == "__main__":
    if sys.argv[1] == "sample":
        sample(int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
