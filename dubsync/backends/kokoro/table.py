"""The table of published voices that enrolment looks things up in: who each sounds like, and how high.

Made once by `python -m dubsync.backends.kokoro.table OUT.npz` (about four minutes of one core) and shipped as the
weights entry `kokoro-voices`. For each voice: `fit` and `judge` (256,), the two encoders' vectors, and `pitch`
(mean and deviation of ln F0), of the voice saying the sentences below.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import features

Array = NDArray[np.float32]

WEIGHTS = "kokoro-voices"
FILE = "voices.npz"
SENTENCES = (
    ("es", "Mañana por la noche cenamos junto al río, si no llueve."),
    ("en", "Nobody told her that the bridge would open before the summer."),
)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows belong to `names`. `fit`, `judge`: (voices, 256); `pitch`: (voices, 2), ln Hz."""

    names: tuple[str, ...]
    fit: Array
    judge: Array
    pitch: Array

    def row(self, name: str) -> int:
        return self.names.index(name)


def load(folder: Path) -> Table:
    with np.load(folder / FILE) as data:
        names = tuple(data["names"].tobytes().decode().split())
        return Table(names, *(data[key].astype(np.float32) for key in ("fit", "judge", "pitch")))


def pitch_statistics(samples: Array, sample_rate: int) -> Array:
    """Return mean and deviation of ln F0 over the voiced stretches, octave errors left out; zeros if there are none."""
    found = features.pitch(samples, sample_rate)
    logarithms = np.log(found[found > 0])
    if len(logarithms) < 10:
        return np.zeros(2, np.float32)
    kept = logarithms[np.abs(logarithms - np.median(logarithms)) < 0.6]
    return np.array([kept.mean(), kept.std()], np.float32)


def main(out: Path) -> None:
    from dubsync.backends.kokoro.engine import RATE, Engine
    from dubsync.backends.kokoro.espeak import Espeak
    from dubsync.backends.kokoro.languages import speech_of
    from dubsync.backends.kokoro.speech import Speaker
    from dubsync.backends.kokoro.voices import Library, plain
    from dubsync.backends.speaker_resemblyzer import ResemblyzerEncoder
    from dubsync.backends.speaker_voicefilter import VoicefilterEncoder
    from dubsync.weights import resolve

    folder = resolve("kokoro")
    library, speaker = Library(folder), Speaker(Engine(folder, threads=2), Espeak())
    fit, judge = ResemblyzerEncoder(), VoicefilterEncoder()
    rows: dict[str, list[Array]] = {"fit": [], "judge": [], "pitch": []}
    for name in library.names():
        style = library.style(name)
        said = [speaker.speak(text, plain(style, style), speech_of(tag), None).samples for tag, text in SENTENCES]
        sound = np.concatenate(said)
        rows["fit"].append(fit.embed(sound, RATE).astype(np.float16))
        rows["judge"].append(judge.embed(sound, RATE).astype(np.float16))
        rows["pitch"].append(pitch_statistics(sound, RATE))
    names = np.frombuffer(" ".join(library.names()).encode(), np.uint8)
    np.savez(out, names=names, fit=np.stack(rows["fit"]), judge=np.stack(rows["judge"]), pitch=np.stack(rows["pitch"]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
