"""The other end of `_espeak.py`: one long-lived process, started at the first request, asked line by line."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path

from dubsync.errors import PermanentError, TransientError


class Espeak:
    """Turns texts into IPA."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def phonemes(self, texts: Sequence[str], voice: str) -> list[str]:
        """Return the IPA of each text, spoken by the espeak-ng voice (a language); `^` ties affricates."""
        answer = self._ask({"voice": voice, "text": list(texts)})
        if "error" in answer:
            raise PermanentError(answer["error"])
        return list(answer["ipa"])

    def _ask(self, request: dict[str, object]) -> dict[str, str]:
        with self._lock:
            process = self._running()
            try:
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(json.dumps(request) + "\n")
                process.stdin.flush()
                answer = process.stdout.readline()
            except OSError as error:
                raise TransientError(f"espeak-ng stopped: {error}") from error
            if not answer:
                raise TransientError(f"espeak-ng stopped with status {process.wait()}")
        result: dict[str, str] = json.loads(answer)
        return result

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            script = Path(__file__).with_name("_espeak.py")
            self._process = subprocess.Popen(
                [sys.executable, "-I", str(script)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="utf-8",
            )
            weakref.finalize(self, _stop, self._process)
        return self._process


def _stop(process: subprocess.Popen[str]) -> None:
    """End the process: it stops when it has nothing more to read."""
    with process:
        assert process.stdin is not None
        process.stdin.close()
