"""Calls of a process that has no file descriptors left, or only a few."""

from __future__ import annotations

import os
import resource
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from tests.store.conftest import connect, fill, make_store

from uniqc_store import StoreError, TaskFilter, TaskInfo, TaskStore, TaskWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

MOST_FREE = 14
_LIMIT = 200


@contextmanager
def free_descriptors(number: int) -> Generator[None]:
    """Let this process open so many more files at most."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (_LIMIT, limits[1]))
    fillers: list[int] = []
    try:
        with suppress(OSError):
            while True:
                fillers.append(os.open(os.devnull, os.O_RDONLY))
        for _ in range(number):
            os.close(fillers.pop())
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        for filler in fillers:
            os.close(filler)


def read(directory: Path) -> None:
    TaskStore(directory, read_only=True, busy_timeout=0.1).tally(TaskFilter())


def watch(directory: Path) -> None:
    TaskWatch(TaskStore(directory, read_only=True)).refresh()


def save(directory: Path) -> None:
    TaskStore(directory, busy_timeout=0.1).save(TaskInfo("new", "dummy"))


def clear_and_undo(directory: Path) -> None:
    store = TaskStore(directory, busy_timeout=0.1)
    result = store.clear(store.plan_clear(TaskFilter()))
    store.receipts()
    store.undo_clear(result.receipt_id)


def remove(directory: Path) -> None:
    TaskStore(directory, busy_timeout=0.1).clear_all()


@pytest.mark.parametrize("call", [read, watch, save, clear_and_undo, remove])
@pytest.mark.parametrize("beside_a_writer", [False, True])
def test_without_descriptors_a_call_raises_an_error_of_the_store_or_works(
    tmp_path: Path,
    call: Callable[[Path], None],
    beside_a_writer: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    errors: list[str] = []
    call(fill(make_store(tmp_path / "warm"), "a", status="success"))  # imports need descriptors too
    for number in range(MOST_FREE):
        directory = fill(make_store(tmp_path / str(number)), "a", "b", status="success")
        writer = connect(directory)
        if beside_a_writer:
            writer.execute("PRAGMA journal_mode = WAL")
            writer.execute("UPDATE tasks SET shots = 5")
        else:
            writer.close()
        with free_descriptors(number):
            try:
                call(directory)
            except StoreError as error:
                errors.append(str(error))
        writer.close()
    assert call is watch or errors
    assert not any("unable to open" in error for error in errors)
