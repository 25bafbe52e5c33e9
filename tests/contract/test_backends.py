"""Every backend keeps the contract of its kind: fakes and real engines alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from dubsync import weights
from dubsync.backends import registry
from dubsync.testing import contract

ELSEWHERE = {
    "mt.llm",
    "mt.apertium",
    "mt.ctranslate2",
    "voice.recorded",
    "voice.keep",
    "voice.chatterbox",
    "voice.xtts",
    "mouth.wav2lip",
}
"""Need a server, a program, a brought model or a brought recording; their own tests bring it."""


def kind_of(name: str) -> str:
    return name.removeprefix("fake.") if name.startswith("fake.") else name.split(".")[0]


CASES = [
    pytest.param(name, check, id=f"{name}-{check.__name__.strip('_')}")
    for name in registry.names()
    if name not in ELSEWHERE
    for check in contract.checks(kind_of(name))
]


@pytest.mark.parametrize(("name", "check"), CASES)
def test_a_backend_keeps_its_contract(name: str, check: contract.Check, tmp_path: Path) -> None:
    absent = [each for each in registry.capabilities(name).weights if not weights.is_present(each)]
    if absent:
        pytest.skip(f"the weights {', '.join(absent)} are not in the cache: run `dubsync models pull`")
    check(registry._class(name)(), tmp_path)
