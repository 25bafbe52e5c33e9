"""The command line: parses, calls the API, prints. One file per family of verbs; only here a status is exited with."""

from __future__ import annotations

import logging
import os
import signal
import sys
from types import FrameType

import typer

from dubsync.errors import DubsyncError

app = typer.Typer(
    help="A film in another language: the actors' voices, and mouths that move to the new words.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _mount() -> None:
    from dubsync.cli import bench, inspect, localize, machine, script, training
    from dubsync.cli.cast import cast_app
    from dubsync.cli.consent import consent_app
    from dubsync.cli.models import models_app

    for room in (localize, inspect, script, machine, bench, training):
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
        _say(error, is_debug=is_debug)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("stopped; what was finished is kept, run again to go on", file=sys.stderr)
        sys.exit(130)
    except OSError as error:
        if error.errno is None or is_debug:
            raise
        place = f"{error.filename}: " if error.filename else ""
        print(f"dubsync: {place}{error.strerror}", file=sys.stderr)
        print(
            "  what was finished is kept; mend the cause (free the disk, allow writing) and run again", file=sys.stderr
        )
        sys.exit(5)


def _say(error: DubsyncError, *, is_debug: bool) -> None:
    print(f"dubsync: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"  {error.hint}", file=sys.stderr)
    if is_debug:
        print(getattr(error, "cause", ""), file=sys.stderr)
        raise error


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
