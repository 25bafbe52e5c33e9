"""In which floating point format networks are trained on this machine."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any


def trained_in(device: str) -> str:
    """Return "bfloat16" where the device computes in it, else "float32".

    Processors without such instructions imitate bfloat16: a step of the translation model takes 3.6 times as long as
    in float32, one of the painter more than twice.
    """
    import torch

    if device != "cpu":
        return "bfloat16"
    has = torch.cpu.get_capabilities()
    return "bfloat16" if has.get("avx512_bf16") or has.get("amx_bf16") else "float32"


def computing(device: str) -> AbstractContextManager[Any]:
    """Return the context that a step of training computes in."""
    import torch

    return torch.autocast(device, torch.bfloat16) if trained_in(device) == "bfloat16" else nullcontext()
