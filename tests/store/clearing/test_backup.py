"""The file of copies: its pages, foreign and newer files, and its receipts."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from uniqc_store import CLEARED_FILENAME, StoreForeignError, StoreNewerError, TaskFilter, TaskStore
from uniqc_store.clearing.backup import ClearedFile, Receipt
from uniqc_store.database.connection import Access

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.clearing_cache import Cache

NOTHING = TaskFilter(status="no such status")
RECEIPT = Receipt(receipt_id="clr_1", cleared_at="2026-01-01", planned=1)


def backup_of(cache: Cache) -> ClearedFile:
    return ClearedFile(Access(path=cache.path, busy_timeout=1, should_stop=None))


def pragma(path: Path, name: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (number,) = connection.execute(f"PRAGMA {name}").fetchone()
        return int(number)


def test_all_pages_of_deleted_copies_are_freed(cache: Cache) -> None:
    store = TaskStore(cache.fill(300, result='"' + "0" * 1_000 + '"').directory)
    path = cache.directory / CLEARED_FILENAME
    store.clear(store.plan_clear(TaskFilter()))
    before = pragma(path, "page_count")
    store.clear(store.plan_clear(NOTHING), keep=timedelta(0))
    assert store.receipts() == ()
    assert pragma(path, "freelist_count") == 0
    assert pragma(path, "page_count") < before / 4


def test_a_new_file_has_incremental_vacuum(cache: Cache) -> None:
    store = TaskStore(cache.fill(1).directory)
    store.clear(store.plan_clear(TaskFilter()))
    assert pragma(cache.directory / CLEARED_FILENAME, "auto_vacuum") == 2  # incremental


def writes(cache: Cache) -> list[Callable[[], object]]:
    """Return calls that write to the file, each of which has to check the file first."""
    backup = backup_of(cache)
    return [
        lambda: backup.delete_older(timedelta(0), now=datetime.now(UTC), but=""),
        lambda: backup.end("clr_1", "done", cleared=1, batches=1),
        lambda: backup.copy(RECEIPT, 0, [1], with_shards=False),
        lambda: backup.recover("clr_1", 0),
    ]


@pytest.mark.parametrize(
    "statements",
    [
        "CREATE TABLE theirs (x)",
        "CREATE TABLE theirs (x); PRAGMA application_id = 7",
        "PRAGMA application_id = 7",
        "PRAGMA user_version = 1",
    ],
)
def test_a_file_of_another_program_is_refused_and_not_changed(
    cache: Cache, statements: str
) -> None:
    store = TaskStore(cache.fill(1).directory)
    path = cache.directory / CLEARED_FILENAME
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"PRAGMA auto_vacuum = FULL; {statements}")
    before, tasks = path.read_bytes(), cache.rows()
    assert before
    calls: list[Callable[[], object]] = [
        store.receipts,
        backup_of(cache).incomplete,
        lambda: store.clear(store.plan_clear(TaskFilter())),
    ]
    for call in [*writes(cache), *calls]:
        with pytest.raises(StoreForeignError):
            call()
        assert path.read_bytes() == before
        assert cache.rows() == tasks


def test_a_file_of_a_newer_release_is_refused_and_not_changed(
    cache: Cache,
) -> None:
    store = TaskStore(cache.fill(1).directory)
    path = cache.directory / CLEARED_FILENAME
    done = store.clear(store.plan_clear(TaskFilter()))
    cache.fill(2)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("PRAGMA user_version = 2; PRAGMA auto_vacuum = FULL")
    before, tasks = path.read_bytes(), cache.rows()
    calls: list[Callable[[], object]] = [
        store.receipts,
        lambda: store.clear(store.plan_clear(TaskFilter())),
        lambda: store.undo_clear(done.receipt_id),
    ]
    for call in [*writes(cache), *calls]:
        with pytest.raises(StoreNewerError) as caught:
            call()
        assert (caught.value.path, caught.value.found, caught.value.known) == (path, 2, 1)
        assert path.read_bytes() == before
        assert cache.rows() == tasks


def test_a_receipt_that_recovery_emptied_is_not_listed(cache: Cache) -> None:
    store = TaskStore(cache.fill(1).directory)
    store.clear(store.plan_clear(TaskFilter()))
    # The state after a kill between the copy and the removal.
    cache.fill(1)
    with closing(sqlite3.connect(cache.directory / CLEARED_FILENAME)) as connection, connection:
        connection.execute("UPDATE batches SET state = 'prepared'")
    assert backup_of(cache).receipts()
    store.clear(store.plan_clear(NOTHING))
    assert backup_of(cache).receipts() == ()


def test_a_receipt_is_written_with_its_first_copy(cache: Cache) -> None:
    store = TaskStore(cache.fill(3).directory)
    seen: list[int] = []

    def should_stop() -> bool:
        seen.append(len(store.receipts()))
        return False

    store.clear(store.plan_clear(TaskFilter()), should_stop=should_stop)
    assert seen == [0]


def test_a_batch_can_be_copied_again_after_recovery_emptied_its_receipt(cache: Cache) -> None:
    backup = backup_of(cache.fill(1))
    backup.copy(RECEIPT, 0, [1], with_shards=False)
    backup.recover(RECEIPT.receipt_id, 0)
    assert backup.receipts() == ()
    backup.copy(RECEIPT, 0, [1], with_shards=False)
    assert [receipt.held for receipt in backup.receipts()] == [1]


def test_a_clear_continues_after_its_first_batches_were_undone(cache: Cache) -> None:
    store = TaskStore(cache.fill(450).directory)
    restored: list[int] = []

    def undo_once(through: int, total: int) -> None:
        if not restored:
            (receipt,) = store.receipts()
            restored.append(store.undo_clear(receipt.receipt_id).restored)

    done = store.clear(store.plan_clear(TaskFilter()), progress=undo_once)
    assert (done.cleared, done.stopped) == (450, "")
    (receipt,) = store.receipts()
    assert (receipt.receipt_id, receipt.state) == (done.receipt_id, "done")
    assert len(cache.ids()) == restored[0] == 450 - receipt.held


def test_a_batch_can_be_recovered_twice(
    cache: Cache,
) -> None:
    backup = backup_of(cache.fill(1))
    backup.copy(RECEIPT, 0, [1], with_shards=False)
    (incomplete,) = backup.incomplete()
    for _ in range(2):
        backup.recover(*incomplete)
    backup.mark_restoring(*incomplete)
    assert (backup.incomplete(), backup.receipts()) == ([], ())
