"""A cloning engine in its own interpreter: knows nothing of dubsync, and needs only what the engine needs.

Run as a script: `PYTHON _worker.py chatterbox|xtts FOLDER`. A JSON object a line comes in on standard input, one goes
out. Arrays travel as {"dtype", "shape", "data"}, base64. What the engine's library prints goes to standard error; it
is kept from the network, for its weights lie in FOLDER.
"""

from __future__ import annotations

import base64
import json
import os
import random
import sys
import tempfile
import wave
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REFUSALS = (ValueError, RuntimeError, AssertionError, IndexError, KeyError)


def main() -> None:
    answers = _own_output()
    sys.path.pop(0)  # the folder of this script is no place to import engines from
    try:
        engine = ENGINES[sys.argv[1]](Path(sys.argv[2]))
    except ModuleNotFoundError as error:
        _send(answers, {"missing": error.name})
        return
    _send(answers, {"ready": sys.argv[1]})
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(engine, request.pop("do"))(**request)
        except REFUSALS as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        _send(answers, answer)


def _own_output() -> Any:
    """Keep standard output for answers, and send everything that is printed to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _send(answers: Any, answer: Mapping[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _packed(array: Any) -> dict[str, Any]:
    import numpy as np

    plain = np.ascontiguousarray(array, dtype="<f4")
    return {"dtype": "<f4", "shape": plain.shape, "data": base64.b64encode(plain.tobytes()).decode()}


def _array(packed: Mapping[str, Any]) -> Any:
    import numpy as np

    return np.frombuffer(base64.b64decode(packed["data"]), packed["dtype"]).reshape(packed["shape"]).copy()


@contextmanager
def _as_file(samples: Any, rate: int) -> Iterator[str]:
    """Lend the sound as a 16-bit WAV, which is gone as soon as it was read."""
    import numpy as np

    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        with wave.open(file.name, "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(rate)
            out.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
        yield file.name


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _seed(seed: int) -> None:
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed % 2**63)


class Chatterbox:
    """Resemble AI's Chatterbox Multilingual. A voice is its reference; the engine marks what it says (Perth)."""

    def __init__(self, folder: Path) -> None:
        from chatterbox.models.tokenizers import tokenizer
        from chatterbox.mtl_tts import ChatterboxMultilingualTTS

        # it would ask the hub for its table of Chinese signs, which lies in the folder
        tokenizer.hf_hub_download = lambda repo_id, filename, **_: str(folder / filename)
        self._model = ChatterboxMultilingualTTS.from_local(folder, _device())
        self._own_voice = self._model.conds
        self._known: tuple[str, float] | None = None

    def speak(
        self,
        text: str,
        language: str,
        seed: int,
        voice: Mapping[str, Any],
        exaggeration: float,
        cfg_weight: float,
    ) -> dict[str, Any]:
        _seed(seed)
        self._sound_like(voice.get("reference"), int(voice.get("rate", 0)), exaggeration)
        _seed(seed)
        sound = self._model.generate(text, language_id=language, exaggeration=exaggeration, cfg_weight=cfg_weight)
        return {"samples": _packed(sound.squeeze(0).cpu().numpy()), "rate": int(self._model.sr)}

    def _sound_like(self, reference: Mapping[str, Any] | None, rate: int, exaggeration: float) -> None:
        if reference is None:
            self._model.conds, self._known = self._own_voice, None
        elif self._known != (reference["data"], exaggeration):
            with _as_file(_array(reference), rate) as file:
                self._model.prepare_conditionals(file, exaggeration=exaggeration)
            self._known = (reference["data"], exaggeration)


class Xtts:
    """Coqui's XTTS v2 through coqui-tts. A voice is its two latents."""

    NAMES = ("gpt_cond_latent", "speaker_embedding")

    def __init__(self, folder: Path) -> None:
        from TTS.tts.configs.xtts_config import XttsConfig
        from TTS.tts.models.xtts import Xtts as Model

        config = XttsConfig()
        config.load_json(str(folder / "config.json"))
        self._model = Model.init_from_config(config)
        self._model.load_checkpoint(config, checkpoint_dir=str(folder), eval=True)
        self._model.to(_device())

    def learn(self, reference: Mapping[str, Any], rate: int) -> dict[str, Any]:
        with _as_file(_array(reference), rate) as file:
            latents = self._model.get_conditioning_latents(audio_path=[file], gpt_cond_len=30, max_ref_length=30)
        return {"voice": {name: _packed(each.cpu().numpy()) for name, each in zip(self.NAMES, latents, strict=True)}}

    def named(self, name: str) -> dict[str, Any]:
        known = self._model.speaker_manager.speakers if self._model.speaker_manager else {}
        if name not in known:
            return {"unknown": sorted(known)}
        return {"voice": {part: _packed(known[name][part].cpu().numpy()) for part in self.NAMES}}

    def speak(self, text: str, language: str, seed: int, voice: Mapping[str, Any]) -> dict[str, Any]:
        import torch

        _seed(seed)
        latents = {name: torch.from_numpy(_array(voice[name])) for name in self.NAMES}
        said = self._model.inference(text, language, latents["gpt_cond_latent"], latents["speaker_embedding"])
        return {"samples": _packed(said["wav"]), "rate": 24000}


ENGINES = {"chatterbox": Chatterbox, "xtts": Xtts}

if __name__ == "__main__":
    main()
