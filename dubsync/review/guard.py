"""Who may ask: only pages of this desk, under a name of this machine. And what a page may do: nothing from elsewhere.

A foreign page could reach a server on this machine by a name of its own that it points here (DNS rebinding): requests
are answered only under names that are ours. It could send a form: those need the token that only our pages carry.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
_App = Callable[[_Message, _Receive, _Send], Awaitable[None]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
"""The report brings its own style and pictures, and has no script."""
MESSAGE = {"hx-retarget": "#message", "hx-reswap": "innerHTML"}
"""Headers of what is said instead of an answer: it goes to its own place, and what was being written stays."""
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # with "no-referrer" browsers call the origin of our own forms "null"
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass(frozen=True, slots=True)
class House:
    """Where the desk is served. `token`: new at each start; whoever sends it has read a page of ours."""

    host: str
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def is_private(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host == "localhost" or (is_address(self.host) and ipaddress.ip_address(self.host).is_loopback)

    def knows(self, name: str) -> bool:
        """Tell whether a host name, as a request gives it, is one of ours; an address cannot be pointed elsewhere."""
        if self.is_private:
            return name == "localhost" or (is_address(name) and ipaddress.ip_address(name).is_loopback)
        return is_address(name) or name in {"localhost", self.host.lower(), socket.gethostname().lower()}

    def accepts(self, token: str) -> bool:
        return secrets.compare_digest(token.encode(), self.token.encode())


def is_address(name: str) -> bool:
    """Tell whether a host is given by number."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def host_name(header: str) -> str:
    """Return the host of a `Host` header, without its port.

    >>> host_name("[::1]:8000"), host_name("LOCALHOST:8000")
    ('::1', 'localhost')
    """
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()


class Guard:
    """Wraps the desk: turns away requests under foreign names or from foreign pages, and
    puts the headers on answers.
    """

    def __init__(self, app: _App, house: House) -> None:
        self.app, self.house = app, house

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: _Message) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message["headers"]}
                own = ((name.encode(), value.encode()) for name, value in _HEADERS.items())
                message["headers"] = [*message["headers"], *(pair for pair in own if pair[0] not in there)]
            await send(message)

        refusal = self._refusal(scope)
        if refusal:
            await _refuse(*refusal, send_with_headers)
        else:
            await self.app(scope, receive, send_with_headers)

    def _refusal(self, scope: _Message) -> tuple[int, str] | None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "")
        if not self.house.knows(host_name(host)):
            return 421, "this desk is not served under that name; use the address that `dubsync review` printed"
        if scope["method"] in ("GET", "HEAD"):
            return None
        origin = headers.get("origin")
        if origin not in (None, f"{scope['scheme']}://{host}"):
            return 403, "another page may not write here"
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return 403, "another page may not write here"
        return None


async def _refuse(status: int, sentence: str, send: _Send) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    headers += [(name.encode(), value.encode()) for name, value in MESSAGE.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": f"{sentence}\n".encode()})
