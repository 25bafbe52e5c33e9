"""`dubsync review`: the translators' desk."""

from __future__ import annotations

import getpass
import sys
import webbrowser
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Annotated

import typer

LOOPBACK = "127.0.0.1"


def mount(app: typer.Typer) -> None:
    """Add this family's verb."""
    app.command()(review)


def review(
    titles: Annotated[list[Path], typer.Argument(help="Films, title folders, or folders that hold some.")],
    *,
    lang: Annotated[str | None, typer.Option("--lang", help="Show this language only.")] = None,
    port: Annotated[int, typer.Option(help="The port; 0 takes one that is free.", min=0, max=65535)] = 8765,
    host: Annotated[
        str, typer.Option(help="The address to serve at; any but this machine's own is open to others.")
    ] = LOOPBACK,
    who: Annotated[
        str | None, typer.Option(help="Whose work it is (default: the name you are logged in with).")
    ] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")] = False,
) -> None:
    """Read and correct the lines beside the film, in a browser; the next `dubsync localize` takes them in."""
    from dubsync.review import server
    from dubsync.review.guard import House
    from dubsync.review.shelf import collected

    server.need_extra()
    shelf, house = collected(titles, lang), House(host)
    if not house.is_private:
        print(
            f"dubsync: whoever reaches {host} can see these films and change their lines; there is no password",
            file=sys.stderr,
        )

    def ready(address: str) -> None:
        print(f"the desk is at {address} until you press Ctrl+C", flush=True)
        if not no_open:
            Thread(
                target=webbrowser.open, args=(address,), daemon=True
            ).start()  # some return only when they are closed

    with suppress(KeyboardInterrupt):  # the server may have heard of it first, and then just returns
        server.serve(shelf, house, port=port, who=who or getpass.getuser(), ready=ready)
    print("the desk is closed; every change was kept as it was made")
