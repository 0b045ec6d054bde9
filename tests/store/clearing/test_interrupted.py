"""A clear or an undo that is interrupted, and its recovery."""

from __future__ import annotations

import sqlite3
import time
from contextlib import ExitStack, closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from uniqc_store import (
    CLEARED_FILENAME,
    StoreBusyError,
    StoreDamagedError,
    TaskFilter,
    TaskStore,
    UnknownReceiptError,
)
from uniqc_store.clearing.backup import ClearedFile
from uniqc_store.database.connection import Access

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.clearing_cache import Cache

MANY = 300
"""More tasks than the first batch has."""


class OtherProgram:
    """A program that begins a long write during a clear or an undo."""

    def __init__(self, cache: Cache, stack: ExitStack) -> None:
        self._connection = stack.enter_context(
            closing(sqlite3.connect(cache.path, isolation_level=None))
        )

    def begin(self) -> None:
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN IMMEDIATE")

    def end(self) -> None:
        self._connection.execute("ROLLBACK")


@pytest.fixture
def other(cache: Cache) -> Generator[OtherProgram]:
    with ExitStack() as stack:
        yield OtherProgram(cache, stack)


def impatient(cache: Cache) -> TaskStore:
    """Return a store with a short busy timeout."""
    return TaskStore(cache.directory, busy_timeout=0.05)


def execute_on_copies(cache: Cache, statement: str) -> list[Any]:
    """Execute a statement on the file of copies, and return its rows."""
    with closing(sqlite3.connect(cache.directory / CLEARED_FILENAME)) as connection, connection:
        return connection.execute(statement).fetchall()


def recover(store: TaskStore) -> None:
    """Run the recovery with which the next clear begins."""
    store.clear(store.plan_clear(TaskFilter(status="no such status")))


# Between two batches


