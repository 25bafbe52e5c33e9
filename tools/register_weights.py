"""Bring the registry's size and SHA-256 of shipped weights in step with models/weights/NAME after training.

python tools/register_weights.py NAME...      (run from the repository's root)
"""

from __future__ import annotations

import re
import sys
from functools import partial
from pathlib import Path

from dubsync.weights.cache import sha256
from dubsync.weights.registry import registry_file

ORIGIN = "origin.toml"
"""What a training wrote of itself: beside the weights, not part of them."""


def main(names: list[str]) -> int:
    text = registry_file().read_text(encoding="utf-8")
    for name in names:
        folder = registry_file().parent / "weights" / name
        paths = sorted(path for path in folder.iterdir() if path.name != ORIGIN)
        rows = "".join(f"    {row(path)},\n" for path in paths)
        head = rf"\[{re.escape(name)}\]\n(?:(?!\[)[^\n]*\n)*?files = \[\n"
        pattern = re.compile(rf"({head})(?:    [^\n]*\n)*\]")
        text, count = pattern.subn(partial(_filled, rows), text)
        if count != 1:
            print(
                f"{name}: no entry in the registry yet; add its table by hand first, with files = []", file=sys.stderr
            )
            return 1
    registry_file().write_text(text, encoding="utf-8")
    return 0


def _filled(rows: str, found: re.Match[str]) -> str:
    return f"{found[1]}{rows}]"


def row(path: Path) -> str:
    return f'{{ name = "{path.name}", size = {path.stat().st_size}, sha256 = "{sha256(path)}" }}'


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
