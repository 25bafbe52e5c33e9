"""The film as a whole: who says what in which shot, drawn, sounded, written, and the truth about it in JSON.

A film opens on the harbour, then shows each speaker while he or she speaks. Frame n shows the time (n + 1/2) / rate.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import acting, encode, grade, sound
from .articulation import CONTROLS
from .camera import Camera
from .harbour import Harbour
from .head import Look
from .portrait import Person, Portrait
from .voice import Phone, Spoken, speak

OUTER_LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
INNER_LIPS = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
LEFT_EYE, RIGHT_EYE = (33, 133), (362, 263)


@dataclass(frozen=True, slots=True)
class Cue:
    """One line: who says it in which voice, and the seconds of silence before it."""

    text: str
    person: int
    voice: str
    pause: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is decided before a film is made. `looks`, `brows`: see acting.Direction, seconds of the film."""

    cues: tuple[Cue, ...]
    people: tuple[Person, ...]
    width: int = 960
    height: int = 540
    rate: Fraction = Fraction(25)
    opening: float = 3.0
    closing: float = 0.7
    pace: float = 1.0
    quality: int = 23
    looks: tuple[tuple[float, float, float], ...] = ()
    brows: tuple[tuple[float, float, float], ...] = ()
    poses: tuple[tuple[float, float, float], ...] = ((-9.0, 2.0, 2.0),)
    scale: int = 2


@dataclass(slots=True)
class _Shot:
    person: int | None
    first: int
    stop: int


@dataclass(slots=True)
class _Made:
    """What is found out while the film is drawn, for the truth file."""

    numbers: list[int] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    landmarks: list[NDArray[np.float32]] = field(default_factory=list)


def make(plan: Plan, path: Path, *, spoken: list[Spoken] | None = None) -> None:
    """Write the film to `path` and the truth beside it (`.truth.json`)."""
    said = spoken or speak([(cue.text, cue.voice) for cue in plan.cues], pace=plan.pace)
    starts = _starts(plan, said)
    frames = int(np.ceil((starts[-1] + said[-1].seconds + plan.closing) * plan.rate))
    shots = _shots(plan, said, starts, frames)
    track = sound.mix(
        list(zip(starts, [line.samples for line in said], strict=True)), float(frames / plan.rate), plan.opening
    )
    track = track[: round(frames / plan.rate * sound.RATE)]
    made = _Made()
    pictures = _pictures(plan, shots, _phones(said, starts), made)
    words = [_cue_times(line, start) for line, start in zip(said, starts, strict=True)]
    cues = [(first, last, line.text) for (first, last), line in zip(words, said, strict=True)]
    encode.write(path, pictures, track, cues, rate=plan.rate, quality=plan.quality)
    truth = _truth(plan, path.name, said, starts, shots, made, frames)
    path.with_suffix(".truth.json").write_text(json.dumps(truth, ensure_ascii=False, separators=(",", ":")) + "\n")


def _starts(plan: Plan, said: list[Spoken]) -> list[float]:
    """Return when each line begins, on whole frames."""
    starts, now = [], plan.opening
    for cue, line in zip(plan.cues, said, strict=True):
        begin = round((now + cue.pause) * plan.rate) / plan.rate
        starts.append(float(begin))
        now = float(begin) + line.seconds
    return starts


def _shots(plan: Plan, said: list[Spoken], starts: list[float], frames: int) -> list[_Shot]:
    """Cut from the harbour to the first speaker, then in the pause whenever the speaker changes."""
    shots = [_Shot(None, 0, round(plan.opening * plan.rate))] if plan.opening else []
    order = [cue.person for cue in plan.cues]
    at = 0
    for person, group in groupby(order):
        if at:
            shots[-1].stop = round((starts[at] - 0.20) * plan.rate)
        first = shots[-1].stop if shots else 0
        shots.append(_Shot(person, first, frames))
        at += len(list(group))
    return shots


def _phones(said: list[Spoken], starts: list[float]) -> list[list[Phone]]:
    """Return the phones of each line on the film's clock."""
    return [
        [Phone(phone.symbol, phone.start + start, phone.end + start) for phone in line.phones]
        for line, start in zip(said, starts, strict=True)
    ]


def _cue_times(line: Spoken, start: float) -> tuple[float, float]:
    return start + line.words[0][1], start + line.words[-1][2]


def _pictures(plan: Plan, shots: list[_Shot], phones: list[list[Phone]], made: _Made) -> Iterator[NDArray[np.uint8]]:
    random = np.random.default_rng(77)
    for shot in shots:
        drawn = _harbour(plan, shot) if shot.person is None else _speaker(plan, shot, phones, made)
        for linear, exposure in drawn:
            noise = grade.grain(plan.height, plan.width, random)
            yield grade.develop(linear, exposure=exposure, grain=noise)


