"""Wav2Lip's generator (Prajwal et al., "A Lip Sync Expert Is All You Need", 2020), for checkpoints people bring.

Written from the paper; names and shapes of tensors are those of the published checkpoints, which are for
non-commercial use and not part of dubsync. In: 16 mel frames of 80 bands, and a face of 96 px whose lower half is
cut out, with a whole one beside it (6 channels, BGR). Out: the face, 96 px, BGR, 0 to 1.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dubsync.audio.features import mel_filters, power_spectrum
from dubsync.errors import ChecksumMismatch

SIZE, MEL_BANDS, MEL_STEPS = 96, 80, 16
RATE, MEL_PER_SECOND = 16000, 80
_EMPHASIS, _FLOOR_DB, _REFERENCE_DB, _LIMIT = 0.97, -100.0, 20.0, 4.0
_LOW_HZ, _HIGH_HZ = 55.0, 7600.0


class Block(nn.Module):
    """Convolution, batch norm, ReLU; `carries`: the input is added before the ReLU."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int | tuple[int, int] = 1,
        padding: int = 0,
        *,
        carries: bool = False,
    ) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, padding), nn.BatchNorm2d(outputs))
        self.carries = carries

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv_block(x)
        return torch.relu(out + x if self.carries else out)


class Larger(nn.Module):
    """Transposed convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int, padding: int, output_padding: int) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ConvTranspose2d(inputs, outputs, 3, stride, padding, output_padding), nn.BatchNorm2d(outputs)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.conv_block(x))


def _carrying(width: int, count: int) -> list[nn.Module]:
    return [Block(width, width, 3, 1, 1, carries=True) for _ in range(count)]


class Wav2Lip(nn.Module):
    """(n, 1, 80, 16) mel and (n, 6, 96, 96) faces to (n, 3, 96, 96)."""

    def __init__(self) -> None:
        super().__init__()
        widths, carried = (16, 32, 64, 128, 256, 512), (2, 3, 2, 2, 1)
        encoder: list[nn.Module] = [nn.Sequential(Block(6, 16, 7, 1, 3))]
        for (before, after), count in zip(pairwise(widths), carried, strict=True):
            encoder.append(nn.Sequential(Block(before, after, 3, 2, 1), *_carrying(after, count)))
        encoder.append(nn.Sequential(Block(512, 512, 3), Block(512, 512, 1)))
        self.face_encoder_blocks = nn.ModuleList(encoder)
        self.audio_encoder = nn.Sequential(
            Block(1, 32, 3, 1, 1),
            *_carrying(32, 2),
            Block(32, 64, 3, (3, 1), 1),
            *_carrying(64, 2),
            Block(64, 128, 3, 3, 1),
            *_carrying(128, 2),
            Block(128, 256, 3, (3, 2), 1),
            *_carrying(256, 1),
            Block(256, 512, 3),
            Block(512, 512, 1),
        )
        self.face_decoder_blocks = nn.ModuleList(
            [
                nn.Sequential(Block(512, 512, 1)),
                nn.Sequential(Larger(1024, 512, 1, 0, 0), *_carrying(512, 1)),
                nn.Sequential(Larger(1024, 512, 2, 1, 1), *_carrying(512, 2)),
                nn.Sequential(Larger(768, 384, 2, 1, 1), *_carrying(384, 2)),
                nn.Sequential(Larger(512, 256, 2, 1, 1), *_carrying(256, 2)),
                nn.Sequential(Larger(320, 128, 2, 1, 1), *_carrying(128, 2)),
                nn.Sequential(Larger(160, 64, 2, 1, 1), *_carrying(64, 2)),
            ]
        )
        self.output_block = nn.Sequential(Block(80, 32, 3, 1, 1), nn.Conv2d(32, 3, 1), nn.Sigmoid())

    def forward(self, mel: Tensor, faces: Tensor) -> Tensor:
        skips = []
        x = faces
        for block in self.face_encoder_blocks:
            x = block(x)
            skips.append(x)
        x = self.audio_encoder(mel)  # (n, 512, 1, 1)
        for block in self.face_decoder_blocks:
            x = torch.cat([block(x), skips.pop()], dim=1)
        painted: Tensor = self.output_block(x)
        return painted


def load(file: Path) -> Wav2Lip:
    """Read a published checkpoint (Wav2Lip or Wav2Lip-GAN); names and shapes must be exactly right."""
    found = _tensors(file)
    weights = {name.removeprefix("module."): value for name, value in found.items()}
    model = Wav2Lip()
    try:
        model.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        raise ChecksumMismatch(
            f"{file.name}: not a Wav2Lip generator of 96 px: {str(error).splitlines()[1].strip()}",
            hint="bring the original Wav2Lip or Wav2Lip-GAN checkpoint",
        ) from error
    return model.eval()


def _tensors(file: Path) -> dict[str, Tensor]:
    if file.suffix == ".safetensors":
        from safetensors.torch import load_file

        found = load_file(file)
        part = "state_dict."  # `dubsync models add` keeps all tensors of a checkpoint, its optimiser's too
        return {name.removeprefix(part): value for name, value in found.items() if name.startswith(part)} or found
    found = torch.load(file, map_location="cpu", weights_only=True)
    return dict(found.get("state_dict", found))


def mel_spectrogram(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (80, n), 80 frames a second, -4 to 4, as the checkpoints were trained on."""
    emphasised = np.append(samples[:1], samples[1:] - _EMPHASIS * samples[:-1]).astype(np.float32)
    size = RATE // MEL_PER_SECOND * 4
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    power = power_spectrum(emphasised, window=window, size=size, hop=size // 4, centred=True)
    mel = np.sqrt(power) @ mel_filters(RATE, size, MEL_BANDS, _LOW_HZ, _HIGH_HZ).T
    level = 20 * np.log10(np.maximum(10 ** (_FLOOR_DB / 20), mel)) - _REFERENCE_DB
    scaled = 2 * _LIMIT * (level - _FLOOR_DB) / -_FLOOR_DB - _LIMIT
    return np.asarray(np.clip(scaled, -_LIMIT, _LIMIT).T, np.float32)


def mel_windows(mel: NDArray[np.float32], seconds: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return (n, 1, 80, 16): the 0.2 s of sound that begin with each frame shown at `seconds`."""
    padded = np.pad(mel, ((0, 0), (0, MEL_STEPS)), mode="edge")
    starts = np.clip((seconds * MEL_PER_SECOND).astype(int), 0, padded.shape[1] - MEL_STEPS)
    return np.stack([padded[None, :, start : start + MEL_STEPS] for start in starts])
