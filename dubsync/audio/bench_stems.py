"""How well a mix that was made, so that its truth is known, comes apart into speech and everything else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import features, wav

Samples = NDArray[np.float32]

_HEARING_RATE = 16000
_LOUD_DB = -20.0


def si_sdr(found: Samples, true: Samples) -> float:
    """Return the scale-invariant signal-to-distortion ratio in dB (Le Roux et al., "SDR - half-baked or well done?",
    2019) of a sound against the true one, both of one shape.
    """
    one, other = found.ravel().astype(np.float64), true.ravel().astype(np.float64)
    wanted = other * (one @ other) / max(float(other @ other), features.SILENCE)
    return float(10 * np.log10((wanted @ wanted + features.SILENCE) / (np.sum((one - wanted) ** 2) + features.SILENCE)))


def figures(
    stems: tuple[Path, Path], rate: int, speech: Samples, bed: Samples, heard: Callable[[Path], float]
) -> dict[str, float]:
    """Compare stems (dialogue, bed) with the true sounds (n, channels). `heard`: share of the words in a WAV file.

    `leak_db`: the speech in the bed, beside the speech. `..._si_sdr_db`: of the stems; `..._si_sdr_mix_db`: of the mix
    in their place, as if nothing had been taken apart. `bed_words_heard`: share of the words that a recogniser still
    hears in the bed, brought to the level of speech; `mix_words_heard`: in the mix.
    """
    dialogue, left = (wav.read(path) for path in stems)
    mixed = speech + bed
    leak = abs(float(np.vdot(left, speech))) / float(np.vdot(speech, speech))
    folder = stems[1].parent
    found = {
        "leak_db": 20 * float(np.log10(leak + 1e-9)),
        "bed_si_sdr_db": si_sdr(left, bed),
        "bed_si_sdr_mix_db": si_sdr(mixed, bed),
        "dialogue_si_sdr_db": si_sdr(dialogue, speech),
        "dialogue_si_sdr_mix_db": si_sdr(mixed, speech),
    }
    words = {
        "bed_words_heard": heard(_loud(left, rate, folder)),
        "mix_words_heard": heard(_loud(mixed, rate, folder)),
    }
    return {**{name: round(value, 1) for name, value in found.items()}, **words}


def _loud(sound: Samples, rate: int, folder: Path) -> Path:
    """Write a sound as a recogniser takes it, as loud as speech."""
    mono = features.resample(features.mono(sound), rate, _HEARING_RATE)
    gain = 10 ** ((_LOUD_DB - features.level_db(mono)) / 20)
    wav.write(folder / "listened.wav", np.clip(mono * np.float32(gain), -1, 1), _HEARING_RATE)
    return folder / "listened.wav"
