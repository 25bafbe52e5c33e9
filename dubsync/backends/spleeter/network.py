"""Spleeter's two U-Nets (Hennequin et al., 2020; MIT) in torch, and how their weights are taken from the checkpoint."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

STEMS = ("dialogue", "bed")
FRAMES, BINS = 512, 1024
_WIDTHS = (16, 32, 64, 128, 256, 512)


class UNet(nn.Module):
    """Magnitudes (batch, 2, 512 frames, 1024 bins) to the magnitudes of one stem, of the same shape."""

    def __init__(self) -> None:
        super().__init__()
        down = (2, *_WIDTHS)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 5, 2) for a, b in pairwise(down))
        self.down_norm = nn.ModuleList(nn.BatchNorm2d(width, eps=1e-3) for width in _WIDTHS)
        into, out = (512, 512, 256, 128, 64, 32), (256, 128, 64, 32, 16, 1)
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 5, 2) for a, b in zip(into, out, strict=True))
        self.up_norm = nn.ModuleList(nn.BatchNorm2d(width, eps=1e-3) for width in out)
        self.last = nn.Conv2d(1, 2, 4, dilation=2)

    def forward(self, magnitude: torch.Tensor) -> torch.Tensor:
        skips = []
        hidden = magnitude
        for convolve, norm in zip(self.down, self.down_norm, strict=True):
            hidden = convolve(functional.pad(hidden, (1, 2, 1, 2)))
            skips.append(hidden)
            hidden = functional.leaky_relu(norm(hidden), 0.2)
        hidden = skips.pop()
        for level, (grow, norm) in enumerate(zip(self.up, self.up_norm, strict=True)):
            if level:
                hidden = torch.cat([skips.pop(), hidden], 1)
            hidden = norm(functional.relu(grow(hidden)[:, :, 1:-2, 1:-2]))
        return torch.sigmoid(self.last(functional.pad(hidden, (3, 3, 3, 3)))) * magnitude


def load(file: Path) -> nn.ModuleDict:
    """Return the networks by stem."""
    from safetensors.torch import load_file

    networks = nn.ModuleDict({stem: UNet() for stem in STEMS})
    networks.load_state_dict(load_file(str(file)))
    return networks.eval().requires_grad_(requires_grad=False)


def from_checkpoint(tensors: dict[str, NDArray[np.float32]]) -> dict[str, torch.Tensor]:
    """Return the state of the networks from the checkpoint's tensors, whose layers are numbered in order of making."""
    state: dict[str, torch.Tensor] = {}
    for index, stem in enumerate(STEMS):
        for level in range(6):
            _take(state, f"{stem}.down.{level}", tensors, "conv2d", index * 7 + level)
            _take(state, f"{stem}.up.{level}", tensors, "conv2d_transpose", index * 6 + level)
            _take_norm(state, f"{stem}.down_norm.{level}", tensors, index * 12 + level)
            _take_norm(state, f"{stem}.up_norm.{level}", tensors, index * 12 + 6 + level)
        _take(state, f"{stem}.last", tensors, "conv2d", index * 7 + 6)
    return state


def _layer(kind: str, number: int) -> str:
    return kind if number == 0 else f"{kind}_{number}"


def _take(
    state: dict[str, torch.Tensor], name: str, tensors: dict[str, NDArray[np.float32]], kind: str, number: int
) -> None:
    layer = _layer(kind, number)
    state[f"{name}.weight"] = torch.from_numpy(tensors[f"{layer}/kernel"].transpose(3, 2, 0, 1).copy())
    state[f"{name}.bias"] = torch.from_numpy(tensors[f"{layer}/bias"].copy())


def _take_norm(state: dict[str, torch.Tensor], name: str, tensors: dict[str, NDArray[np.float32]], number: int) -> None:
    layer = _layer("batch_normalization", number)
    names = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
    for ours, theirs in names.items():
        state[f"{name}.{ours}"] = torch.from_numpy(tensors[f"{layer}/{theirs}"].copy())
    state[f"{name}.num_batches_tracked"] = torch.tensor(0)
