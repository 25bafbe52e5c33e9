"""Networks that tell painted mouths from filmed ones: patch by patch (Isola et al., 2017), and over time.

The same small network looks at the whole window, at the mouth enlarged, and at three frames in a row. It sees the
target shape beside the picture, so a good mouth of another shape does not pass.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class PatchDiscriminator(nn.Module):
    """Pictures (n, channels, s, s) to scores of overlapping patches, with the features on the way."""

    def __init__(self, channels: int, widths: tuple[int, ...] = (32, 48, 64)) -> None:
        super().__init__()
        steps = zip((channels, *widths), widths, strict=False)
        self.layers = nn.ModuleList([spectral_norm(nn.Conv2d(a, b, 4, stride=2, padding=1)) for a, b in steps])
        self.score = spectral_norm(nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, picture: Tensor) -> tuple[Tensor, list[Tensor]]:
        features = []
        x = picture
        for layer in self.layers:
            x = nn.functional.leaky_relu(layer(x), 0.2)
            features.append(x)
        return self.score(x), features


class Judges(nn.Module):
    """The three views. Pictures come as runs: (runs, frames, 3, s, s), shapes as (runs, frames, 2, s, s)."""

    def __init__(self, frames: int = 3) -> None:
        super().__init__()
        self.face = PatchDiscriminator(5)
        self.mouth = PatchDiscriminator(5)
        self.time = PatchDiscriminator(3 * frames)

    def forward(self, pictures: Tensor, shapes: Tensor) -> tuple[list[Tensor], list[list[Tensor]]]:
        size = pictures.shape[-1]
        seen = torch.cat([pictures, shapes], dim=2).flatten(0, 1)
        close = seen[..., size // 8 : size - size * 3 // 8, size // 4 : size - size // 4]
        scores, features = zip(self.face(seen), self.mouth(close), self.time(pictures.flatten(1, 2)), strict=True)
        return list(scores), list(features)
