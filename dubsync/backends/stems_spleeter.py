"""stems.spleeter: dialogue and bed by Spleeter 2 stems (Deezer, MIT), streamed from WAV to WAV.

Works at 44.1 kHz inside; the bed is the mixture less the dialogue, so nothing is lost or added. Of a multichannel
mix the centre is separated if it carries sound, else the front pair; other channels are bed as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import wav
from dubsync.audio.streams import Pieces, resampled
from dubsync.backends.protocols import Capabilities, Progress

WEIGHTS = "spleeter-2stems"
FILE = "spleeter-2stems.safetensors"
RATE = 44100
_SIZE, _HOP = 4096, 1024
_MARGIN = 32
"""Frames at either end of a chunk (0.74 s) that only lend context to the network."""
_TOP = slice(768, 1024)
"""Bins (8 to 11 kHz) whose mean mask stands for the bins above, which the network does not see."""
_SILENT_CENTRE = 1e-4

Array = NDArray[np.float32]


def prepare(source: Path, out: Path) -> None:
    """Write `spleeter-2stems.safetensors` from the TensorFlow checkpoint."""
    from safetensors.torch import save_file

    from dubsync.audio import checkpoint
    from dubsync.backends.spleeter import network

    save_file(network.from_checkpoint(checkpoint.read(source)), str(out / FILE))


class SpleeterSeparator:
    """Divides a WAV into dialogue and bed with memory that does not depend on its length."""

    capabilities = Capabilities(name="stems.spleeter", version="1", licence="MIT", weights=(WEIGHTS,))

    def __init__(self, folder: Path | None = None) -> None:
        if folder is None:
            from dubsync.weights import resolve

            folder = resolve(WEIGHTS)
        from dubsync.backends.spleeter import network

        self._networks = network.load(folder / FILE)

    def separate(self, mixture: Path, dialogue: Path, bed: Path, *, progress: Progress) -> None:
        """Write two float32 WAV files of the mixture's rate, channels and length; their sum is the mixture."""
        facts = wav.facts(mixture)
        pair = _voiced_pair(mixture, facts)
        speech = Pieces(self._speech(mixture, pair, facts.sample_rate), 2)
        with (
            wav.WavWriter(dialogue, facts.sample_rate, facts.channels) as dialogue_file,
            wav.WavWriter(bed, facts.sample_rate, facts.channels) as bed_file,
        ):
            for block in wav.blocks(mixture):
                found = np.zeros_like(block)
                _spread(found, speech.take(len(block)), pair)
                dialogue_file.write(found)
                bed_file.write(block - found)
                progress(bed_file.frames / max(1, facts.frames))

    def _speech(self, mixture: Path, pair: tuple[int, int], rate: int) -> Iterator[Array]:
        """Yield the dialogue of two channels as (n, 2) blocks of the mixture's rate."""
        stereo = (block[:, pair] for block in wav.blocks(mixture))
        return resampled(self._separated(resampled(stereo, rate, RATE, 2)), RATE, rate, 2)

    def _separated(self, stereo: Iterator[Array]) -> Iterator[Array]:
        """Yield the dialogue of 44.1 kHz stereo: chunks of 512 frames, of which the inner ones are kept."""
        from dubsync.backends.spleeter.network import FRAMES

        kept = FRAMES - 2 * _MARGIN
        need = (FRAMES - 1) * _HOP + _SIZE
        held = np.zeros((_MARGIN * _HOP + _SIZE // 2, 2), np.float32)
        tail = np.zeros((_SIZE - _HOP, 2), np.float32)
        skip, given, taken = _SIZE // 2, 0, 0
        for block in chain(stereo, (None,)):
            given += 0 if block is None else len(block)
            held = np.concatenate([held, np.zeros((need, 2), np.float32) if block is None else block])
            while len(held) >= need and (block is not None or taken < given):
                sound = self._chunk(held[:need])
                sound[: len(tail)] += tail
                ready, tail = sound[: kept * _HOP], sound[kept * _HOP :]
                held = held[kept * _HOP :]
                out = ready[skip:]
                skip, taken = 0, taken + len(out)
                yield out

    def _chunk(self, samples: Array) -> Array:
        """Return the dialogue of the inner frames, overlap-added: ((kept - 1) * hop + size, 2)."""
        import torch

        from dubsync.backends.spleeter.network import BINS, FRAMES

        window = torch.hann_window(_SIZE)
        with torch.inference_mode():
            spectrum = torch.stft(
                torch.from_numpy(samples.T.copy()), _SIZE, _HOP, _SIZE, window, center=False, return_complex=True
            )  # (2, 2049, 512)
            magnitude = spectrum[:, :BINS].abs().transpose(1, 2)[None]  # (1, 2, 512, 1024)
            powers = {stem: net(magnitude)[0].square() for stem, net in self._networks.items()}
            mask = (powers["dialogue"] + 0.5e-10) / (powers["dialogue"] + powers["bed"] + 1e-10)
            above = mask[:, :, _TOP].mean(dim=2, keepdim=True).expand(-1, -1, _SIZE // 2 + 1 - BINS)
            full = torch.cat([mask, above], 2).transpose(1, 2)
            inner = (spectrum * full)[:, :, _MARGIN : FRAMES - _MARGIN]
            frames = torch.fft.irfft(inner, n=_SIZE, dim=1) * (window[None, :, None] / 1.5)
            length = (inner.shape[2] - 1) * _HOP + _SIZE
            joined = torch.nn.functional.fold(frames, (1, length), (1, _SIZE), stride=(1, _HOP))
        return joined[:, 0, 0].T.numpy().copy()


def _voiced_pair(mixture: Path, facts: wav.WavFacts) -> tuple[int, int]:
    """Return the two channels to separate: mono or the centre twice, else left and right."""
    if facts.channels == 1:
        return 0, 0
    if facts.channels in (3, 5, 6, 7, 8) and any(
        float(np.abs(block[:, 2]).max(initial=0.0)) > _SILENT_CENTRE for block in wav.blocks(mixture)
    ):
        return 2, 2
    return 0, 1


def _spread(out: Array, stereo: Array, pair: tuple[int, int]) -> None:
    left, right = pair
    if left == right:
        out[:, left] = stereo.mean(axis=1)
    else:
        out[:, [left, right]] = stereo
