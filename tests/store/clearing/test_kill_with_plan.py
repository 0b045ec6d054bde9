"""A process that is killed while it keeps or commits a plan loses no record and commits it once."""

from __future__ import annotations

import shutil
import signal
from typing import TYPE_CHECKING, TypeAlias

import pytest
from tests.store.clearing.forks import forks_of
from tests.store.clearing.test_kill import STORES, in_receipts, in_store, put_back

from uniqc_store import TaskFilter, TaskStore

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

MOST = 200
_STATEMENTS_THAT_VARY = 3
Run: TypeAlias = "Callable[..., tuple[int, str]]"


@pytest.fixture(scope="module")
def run() -> Generator[Run]:
    """Return a function that keeps or commits a plan in a process that may be killed."""
    with forks_of("tests.store.clearing.kill_plan_at_statement") as run:
        yield run


def stores(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """Yield a number of statements and a fresh store, until the test has seen them all."""
    for statements in range(MOST):
        directory = tmp_path / str(statements)
        directory.mkdir()
        shutil.copy(STORES / "5-0.1.0.sqlite", directory / "tasks.sqlite")
        yield statements, directory
    pytest.fail("the operation has more statements than this test tries")


def test_a_kill_while_a_plan_is_kept_leaves_the_store_alone_and_hinders_no_other(
    tmp_path: Path, run: Run
) -> None:
    kills = 0
    for statements, directory in stores(tmp_path):
        before = in_store(directory)
        code, _ = run(directory, "keep", statements)
        assert in_store(directory) == before
        store = TaskStore(directory)
        held = store.pending_plans().add(store.plan_clear(TaskFilter()), asks_user=False)
        taken = store.pending_plans().take(held.plan_id)
        assert taken is not None
        assert store.clear(taken.plan).cleared == len(taken.plan.rows)
        put_back(store)
        assert in_store(directory) == before
        if code == 0:
            break
        assert code == -signal.SIGKILL
        kills += 1
    assert kills > 5


def test_a_kill_during_a_commit_leaves_the_plan_good_or_used_up_and_every_record(
    tmp_path: Path, run: Run
) -> None:
    good: list[bool] = []
    for statements, directory in stores(tmp_path):
        before = in_store(directory)
        store = TaskStore(directory)
        held = store.pending_plans().add(store.plan_clear(TaskFilter()), asks_user=False)
        code, _ = run(directory, "commit", statements, held.plan_id)
        assert in_store(directory) | in_receipts(directory) == before
        untouched = in_store(directory) == before
        taken = store.pending_plans().take(held.plan_id)
        # A plan that is still good has removed nothing.
        assert taken is None or untouched
        good.append(taken is not None)
        if taken is not None:
            assert store.clear(taken.plan).cleared == len(taken.plan.rows)
        put_back(store)
        assert in_store(directory) == before
        if code == 0:
            break
        assert code == -signal.SIGKILL
    # Used up at one statement, and never good after it. The number of that statement varies by one
    # or two with what a process has just read.
    first = good.index(False)
    assert first > 0
    assert not any(good[first + _STATEMENTS_THAT_VARY :])
