"""A cloning engine in its own interpreter: knows nothing of dubsync, and needs only what the engine needs.

Run as a script: `PYTHON _worker.py chatterbox|xtts FOLDER`. A JSON object a line comes in on standard input, one goes
out. Arrays travel as {"dtype", "shape", "data"}, base64. What the engine's library prints goes to standard error; it
is kept from the network, for its weights lie in FOLDER, and what it warns of while it speaks goes with the answer.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import random
import socket
import sys
import tempfile
import wave
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

REFUSALS = (ValueError, RuntimeError, AssertionError, IndexError, KeyError, ImportError, OSError)


def main() -> None:
    answers = _own_output()
    sys.path.pop(0)  # the folder of this script is no place to import engines from
    _keep_from_the_network()
    try:
        engine = ENGINES[sys.argv[1]](Path(sys.argv[2]))
    except ModuleNotFoundError as error:
        _send(answers, {"missing": error.name})
        return
    except ImportError as error:
        _send(answers, {"unusable": " ".join(str(error).split())})
        return
    _send(answers, {"ready": sys.argv[1]})
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(engine, request.pop("do"))(**request)
        except REFUSALS as error:
            if type(error).__name__ == "AcceleratorError":
                raise  # a GPU that failed once fails this process for good
            answer = {"error": f"{type(error).__name__}: {error}"}
        _send(answers, answer)


def _own_output() -> Any:
    """Keep standard output for answers, and send everything that is printed to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _keep_from_the_network() -> None:
    """Refuse every connection: engines fetch what they miss without being asked, and unchecked."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise OSError("the engine wanted something from the network, which it is kept from")

    socket.socket.connect = refuse  # type: ignore[method-assign]
    socket.getaddrinfo = refuse


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


@contextmanager
def _heard(name: str) -> Iterator[list[str]]:
    """Collect what a part of an engine warns of."""
    warnings: list[str] = []
    ear = logging.Handler(logging.WARNING)
    ear.emit = lambda record: warnings.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger(name)
    logger.addHandler(ear)
    try:
        yield warnings
    finally:
        logger.removeHandler(ear)


@contextmanager
def _nothing_saved() -> Iterator[None]:
    """Keep coqui-tts from writing the checkpoint anew in its own form: then it were not the file on record any more."""
    import torch

    save = torch.save
    torch.save = lambda *_, **__: None
    try:
        yield
    finally:
        torch.save = save


class Chatterbox:
    """Resemble AI's Chatterbox Multilingual. A voice is its reference; the engine marks what it says (Perth)."""

    def __init__(self, folder: Path) -> None:
        import perth

        if perth.PerthImplicitWatermarker is None:  # it hides the reason, which most often is this one
            raise ImportError("resemble-perth cannot be loaded: it needs pkg_resources (pip install 'setuptools<81')")
        from chatterbox.models.tokenizers import tokenizer
        from chatterbox.mtl_tts import ChatterboxMultilingualTTS

        # it would ask the hub for its table of Chinese signs, which lies in the folder
        tokenizer.hf_hub_download = lambda repo_id, filename, **_: str(folder / filename)
        # what divides Chinese into words fetches a model as soon as it is made, whatever language is spoken
        self._divide_chinese = tokenizer.ChineseCangjieConverter._init_segmenter
        tokenizer.ChineseCangjieConverter._init_segmenter = lambda converter: setattr(converter, "segmenter", None)
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
        if language == "zh":
            self._learn_to_divide_chinese()
        _seed(seed)
        with _heard("chatterbox.models.tokenizers.tokenizer") as warnings:
            sound = self._model.generate(text, language_id=language, exaggeration=exaggeration, cfg_weight=cfg_weight)
        self._forget_spies()
        samples = sound.squeeze(0).cpu().numpy()
        return {"samples": _packed(samples), "rate": int(self._model.sr), "warnings": warnings}

    def _learn_to_divide_chinese(self) -> None:
        converter = self._model.tokenizer.cangjie_converter
        if converter.segmenter is not None:
            return
        from spacy_pkuseg.config import config

        if not (Path(config.pkuseg_home) / "spacy_ontonotes.zip").is_file():
            raise ValueError(
                f"Chinese needs the word model of spacy-pkuseg in {config.pkuseg_home}: fetch it once, with "
                f"{sys.executable} -c 'import spacy_pkuseg; spacy_pkuseg.pkuseg()'"
            )
        self._divide_chinese(converter)

    def _forget_spies(self) -> None:
        """Remove what each line leaves on the attention layers: line by line they would make the engine slower."""
        for layer in self._model.t3.tfmr.layers:
            hooks = layer.self_attn._forward_hooks
            for key, hook in list(hooks.items()):
                if getattr(hook, "__name__", "") == "attention_forward_hook":
                    del hooks[key]

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

        self._config = XttsConfig()
        self._config.load_json(str(folder / "config.json"))
        self._model = Model(self._config)
        with _nothing_saved():
            self._model.load_checkpoint(self._config, checkpoint_dir=str(folder), eval=True)
        self._model.to(_device())

    def learn(self, reference: Mapping[str, Any], rate: int) -> dict[str, Any]:
        """What `get_conditioning_latents` does, without its file, which would need torchcodec and FFmpeg to be read."""
        import torch

        config, sound = self._config, torch.from_numpy(_array(reference))[None].to(_device())
        parts = {"length": config.gpt_cond_len, "chunk_length": config.gpt_cond_chunk_len}
        latents = (
            self._model.get_gpt_cond_latents(sound, rate, **parts),
            self._model.get_speaker_embedding(sound[:, : config.max_ref_len * rate], rate),
        )
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
