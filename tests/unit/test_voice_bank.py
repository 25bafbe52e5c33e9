"""The bank keeps a person's voice for the titles that their consent covers, and for no others."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dubsync.audio import bank
from dubsync.audio.bank import Kept
from dubsync.backends.protocols import Capabilities
from dubsync.engine.stage import Context
from dubsync.errors import InputError
from dubsync.stages import _bank

ENGINE = Capabilities(name="voice.parrot", version="2", needs_consent=True)
MARA = Kept("Mara", "es", "voice.parrot 2", "one", {"pitch": np.array([130.0], np.float32)}, 0.6)


def rights(*rows: tuple[str, str, bool]) -> dict[str, object]:
    return {"consent": [{"speaker": speaker, "person": person, "voice": voice} for speaker, person, voice in rows]}


def cast(folder: Path, *rows: tuple[str, str, bool], language: str = "es") -> tuple[dict[str, float], list[str]]:
    ctx = Context(out=folder, film=folder / "two.mp4", folder=folder, seed=0)
    found = _bank.voices(ctx, rights(*rows), ENGINE, language)
    codes = [flag.code for flag in ctx.flags] + [flag.code for each in found.values() for flag in each.flags]
    return {speaker: float(each.voice["pitch"][0]) for speaker, each in found.items()}, codes


def test_what_was_saved_is_read_back_and_equal_banks_are_equal_bytes(tmp_path: Path) -> None:
    jo = replace(
        MARA, person="Jo Ä", similarity=None, voice={"a": np.ones((2, 3), np.float32), "b": np.zeros(0, np.float32)}
    )
    bank.save(tmp_path / "a", [MARA, jo])
    bank.save(tmp_path / "b", [jo, MARA])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    held = {kept.person: kept for kept in bank.load(tmp_path / "a")}
    assert replace(held["Mara"], voice={}) == replace(MARA, voice={})
    assert held["Jo Ä"].similarity is None
    np.testing.assert_array_equal(held["Jo Ä"].voice["a"], jo.voice["a"])
    assert held["Jo Ä"].voice["b"].shape == (0,)


@pytest.mark.parametrize("content", [b"", b"not a bank", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_bank_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.dubsync-voices").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.dubsync-voices"):
        bank.load(tmp_path / "x.dubsync-voices")


def test_a_bank_of_another_schema_is_told(tmp_path: Path) -> None:
    index = np.frombuffer(json.dumps({"schema": "dubsync.voices/9", "voices": []}).encode(), np.uint8)
    with (tmp_path / "x").open("wb") as file:
        np.savez(file, index=index)
    with pytest.raises(InputError, match=r"dubsync\.voices/9"):
        bank.load(tmp_path / "x")


def test_a_speaker_whose_record_names_the_person_gets_the_kept_voice(tmp_path: Path) -> None:
    bank.save(tmp_path / bank.NAME, [MARA])
    found = cast(tmp_path, ("speaker-9", "Mara", True), ("speaker-8", "Jo", True))
    assert found == ({"speaker-9": 130.0}, ["voice-from-bank"])


def test_without_a_record_for_this_title_the_kept_voice_is_not_used(tmp_path: Path) -> None:
    bank.save(tmp_path / bank.NAME, [MARA])
    assert cast(tmp_path, ("speaker-9", "Mara", False)) == ({}, [])
    assert cast(tmp_path, ("speaker-9", "", True)) == ({}, [])


def test_a_voice_of_another_language_or_engine_is_another_voice(tmp_path: Path) -> None:
    bank.save(tmp_path / bank.NAME, [MARA, replace(MARA, person="Jo", engine="voice.other 2")])
    assert cast(tmp_path, ("s", "Mara", True), language="fr") == ({}, [])
    assert cast(tmp_path, ("s", "Jo", True)) == ({}, [])


def test_a_voice_of_another_version_and_a_person_of_two_speakers_are_told(tmp_path: Path) -> None:
    bank.save(tmp_path / bank.NAME, [replace(MARA, engine="voice.parrot 1")])
    assert cast(tmp_path, ("s", "Mara", True)) == ({}, ["bank-not-used"])
    bank.save(tmp_path / bank.NAME, [MARA])
    assert cast(tmp_path, ("s", "Mara", True), ("t", "Mara", True)) == ({}, ["bank-not-used"] * 2)


def test_a_voice_that_an_earlier_version_kept_is_spoken_where_the_engine_says_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank.save(tmp_path / bank.NAME, [replace(MARA, engine="voice.parrot 1")])
    monkeypatch.setattr(f"{__name__}.ENGINE", replace(ENGINE, voices_of=("1",)))
    assert cast(tmp_path, ("s", "Mara", True)) == ({"s": 130.0}, ["voice-from-bank"])


def test_no_bank_is_no_difference(tmp_path: Path) -> None:
    assert cast(tmp_path, ("s", "Mara", True)) == ({}, [])
