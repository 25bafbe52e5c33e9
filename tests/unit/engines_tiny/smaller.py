"""Makes Chatterbox's true classes build small nets: their sizes are written in its code, not in a file of the hub."""

from __future__ import annotations

from functools import partial
from typing import Any

from chatterbox.models.s3gen import s3gen
from chatterbox.models.t3.llama_configs import LLAMA_CONFIGS
from chatterbox.models.t3.modules import cond_enc
from s3tokenizer.model_v2 import S3TokenizerV2

WIDTH, LAYERS, HEADS = 64, 14, 16
"""The engine looks at heads 2, 11 and 15 of layers 9, 12 and 13 to see where in the text it is."""


def make_smaller() -> None:
    LLAMA_CONFIGS["Llama_520M"].update(
        hidden_size=WIDTH,
        intermediate_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        head_dim=WIDTH // HEADS,
    )
    cond_enc.Perceiver = partial(cond_enc.Perceiver, pre_attention_query_size=WIDTH, embedding_dim=WIDTH)
    listening = S3TokenizerV2.__init__.__defaults__[0]
    listening.n_audio_state, listening.n_audio_head, listening.n_audio_layer = 64, 1, 1
    s3gen.UpsampleConformerEncoder = _with(s3gen.UpsampleConformerEncoder, num_blocks=1, linear_units=64)
    s3gen.ConditionalDecoder = _with(s3gen.ConditionalDecoder, num_mid_blocks=1, n_blocks=1)
    s3gen.HiFTGenerator = partial(s3gen.HiFTGenerator, base_channels=64)


def _with(made: type[Any], **sizes: int) -> Any:
    """Return what makes the class with these sizes whatever is asked for."""
    return lambda **asked: made(**{**asked, **sizes})
