"""The house keeps its shape: data flows one way, nobody imports the roof, the front door is what it says."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import dubsync

ROOT = Path(dubsync.__file__).parent
FILES = sorted(path for path in ROOT.rglob("*.py") if not path.is_relative_to(ROOT / "_models"))
TOOLS = {"audio", "face", "text", "media", "mouth", "rights"}
GROUND = {"errors", "timing", "resources", "precision"}
NOUNS = GROUND | {"title", "documents"}
ROOF = {
    "cli", "batch", "bench", "casts", "delivery", "farm", "recordings", "review", "scripts", "verbs", "watch", "wishes",
}  # fmt: skip

ALLOWED = {
    "errors": set(),
    "timing": set(),
    "engine": {"errors"},
    "resources": set(),
    "precision": set(),
    "title": GROUND,
    "documents": NOUNS,
    "edits": NOUNS,
    "weights": NOUNS | TOOLS | {"backends"},
    "quality": NOUNS | TOOLS | {"backends"},
    "backends": NOUNS | TOOLS | {"weights", "engine"},
    "stages": NOUNS | TOOLS | {"backends", "engine", "quality", "edits", "weights"},
    "testing": NOUNS | TOOLS | {"backends", "engine", "weights"},
    **{room: NOUNS | TOOLS | {"backends", "weights"} for room in TOOLS},
}
"""What each room may import. Tool rooms take array types from `backends.protocols`, and weights by name."""


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path, *, top_level: bool = False) -> Iterator[str]:
    """Yield the dubsync modules a file imports; `top_level`: only when it is loaded, not when a function runs."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_level else list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("dubsync"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dubsync"):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else str(node.module)


MODULES = {module_of(path) for path in FILES}


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_a_room_imports_only_from_the_floors_below(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in FILES
        if room_of(module_of(path)) == room
        for name in imports(path)
        if room_of(name) not in ALLOWED[room] | {room, ""}
    ]
    assert wrong == []


def test_nobody_imports_the_roof() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in FILES
        for name in imports(path)
        if room_of(name) in ROOF and room_of(module_of(path)) not in ROOF | {""}
    ]
    assert wrong == []


def test_only_the_command_line_imports_the_desk() -> None:
    users = {room_of(module_of(path)) for path in FILES for name in imports(path) if room_of(name) == "review"}
    assert users == {"cli", "review"}


def test_imports_go_in_no_circle() -> None:
    graph = {module_of(path): set(imports(path, top_level=True)) - {module_of(path)} for path in FILES}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for each in sorted(graph.get(name, ())):
                visit(each, (*trail, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())


def test_the_front_door_is_sorted_and_every_name_is_there() -> None:
    assert dubsync.__all__ == sorted(dubsync.__all__)
    missing = [name for name in dubsync.__all__ if not hasattr(dubsync, name)]
    assert missing == []


def test_importing_dubsync_is_quick_and_loads_no_engine() -> None:
    code = "import sys, dubsync; print([name for name in ('torch', 'av', 'cv2', 'starlette') if name in sys.modules])"
    loaded, spent = _spent(code)
    assert loaded.strip() == "[]"
    assert spent - _spent("pass")[1] < 1.5, "0.3 s is the promise; five times that on a slow machine"


def _spent(code: str) -> tuple[str, float]:
    """Return what a Python process prints and the seconds of processor that it takes: others may be at work too."""
    before = os.times()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    after = os.times()
    return done.stdout, sum(after[2:4]) - sum(before[2:4])


def test_files_are_short() -> None:
    long = {str(path.relative_to(ROOT)): lines for path in FILES if (lines := len(path.read_text().splitlines())) > 400}
    assert long == {}


BROAD = {"Exception", "BaseException"}
"""May stand only where units run and where the command line ends: `engine/work.py`, `cli/__init__.py`."""


def broad_names(node: ast.AST) -> bool:
    """Whether this catches anything there is: `except:`, `except Exception`, `suppress(Exception)`, in tuples too."""
    if isinstance(node, ast.ExceptHandler):
        return node.type is None or _names(node.type)
    return isinstance(node, ast.Call) and "suppress" in ast.unparse(node.func) and any(map(_names, node.args))


def _names(expression: ast.AST) -> bool:
    return any(getattr(part, "id", getattr(part, "attr", "")) in BROAD for part in ast.walk(expression))


@pytest.mark.parametrize(
    ("code", "is_broad"),
    [
        ("try: f()\nexcept: pass", True),
        ("try: f()\nexcept (OSError, BaseException): pass", True),
        ("with contextlib.suppress(Exception): f()", True),
        ("try: f()\nexcept OSError: pass", False),
    ],
)
def test_a_broad_except_is_recognised(code: str, is_broad: bool) -> None:
    assert any(broad_names(node) for node in ast.walk(ast.parse(code))) == is_broad


def test_broad_excepts_stand_only_where_units_run_and_the_command_line_ends() -> None:
    places = {
        str(path.relative_to(ROOT))
        for path in FILES
        if any(broad_names(node) for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert places <= {"engine/work.py", "cli/__init__.py"}


def test_no_function_prints_or_exits_outside_the_command_line() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in FILES
        if room_of(module_of(path)) != "cli"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "exit", "quit")
    ]
    assert wrong == []
