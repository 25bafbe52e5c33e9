"""The command line: parses, calls the API, prints. One file per family of verbs; only here a status is exited with."""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback
from types import FrameType
from typing import Annotated

import typer

from dubsync import __version__
from dubsync.errors import Cancelled, DubsyncError, SystemRefused

app = typer.Typer(
    help="A film in another language: the actors' voices, and mouths that move to the new words.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        print(f"dubsync {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version, and stop.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Log what happens, and show where an error arose.")] = False,
) -> None:
    """Take what every command takes: `_print_version` acts on the one, and `main` has acted on the other."""


def _mount() -> None:
    from dubsync.cli import bench, deliver, farm, inspect, localize, machine, review, script, training, verify
    from dubsync.cli.cast import cast_app
    from dubsync.cli.consent import consent_app
    from dubsync.cli.models import models_app

    for room in (localize, deliver, inspect, farm, script, review, machine, bench, training, verify):
        room.mount(app)
    app.add_typer(models_app, name="models")
    app.add_typer(consent_app, name="consent")
    app.add_typer(cast_app, name="cast")


def main() -> None:
    """Run the command line; the exit statuses are those of `dubsync.errors`."""
    is_debug = "--debug" in sys.argv or bool(os.environ.get("DUBSYNC_DEBUG"))
    sys.argv = [word for word in sys.argv if word != "--debug"]
    logging.basicConfig(
        level=logging.DEBUG if is_debug else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    if not is_debug:
        logging.getLogger("dubsync").setLevel(logging.ERROR)
    signal.signal(signal.SIGTERM, _stop)
    _mount()
    try:
        app()
    except DubsyncError as error:
        if is_debug:
            traceback.print_exc()
            print(getattr(error, "cause", ""), file=sys.stderr)
        _say(error)
        sys.exit(error.exit_code)
    except SystemExit as end:
        if end.code == Cancelled.exit_code:  # typer has made this of an interrupt, without a word
            print("stopped; what was finished is kept, run again to go on", file=sys.stderr)
        raise
    except OSError as error:
        if error.errno is None:
            raise
        if is_debug:
            traceback.print_exc()
        refused = SystemRefused.by(error)
        _say(refused)
        sys.exit(refused.exit_code)


def _say(error: DubsyncError) -> None:
    print(f"dubsync: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"  {error.hint}", file=sys.stderr)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
