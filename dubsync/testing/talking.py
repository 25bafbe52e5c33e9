"""A little film of a talking disc, drawn by code for the fakes: skin, and a mouth that opens with the tones heard."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

_RATE = 48000
_SKIN = (225, 170, 140)


@dataclass(frozen=True, slots=True)
class TalkingSpec:
    """`lines`: (start, end, hertz) of each tone. `face`: seconds in which the disc is on screen.

    `cut`: the second from which on the background is another one.
    """

    seconds: float = 4.0
    width: int = 160
    height: int = 120
    rate: Fraction = Fraction(25)
    lines: tuple[tuple[float, float, float], ...] = ((0.6, 1.6, 130.0), (2.4, 3.4, 130.0))
    face: tuple[float, float] = (0.0, 99.0)
    cut: float = 99.0


def make_talking_film(path: Path, spec: TalkingSpec | None = None) -> Path:
    """Write the film as H.264 with AAC; deterministic."""
    spec = spec or TalkingSpec()
    frames = round(spec.seconds * spec.rate)
    sound = _sound(spec, round(Fraction(frames) / spec.rate * _RATE))
    with av.open(str(path), "w") as out:
        picture = out.add_stream(
            "libx264", rate=spec.rate, options={"crf": "12", "preset": "ultrafast", "threads": "1"}
        )
        picture.width, picture.height, picture.pix_fmt = spec.width, spec.height, "yuv420p"
        voice = out.add_stream("aac", rate=_RATE)
        voice.layout = "stereo"
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(_draw(spec, number, sound), format="rgb24")
            out.mux(picture.encode(frame))
        out.mux(picture.encode(None))
        heard = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(np.stack([sound, sound])), format="fltp", layout="stereo"
        )
        heard.sample_rate = _RATE
        out.mux(voice.encode(heard))
        out.mux(voice.encode(None))
    return path


def _sound(spec: TalkingSpec, length: int) -> NDArray[np.float32]:
    time = np.arange(length) / _RATE
    sound = np.zeros(length)
    for start, end, hertz in spec.lines:
        inside = (time >= start) & (time < end)
        beats = 0.5 - 0.5 * np.cos(2 * np.pi * 4 * (time - start))
        sound += inside * 0.4 * (0.3 + 0.7 * beats) * np.sin(2 * np.pi * hertz * time)
    return sound.astype(np.float32)


def _draw(spec: TalkingSpec, number: int, sound: NDArray[np.float32]) -> NDArray[np.uint8]:
    time = float(number / spec.rate)
    y, x = np.mgrid[: spec.height, : spec.width]
    picture = np.zeros((spec.height, spec.width, 3), np.uint8)
    picture[..., 2] = (60 + 60 * y / spec.height).astype(np.uint8)
    if time >= spec.cut:
        picture[...] = (220 - 60 * x / spec.width).astype(np.uint8)[..., None]
    if not spec.face[0] <= time < spec.face[1]:
        return picture
    centre_x, centre_y = spec.width / 2 + 4 * np.sin(time), spec.height / 2
    wide, high = spec.height * 0.3, spec.height * 0.42
    picture[((x - centre_x) / wide) ** 2 + ((y - centre_y) / high) ** 2 < 1] = _SKIN
    heard = sound[int(time * _RATE) : int((time + 0.04) * _RATE)]
    opening = 0.02 + 0.12 * min(1.0, 3 * float(np.sqrt(np.mean(heard**2))) if len(heard) else 0.0)
    lips = ((x - centre_x) / (0.36 * wide)) ** 2 + ((y - centre_y - 0.5 * high) / (opening * high)) ** 2
    picture[lips < 1] = (90, 30, 40)
    for side in (-1, 1):
        eye = (x - centre_x - side * 0.42 * wide) ** 2 + (y - centre_y + 0.2 * high) ** 2
        picture[eye < (0.09 * wide) ** 2] = (40, 30, 30)
    return picture
