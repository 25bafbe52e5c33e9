"""`dubsync models`, as a person types it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dubsync.cli.models import models_app
from dubsync.errors import ChecksumMismatch, MissingWeights
from dubsync.weights import registry

SUM = hashlib.sha256(b"weights").hexdigest()


@pytest.fixture(autouse=True)
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DUBSYNC_CACHE", str(tmp_path))
    monkeypatch.delenv("DUBSYNC_OFFLINE", raising=False)
    (tmp_path / "source").write_bytes(b"weights")
    (tmp_path / "added.toml").write_text(
        f'schema = "{registry.SCHEMA}"\n[toy]\nsummary = "a toy"\nupstream = "the test"\nlicence = "MIT"\n'
        f'commercial_use = false\nfiles = [{{ name = "a.bin", size = 7, sha256 = "{SUM}",'
        f' sources = ["file:{tmp_path}/source"] }}]\n'
    )
    return tmp_path


def run(*words: str) -> str:
    result = CliRunner().invoke(models_app, list(words), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_list_says_what_is_here_and_what_forbids_commercial_use() -> None:
    assert json.loads(run("list", "--json"))["toy"]["present"] is False
    run("pull", "toy")
    assert json.loads(run("list", "--json"))["toy"]["present"] is True
    assert "no commercial" in " ".join(run("list").split())


def test_verify_tells_a_damaged_file_after_looking_at_all(toy: Path) -> None:
    run("pull", "toy")
    assert "toy: ok" in run("verify")
    (file,) = toy.glob("weights/toy-*/a.bin")
    file.write_bytes(b"wEights")
    with pytest.raises(ChecksumMismatch):
        run("verify")
    run("pull", "toy")
    assert "toy: ok" in run("verify", "toy")


def test_packed_entries_are_those_that_are_here(toy: Path) -> None:
    run("pull", "toy")
    assert "packing toy" in run("pack", str(toy / "out.tar"), "toy")
    assert "unpacking toy" in run("unpack", str(toy / "out.tar"))


def test_pull_offline_fetches_nothing(toy: Path) -> None:
    with pytest.raises(MissingWeights):
        run("pull", "toy", "--offline")
    assert not list(toy.glob("weights/toy-*"))


def test_a_checkpoint_is_added_with_its_licence(toy: Path) -> None:
    (toy / "mine.onnx").write_bytes(b"graph")
    run("add", "mine", str(toy / "mine.onnx"), "--licence", "CC-BY-NC-4.0", "--no-commercial-use")
    facts = json.loads(run("list", "--json"))["mine"]
    assert facts["licence"] == "CC-BY-NC-4.0"
    assert facts["commercial_use"] is False
    assert facts["present"] is True
