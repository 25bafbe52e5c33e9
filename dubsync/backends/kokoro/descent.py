"""Bring a voice nearer to a person along the gradient of what an encoder hears.

A mixture of published voices comes only so near to anybody. Here the timbre itself is moved, in the directions in
which the published voices differ, each as far as they do: Adam (Kingma and Ba, 2015) on as many numbers as there are
directions, through the decoder, the equaliser and the encoder. The number of steps decides the result, no clock.
What it gains: docs/voice.md.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from dubsync.audio import equaliser, features
from dubsync.backends.kokoro import decoder
from dubsync.backends.kokoro.engine import FRAMES_PER_SECOND, RATE, TIMBRE, Encoded
from dubsync.backends.kokoro.speech import CENTRES, tract
from dubsync.backends.kokoro.voices import LEFT_OUT, Library
from dubsync.backends.protocols import Voice
from dubsync.backends.speaker_resemblyzer import RATE as HEARD_RATE
from dubsync.backends.speaker_resemblyzer import WINDOW, hann
from dubsync.engine.memory import at_once, give_back
from dubsync.precision import computing

Array = NDArray[np.float32]

DIRECTIONS = 40
RATE_OF_STEPS = 0.15
"""Of a direction's deviation over the published voices, in each step."""
RIDGE = 0.002
CUT = WINDOW * FRAMES_PER_SECOND // 100
"""Frames that are spoken in a step: the 1.6 s that the encoder hears at once."""
_ROWS = (30, 60, 100)
"""Lengths in tokens at which voices are compared: a voice has a style for each."""
_REACH = 12
_QUIET = 10 ** (-30 / 20)


class Descent:
    """Moves timbres. The decoder is large: it is built for each move and not kept."""

    def __init__(self, library: Library, encoder: torch.nn.Module) -> None:
        self._library, self._encoder = library, encoder

    @cached_property
    def _directions(self) -> Tensor:
        """Return (DIRECTIONS, 128): what the published timbres differ in, each one deviation long."""
        styles = [self._library.style(name) for name in self._library.names() if name not in LEFT_OUT]
        rows = np.stack([style[row, TIMBRE] for style in styles for row in _ROWS]).astype(np.float64)
        _, sizes, axes = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
        deviations = sizes[:DIRECTIONS, None] / np.sqrt(len(rows))
        return torch.from_numpy((axes[:DIRECTIONS] * deviations).astype(np.float32))

    def moved(self, text: Encoded, timbre: Array, voice: Voice, person: Array, steps: int) -> Array:
        """Return by how much to move a timbre (128,) so that it sounds more like `person`, a unit vector (256,).

        `text`: what is said, without the silence around it; `voice`: whose equaliser and tract there are.
        """
        with at_once():
            return self._moved(text, timbre, voice, person, steps)

    def _moved(self, text: Encoded, timbre: Array, voice: Voice, person: Array, steps: int) -> Array:
        taps = equaliser.design(CENTRES, voice["eq"].astype(np.float64), RATE)
        filters = torch.from_numpy(taps.astype(np.float32))
        start = torch.from_numpy(timbre[None].astype(np.float32))
        place = torch.zeros(len(self._directions), requires_grad=True)
        adam = torch.optim.Adam([place], lr=RATE_OF_STEPS)
        cuts, speak = _cuts(text), decoder.load(self._library.folder)
        give_back()  # what the file took beside the weights
        for step in range(steps):
            with computing("cpu"):
                sound = speak(*cuts[step % len(cuts)], start + place @ self._directions)[0]
            heard = self._heard(_filtered(_stretched(sound.float(), tract(voice)), filters))
            loss = 1 - heard @ torch.from_numpy(person) + RIDGE * place.square().mean()
            adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()
        moved: Array = (place @ self._directions).detach().numpy()
        return moved

    def _heard(self, sound: Tensor) -> Tensor:
        """Return the encoder's unit vector (256,) of sound at 24 kHz, as the encoder itself would hear it."""
        speech = _resampled(sound)
        speech = speech * (_QUIET / (speech.square().mean().sqrt() + 1e-6)).clamp(min=1.0)
        heard: Tensor = self._encoder(_mel(speech)[None])
        return heard


def _cuts(text: Encoded) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Return the beginning, the end and the middle of a text, each `CUT` frames long if there are as many."""
    sounds, pitch, energy = decoder.tensors(text)
    last = max(0, sounds.shape[2] - CUT)
    return [
        (sounds[..., at : at + CUT], pitch[..., 2 * at : 2 * (at + CUT)], energy[..., 2 * at : 2 * (at + CUT)])
        for at in dict.fromkeys((0, last, last // 2))
    ]


def _filtered(sound: Tensor, taps: Tensor) -> Tensor:
    return functional.conv1d(sound[None, None], taps.flip(0)[None, None], padding=len(taps) // 2)[0, 0]


def _stretched(sound: Tensor, length: float) -> Tensor:
    """Return sound `length` times as long and as low, interpolated by a windowed sinc."""
    if length == 1:
        return sound
    at = torch.arange(int((len(sound) - 1) * length)) / length
    near = at.floor().long()[:, None] + torch.arange(1 - _REACH, _REACH + 1)
    away = at[:, None] - near
    weights = torch.sinc(away) * torch.cos(torch.pi / 2 * away / _REACH) ** 2
    return (sound[near.clamp(0, len(sound) - 1)] * weights).sum(dim=1)


def _resampled(sound: Tensor) -> Tensor:
    """Return sound at 24 kHz at the encoder's 16: twice as many samples, smoothed, then every third of them."""
    from scipy.signal import firwin

    assert 2 * RATE == 3 * HEARD_RATE
    smoothing = torch.from_numpy((2 * firwin(97, 7800, fs=2 * RATE)).astype(np.float32))
    twice = torch.zeros(2 * len(sound)).index_copy(0, torch.arange(0, 2 * len(sound), 2), sound)
    return functional.conv1d(twice[None, None], smoothing[None, None], stride=3, padding=48)[0, 0]


def _mel(speech: Tensor) -> Tensor:
    """Return the mel spectrogram (WINDOW, 40) of the beginning of speech at 16 kHz."""
    filters = torch.from_numpy(features.mel_filters(HEARD_RATE, 400, 40).astype(np.float32))
    window = torch.from_numpy(hann(400))
    spectrum = torch.stft(speech, 400, 160, window=window, pad_mode="constant", return_complex=True)
    mel = (filters @ spectrum.abs().square()).T[:WINDOW]
    return functional.pad(mel, (0, 0, 0, WINDOW - len(mel)))
