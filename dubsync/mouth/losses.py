"""What a painted mouth is judged by besides the discriminators. Pictures are (n, 3, h, w), 0 to 1; pure functions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from dubsync.mouth.painter import TEXTURE


def finished(painted: Tensor, collage: Tensor) -> Tensor:
    """Return what `painter.Finish` makes of pictures, but for teeth: fine texture is the collage's, no more."""
    reach = round(4 * TEXTURE)
    places = torch.arange(-reach, reach + 1, device=painted.device)
    bell = torch.exp(-(places**2) / (2 * TEXTURE**2))
    bell = (bell / bell.sum()).repeat(painted.shape[1], 1, 1)
    apart = F.pad(painted - collage, (reach,) * 4, mode="reflect")
    across = F.conv2d(apart, bell[:, :, None, :], groups=len(bell))
    return collage + F.conv2d(across, bell[:, :, :, None], groups=len(bell))


def weighted_l1(painted: Tensor, filmed: Tensor, weight: Tensor) -> Tensor:
    """Return the mean absolute difference, pixels weighted by (n, 1, h, w)."""
    return ((painted - filmed).abs() * weight).sum() / (weight.sum() * painted.shape[1])


def gradient(painted: Tensor, filmed: Tensor) -> Tensor:
    """Return how much edges differ: the mean absolute difference of neighbouring pixels' differences."""
    across = (painted.diff(dim=-1) - filmed.diff(dim=-1)).abs().mean()
    return across + (painted.diff(dim=-2) - filmed.diff(dim=-2)).abs().mean()


def frequency(painted: Tensor, filmed: Tensor) -> Tensor:
    """Return how much the strengths of the spatial frequencies differ (log amplitude), wherever things lie."""
    first, second = (torch.fft.rfft2(x.float(), norm="ortho").abs() for x in (painted, filmed))
    return (torch.log(first + 1e-2) - torch.log(second + 1e-2)).abs().mean()


def features(painted: Sequence[Sequence[Tensor]], filmed: Sequence[Sequence[Tensor]]) -> Tensor:
    """Return the mean absolute difference of discriminator features (feature matching)."""
    pairs = [(a, b) for one, other in zip(painted, filmed, strict=True) for a, b in zip(one, other, strict=True)]
    return torch.stack([(a.float() - b.float().detach()).abs().mean() for a, b in pairs]).mean()


def hinge_generator(scores: Sequence[Tensor]) -> Tensor:
    """Return the generator's side of the hinge loss."""
    return -torch.stack([score.float().mean() for score in scores]).mean()


def hinge_discriminator(painted: Sequence[Tensor], filmed: Sequence[Tensor]) -> Tensor:
    """Return the discriminators' side of the hinge loss."""
    sides = [torch.relu(1 + score.float()).mean() for score in painted]
    sides += [torch.relu(1 - score.float()).mean() for score in filmed]
    return torch.stack(sides).mean() * 2
