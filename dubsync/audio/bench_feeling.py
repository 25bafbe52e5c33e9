"""Whispers: whether they are told from voices, and what is understood of those that are made. Shouts: their colour."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import equaliser, features, loudness, match, whisper
from dubsync.audio.bench_lines import LINES

Samples = NDArray[np.float32]
WordError = Callable[[Sequence[Samples], Sequence[str], str], float]

RATE = 24000
SNRS = (20, 10, 5, 0)
"""dB by which speech is over the noise that is laid under it."""
_CUTS_S = (1.5, 3.0)
_SHORT_S = 0.8


def whispers(spoken: Mapping[str, Sequence[Samples]], word_error: WordError, opinion: Any) -> dict[str, Any]:
    """Make whispers of lines at `RATE`; return what a recogniser and a critic hear in them.

    `whisper_wer`: word error by language. `whisper_mos`: median predicted opinion, of a predictor that has hardly heard
    a whisper. `whisper_voiced`: share of their time in which a pitch is still found; `whisper_voiced_before`: of the
    voices'. `whisper_fall_db`: by how much low sounds are still stronger than high ones; `whisper_fall_before_db`.
    """
    made = {language: [whisper.whispered(one, RATE) for one in sounds] for language, sounds in spoken.items()}
    before, after = (list(chain.from_iterable(lines.values())) for lines in (spoken, made))
    return {
        "whisper_wer": {each: word_error(sounds, LINES[each][: len(sounds)], each) for each, sounds in made.items()},
        "whisper_mos": round(float(np.median([opinion(sound) for sound in after[::3]])), 2),
        "whisper_voiced_before": _mean(before, _voiced),
        "whisper_voiced": _mean(after, _voiced),
        "whisper_fall_before_db": _mean(before, _fall),
        "whisper_fall_db": _mean(after, _fall),
    }


def heard(spoken: Mapping[str, Sequence[Samples]], clips: Path | None) -> dict[str, Any]:
    """Return how often whispers and voices are taken for whispers, clean and in noise.

    `whisper_heard`: of the lines as espeak-ng whispers them, of which nothing was made here. `whisper_false`: of the
    same lines spoken. `whisper_false_real`: of stretches of 1.5 and 3 s of the people in a folder of clips, if any.
    """
    from dubsync.text import bench, bench_formant

    quiet = [
        features.resample(sound, bench.RATE, RATE)
        for language, lines in spoken.items()
        for sound in bench_formant.whispers(LINES[language][: len(lines)], language)
    ]
    people = None if clips is None else list(_stretches(clips))
    return {
        "whisper_heard": _shares(quiet),
        "whisper_false": _shares(list(chain.from_iterable(spoken.values()))),
        "whisper_false_real": _shares(people) if people else None,
        "whisper_stretches_real": len(people) if people else 0,
    }


def shouts(lines: Sequence[Samples]) -> dict[str, float]:
    """Bring lines to the colour of 0.8 s of another line of the same voice, shouted: 10 dB louder, and 12 dB stronger
    from 1.6 to 4 kHz, as effort makes it. The lines are of two voices in turn.

    `shout_fall_error_db`: by how much the balance of low and high sounds then is off all that the voice shouts, of
    lines as the engine says them (`..._before`), and as `match.colour` takes them over, shouts known as such or not.
    """
    errors: dict[str, list[float]] = {"_before": [], "_as_speech": [], "": []}
    shouted = [_shout(line) for line in lines]
    for number, dub in enumerate(lines):
        voices = shouted[number % 2 :: 2]
        other = shouted[(number + 2) % len(shouted)]
        start = len(other) // 3
        place = match.listen(other[start : start + round(_SHORT_S * RATE)][:, None], RATE)
        usual = loudness.speech_level(dub, RATE)
        wanted = _fall(np.concatenate(voices))
        ways = {"_before": dub, "_as_speech": match.colour(dub, RATE, place)}
        for name, sound in {**ways, "": match.colour(dub, RATE, place, usual=usual)}.items():
            errors[name].append(abs(_fall(sound) - wanted))
    return {f"shout_fall_error{name}_db": round(float(np.mean(each)), 1) for name, each in errors.items()}


def _shout(sound: Samples) -> Samples:
    centres = features.third_octave_centres()
    flatter = np.interp(np.log2(centres), np.log2((300, 800, 1600, 4000, 8000)), (0, 0, 12, 12, 7))
    return equaliser.apply(sound, equaliser.design(centres, flatter, RATE)) * np.float32(10 ** (10 / 20))


def _shares(sounds: Sequence[Samples]) -> dict[str, float]:
    """Return the share taken for whispers without noise, and with noise under it."""
    found = {"clean": _taken(sounds)}
    return found | {
        f"{snr} dB": _taken([_noisy(sound, snr, seed) for seed, sound in enumerate(sounds)]) for snr in SNRS
    }


def _taken(sounds: Sequence[Samples]) -> float:
    return round(float(np.mean([whisper.is_whispered(sound, RATE) for sound in sounds])), 4)


def _noisy(sound: Samples, snr_db: float, seed: int) -> Samples:
    """Lay noise under a sound, falling by up to 4 dB an octave."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(len(sound)))
    noise = np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 20) ** (seed % 3 * 0.35), len(sound))
    gain = 10 ** ((features.level_db(sound) - features.level_db(noise.astype(np.float32)) - snr_db) / 20)
    return (sound + noise * gain).astype(np.float32)


def _stretches(folder: Path) -> Iterator[Samples]:
    from dubsync.audio.bench_likeness import films

    for sound in films(folder, 120.0):
        for length in (round(seconds * RATE) for seconds in _CUTS_S):
            cuts = (sound[start : start + length] for start in range(0, len(sound) - length + 1, length))
            yield from (cut for cut in cuts if features.level_db(cut) > -60)


def _voiced(sound: Samples) -> float:
    return float((features.pitch(sound, RATE) > 0).mean())


def _fall(sound: Samples) -> float:
    return whisper.fall_db(sound, RATE)


def _mean(sounds: Sequence[Samples], figure: Callable[[Samples], float]) -> float:
    return round(float(np.mean([figure(sound) for sound in sounds])), 3)
