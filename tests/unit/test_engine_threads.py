"""Work that is measured gets the threads of a worker, whatever the environment says."""

import os

import pytest

from dubsync.engine.threads import alone, limited
from dubsync.errors import InputError

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def told() -> list[str | None]:
    return [os.environ.get(name) for name in VARIABLES]


def refused() -> None:
    raise InputError("no clip", hint="name one")


def test_work_alone_is_told_to_take_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = told()

    assert alone(told) == ["1", "1", "1"]
    assert told() == before


def test_work_alone_is_done_in_a_process_of_its_own() -> None:
    assert alone(os.getpid) != os.getpid()


def test_what_goes_wrong_alone_is_told_with_its_hint() -> None:
    with pytest.raises(InputError) as caught:
        alone(refused)

    assert caught.value.hint == "name one"


def test_the_environment_comes_back_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MKL_NUM_THREADS", "3")
    before = told()

    def fail() -> None:
        with limited(2):
            assert told() == ["2", "2", "2"]
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()

    assert told() == before
