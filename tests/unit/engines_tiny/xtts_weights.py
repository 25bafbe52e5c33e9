"""A small XTTS of the true class with weights drawn by chance, in the files of the hub.

`PYTHON xtts_weights.py FOLDER`. The weights are arranged so that speech ends: a token's place in the line is what the
stop token listens to. The checkpoint holds its configuration as an object, under the old name of its class, as the
published one does.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from TTS.tts.configs.xtts_config import XttsArgs, XttsAudioConfig, XttsConfig
from TTS.tts.models import xtts
from vocabulary import write_vocabulary

LANGUAGES = ("es", "en", "zh-cn")
SIZES = {
    "gpt_layers": 2,
    "gpt_n_model_channels": 64,
    "gpt_n_heads": 2,
    "gpt_num_audio_tokens": 258,
    "gpt_start_audio_token": 256,
    "gpt_stop_audio_token": 257,
    "gpt_use_perceiver_resampler": True,
    "decoder_input_dim": 64,
}
USUAL_TOKENS = 32
"""About how long a line becomes: a token is 46 ms."""


def main(folder: Path) -> None:
    torch.manual_seed(1)
    size = write_vocabulary(folder / "vocab.json", LANGUAGES)
    args = XttsArgs(**SIZES, gpt_number_text_tokens=size, gpt_start_text_token=1, gpt_stop_text_token=0)
    config = XttsConfig(model_args=args, audio=XttsAudioConfig(), languages=list(LANGUAGES))
    config.save_json(str(folder / "config.json"))
    model = xtts.Xtts(config)
    with torch.no_grad():
        _let_it_end(model.gpt)
        model.hifigan_decoder.waveform_decoder.conv_post.weight.mul_(40)
    for each in (XttsArgs, XttsAudioConfig):
        each.__module__ = xtts.__name__
        setattr(xtts, each.__name__, each)
    torch.save({"config": config, "model": model.state_dict()}, folder / "model.pth")
    speaker = {"gpt_cond_latent": torch.randn(1, 32, 64), "speaker_embedding": torch.randn(1, 512, 1)}
    torch.save({"Claribel Dervla": speaker}, folder / "speakers_xtts.pth")


def _let_it_end(gpt: torch.nn.Module) -> None:
    places = gpt.mel_pos_embedding.emb.weight
    places[:, 0] = 0.05 * (torch.arange(len(places)) - USUAL_TOKENS)
    gpt.mel_head.weight[SIZES["gpt_stop_audio_token"]] = 0
    gpt.mel_head.weight[SIZES["gpt_stop_audio_token"], 0] = 3.0


if __name__ == "__main__":
    main(Path(sys.argv[1]))
