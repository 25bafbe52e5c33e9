"""Whole runs with the public fakes: the pipelines, a consent record for anything, the verb, and the command line."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

from dubsync.engine.runner import LocalRunner
from dubsync.verbs import Localized, Wish, local_runner, localize

FAKES = Path(__file__).parent / "fakes.toml"
"""Every stage, a fake for every engine."""
VOICES = Path(__file__).parent / "voices.toml"
"""New voices only, a fake for every engine."""
SUBTITLES = Path(__file__).parent / "subtitles.toml"
"""Nothing but subtitles, a fake for every engine."""
_CONSENT = """schema = "dubsync.consent/1"
[[person]]
id = "disc"
name = "{name}"
speakers = ["*"]
titles = [{titles}]
languages = ["*"]
voice = true
face = {face}
granted_by = "the tests"
granted_on = 2026-01-01
"""


def consent(folder: Path, *, name: str = "the disc", titles: tuple[str, ...] = ("*",), face: bool = True) -> Path:
    """Write a record beside the films in `folder`: all their voices are this person's, who allows what is said."""
    path = folder / "consent.toml"
    listed = ", ".join(f'"{title}"' for title in titles)
    path.write_text(_CONSENT.format(name=name, titles=listed, face=str(face).lower()))
    return path


@cache
def hands() -> LocalRunner:
    """Return a worker that stays for all runs of all tests: to start one takes longer than most runs."""
    return local_runner(1)


def made(film: Path, *languages: str, pipeline: Path = FAKES, **wish: object) -> Localized:
    """Localize a film (into Spanish, if nothing else is said) by `hands`."""
    asked = Wish(pipeline=str(pipeline), slots=1, **wish)  # type: ignore[arg-type]
    return localize(film, languages or ("es",), asked, runner=hands())


def changed(place: Path, **engines: str) -> Path:
    """Write the pipeline of fakes with other engines, by kind, into a folder; return the file."""
    text = FAKES.read_text()
    for kind, engine in engines.items():
        text = text.replace(f'\n{kind} = "fake.{kind}"', f'\n{kind} = "{engine}"')
    path = place / "mine.toml"
    path.write_text(text)
    return path


def command(*words: object, before: str = "") -> list[str]:
    """Return the command line as a process is given it; `before` is Python that runs first in it."""
    code = f"{before}; from dubsync.cli import main; main()".lstrip("; ")
    return [sys.executable, "-c", code, *map(str, words)]


def dubsync(*words: object, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(command(*words, before=before), capture_output=True, text=True, check=False, timeout=180)
