"""Training computes in what the processor has."""

from __future__ import annotations

import pytest
import torch

from dubsync import precision


@pytest.mark.parametrize(
    ("has", "wanted"),
    [
        ({"avx512_bf16": True}, "bfloat16"),
        ({"amx_bf16": True}, "bfloat16"),
        ({"avx512_f": True, "avx512_bf16": False}, "float32"),
        ({}, "float32"),
    ],
)
def test_a_format_that_the_processor_imitates_is_not_used(
    monkeypatch: pytest.MonkeyPatch, has: dict[str, bool], wanted: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    assert precision.trained_in("cpu") == wanted
    with precision.computing("cpu"):
        made = torch.ones(2, 2) @ torch.ones(2, 2)
    assert made.dtype == getattr(torch, wanted)


def test_other_devices_have_it() -> None:
    assert precision.trained_in("cuda") == "bfloat16"
