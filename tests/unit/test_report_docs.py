"""What the documents say of the program is true."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from dubsync import errors
from dubsync.weights import registry

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_dependency_and_every_weight_is_among_the_third_parties() -> None:
    text = read("THIRD_PARTY.md")
    extras = [each for group in PROJECT["optional-dependencies"].values() for each in group]
    for requirement in [*PROJECT["dependencies"], *extras]:
        name = re.split(r"[<>=\[]", requirement, maxsplit=1)[0]
        assert f"| {name} |" in text or name == "dubsync", f"{name}: run python tools/third_party.py"
    for name in registry.load(registry.registry_file()):
        assert f"`{name}`" in text, f"{name}: run python tools/third_party.py"


def test_the_readme_tells_every_exit_status() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.DubsyncError)]
    codes = {kind.exit_code for kind in kinds if kind is not errors.DubsyncError}
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", read("README.md"), re.MULTILINE)}
    assert told == codes | {0}


def test_the_changelog_begins_with_this_version() -> None:
    newest = re.search(r"^## \[([^]]+)\]", read("CHANGELOG.md"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == PROJECT["version"]


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/glossary.md"])
def test_every_file_that_a_document_names_is_there(document: str) -> None:
    named = re.findall(r"\]\((?!http)([^)#]+)\)", read(document))
    named += re.findall(r"`((?:dubsync|docs|models|tools|pipelines)/[\w./-]*\.(?:py|md|toml))`", read(document))
    missing = [name for name in named if not (ROOT / name).exists() and name != "dubsync/stages/NAME.py"]
    assert missing == []


def test_every_make_verb_that_a_document_names_exists() -> None:
    verbs = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    for document in ("README.md", "CONTRIBUTING.md", ".ci/run"):
        commands = re.findall(r"(?:^    |`|exec )make ((?:[a-z-]+ ?)+)", read(document), re.MULTILINE)
        for verb in " ".join(commands).split():
            assert verb in verbs, f"{document}: make {verb}"


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_every_command_that_a_document_names_exists(document: str) -> None:
    import typer

    from dubsync import cli

    cli._mount()
    commands = typer.main.get_command(cli.app).commands  # type: ignore[attr-defined]
    for line in re.findall(r"(?:`|^    )dubsync ([a-z]+(?: [a-z]+)?)", read(document), re.MULTILINE):
        verb, _, further = line.partition(" ")
        assert verb in commands, f"dubsync {verb}"
        group = getattr(commands[verb], "commands", None)
        assert not group or not further or further in group, f"dubsync {line}"
