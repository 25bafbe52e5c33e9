"""The network that finishes a mouth: what to take from the warped pictures, and what to add to them.

A small U-Net (Ronneberger et al., 2015) that works on a window of `size` pixels. In: the film with the mouth cut
out, two candidates warped to the target, and the target shape. Out: for every pixel a share between the candidates and
a correction, so that detail stays that of real pixels. Pixels are folded 2 x 2 into channels first (Shi et al., 2016),
which makes it four times cheaper. No normalisation: a batch is one actor, and statistics would leak its colours.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

INPUTS = 12
"""Channels in: context (3), collage (3), second candidate (3), zone (1), lips (1), inner mouth (1); 0 to 1."""
COLLAGE, SECOND, ZONE, LIPS = slice(3, 6), slice(6, 9), slice(9, 10), slice(10, 12)


@dataclass(frozen=True, slots=True)
class GeneratorConfig:
    """`widths`: channels at 1/2, 1/4 and 1/8 of the window's size."""

    widths: tuple[int, int, int] = (24, 48, 80)
    blocks: int = 2


class Residual(nn.Module):
    """Two convolutions around which the input is carried."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.second(F.leaky_relu(self.first(F.leaky_relu(x, 0.2)), 0.2))
        return out


class Up(nn.Module):
    """Twice as large, joined with what was there on the way down."""

    def __init__(self, deep: int, shallow: int) -> None:
        super().__init__()
        self.join = nn.Conv2d(deep + shallow, shallow, 1)
        self.mix = nn.Conv2d(shallow, shallow, 3, padding=1)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        larger = F.interpolate(x, scale_factor=2.0, mode="nearest")
        joined = F.leaky_relu(self.join(torch.cat([larger, skip], dim=1)), 0.2)
        out: Tensor = F.leaky_relu(self.mix(joined), 0.2)
        return out


class Generator(nn.Module):
    """Window inputs (n, 12, size, size) to pictures (n, 3, size, size), both 0 to 1."""

    def __init__(self, config: GeneratorConfig | None = None) -> None:
        super().__init__()
        self.config = config or GeneratorConfig()
        small, middle, large = self.config.widths
        self.enter = nn.Conv2d(INPUTS * 4, small, 3, padding=1)
        self.down_middle = nn.Conv2d(small, middle, 3, stride=2, padding=1)
        self.down_large = nn.Conv2d(middle, large, 3, stride=2, padding=1)
        self.deep = nn.Sequential(*(Residual(large) for _ in range(self.config.blocks)))
        self.up_middle = Up(large, middle)
        self.up_small = Up(middle, small)
        self.leave = nn.Conv2d(small, 4 * 4, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        assert self.leave.bias is not None
        nn.init.zeros_(self.leave.bias)

    def forward(self, window: Tensor) -> Tensor:
        near = F.leaky_relu(self.enter(F.pixel_unshuffle(window, 2)), 0.2)  # (n, small, s/2, s/2)
        middle = F.leaky_relu(self.down_middle(near), 0.2)  # (n, middle, s/4, s/4)
        deep = self.deep(F.leaky_relu(self.down_large(middle), 0.2))  # (n, large, s/8, s/8)
        out = F.pixel_shuffle(self.leave(self.up_small(self.up_middle(deep, middle), near)), 2).float()  # (n, 4, s, s)
        share = torch.sigmoid(out[:, :1] + 2.0)
        mixed = share * window[:, COLLAGE] + (1 - share) * window[:, SECOND]
        painted: Tensor = (mixed + 0.5 * torch.tanh(out[:, 1:])).clamp(0, 1)
        return painted
