"""The registry that ships is complete and true to the repository."""

from __future__ import annotations

import pytest

from dubsync import weights
from dubsync.resources import folder
from dubsync.weights import cache, registry
from dubsync.weights.prepare import PREPARATIONS

ENTRIES = registry.load(registry.registry_file())


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_every_entry_says_where_it_comes_from_and_under_which_licence(name: str) -> None:
    entry = ENTRIES[name]
    assert entry.files
    assert entry.licence
    assert entry.upstream
    assert entry.shipped or all(file.sources for file in entry.files)


@pytest.mark.parametrize("name", sorted(name for name, entry in ENTRIES.items() if entry.shipped))
def test_shipped_weights_are_the_bytes_on_record_and_have_a_card(name: str) -> None:
    cache.check(ENTRIES[name], thorough=True)
    on_disk = {path.name for path in registry.shipped_folder(ENTRIES[name]).iterdir()} - {"origin.toml"}
    assert on_disk == {file.name for file in ENTRIES[name].files}
    assert (folder("models") / "cards" / (ENTRIES[name].card or "no card")).is_file()


def test_every_shipped_folder_is_on_record() -> None:
    found = {path.name for path in (folder("models") / "weights").glob("*") if path.is_dir()}
    assert found == {name for name, entry in ENTRIES.items() if entry.shipped}


@pytest.mark.parametrize("name", sorted(PREPARATIONS))
def test_every_preparation_is_a_function_of_this_package(name: str) -> None:
    assert PREPARATIONS[name].function.startswith("dubsync.")
    assert callable(PREPARATIONS[name].load())


def test_the_digest_changes_with_the_preparation_but_not_with_the_words() -> None:
    from dataclasses import replace

    entry = weights.entry("resemblyzer")
    assert replace(entry, summary="other words").digest == entry.digest
    assert replace(entry, prepare=None).digest != entry.digest
