"""Kokoro's decoder once more, in torch, so that a voice can be moved along the gradient of what it sounds like.

The graph that speaks (`graphs`) holds integers, through which nothing can be differentiated. Here the same weights are
real numbers, and the layers are those of the published model: StyleTTS 2's decoder (Li et al., 2023) with an
iSTFTNet (Kaneko et al., 2022) behind it. Used to fit voices only; it is not made to be fast.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from dubsync.backends.kokoro.engine import RATE, TIMBRE, Encoded
from dubsync.backends.kokoro.graphs import MODEL

STYLE = TIMBRE.stop
HARMONICS = 9
_SINE, _VOICED = 0.1, 10.0
_FFT, _HOP, _HALF_FRAME = 20, 5, 300
_OVERLAP = 1.5
"""Sum of the squared windows that overlap, by which the published graph does not divide."""
_PREFIX = "/decoder/decoder/"


class _Styled(nn.Module):
    """Normalises each channel over time, then scales and moves it as the style says."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Linear(STYLE, 2 * channels)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        scale, offset = self.fc(style)[:, :, None].chunk(2, dim=1)
        moved: Tensor = functional.instance_norm(x) * (1 + scale) + offset
        return moved


class _Block(nn.Module):
    """Two convolutions beside a shortcut; `is_doubling`: twice as many frames come out."""

    def __init__(self, inputs: int, outputs: int, *, is_doubling: bool = False) -> None:
        super().__init__()
        self.norm1, self.norm2 = _Styled(inputs), _Styled(outputs)
        self.conv1 = nn.Conv1d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv1d(outputs, outputs, 3, padding=1)
        self.conv1x1 = nn.Conv1d(inputs, outputs, 1, bias=False)
        self.pool: nn.ConvTranspose1d | None = None
        if is_doubling:
            self.pool = nn.ConvTranspose1d(inputs, inputs, 3, 2, groups=inputs, padding=1, output_padding=1)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        found, beside = functional.leaky_relu(self.norm1(x, style), 0.2), x
        if self.pool is not None:
            found, beside = self.pool(found), functional.interpolate(x, scale_factor=2.0)
        found = self.conv2(functional.leaky_relu(self.norm2(self.conv1(found), style), 0.2))
        joined: Tensor = (found + self.conv1x1(beside)) * 0.5**0.5
        return joined


