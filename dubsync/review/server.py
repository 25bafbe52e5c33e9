"""Serve the desk to a browser, until somebody stops it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

from dubsync.errors import MissingExtra, UsageError
from dubsync.review.guard import House, is_address

if TYPE_CHECKING:
    from dubsync.review.shelf import Shelf

_NEEDED = ("starlette", "uvicorn")
_WAIT_S = 1
"""How long films that are playing may go on once the desk is being closed."""


def need_extra() -> None:
    """Raise MissingExtra if what serves the desk is not installed."""
    if any(find_spec(name) is None for name in _NEEDED):
        raise MissingExtra("the desk needs what the extra `review` brings", hint="pip install 'dubsync[review]'")


def serve(shelf: Shelf, house: House, *, port: int, who: str, ready: Callable[[str], None]) -> None:
    """Serve a shelf until the process is interrupted; `ready` is told the address once browsers can come.

    `port` 0: one that is free. `who`: the name under which edits are kept where a browser has not said another.

    Raises:
        MissingExtra: the server is not installed.
        UsageError: the port is taken, or the host is none of this machine's.
    """
    need_extra()
    from uvicorn import Config, Server

    from dubsync.review.app import make_app

    class Told(Server):
        """Tells when browsers can come, and by then an interrupt closes the desk: before, it could be lost."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready(_address(house.host, listener.getsockname()[1]))

    with _listening(house.host, port) as listener:
        config = Config(
            make_app(shelf, house, who=who),
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=_WAIT_S,
        )
        Told(config).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if is_address(host) and ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OverflowError as error:
        raise UsageError(
            f"there is no port {port}", hint="say one from 1 to 65535, or 0 for one that is free"
        ) from error
    except OSError as error:
        reason = error.strerror or str(error)
        hint = "say another with --port; 0 takes one that is free" if port else "say a host of this machine with --host"
        raise UsageError(f"the desk cannot be served at {_address(host, port)}: {reason}", hint=hint) from error


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
