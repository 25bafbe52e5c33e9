"""speaker.resemblyzer: Resemblyzer's GE2E speaker encoder (Wan et al., 2018; Apache-2.0), 256 numbers a voice.

`prepare` turns the package's `pretrained.pt` into safetensors; only tensors are read from it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import features
from dubsync.backends.protocols import Capabilities, Samples
from dubsync.errors import PermanentError

if TYPE_CHECKING:
    import torch

WEIGHTS = "resemblyzer"
FILE = "resemblyzer.safetensors"
RATE = 16000
WINDOW, _STEP = 160, 77  # frames of 10 ms; 1.3 windows a second, as in the original
_LEVEL_DB = -30.0


def prepare(source: Path, out: Path) -> None:
    """Write `resemblyzer.safetensors` from the package's `pretrained.pt`."""
    import torch
    from safetensors.torch import save_file

    state = torch.load(source / "pretrained.pt", map_location="cpu", weights_only=True)["model_state"]
    kept = {name: value.contiguous() for name, value in state.items() if name.startswith(("lstm.", "linear."))}
    save_file(kept, str(out / FILE))


class ResemblyzerEncoder:
    """Embeds mono speech; silence is cut out and quiet speech raised first."""

    capabilities = Capabilities(name="speaker.resemblyzer", version="0.1.4", weights=(WEIGHTS,))

    def __init__(self, folder: Path | None = None) -> None:
        if folder is None:
            from dubsync.weights import resolve

            folder = resolve(WEIGHTS)
        self.network = load_network(folder)

    def embed(self, samples: Samples, sample_rate: int) -> NDArray[np.float32]:
        """Return a unit vector (256,) of mono speech."""
        import torch

        speech = speech_only(samples, sample_rate)
        with torch.inference_mode():
            vector: NDArray[np.float32] = self.network(torch.from_numpy(mel_windows(speech))).numpy()
        return vector


def speech_only(samples: Samples, sample_rate: int) -> Samples:
    """Return the sound at 16 kHz, raised to -30 dB if quieter, without silences."""
    sound = features.resample(features.mono(samples), sample_rate, RATE)
    sound = np.ascontiguousarray(sound * max(1.0, 10 ** ((_LEVEL_DB - features.level_db(sound)) / 20)), np.float32)
    spoken = features.trim_silence(sound, RATE)
    if len(spoken) < RATE // 10:
        raise PermanentError("there is no speech to hear a speaker in", hint="give at least a second of clear speech")
    return spoken


def mel_windows(speech: Samples) -> NDArray[np.float32]:
    """Return overlapping mel spectrograms (windows, 160, 40) of speech at 16 kHz."""
    window = hann(400)
    power = features.power_spectrum(speech, window=window, size=400, hop=160, centred=True)
    mel = (power @ features.mel_filters(RATE, 400, 40).T).astype(np.float32)
    if len(mel) < WINDOW:
        mel = np.pad(mel, ((0, WINDOW - len(mel)), (0, 0)))
    starts = list(range(0, len(mel) - WINDOW + 1, _STEP))
    if len(mel) - WINDOW - starts[-1] > _STEP // 4:
        starts.append(len(mel) - WINDOW)
    return np.stack([mel[start : start + WINDOW] for start in starts])


def hann(size: int) -> NDArray[np.float32]:
    """Return the periodic Hann window (size,)."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)


def load_network(folder: Path) -> torch.nn.Module:
    """Return the encoder, (windows, 160, 40) mel to one unit vector (256,); also used where gradients are needed."""
    import torch
    from safetensors.torch import load_file

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = torch.nn.LSTM(40, 256, 3, batch_first=True)
            self.linear = torch.nn.Linear(256, 256)

        def forward(self, mel: torch.Tensor) -> torch.Tensor:  # (windows, 160, 40)
            _, (hidden, _) = self.lstm(mel)  # (3, windows, 256)
            each = torch.nn.functional.normalize(torch.relu(self.linear(hidden[-1])), dim=1)
            return torch.nn.functional.normalize(each.mean(dim=0), dim=0)

    network = Network()
    network.load_state_dict(load_file(str(folder / FILE)))
    return network.eval().requires_grad_(requires_grad=False)
