"""The lock of a title folder: one run at a time, and whoever only looks is in nobody's way."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from dubsync import folder
from dubsync.errors import UsageError


def test_a_second_run_is_refused_while_the_first_one_works(tmp_path: Path) -> None:
    with folder.lock(tmp_path), pytest.raises(UsageError, match="another dubsync works in"), folder.lock(tmp_path):
        pass
    with folder.lock(tmp_path):
        pass


def test_a_look_tells_whether_a_run_goes_on_and_changes_nothing(tmp_path: Path) -> None:
    assert not folder.is_worked_on(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with folder.lock(tmp_path):
        assert folder.is_worked_on(tmp_path)
    assert not folder.is_worked_on(tmp_path)


def test_runs_that_share_a_folder_are_seen_too(tmp_path: Path) -> None:
    with (tmp_path / ".lock").open("w") as shared:
        fcntl.flock(shared, fcntl.LOCK_SH)
        assert folder.is_worked_on(tmp_path)


def test_a_run_begins_although_somebody_looks_at_that_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / ".lock").open("w") as looking:
        fcntl.flock(looking, fcntl.LOCK_EX)
        monkeypatch.setattr(folder.time, "sleep", lambda seconds: fcntl.flock(looking, fcntl.LOCK_UN))
        with folder.lock(tmp_path):
            assert folder.is_worked_on(tmp_path)
