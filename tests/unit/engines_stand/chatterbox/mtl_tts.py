"""A stand-in with the interface of Chatterbox Multilingual: hums at the pitch of its reference, for a while that the
seed decides. It prints to standard output as the true one does, and needs its files."""

from __future__ import annotations

import logging
import socket
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from chatterbox.models.tokenizers import tokenizer

FILES = ("ve.pt", "t3_mtl23ls_v2.safetensors", "s3gen.pt", "grapheme_mtl_merged_expanded_v1.json")


class ChatterboxMultilingualTTS:
    sr = 24000

    def __init__(self) -> None:
        self.conds = SimpleNamespace(hertz=200.0, exaggeration=0.5)
        self.tokenizer = SimpleNamespace(cangjie_converter=tokenizer.ChineseCangjieConverter())
        self.t3 = SimpleNamespace(tfmr=SimpleNamespace(layers=[SimpleNamespace(self_attn=torch.nn.Identity())]))

    @classmethod
    def from_local(cls, ckpt_dir: Path, device: str) -> ChatterboxMultilingualTTS:
        for name in FILES:
            (Path(ckpt_dir) / name).read_bytes()
        print(
            "loading on",
            device,
            Path(tokenizer.hf_hub_download("any", "Cangjie5_TC.json", cache_dir=".")).stat().st_size,
        )
        return cls()

    def _spy(self) -> None:
        def attention_forward_hook(*_: object) -> None:
            """Left behind, as the true one leaves it."""

        attention = self.t3.tfmr.layers[0].self_attn
        attention.register_forward_hook(attention_forward_hook)
        assert len(attention._forward_hooks) == 1, "spies gather"

    def prepare_conditionals(self, wav_fpath: str, exaggeration: float = 0.5) -> None:
        import soundfile

        sound, rate = soundfile.read(wav_fpath)
        spectrum = np.abs(np.fft.rfft(sound))
        self.conds = SimpleNamespace(hertz=float(spectrum.argmax() * rate / len(sound)), exaggeration=exaggeration)

    def generate(
        self,
        text: str,
        language_id: str,
        audio_prompt_path: str | None = None,
        exaggeration: float = 0.5,
        cfg_weight: float = 0.5,
    ) -> torch.Tensor:
        assert audio_prompt_path is None
        if language_id not in ("es", "en", "no", "zh"):
            raise ValueError(f"Unsupported language_id '{language_id}'")
        if "crash" in text:
            raise SystemExit("out of memory, as it were")
        if "phone" in text:
            socket.create_connection(("127.0.0.1", 9))
        print("sampling")
        if language_id == "no":
            logging.getLogger(tokenizer.__name__).warning("some part is not available")
        self._spy()
        seconds = 0.07 * len(text) * (0.7 + 0.6 * float(torch.rand(())))
        time = np.arange(round(seconds * self.sr)) / self.sr
        hum = 0.3 * np.sin(2 * np.pi * self.conds.hertz * time)
        quiet = np.zeros(self.sr // 5)
        return torch.from_numpy(np.concatenate([quiet, hum, quiet]).astype(np.float32)).unsqueeze(0)
