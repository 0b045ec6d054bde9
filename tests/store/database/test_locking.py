"""Retries, the lock on the directory, and descriptors of other processes."""

from __future__ import annotations

import os
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from tests.store.conftest import make_store

from uniqc_store import StoreBusyError
from uniqc_store.database.files import identity_of
from uniqc_store.database.locking import (
    attempts,
    count_descriptors,
    directory_lock,
    may_be_open_elsewhere,
    shared_lock,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.store.conftest import Child


def test_a_timeout_of_zero_gives_one_attempt() -> None:
    assert len(list(attempts(0))) == 1


def test_attempts_continue_until_the_timeout_and_end_then() -> None:
    began = time.monotonic()
    assert len(list(attempts(0.02, pause_seconds=0.001))) > 1
    assert time.monotonic() - began >= 0.02


def test_there_is_a_pause_between_two_attempts() -> None:
    times = [time.monotonic() for _ in attempts(0.03, pause_seconds=0.01)]
    assert all(later - earlier >= 0.01 for earlier, later in pairwise(times))


def test_there_is_no_pause_after_a_successful_attempt() -> None:
    began = time.monotonic()
    for _ in attempts(60, pause_seconds=60):
        break
    assert time.monotonic() - began < 30


def test_a_shared_lock_during_a_removal_is_an_error_with_the_path(tmp_path: Path) -> None:
    path = tmp_path / "tasks.sqlite"
    with (
        directory_lock(tmp_path, exclusive=True),
        pytest.raises(StoreBusyError) as caught,
        shared_lock(path, 0.01),
    ):
        pytest.fail("a shared lock was granted beside an exclusive one")
    assert (caught.value.path, caught.value.waited_seconds) == (path, 0.01)
    with shared_lock(path, 0), shared_lock(path, 0):
        pass


def test_an_error_under_a_shared_lock_is_not_retried(tmp_path: Path) -> None:
    with pytest.raises(BlockingIOError), shared_lock(tmp_path / "tasks.sqlite", 5):
        raise BlockingIOError


@pytest.mark.parametrize(("processes", "unknown"), [([str(os.getpid())], False), ([], True)])
def test_a_process_that_is_alone_knows_that_no_other_has_the_file_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: list[str], *, unknown: bool
) -> None:
    path = make_store(tmp_path / "cache") / "tasks.sqlite"
    identity = identity_of(path)
    assert identity is not None
    # As in a container, whose one process is the only one in /proc, and on systems without any.
    monkeypatch.setattr("uniqc_store.database.locking._processes", lambda: processes)
    assert may_be_open_elsewhere(identity) is unknown


def test_descriptors_of_this_and_of_other_processes_are_distinguished(
    tmp_path: Path, start: Callable[..., Child]
) -> None:
    path = make_store(tmp_path / "cache") / "tasks.sqlite"
    identity = identity_of(path)
    assert identity is not None
    assert (count_descriptors(identity), may_be_open_elsewhere(identity)) == (0, False)
    with path.open(), path.open():
        assert (count_descriptors(identity), may_be_open_elsewhere(identity)) == (2, False)
    other = start("hold", path.parent, "SELECT COUNT(*) FROM tasks")
    assert other.receive() == "in"
    assert count_descriptors(identity) >= 1
    assert may_be_open_elsewhere(identity)
    assert other.finish() == "out"
