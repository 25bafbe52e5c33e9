"""For every test: no network, a home of its own, and no error in the log that nobody looked at."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from dubsync.engine.runner import LocalRunner

DATA = os.environ.get("DUBSYNC_TEST_DATA")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse connections to anything but this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family == socket.AF_UNIX or (isinstance(address, tuple) and address[0] in ("127.0.0.1", "::1")):
            connect(self, address)  # type: ignore[arg-type]
            return
        _refuse(address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    monkeypatch.setenv("DUBSYNC_OFFLINE", "1")


def _refuse(address: object) -> NoReturn:
    raise AssertionError(f"a test opened a connection to {address}")


@pytest.fixture(scope="module")
def hands() -> Iterator[LocalRunner]:
    """A worker that stays for all runs of a file of tests."""
    from dubsync.verbs import local_runner

    with local_runner(1) as runner:
        yield runner


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder for films, with a consent record that covers them."""
    from fake_films import consent

    consent(tmp_path)
    return tmp_path


@pytest.fixture
def clips() -> Path:
    """The folder with real clips; a test that asks for it is skipped where there is none."""
    if not DATA or not Path(DATA).is_dir():
        pytest.skip("DUBSYNC_TEST_DATA names no folder with real clips")
    return Path(DATA)