class _Waves(nn.Module):
    """Three pairs of convolutions, wider and wider, with a sine in every activation (Ziyin et al., 2020)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        wide = [nn.Conv1d(channels, channels, width, dilation=d, padding=d * (width // 2)) for d in (1, 3, 5)]
        self.convs1 = nn.ModuleList(wide)
        self.convs2 = nn.ModuleList(nn.Conv1d(channels, channels, width, padding=width // 2) for _ in wide)
        self.adain1 = nn.ModuleList(_Styled(channels) for _ in wide)
        self.adain2 = nn.ModuleList(_Styled(channels) for _ in wide)
        self.alpha1 = nn.ParameterList(torch.ones(1, channels, 1) for _ in wide)
        self.alpha2 = nn.ParameterList(torch.ones(1, channels, 1) for _ in wide)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        for step in range(3):
            x = x + checkpoint(self._found, step, x, style, use_reentrant=False)
        return x

    def _found(self, step: int, x: Tensor, style: Tensor) -> Tensor:
        """Return what a pair of convolutions adds. Worked out twice, for its many waves are too large to keep."""
        found = _wavy(self.adain1[step](x, style), self.alpha1[step])
        found = _wavy(self.adain2[step](self.convs1[step](found), style), self.alpha2[step])
        added: Tensor = self.convs2[step](found)
        return added


class _Source(nn.Module):
    """The sound of the vocal folds: harmonics of the pitch, mixed to one."""

    def __init__(self) -> None:
        super().__init__()
        self.l_linear = nn.Linear(HARMONICS, 1)

    def forward(self, pitch: Tensor) -> Tensor:
        """Return (1, 300 n) of pitch (1, n) in Hz."""
        turns = (pitch[:, None] * torch.arange(1, HARMONICS + 1)[None, :, None] / RATE) % 1
        phase = turns.cumsum(dim=2) * (2 * torch.pi * _HALF_FRAME)
        sines = torch.sin(functional.interpolate(phase, scale_factor=float(_HALF_FRAME), mode="linear"))
        voiced = (pitch > _VOICED).float().repeat_interleave(_HALF_FRAME, dim=1)
        mixed: Tensor = self.l_linear((_SINE * sines * voiced[:, None]).transpose(1, 2))
        return torch.tanh(mixed)[:, :, 0]


class _Generator(nn.Module):
    """Frames of features to sound: twice more finely in time, then an inverse Fourier transform."""

    def __init__(self) -> None:
        super().__init__()
        self.m_source = _Source()
        self.noise_convs = nn.ModuleList([nn.Conv1d(_FFT + 2, 256, 12, 6, padding=3), nn.Conv1d(_FFT + 2, 128, 1)])
        self.noise_res = nn.ModuleList([_Waves(256, 7), _Waves(128, 11)])
        self.ups = nn.ModuleList(
            [nn.ConvTranspose1d(512, 256, 20, 10, padding=5), nn.ConvTranspose1d(256, 128, 12, 6, padding=3)]
        )
        self.resblocks = nn.ModuleList(_Waves(channels, width) for channels in (256, 128) for width in (3, 7, 11))
        self.conv_post = nn.Conv1d(128, _FFT + 2, 7, padding=3)

    def forward(self, x: Tensor, style: Tensor, pitch: Tensor) -> Tensor:
        window = torch.hann_window(_FFT)
        with torch.no_grad():
            spectrum = torch.stft(self.m_source(pitch), _FFT, _HOP, window=window, return_complex=True)
            source = torch.cat([spectrum.abs(), spectrum.angle()], dim=1)
        for level in range(2):
            x = self.ups[level](functional.leaky_relu(x, 0.1))
            if level == 1:
                x = functional.pad(x, (1, 0), mode="reflect")
            x = x + self.noise_res[level](self.noise_convs[level](source), style)
            each = [self.resblocks[3 * level + width](x, style) for width in range(3)]
            x = (each[0] + each[1] + each[2]) / 3
        x = self.conv_post(functional.leaky_relu(x)).float()
        size, phase = torch.exp(x[:, : _FFT // 2 + 1]), torch.sin(x[:, _FFT // 2 + 1 :])
        return _OVERLAP * torch.istft(torch.polar(size, phase), _FFT, _HOP, window=window)


class Decoder(nn.Module):
    """(1, 512, frames) text, (1, 1, 2 frames) pitch and energy, (1, 128) timbre to (1, frames * 600) sound."""

    def __init__(self) -> None:
        super().__init__()
        self.encode = _Block(512 + 2, 1024)
        inner = 1024 + 64 + 2
        self.decode = nn.ModuleList([_Block(inner, 1024) for _ in range(3)] + [_Block(inner, 512, is_doubling=True)])
        self.F0_conv = nn.Conv1d(1, 1, 3, 2, padding=1)
        self.N_conv = nn.Conv1d(1, 1, 3, 2, padding=1)
        self.asr_res = nn.Conv1d(512, 64, 1)
        self.generator = _Generator()

    def forward(self, text: Tensor, pitch: Tensor, energy: Tensor, timbre: Tensor) -> Tensor:
        curves = [self.F0_conv(pitch), self.N_conv(energy)]
        x = self.encode(torch.cat([text, *curves], dim=1), timbre)
        beside = [self.asr_res(text), *curves]
        for block in self.decode:
            x = block(torch.cat([x, *beside], dim=1), timbre)
        sound: Tensor = self.generator(x, timbre, pitch[:, 0])
        return sound


def load(folder: Path) -> Decoder:
    """Return the decoder with the published weights, frozen; `folder`: of the weights `kokoro`."""
    import onnx

    graph = onnx.load(str(folder / MODEL)).graph
    values = {tensor.name: tensor for tensor in graph.initializer}
    with torch.device("meta"):  # no memory for weights that are replaced at once
        decoder = Decoder()
    state = dict(decoder.named_parameters())
    found = {
        name: _value(values[key], onnx) for name in state if (key := f"decoder.decoder.{_published(name)}") in values
    }
    for node in graph.node:
        if node.name.startswith(_PREFIX) and node.op_type in _WEIGHTED:
            name = _module(node.name) + ".weight"
            if name in state and node.input[1] in values:
                found[name] = _weight(node, values, onnx)
    missing = sorted(set(state) - set(found))
    assert not missing, f"the published graph has no {', '.join(missing)}"
    shaped = {name: value.reshape(state[name].shape) for name, value in found.items()}
    decoder.load_state_dict(shaped, assign=True)
    return decoder.eval().requires_grad_(requires_grad=False)


def tensors(encoded: Encoded) -> tuple[Tensor, Tensor, Tensor]:
    """Return a text laid out in time as the decoder takes it."""
    return torch.from_numpy(encoded.text), torch.from_numpy(encoded.pitch), torch.from_numpy(encoded.energy)


_WEIGHTED = ("ConvInteger", "Conv", "ConvTranspose", "MatMulInteger", "MatMul")


def _wavy(x: Tensor, alpha: Tensor) -> Tensor:
    return x + torch.sin(alpha * x) ** 2 / alpha


def _published(name: str) -> str:
    return name.replace("asr_res.", "asr_res.0.")


def _module(node: str) -> str:
    """Return the module's name of a node's: its last parts are the operation, and containers are named twice."""
    parts: list[str] = []
    for part in node.removeprefix(_PREFIX).split("/")[:-1]:
        if parts and part.startswith(f"{parts[-1]}."):
            parts[-1] = part
        else:
            parts.append(part)
    return ".".join(parts).replace("asr_res.0", "asr_res")


def _value(tensor: Any, onnx: Any) -> Tensor:
    return torch.from_numpy(onnx.numpy_helper.to_array(tensor).copy())


def _weight(node: Any, values: dict[str, Any], onnx: Any) -> Tensor:
    """Return the weights of a node as real numbers, outputs first where it is a matrix product."""
    weight = _value(values[node.input[1]], onnx)
    if node.op_type.endswith("Integer"):
        scale = _value(values[node.input[1].replace("_quantized", "_scale")], onnx)
        weight = (weight.float() - _value(values[node.input[3]], onnx).float()) * scale
    return weight.T if node.op_type.startswith("MatMul") else weight
