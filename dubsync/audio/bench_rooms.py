"""How near a dubbed line comes to the room and the colour of its original, in rooms whose truth is known.

The rooms are boxes whose echoes are mirror images of the speaker (Allen and Berkley, "Image method for efficiently
simulating small-room acoustics", 1979), which is not how `room` makes its own tails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, sosfilt

from dubsync.audio import match, room

Samples = NDArray[np.float32]

_SOUND_M_S = 343.0
_ECHO_S = 1.2
_LOWEST_HZ = 100.0


@dataclass(frozen=True, slots=True)
class Box:
    """A room with walls that send back so much of a wave. `size`: metres; mouth and microphone lie within it."""

    size: tuple[float, float, float]
    reflection: float
    tilt_db: float
    """What its microphone takes from each octave above 500 Hz, or adds."""


BOXES = (
    Box((30.0, 40.0, 20.0), 0.0, 0.0),
    Box((3.0, 4.0, 2.5), 0.7, -1.5),
    Box((4.0, 5.0, 2.7), 0.85, 1.0),
    Box((7.0, 9.0, 3.5), 0.85, -1.0),
    Box((12.0, 16.0, 6.0), 0.85, 0.0),
)
"""Outdoors, a closet, a kitchen, a classroom and a hall."""


def figures(originals: Sequence[Samples], dubs: Sequence[Samples], rate: int) -> dict[str, float]:
    """Put originals into each room, match the dry dubs to them as the mix does, and say how far they are off.

    `room_decay_error`: by what share the decay of a dub misses the original's (median of rooms and of percentiles);
    `room_decay_error_dry`: before. `spectral_distance_db`: mean difference of third octaves; `..._before`.
    """
    before, after, plain, matched = [], [], [], []
    dry = np.concatenate(dubs)
    rooms = room.Rooms(dry, rate)
    for box in BOXES:
        response = echoes(box, rate)
        heard = [_tilted(_in(original, response), box.tilt_db, rate) for original in originals]
        around = np.concatenate(heard)
        found = rooms.find(around, rate)
        placed = [
            room.place(match.colour(dub, rate, match.listen(one[:, None], rate)), rate, found)
            for dub, one in zip(dubs, heard, strict=True)
        ]
        before.append(_missed(dry, around, rate))
        after.append(_missed(np.concatenate(placed), around, rate))
        plain += [match.spectral_distance(dub, one, rate) for dub, one in zip(dubs, heard, strict=True)]
        matched += [match.spectral_distance(dub, one, rate) for dub, one in zip(placed, heard, strict=True)]
    return {
        "room_decay_error": round(float(np.median(after)), 3),
        "room_decay_error_dry": round(float(np.median(before)), 3),
        "spectral_distance_db": round(float(np.median(matched)), 2),
        "spectral_distance_db_before": round(float(np.median(plain)), 2),
    }


def echoes(box: Box, rate: int) -> Samples:
    """Return the impulse response of a box, the direct sound first; as its authors advise, without the lowest tones."""
    size = np.array(box.size)
    mouth, ear = size * (0.35, 0.45, 0.55), size * (0.35, 0.45, 0.55) + (0.9, 0.7, 0.1)
    out = np.zeros(round(_ECHO_S * rate), np.float32)
    most = np.ceil(_ECHO_S * _SOUND_M_S / 2 / size).astype(int) if box.reflection else np.zeros(3, int)
    axes = [_images(size[axis], mouth[axis], ear[axis], int(most[axis])) for axis in range(3)]
    direct = float(np.linalg.norm(mouth - ear))
    for far_x, bounced_x in zip(*axes[0], strict=True):
        squares = far_x**2 + axes[1][0][:, None] ** 2 + axes[2][0][None, :] ** 2
        distance = np.sqrt(squares)
        bounced = bounced_x + axes[1][1][:, None] + axes[2][1][None, :]
        at = np.rint((distance - direct) / _SOUND_M_S * rate).astype(int)
        is_heard = at < len(out)
        np.add.at(out, at[is_heard], (box.reflection**bounced * direct / distance)[is_heard])
    return np.asarray(sosfilt(butter(2, _LOWEST_HZ, "highpass", fs=rate, output="sos"), out), np.float32)


def _images(size: float, mouth: float, ear: float, most: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return how far each mirror image lies from the ear along an axis, and how often its sound was reflected."""
    number = np.arange(-most, most + 1)
    near, mirrored = 2 * number * size + mouth - ear, 2 * number * size - mouth - ear
    bounced = np.concatenate([2 * np.abs(number), np.abs(2 * number - 1)])
    if most == 0:
        return near, bounced[:1]
    return np.concatenate([near, mirrored]), bounced


def _in(speech: Samples, response: Samples) -> Samples:
    return np.asarray(fftconvolve(speech, response), np.float32)


def _tilted(speech: Samples, db_an_octave: float, rate: int) -> Samples:
    spectrum = np.fft.rfft(speech)
    octaves = np.log2(np.maximum(np.fft.rfftfreq(len(speech), 1 / rate), 500) / 500)
    return np.asarray(np.fft.irfft(spectrum * 10 ** (db_an_octave * octaves / 20), len(speech)), np.float32)


def _missed(dub: Samples, original: Samples, rate: int) -> float:
    """Return by what share the decay times of the dub are longer or shorter, the mean of three percentiles."""
    ours, theirs = room.decays(dub, rate), room.decays(original, rate)
    assert ours is not None
    assert theirs is not None, "the lines are long enough to hear a room in"
    return float(np.mean(np.expm1(np.abs(ours - theirs))))
