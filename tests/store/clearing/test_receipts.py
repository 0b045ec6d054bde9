"""Receipts tell what can be put back, and copies are compared before anything is removed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from uniqc_store import (
    CLEARED_FILENAME,
    StoreDamagedError,
    StoreForeignError,
    TaskFilter,
    TaskStore,
    UnknownReceiptError,
)
from uniqc_store.clearing.backup import ClearedFile
from uniqc_store.database.connection import Access

if TYPE_CHECKING:
    from tests.clearing_cache import Cache

NOTHING = TaskFilter(status="no such status")


def change_copies(cache: Cache, *statements: str) -> None:
    with closing(sqlite3.connect(cache.directory / CLEARED_FILENAME)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def copies(cache: Cache) -> ClearedFile:
    return ClearedFile(Access(path=cache.path, busy_timeout=1, should_stop=None))


def cleared(cache: Cache, count: int) -> TaskStore:
    store = TaskStore(cache.fill(count).directory)
    store.clear(store.plan_clear(TaskFilter()))
    return store


# The number of tasks that can be put back


@pytest.mark.parametrize("state", ["prepared", "restoring"])
def test_a_copy_whose_task_is_in_the_store_is_not_counted(cache: Cache, state: str) -> None:
    store = cleared(cache, 5)
    change_copies(cache, f"UPDATE batches SET state = '{state}'")
    cache.fill(3)
    (receipt,) = store.receipts()
    assert receipt.held == 2
    cache.change("DELETE FROM tasks")
    cache.fill(5)
    assert store.receipts() == ()
    with pytest.raises(UnknownReceiptError):
        store.check_receipt(receipt.receipt_id)


def test_a_copy_of_another_record_of_the_id_is_counted(cache: Cache) -> None:
    store = cleared(cache, 2)
    change_copies(cache, "UPDATE batches SET state = 'prepared'")
    cache.fill(2, result='{"0": 1}')
    assert [receipt.held for receipt in store.receipts()] == [2]


def test_text_that_is_not_utf_8_is_compared_too(cache: Cache) -> None:
    cache.fill(1)
    cache.change("UPDATE tasks SET metadata_json = CAST(x'ff' AS TEXT)")
    store = TaskStore(cache.directory)
    store.clear(store.plan_clear(TaskFilter()))
    change_copies(cache, "UPDATE batches SET state = 'prepared'")
    cache.fill(1)
    assert [receipt.held for receipt in store.receipts()] == [1]
    cache.change("UPDATE tasks SET metadata_json = CAST(x'ff' AS TEXT)")
    assert store.receipts() == ()


def test_the_receipts_can_be_read_without_the_store(cache: Cache) -> None:
    store = cleared(cache, 2)
    change_copies(cache, "UPDATE batches SET state = 'prepared'")
    store.clear_all()
    reader = TaskStore(cache.directory, read_only=True)
    assert [receipt.held for receipt in reader.receipts()] == [2]


# An undo of another process, in the middle of a clear


def test_the_late_mark_of_a_clear_does_not_end_an_undo(cache: Cache) -> None:
    store = cleared(cache, 1)
    ((receipt_id, batch),) = [(receipt.receipt_id, 0) for receipt in store.receipts()]
    # The undo of another process begins before the clear has marked its batch as removed.
    copies(cache).mark_restoring(receipt_id, batch)
    cache.fill(1)
    copies(cache).end(receipt_id, "done", cleared=1, batches=1)
    store.clear(store.plan_clear(NOTHING))
    assert copies(cache).receipts() == ()


def test_a_recovery_before_the_insertion_does_not_end_an_undo(cache: Cache) -> None:
    store = cleared(cache, 1)
    (receipt,) = store.receipts()
    copies(cache).mark_restoring(receipt.receipt_id, 0)
    store.clear(store.plan_clear(NOTHING))
    cache.fill(1)
    store.clear(store.plan_clear(NOTHING))
    assert copies(cache).receipts() == ()


# Copies are compared


def test_nothing_is_removed_where_a_copy_differs_from_its_task(cache: Cache) -> None:
    store = cleared(cache, 1)
    change_copies(
        cache,
        "ALTER TABLE cleared_tasks RENAME TO old",
        "CREATE TABLE cleared_tasks (_receipt, _batch, _rowid, task_id, shots TEXT)",
    )
    before = cache.fill(4, prefix="other").rows()
    with pytest.raises(StoreDamagedError, match="0 of 4 copies in cleared_tasks"):
        store.clear(store.plan_clear(TaskFilter()))
    assert cache.rows() == before


def test_nothing_is_removed_where_a_job_is_not_copied(cache: Cache) -> None:
    store = TaskStore(cache.copy().directory)
    store.clear(store.plan_clear(NOTHING))
    change_copies(
        cache,
        "DROP TABLE cleared_shards",
        "CREATE TABLE cleared_shards (_receipt, _batch, _rowid, uniqc_task_id, shard_index TEXT)",
    )
    before = cache.rows()
    with pytest.raises(StoreDamagedError, match="copies in cleared_shards"):
        store.clear(store.plan_clear(TaskFilter()))
    assert cache.rows() == before


@pytest.mark.parametrize(
    "trigger",
    [
        "AFTER INSERT ON cleared_tasks BEGIN DELETE FROM cleared_tasks; END",
        "AFTER UPDATE ON batches BEGIN DELETE FROM cleared_tasks; END",
    ],
)
def test_a_file_of_copies_with_a_trigger_is_refused_and_holds_what_it_held(
    cache: Cache, trigger: str
) -> None:
    store = cleared(cache, 2)
    change_copies(cache, f"CREATE TRIGGER tampered {trigger}")
    before = cache.fill(2, prefix="other").rows()
    (receipt,) = store.receipts()
    with pytest.raises(StoreForeignError, match="has the trigger 'tampered'"):
        store.clear(store.plan_clear(TaskFilter()))
    with pytest.raises(StoreForeignError, match="drop it"):
        store.undo_clear(receipt.receipt_id)
    assert cache.rows() == before
    change_copies(cache, "DROP TRIGGER tampered")
    assert store.undo_clear(receipt.receipt_id).restored == 2


def test_a_store_that_keeps_what_is_deleted_is_told_and_left_as_it_is(cache: Cache) -> None:
    store = TaskStore(cache.fill(3).directory)
    cache.change(
        "CREATE TRIGGER keep BEFORE DELETE ON tasks WHEN old.task_id = 'task-3' "
        "BEGIN SELECT RAISE(IGNORE); END"
    )
    before = cache.rows()
    with pytest.raises(StoreDamagedError, match="2 of 3 tasks could be deleted"):
        store.clear(store.plan_clear(TaskFilter()))
    assert cache.rows() == before
    assert copies(cache).receipts() == ()


# The age of receipts


def test_a_clock_that_is_ahead_for_one_clear_drops_no_receipt(cache: Cache) -> None:
    store = cleared(cache, 1)
    cache.fill(1, prefix="second")
    store.clear(store.plan_clear(TaskFilter()))
    # For the next clear it is as if the clock had jumped ahead by a year.
    long_ago = (datetime.now(UTC) - timedelta(days=365)).isoformat()
    change_copies(cache, f"UPDATE receipts SET cleared_at = '{long_ago}'")
    cache.fill(1, prefix="third")
    done = store.clear(store.plan_clear(TaskFilter()))
    assert done.dropped == ()
    assert len(store.receipts()) == 3


def test_receipts_that_are_older_than_the_latest_clear_allows_are_dropped_and_told(
    cache: Cache,
) -> None:
    store = cleared(cache, 2)
    (old,) = store.receipts()
    long_ago = (datetime.now(UTC) - timedelta(days=31)).isoformat()
    change_copies(cache, f"UPDATE receipts SET cleared_at = '{long_ago}'")
    cache.fill(1, prefix="second")
    store.clear(store.plan_clear(TaskFilter()))
    cache.fill(1, prefix="third")
    done = store.clear(store.plan_clear(TaskFilter()))
    assert [(dropped.receipt_id, dropped.held) for dropped in done.dropped] == [(old.receipt_id, 2)]
    assert old.receipt_id not in {receipt.receipt_id for receipt in store.receipts()}
