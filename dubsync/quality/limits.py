"""From which value on a measurement is something that a person should look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dubsync.errors import Flag, Severity


@dataclass(frozen=True, slots=True)
class Limit:
    """A measurement by "section.key", the range that needs no words, and the words where it is left.

    `is_of_frames`: it is a number of frames, its range and words are in milliseconds.
    """

    key: str
    low: float
    high: float
    code: str
    say: Callable[[float], str]
    hint: str
    is_of_frames: bool = False


_ANY = float("inf")
LIMITS = (
    Limit(
        "media.av_offset_ms", -10, 10, "sound-out-of-step",
        lambda value: f"the new track lies {value:+.0f} ms from where it should", "report it: this should not happen",
    ),
    Limit(
        "voice.wer_back", -_ANY, 0.25, "hard-to-understand",
        lambda value: f"a recogniser gets {100 * value:.0f} % of the dub's words wrong",
        "listen to the lines whose heard text differs, and shorten or rewrite them",
    ),
    Limit(
        "sync.offset_frames", -100, 100, "mouth-out-of-step",
        lambda value: f"the new mouths move {abs(value):.0f} ms {'after' if value > 0 else 'before'} the new voice",
        "look at the chart of mouth against voice", is_of_frames=True,
    ),
    Limit(
        "sync.confidence", 0.2, _ANY, "mouth-says-something-else",
        lambda value: f"the new mouths hardly go with the new voice (agreement {value:.2f}, real films 0.4 to 0.75)",
        "look at the chart of mouth against voice",
    ),
    Limit(
        "picture.psnr_untouched_db", 38, _ANY, "picture-changed",
        lambda value: f"the picture outside the new mouths lost quality in coding ({value:.1f} dB)",
        "lower crf of the render stage",
    ),
    Limit(
        "picture.flicker", -_ANY, 1.5, "flicker",
        lambda value: f"the skin beside the new mouths trembles {value:.1f} times as much as in the film",
        "look at the new mouths in motion",
    ),
)  # fmt: skip
ALIKE = 0.45
"""Cosine under which a voice is not taken for the actor's; different people come to 0.31, the same person to 0.96."""


def beyond(values: Mapping[str, Any]) -> Iterator[Flag]:
    """Yield a flag for each value, by "section.key", that leaves its range."""
    for limit in LIMITS:
        value = values.get(limit.key)
        if value is not None and limit.is_of_frames:
            value = 1000 * value / values["media.fps"]
        if value is not None and not limit.low <= value <= limit.high:
            yield Flag(Severity.WARNING, limit.code, where=limit.key, what=limit.say(value), hint=limit.hint)
    for speaker, value in (values.get("voice.speaker_similarity") or {}).items():
        if value is not None and value < ALIKE:
            what = f"the voice does not sound like the original one (cosine {value:.2f})"
            yield Flag(
                Severity.WARNING, "voice-unlike", where=speaker, what=what, hint="cast a voice by hand in casting.toml"
            )