def test_a_clear_and_an_undo_pause_between_two_batches(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = TaskStore(cache.fill(MANY).directory)
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    batches: list[int] = []

    def progress(through: int, total: int) -> None:
        assert len(pauses) == len(batches)  # none before the first
        assert through <= total == MANY
        batches.append(through)

    done = store.clear(store.plan_clear(TaskFilter()), progress=progress)
    assert len(batches) - 1 == len(pauses) > 0
    assert batches[-1] == MANY
    pauses.clear()
    batches.clear()
    store.undo_clear(done.receipt_id, progress=progress)
    assert len(batches) - 1 == len(pauses) > 0
    assert batches[-1] == MANY


def test_the_wal_is_removed_at_the_end_and_not_before(cache: Cache) -> None:
    store = TaskStore(cache.fill(MANY).directory)
    log = cache.path.with_name(cache.path.name + "-wal")
    sizes: list[int] = []

    def progress(_through: int, _total: int) -> None:
        sizes.append(log.stat().st_size if log.exists() else 0)

    done = store.clear(store.plan_clear(TaskFilter()), progress=progress)
    assert not log.exists()
    store.undo_clear(done.receipt_id, progress=progress)
    assert not log.exists()
    assert min(sizes) > 0


# Ended by an error


def test_an_error_between_batches_is_reported_with_a_receipt(
    cache: Cache, other: OtherProgram
) -> None:
    store = impatient(cache.fill(MANY))
    before = cache.rows()
    through: list[int] = []

    def progress(done: int, total: int) -> None:
        assert total == MANY
        through.append(done)
        other.begin()

    done = store.clear(store.plan_clear(TaskFilter()), progress=progress)
    other.end()
    assert [done.cleared] == through
    assert 0 < done.cleared < MANY
    assert done.stopped == str(StoreBusyError(store.db_path, 0.05))
    assert [(reason.text, reason.count) for reason in done.skipped] == [
        ("not reached", MANY - done.cleared)
    ]
    (receipt,) = store.receipts()
    assert (receipt.receipt_id, receipt.state) == (done.receipt_id, "cancelled")
    assert (receipt.planned, receipt.held) == (done.cleared, done.cleared)
    assert store.undo_clear(done.receipt_id).restored == done.cleared
    assert cache.rows() == before


def test_an_error_before_anything_is_removed_is_raised_and_leaves_no_receipt(
    cache: Cache, other: OtherProgram
) -> None:
    store = impatient(cache.fill(3))
    plan = store.plan_clear(TaskFilter())

    def should_stop() -> bool:
        other.begin()
        return False

    with pytest.raises(StoreBusyError):
        store.clear(plan, should_stop=should_stop)
    other.end()
    assert store.receipts() == ()
    assert store.count() == 3
    assert store.clear(plan).cleared == 3


def test_copies_of_tasks_that_could_not_be_removed_are_in_no_receipt(cache: Cache) -> None:
    store = TaskStore(cache.fill(3).directory)
    cache.change(
        "CREATE TRIGGER keep BEFORE DELETE ON tasks WHEN old.task_id = 'task-3' "
        "BEGIN SELECT RAISE(ABORT, 'kept by somebody'); END"
    )
    before = cache.rows()
    with pytest.raises(StoreDamagedError, match="kept by somebody"):
        store.clear(store.plan_clear(TaskFilter()))
    assert cache.rows() == before
    assert execute_on_copies(cache, "SELECT * FROM cleared_tasks") == []
    assert store.receipts() == ()
    assert store.plan_clear(TaskFilter()).rows


# Marks


def test_a_batch_is_marked_as_removed_with_the_copies_of_the_next(cache: Cache) -> None:
    store = TaskStore(cache.fill(MANY).directory)
    seen: list[list[str]] = []

    def look(through: int, total: int) -> None:
        del through, total
        found = execute_on_copies(cache, "SELECT state FROM batches ORDER BY batch")
        seen.append([state for (state,) in found])

    store.clear(store.plan_clear(TaskFilter()), progress=look)
    assert len(seen) > 1
    assert seen == [["removed"] * before + ["prepared"] for before in range(len(seen))]
    look(MANY, MANY)
    assert seen[-1] == ["removed"] * len(seen[:-1])


def test_the_end_of_a_clear_does_not_mark_a_batch_that_failed(cache: Cache) -> None:
    store = TaskStore(cache.fill(1).directory)
    done = store.clear(store.plan_clear(TaskFilter()))
    execute_on_copies(cache, "UPDATE batches SET state = 'prepared'")
    copies = ClearedFile(Access(path=cache.path, busy_timeout=1, should_stop=None))
    for batches, state in ((0, "prepared"), (1, "removed")):
        copies.end(done.receipt_id, "cancelled", cleared=1, batches=batches)
        assert execute_on_copies(cache, "SELECT state FROM batches") == [(state,)]


# Cancelled


def test_a_clear_that_is_stopped_at_once_removes_nothing(cache: Cache) -> None:
    store = TaskStore(cache.fill(3).directory)
    done = store.clear(store.plan_clear(TaskFilter()), should_stop=lambda: True)
    assert (done.cleared, done.receipt_id, done.stopped) == (0, "", "cancelled")
    assert [(reason.text, reason.count) for reason in done.skipped] == [("not reached", 3)]
    assert store.receipts() == ()
    assert store.count() == 3


def test_a_cancelled_undo_stops_between_batches_and_can_be_continued(cache: Cache) -> None:
    store = TaskStore(cache.fill(MANY).directory)
    before = cache.rows()
    done = store.clear(store.plan_clear(TaskFilter()))
    undone = store.undo_clear(done.receipt_id, should_stop=lambda: True)
    assert (undone.stopped, undone.restored, undone.skipped) == (True, 0, MANY)
    seen: list[tuple[int, int]] = []
    undone = store.undo_clear(
        done.receipt_id,
        progress=lambda through, total: seen.append((through, total)),
        should_stop=lambda: bool(seen),
    )
    assert undone.stopped
    assert 0 < undone.restored < MANY
    assert undone.restored + undone.skipped == MANY
    assert seen == [(undone.restored, MANY)]
    assert [receipt.held for receipt in store.receipts()] == [undone.skipped]
    rest = undone.skipped
    undone = store.undo_clear(done.receipt_id)
    assert (undone.stopped, undone.restored, undone.skipped) == (False, rest, 0)
    assert cache.rows() == before
    assert store.receipts() == ()


# Killed while a task is in both files


@pytest.fixture
def in_both(cache: Cache) -> Cache:
    """Return the state after a kill between the copy and the removal of a task."""
    store = TaskStore(cache.fill(1, result='{"0": 1}').directory)
    store.clear(store.plan_clear(TaskFilter()))
    cache.fill(1, result='{"0": 1}')
    execute_on_copies(cache, "UPDATE batches SET state = 'prepared'")
    return cache


def test_a_copy_that_equals_the_task_in_the_store_is_deleted(in_both: Cache) -> None:
    store = TaskStore(in_both.directory)
    ((receipt_id,),) = execute_on_copies(in_both, "SELECT receipt_id FROM receipts")
    recover(store)
    assert execute_on_copies(in_both, "SELECT * FROM cleared_tasks") == []
    assert store.count() == 1
    with pytest.raises(UnknownReceiptError):
        store.undo_clear(receipt_id)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("task_id", "'another'"),
        ("backend", "'another'"),
        ("status", "'failed'"),
        ("shots", "7"),
        ("submit_time", "'2026-01-01'"),
        ("update_time", "'2026-01-01'"),
        ("metadata_json", '\'{"task_name": "bell"}\''),
        ("metadata_json", "x'7b7d'"),  # the same bytes as a BLOB
        ("result_json", "'{\"1\": 1}'"),
        ("result_json", "NULL"),
    ],
)
def test_a_copy_that_differs_from_the_task_in_the_store_is_kept(
    in_both: Cache, column: str, value: str
) -> None:
    in_both.change(f"UPDATE tasks SET {column} = {value}")
    store = TaskStore(in_both.directory)
    before = in_both.rows()
    recover(store)
    assert [receipt.held for receipt in store.receipts()] == [1]
    assert execute_on_copies(in_both, "SELECT state FROM batches") == [("removed",)]
    assert in_both.rows() == before


