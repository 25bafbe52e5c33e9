"""Predicted mean opinion score of speech, 1 to 5: DistillMOS (Stahl and Gamper, 2025; MIT), its network and weights.

A convolutional front end on compressed complex spectra, a transformer over 384 frames of 20 ms, attention pooling.
For benches: it ranks voices and finds broken speech; it is not a listener.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from dubsync.audio import features

WEIGHTS = "distillmos"
FILE = "distill_mos_v7.pt"
RATE = 16000
_LENGTH, _HOP = 122880, 16000
_WIDTH = 200


def load(folder: Path) -> OpinionModel:
    """Return the predictor; only tensors are read from the file."""
    model = OpinionModel()
    state = torch.load(folder / FILE, map_location="cpu", weights_only=True)["model"]
    model.load_state_dict({name.replace("transformer_pool_attn.", "").replace("cnn.cnn", "cnn"): value
                           for name, value in state.items()})  # fmt: skip
    return model.eval().requires_grad_(requires_grad=False)


class _Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(1024)
        self.position_encoding = nn.Module()
        self.position_encoding.register_buffer("pe", torch.zeros(1, 384, _WIDTH))
        self.linear_proj = nn.Linear(1024, _WIDTH)
        layer = nn.TransformerEncoderLayer(_WIDTH, 8, 2 * _WIDTH, dropout=0.0, batch_first=True)
        self.transformer_encoder = nn.TransformerEncoder(layer, 7, enable_nested_tensor=False)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:  # (batch, 384, 1024)
        hidden = self.linear_proj(self.norm(frames.transpose(1, 2)).transpose(1, 2))
        encoded: torch.Tensor = self.transformer_encoder(hidden + self.position_encoding.pe)
        return encoded  # (batch, 384, 200)


class _Pool(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(_WIDTH, 2 * _WIDTH), nn.Linear(2 * _WIDTH, 1)
        self.linear3 = nn.Linear(_WIDTH, 1)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        weights = functional.softmax(self.linear2(functional.relu(self.linear1(frames))), dim=1)
        pooled: torch.Tensor = self.linear3((weights * frames).sum(dim=1))
        return pooled  # (batch, 1)


class OpinionModel(nn.Module):
    """Mono sound at 16 kHz, (n,), to a score."""

    def __init__(self) -> None:
        super().__init__()
        widths = (2, 64, 64, 128, 256, 256, 256)
        layers: list[nn.Module] = []
        for level in range(6):
            stride = (1 if level == 0 else 2, 2 if level == 5 else 1)
            layers += [nn.Conv2d(widths[level], widths[level + 1], 3, stride, padding=(0, 1)), nn.LeakyReLU(0.1)]
        self.cnn = nn.Sequential(*layers)
        self.norm_input = nn.BatchNorm1d(1024)
        self.transformer = _Encoder()
        self.norm_trans = nn.BatchNorm1d(_WIDTH)
        self.pool = _Pool()

    def forward(self, windows: torch.Tensor) -> torch.Tensor:  # (batch, 122880)
        loud = windows / (windows.abs().amax(dim=1, keepdim=True) + 1e-8)
        frames = self.cnn(_compressed(loud)).flatten(1, 2)  # (batch, 1024, 384)
        hidden = self.transformer(self.norm_input(frames).transpose(1, 2))
        pooled = self.pool(self.norm_trans(hidden.transpose(1, 2)).transpose(1, 2))
        return 1 + 4 * torch.sigmoid(pooled)[:, 0]

    def score(self, samples: NDArray[np.float32], sample_rate: int) -> float:
        """Return the mean score of the windows of 7.7 s that cover mono speech."""
        sound = features.resample(features.mono(samples), sample_rate, RATE)
        extra = max(0, len(sound) - _LENGTH)
        padded = np.pad(sound, (0, max(0, _LENGTH - len(sound))))
        starts = np.linspace(0, extra, int(np.ceil(extra / _HOP)) + 1).astype(int)
        with torch.inference_mode():
            scores = [float(self(torch.from_numpy(padded[None, at : at + _LENGTH].copy()))[0]) for at in starts]
        return float(np.mean(scores))


def _compressed(windows: torch.Tensor) -> torch.Tensor:
    """Return the spectra with magnitudes to the power of 0.3, (batch, 2, 161 bins, frames)."""
    padded = functional.pad(windows, (80, 80), mode="reflect")
    spectrum = torch.stft(padded, 320, 160, 320, torch.hann_window(320), center=False, return_complex=True)
    parts = torch.view_as_real(spectrum)  # (batch, 161, frames, 2)
    magnitude = torch.clip(parts.square().sum(dim=-1, keepdim=True).sqrt(), 1e-12)
    return (magnitude**0.3 * parts / magnitude).permute(0, 3, 1, 2)
