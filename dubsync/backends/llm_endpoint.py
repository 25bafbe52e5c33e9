"""One question to an OpenAI-compatible endpoint (Ollama, vLLM, llama.cpp, hosted ones), over plain HTTP.

Only what may pass is tried again: a lost connection, a time-out, 408, 409, 425, 429 and 5xx, with growing pauses or as
`Retry-After` says. The key comes from the environment, and no message holds it.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from dubsync.errors import PermanentError, TransientError

PASSING = frozenset({408, 409, 425, 429})
LONGEST_PAUSE = 60.0
SHOWN = 200
"""Characters of an answer that an error message quotes."""

Message = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to ask, and how patiently. `url`: up to and with /v1. `key_variable`: names the environment variable."""

    url: str
    model: str
    key_variable: str = "DUBSYNC_LLM_KEY"
    timeout: float = 120.0
    tries: int = 5
    pause: float = 1.0
    temperature: float = 0.2
    json_mode: bool = True

    def ask(self, messages: Sequence[Message], *, seed: int = 0) -> str:
        """Return what the model says.

        Raises:
            TransientError: it did not answer, however often it was asked. PermanentError: it refuses.
        """
        body: dict[str, Any] = {
            "model": self.model,
            "messages": list(messages),
            "temperature": self.temperature,
            "seed": seed,
            "stream": False,
        }
        if self.json_mode:
            body["response_format"] = {"type": "json_object"}
        reason = ""
        for attempt in range(self.tries):
            try:
                answer = self._post(body)
            except httpx.TransportError as cause:
                reason, wanted = f"{type(cause).__name__}: {cause}", None
            else:
                if answer.status_code < 400:
                    return _content(answer, self.url)
                if not _may_pass(answer.status_code):
                    raise self._refused(answer)
                reason, wanted = f"HTTP {answer.status_code}", _retry_after(answer)
            if attempt + 1 < self.tries:
                time.sleep(min(LONGEST_PAUSE, self._pause(attempt) if wanted is None else wanted))
        raise TransientError(
            f"{self.url} did not answer, asked {self.tries} times; the last time: {reason}",
            hint="see whether the endpoint runs; the next run goes on from here",
        )

    def _post(self, body: Mapping[str, Any]) -> httpx.Response:
        key = os.environ.get(self.key_variable, "")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        url = f"{self.url.rstrip('/')}/chat/completions"
        return httpx.post(url, json=body, headers=headers, timeout=self.timeout, follow_redirects=False)

    def _pause(self, attempt: int) -> float:
        return self.pause * 2.0**attempt * random.uniform(0.75, 1.25)

    def _refused(self, answer: httpx.Response) -> PermanentError:
        said = answer.text[:SHOWN].strip()
        if answer.status_code in (401, 403):
            hint = f"put your key into the environment variable {self.key_variable}"
        elif answer.status_code == 404:
            hint = f"see whether {self.url} is right, and whether it has a model {self.model!r}"
        else:
            hint = "set json_mode = false if the endpoint knows no response_format"
        return PermanentError(f"{self.url} refuses: HTTP {answer.status_code} {said}", hint=hint)


def _may_pass(status: int) -> bool:
    return status in PASSING or status >= 500


def _retry_after(answer: httpx.Response) -> float | None:
    try:
        return max(0.0, float(answer.headers["retry-after"]))
    except (KeyError, ValueError):
        return None


def _content(answer: httpx.Response, url: str) -> str:
    try:
        content = answer.json()["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError) as cause:
        raise PermanentError(
            f"{url} answers, but not as an OpenAI-compatible endpoint does: {answer.text[:SHOWN]!r}",
            hint="the address usually ends in /v1",
        ) from cause
    return content if isinstance(content, str) else ""
