"""The Marian file: read, written, quantised."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dubsync import weights
from dubsync.errors import IntegrityError
from dubsync.text.marian import file


@pytest.fixture(scope="module")
def model_file() -> Path:
    return next(weights.resolve("mt-en-pt").glob("model*.bin"))


def test_a_file_that_is_read_and_written_is_the_same_byte_for_byte(model_file: Path, tmp_path: Path) -> None:
    file.write(tmp_path / "again.bin", file.read(model_file).values())
    assert (tmp_path / "again.bin").read_bytes() == model_file.read_bytes()


def test_int8_weights_come_back_within_half_a_step(tmp_path: Path) -> None:
    drawn = np.random.default_rng(1).normal(size=(48, 96)).astype(np.float32)
    for name in ("decoder_l1_ffn_W1", "decoder_Wemb"):
        file.write(tmp_path / "one.bin", [file.int8_tensor(name, drawn)])
        found = file.values(file.read(tmp_path / "one.bin")[name])
        assert found.shape == drawn.shape
        assert np.abs(found - drawn).max() <= 0.5001 * np.abs(drawn).max() / 127


def test_a_matrix_is_stored_transposed_and_an_embedding_is_not() -> None:
    rows = np.arange(6, dtype=np.float32).reshape(2, 3)
    stored = {n: np.frombuffer(file.int8_tensor(n, rows).raw, np.int8, 6).tolist() for n in ("x_W1", "Wemb")}
    assert stored["Wemb"] == sorted(stored["Wemb"])
    assert stored["x_W1"] != stored["Wemb"]


@pytest.mark.parametrize("kept", [0, 10, 5000, 1_000_000])
def test_a_file_that_was_cut_short_is_refused(model_file: Path, tmp_path: Path, kept: int) -> None:
    (tmp_path / "cut.bin").write_bytes(model_file.read_bytes()[:kept])
    with pytest.raises(IntegrityError, match="not a whole Marian model"):
        file.read(tmp_path / "cut.bin")
