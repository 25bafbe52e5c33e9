"""How near do word starts come on real people? A part of `dubsync bench text`, on clips that somebody brings.

Nobody wrote the true times down, so only words whose start the sound itself tells count. `after_pause`: the first word
after 0.15 s of quiet or more begins where the level rises sharply; it is the word that any of the readings starts
nearest to that, within 0.3 s. `hiss`: an English word that begins with an s, after a word that ends with nothing like
it, begins where what lies above 4 kHz rises by 15 dB or more, within 0.15 s of where it was aligned. The aligners too
move words that they begin in a pause by the level (`onsets.begun`), so `after_pause` says whether that is done right;
only `hiss`, which they do not look at, is independent of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from dubsync.audio import onsets, wav
from dubsync.text.language import base

if TYPE_CHECKING:
    from dubsync.backends.protocols import Aligner, Transcriber, Transcript

RATE = 16000
FILMS = frozenset({".mp4", ".mpg", ".avi", ".mov", ".mkv", ".wav"})
LONGEST_S = 12.0
"""What is taken of a clip."""
_QUIET_S, _RISE_S, _NEAR_S = 0.15, 0.06, 0.3
_QUIET_SHARE, _LOUD_SHARE, _CLEAR_DB = 0.35, 0.65, 20.0
"""Of the way from the quietest to the loudest within half a second (of the clip, where these are too near each other):
below is a pause, above it speech is on."""
_HISS_HZ, _HISS_DB, _HISS_REACH_S, _BESIDE_S = 4000, 15.0, 0.15, 0.04
_ALONE = 0.6
"""Share of the greatest rise that no other one within reach may have."""
_BEGINS = re.compile(r"(s(?!h)|c[eiy])", re.IGNORECASE)
_HISSES = re.compile(r"(s|x|z|[cgsz]e|sh|ch|ts|th|f|gh|t|d)$", re.IGNORECASE)

Level = NDArray[np.float32]


def sounds(folder: Path) -> Iterator[NDArray[np.float32]]:
    """Yield the first twelve seconds of each film in a folder that has sound."""
    from dubsync.media.sound import beginning

    for path in sorted(folder.iterdir()):
        sound = beginning(path, RATE, LONGEST_S) if path.suffix.lower() in FILMS else None
        if sound is not None:
            yield sound


@dataclass(frozen=True, slots=True)
class Landmark:
    """A moment, in seconds, at which the sound says that word number `word` begins."""

    kind: str
    at: float
    word: int


def figures(
    clips: Iterable[NDArray[np.float32]], transcriber: Transcriber, aligner: Aligner, folder: Path
) -> dict[str, Any]:
    """Return {kind: {reading: {median_ms, beyond_50_ms, ...}, words}}; `clips`: mono sound at 16 kHz.

    `reading`: "recogniser" and "aligned". `folder`: for a WAV file on the way.
    """
    errors: dict[str, dict[str, list[float]]] = {}
    for samples in clips:
        path = folder / "clip.wav"
        wav.write(path, samples, RATE)
        heard = transcriber.transcribe(path, language=None, progress=lambda share: None)
        spoken = aligner.capabilities.languages
        if not heard.utterances or base(heard.language) not in {base(tag) for tag in spoken}:
            continue
        readings = {"recogniser": heard, "aligned": aligner.align(path, heard, progress=lambda share: None)}
        starts = {name: _starts(one) for name, one in readings.items()}
        for mark in landmarks(samples, _texts(heard), starts, heard.language):
            for name, times in starts.items():
                errors.setdefault(mark.kind, {}).setdefault(name, []).append(times[mark.word] - mark.at)
    return {kind: _summary(found) for kind, found in sorted(errors.items())}


def landmarks(
    samples: NDArray[np.float32], texts: Sequence[str], starts: Mapping[str, Sequence[float]], language: str
) -> Iterator[Landmark]:
    """Yield the words whose start the sound tells; `starts`: seconds by reading, "aligned" among them."""
    taken: set[int] = set()
    for rise in rises(onsets.level_db(samples, RATE)):
        away = [min(abs(times[number] - rise) for times in starts.values()) for number in range(len(texts))]
        nearest = int(np.argmin(away))
        if away[nearest] <= _NEAR_S and nearest not in taken:
            taken.add(nearest)
            yield Landmark("after_pause", rise, nearest)
    if base(language) != "en":
        return
    above = butter(6, _HISS_HZ, "highpass", fs=RATE, output="sos")
    hiss = onsets.level_db(np.asarray(sosfiltfilt(above, samples), np.float32), RATE)
    for number, text in enumerate(texts):
        before = texts[number - 1] if number else ""
        if number not in taken and _is_hissed(text, before):
            at = hiss_rise(hiss, starts["aligned"][number])
            if at is not None:
                yield Landmark("hiss", at, number)


def rises(level: Level) -> Iterator[float]:
    """Yield when speech begins sharply after a pause; `level`: from `onsets.level_db`."""
    if len(level) == 0:
        return
    step, reach = onsets.HOP_S, round(0.5 / onsets.HOP_S)
    lowest, highest = (float(edge) for edge in np.percentile(level, (5, 97)))
    quiet = 0
    for index in range(len(level) if highest - lowest >= _CLEAR_DB else 0):
        near = level[max(0, index - reach) : index + reach]
        floor, top = max(lowest, float(np.percentile(near, 5))), float(np.percentile(near, 97))
        floor, top = (floor, top) if top - floor >= _CLEAR_DB else (lowest, highest)
        if level[index] < floor + _QUIET_SHARE * (top - floor):
            quiet += 1
            continue
        soon = level[index : index + round(_RISE_S / step)]
        if quiet * step >= _QUIET_S and soon.max() > floor + _LOUD_SHARE * (top - floor):
            yield index * step
        quiet = 0


def hiss_rise(level: Level, near: float) -> float | None:
    """Return when the level steps up around a time, half-way between before and after; None where it is not clear."""
    low = max(0, round((near - _HISS_REACH_S) / onsets.HOP_S))
    part, beside = level[low : round((near + _HISS_REACH_S) / onsets.HOP_S)], round(_BESIDE_S / onsets.HOP_S)
    if len(part) < 4 * beside:
        return None
    windows = np.lib.stride_tricks.sliding_window_view(part, beside)
    middles = np.median(windows, axis=1)
    steps = middles[beside:] - middles[:-beside]
    best = int(np.argmax(steps))
    others = np.delete(steps, np.arange(max(0, best - 2 * beside), min(len(steps), best + 2 * beside + 1)))
    if steps[best] < _HISS_DB or (len(others) and others.max() > _ALONE * steps[best]):
        return None
    half = (middles[best] + middles[best + beside]) / 2
    crossed = best + int(np.argmax(part[best : best + 2 * beside] > half))
    return (low + crossed) * onsets.HOP_S


def _is_hissed(text: str, before: str) -> bool:
    said, earlier = (re.sub(r"\W", "", one) for one in (text, before))
    return len(said) > 1 and _BEGINS.match(said) is not None and _HISSES.search(earlier) is None


def _texts(heard: Transcript) -> list[str]:
    return [word.text for one in heard.utterances for word in one.words]


def _starts(heard: Transcript) -> list[float]:
    return [float(word.span.start) for one in heard.utterances for word in one.words]


def _summary(found: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    summary: dict[str, Any] = {"words": len(next(iter(found.values())))}
    for name, errors in found.items():
        signed = 1000 * np.array(errors)
        summary[name] = {
            "median_ms": round(float(np.median(np.abs(signed))), 1),
            "beyond_50_ms": round(float(np.mean(np.abs(signed) > 50)), 3),
            "beyond_100_ms": round(float(np.mean(np.abs(signed) > 100)), 3),
            "bias_ms": round(float(np.median(signed)), 1),
        }
    return summary
