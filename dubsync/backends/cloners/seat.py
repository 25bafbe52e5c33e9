"""The near end of `_worker.py`: one long-lived process for an engine, in an interpreter of its own if one is named.

Engines such as Chatterbox want other versions of libraries than dubsync does, so they may live in an environment of
their own: `DUBSYNC_CHATTERBOX_PYTHON` or `DUBSYNC_XTTS_PYTHON` names its interpreter. Without it dubsync's own is used.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from dubsync.errors import MissingExtra, PermanentError, TransientError

PATIENCE_S = 1800.0
"""How long an answer may take: loading three gigabytes and speaking on a processor is slow, but not slower."""
_WORKER = Path(__file__).with_name("_worker.py")
_OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}


@dataclass(frozen=True, slots=True)
class Needs:
    """What an engine is called, and the package that brings it. `module`: what the package is imported as."""

    engine: str
    package: str
    module: str

    @property
    def variable(self) -> str:
        return f"DUBSYNC_{self.engine.upper()}_PYTHON"

    @property
    def python(self) -> str:
        return os.environ.get(self.variable) or sys.executable

    def check(self) -> None:
        """Raise MissingExtra when the interpreter cannot import the engine; the engine itself is not loaded."""
        code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({self.module!r}) is None)"
        try:
            done = subprocess.run(
                [self.python, "-c", code], env=self.environment(), capture_output=True, timeout=60, check=False
            )
        except OSError as error:
            raise MissingExtra(f"{self.variable} names {self.python}, which cannot be run: {error.strerror}") from error
        if done.returncode != 0:
            raise self.missing(self.module)

    def missing(self, module: str) -> MissingExtra:
        return MissingExtra(
            f"voice.{self.engine} needs the package {self.package}: {self.python} has no {module}",
            hint=f"make an environment, pip install {self.package} in it, and set {self.variable} to its python",
        )

    def unusable(self, why: str) -> MissingExtra:
        return MissingExtra(
            f"voice.{self.engine} cannot load {self.package} in {self.python}: {why}",
            hint="docs/voice.md lists the versions that were seen to work together",
        )

    def environment(self) -> dict[str, str]:
        """Return the worker's environment: ours, kept from hubs; our own search path means nothing to another."""
        foreign = self.python != sys.executable
        ours = {name: value for name, value in os.environ.items() if not (foreign and name.startswith("PYTHON"))}
        return {**ours, **_OFFLINE}


class Seat:
    """Asks the worker, and starts it when it does not run."""

    def __init__(self, needs: Needs, folder: Path) -> None:
        self._needs, self._folder = needs, folder
        self._process: subprocess.Popen[str] | None = None
        self._said: IO[bytes] | None = None
        self._lock = threading.Lock()

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """Return the answer; raises PermanentError when the engine refuses, TransientError when it broke down."""
        with self._lock:
            process = self._running()
            answer = self._exchange(process, json.dumps({"do": do, **request}))
        if "error" in answer:
            raise PermanentError(f"voice.{self._needs.engine}: {answer['error']}")
        return answer

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._said = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
            self._process = subprocess.Popen(
                [self._needs.python, str(_WORKER), self._needs.engine, str(self._folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                env=self._needs.environment(),
                encoding="utf-8",
            )
            weakref.finalize(self, _stop, self._process)
            first = self._exchange(self._process, None)
            if "missing" in first:
                raise self._needs.missing(first["missing"])
            if "unusable" in first:
                raise self._needs.unusable(first["unusable"])
        return self._process

    def _exchange(self, process: subprocess.Popen[str], request: str | None) -> dict[str, Any]:
        assert process.stdin is not None
        assert process.stdout is not None
        watch = threading.Timer(PATIENCE_S, process.kill)
        watch.start()
        try:
            if request is not None:
                process.stdin.write(request + "\n")
                process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = ""
        finally:
            watch.cancel()
        if not line:
            raise TransientError(
                f"voice.{self._needs.engine} stopped with status {process.wait()}: {self._last_words()}"
            )
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        if self._said is None:
            return ""
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def packed(array: NDArray[np.float32]) -> dict[str, Any]:
    """Return an array as it travels."""
    plain = np.ascontiguousarray(array, dtype="<f4")
    return {"dtype": "<f4", "shape": plain.shape, "data": base64.b64encode(plain.tobytes()).decode()}


def unpacked(answer: Mapping[str, Any]) -> NDArray[np.float32]:
    """Return an array that travelled."""
    flat = np.frombuffer(base64.b64decode(answer["data"]), answer["dtype"])
    return flat.reshape(answer["shape"]).astype(np.float32)


def _stop(process: subprocess.Popen[str]) -> None:
    """End the process: it stops when it has nothing more to read."""
    with process:
        assert process.stdin is not None
        process.stdin.close()