def test_copies_of_jobs_are_deleted_and_kept_with_their_task(cache: Cache) -> None:
    store = TaskStore(cache.copy().directory)
    done = store.clear(store.plan_clear(TaskFilter()))
    jobs = execute_on_copies(
        cache, "SELECT uniqc_task_id, count(*) FROM cleared_shards GROUP BY 1 ORDER BY 1"
    )
    assert len(jobs) > 1
    cleared = cache.directory / CLEARED_FILENAME
    copies = cleared.read_bytes()
    store.undo_clear(done.receipt_id)
    cleared.write_bytes(copies)
    execute_on_copies(cache, "UPDATE batches SET state = 'restoring'")
    cache.change(f"UPDATE tasks SET status = 'failed' WHERE task_id = '{jobs[0][0]}'")
    cache.change(f"UPDATE tasks SET update_time = '2026-01-01' WHERE task_id = '{jobs[0][0]}'")
    recover(store)
    assert execute_on_copies(cache, "SELECT task_id FROM cleared_tasks") == [(jobs[0][0],)]
    assert (
        execute_on_copies(cache, "SELECT uniqc_task_id, count(*) FROM cleared_shards GROUP BY 1")
        == jobs[:1]
    )


def test_a_kept_copy_is_restored_once_its_id_is_free(in_both: Cache) -> None:
    in_both.change("UPDATE tasks SET result_json = NULL")
    store = TaskStore(in_both.directory)
    (receipt,) = store.receipts()
    undone = store.undo_clear(receipt.receipt_id)
    assert (undone.restored, undone.skipped) == (0, 1)
    store.delete("task-1")
    assert store.undo_clear(receipt.receipt_id).restored == 1
    (task,) = store.list()
    assert task.result == {"0": 1}


def test_kept_copies_are_deleted_after_the_retention_period(in_both: Cache) -> None:
    in_both.change("UPDATE tasks SET result_json = NULL")
    store = TaskStore(in_both.directory)
    nothing = store.plan_clear(TaskFilter(status="no such status"))
    store.clear(nothing, keep=timedelta(days=1))
    assert len(store.receipts()) == 1
    store.clear(nothing, keep=timedelta(0))
    assert store.receipts() == ()