def _harbour(plan: Plan, shot: _Shot) -> Iterator[tuple[NDArray[np.float32], float]]:
    view = Harbour(plan.width, plan.height)
    for number in range(shot.first, shot.stop):
        yield view.draw(float((number + 0.5) / plan.rate), plan.opening), 1.0


def _speaker(
    plan: Plan, shot: _Shot, phones: list[list[Phone]], made: _Made
) -> Iterator[tuple[NDArray[np.float32], float]]:
    assert shot.person is not None
    unit = plan.height / 540
    usual = Camera()
    camera = Camera(
        plan.width, plan.height, usual.focal * unit, usual.distance,
        (plan.width * usual.centre[0] / usual.width, usual.centre[1] * unit),
    )  # fmt: skip
    portrait = Portrait(plan.people[shot.person], camera, scale=plan.scale)
    behind = grade.room(plan.height, plan.width, mirrored=shot.person % 2 == 1)
    times = np.asarray((np.arange(shot.first, shot.stop) + 0.5) / float(plan.rate), np.float64)
    for number, (look, turn) in enumerate(acting.act(_direction(plan, shot, phones, times), times), shot.first):
        colour, opacity, landmarks = portrait.draw(look, turn)
        made.numbers.append(number)
        made.looks.append(look)
        made.landmarks.append(landmarks)
        yield colour + behind * (1 - opacity[..., None]), 0.92


def _direction(plan: Plan, shot: _Shot, phones: list[list[Phone]], times: NDArray[np.float64]) -> acting.Direction:
    mine = [line for line, cue in zip(phones, plan.cues, strict=True) if cue.person == shot.person]
    inside = [phone for line in mine for phone in line if times[0] - 0.5 < phone.start < times[-1] + 0.5]
    blinks = (
        [float(times[0]) + 0.28]
        + [line[-1].start + 0.06 for line in mine]
        + [line[0].start - 1.9 for line in mine[1::2]]
    )
    pose = plan.poses[(shot.person or 0) % len(plan.poses)]
    return acting.Direction(tuple(inside), tuple(blinks), plan.looks, plan.brows, pose, seed=1 + (shot.person or 0))


def opening(landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the gap between the lips over the distance of the eyes, (n,) from landmarks (n, 468, 2)."""
    gap = np.linalg.norm(landmarks[:, [82, 13, 312]] - landmarks[:, [87, 14, 317]], axis=2).mean(1)
    return np.asarray(gap / _eyes(landmarks))


def mouth_width(landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the distance of the mouth's corners over the distance of the eyes."""
    return np.asarray(np.linalg.norm(landmarks[:, 61] - landmarks[:, 291], axis=1) / _eyes(landmarks))


def _eyes(landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
    left, right = (landmarks[:, list(eye)].mean(1) for eye in (LEFT_EYE, RIGHT_EYE))
    return np.asarray(np.linalg.norm(left - right, axis=1))


def _truth(  # noqa: PLR0913 - the facts of one film
    plan: Plan, name: str, said: list[Spoken], starts: list[float], shots: list[_Shot], made: _Made, frames: int
) -> dict[str, Any]:
    """Return what is true of the film: times in seconds of the film's clock, pixels with centres at integers."""
    points = np.stack(made.landmarks)
    lips = points[:, [*OUTER_LIPS, *INNER_LIPS]]
    lines = []
    for cue, line, start in zip(plan.cues, said, starts, strict=True):
        times = [[phone.symbol, round(phone.start + start, 4), round(phone.end + start, 4)] for phone in line.phones]
        words = [[word, round(first + start, 4), round(last + start, 4)] for word, first, last in line.words]
        first, last = _cue_times(line, start)
        lines.append({"text": cue.text, "person": cue.person, "voice": cue.voice, "start": round(first, 4),
                      "end": round(last, 4), "words": words, "phones": times})  # fmt: skip
    return {
        "schema": "dubsync.sample-truth/1", "film": name, "width": plan.width, "height": plan.height,
        "rate": f"{plan.rate.numerator}/{plan.rate.denominator}", "frames": frames, "language": "en",
        "shots": [{"first": shot.first, "stop": shot.stop, "person": shot.person} for shot in shots],
        "lines": lines,
        "face": {
            "frames": made.numbers,
            "controls": {key: [round(getattr(look, key), 3) for look in made.looks] for key in (*CONTROLS, "blink")},
            "opening": [round(float(value), 4) for value in opening(points)],
            "width": [round(float(value), 4) for value in mouth_width(points)],
            "lip_indices": [*OUTER_LIPS, *INNER_LIPS],
            "lips": [[round(float(value), 1) for value in frame.ravel()] for frame in lips],
        },
    }  # fmt: skip
