"""For every test: no network, a home of its own, and no error in the log that nobody looked at."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import NoReturn

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # tests run side by side: numbers are crunched by one thread in each
    os.environ.setdefault("OMP_NUM_THREADS", "1")

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
