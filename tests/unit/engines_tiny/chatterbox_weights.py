"""A Chatterbox of the true classes with weights drawn by chance, in the files of the hub.

`PYTHON chatterbox_weights.py small|full FOLDER`: `full` has the sizes of the published one (3.2 GB). The weights are
arranged so that speech ends: a token's place in the line is what the stop token listens to.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from chatterbox.models.s3gen import S3Gen
from chatterbox.models.t3 import T3
from chatterbox.models.t3.inference.alignment_stream_analyzer import LLAMA_ALIGNED_HEADS
from chatterbox.models.t3.modules.cond_enc import T3Cond
from chatterbox.models.t3.modules.t3_config import T3Config
from chatterbox.models.voice_encoder import VoiceEncoder
from chatterbox.mtl_tts import SUPPORTED_LANGUAGES, Conditionals
from safetensors.torch import save_file
from smaller import make_smaller
from vocabulary import write_vocabulary

USUAL_TOKENS = 24
"""About how long the shortest line becomes: a token is 40 ms."""


def main(size: str, folder: Path) -> None:
    torch.manual_seed(1)
    if size == "small":
        make_smaller()
    write_vocabulary(folder / "grapheme_mtl_merged_expanded_v1.json", SUPPORTED_LANGUAGES)
    (folder / "Cangjie5_TC.json").write_text('["\\u4f60\\tonf"]', encoding="utf-8")
    t3 = T3(T3Config.multilingual())
    s3gen = S3Gen()
    with torch.no_grad():
        _let_it_end(t3)
        _let_it_follow(t3)
    save_file(t3.state_dict(), folder / "t3_mtl23ls_v2.safetensors")
    torch.save(s3gen.state_dict(), folder / "s3gen.pt")
    torch.save(VoiceEncoder().state_dict(), folder / "ve.pt")
    _own_voice(s3gen.eval()).save(folder / "conds.pt")


def _let_it_end(t3: T3) -> None:
    """Let the stop token listen to the place in the line (dimension 0), and keep what is no sound from being said."""
    places, stop = t3.speech_pos_emb.emb.weight, t3.hp.stop_speech_token
    places[:, 0] = 0.05 * (torch.arange(len(places)) - USUAL_TOKENS)
    places[:, 1] = 1.0
    t3.speech_emb.weight[:, :3] = 0
    t3.speech_head.weight[stop - 1 :] = 0
    t3.speech_head.weight[stop - 1 :, 1] = -30.0
    t3.speech_head.weight[stop] = 0
    t3.speech_head.weight[stop, 0] = 3.0


def _let_it_follow(t3: T3) -> None:
    """Let the heads that tell where in the text the speech is look at its end, or it may not stop.

    Every sound asks the same (dimension 1), the places in the text answer ever louder (dimension 2), in the part of a
    head that its position turns least.
    """
    places, wide = t3.text_pos_emb.emb.weight, t3.cfg.head_dim
    t3.text_emb.weight[:, 2] = 0
    t3.speech_pos_emb.emb.weight[:, 2] = 0
    places[:, 2] = 0.02 * torch.arange(len(places))
    for layer, head in LLAMA_ALIGNED_HEADS:
        attention = t3.tfmr.layers[layer].self_attn
        for projection, dimension in ((attention.q_proj, 1), (attention.k_proj, 2)):
            projection.weight[head * wide : (head + 1) * wide] = 0
            projection.weight[head * wide + wide // 2 - 1, dimension] = 10.0


def _own_voice(s3gen: S3Gen) -> Conditionals:
    sound = 0.1 * torch.randn(24000)
    spoken = T3Cond(
        speaker_emb=torch.nn.functional.normalize(torch.randn(1, 256).abs()),
        cond_prompt_speech_tokens=torch.randint(0, 6561, (1, 150)),
        emotion_adv=0.5 * torch.ones(1, 1, 1),
    )
    return Conditionals(spoken, s3gen.embed_ref(sound, 24000, device="cpu"))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
