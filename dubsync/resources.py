"""Where the data that comes with dubsync lies: `models/` and `pipelines/`, alike in a checkout and when installed."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """Return the folder "models" or "pipelines": in a wheel it is `dubsync/_<name>`, else the checkout's own."""
    packaged = _PACKAGE / f"_{name}"
    return packaged if packaged.is_dir() else _PACKAGE.parent / name
