"""The copies of cleared tasks are read in pages and by id, and no file changes meanwhile."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import pytest
from tests.clearing_cache import STORES
from tests.faults.test_kill_in_commit import cut_off

from uniqc_store import (
    CLEARED_FILENAME,
    MAX_MATCHES,
    InvalidValueError,
    Match,
    StoreBusyError,
    StoreDamagedError,
    StoreForeignError,
    TaskFilter,
    TaskInfo,
    TaskStore,
    UnknownReceiptError,
    WouldBlockError,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clearing_cache import Cache

    from uniqc_store import ClearedMatch, Snapshot


def cleared(cache: Cache, count: int) -> tuple[TaskStore, str]:
    store = TaskStore(cache.fill(count).directory)
    return store, store.clear(store.plan_clear(TaskFilter())).receipt_id


def change_copies(cache: Cache, *statements: str) -> None:
    with closing(sqlite3.connect(cache.directory / CLEARED_FILENAME)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def pages(store: TaskStore, receipt: str, *, limit: int) -> list[list[str]]:
    found: list[list[str]] = []
    cursor = ""
    while True:
        page = store.cleared_tasks().page(receipt, limit=limit, cursor=cursor)
        found.append([record.task_id for record in page.records])
        if not (cursor := page.next_cursor):
            return found


def only(match: tuple[ClearedMatch, ...]) -> ClearedMatch:
    (found,) = match
    return found


# Pages


def test_ten_thousand_tasks_come_in_pages_each_once_and_in_order(cache: Cache) -> None:
    store, receipt = cleared(cache, 10_000)
    found = pages(store, receipt, limit=1_000)
    assert [len(page) for page in found] == [1_000] * 10
    assert [task_id for page in found for task_id in page] == [
        f"task-{number}" for number in range(1, 10_001)
    ]
    first = store.cleared_tasks().page(receipt, limit=1)
    assert (first.receipt.held, first.receipt.planned, first.receipt.returned) == (
        10_000,
        10_000,
        0,
    )


def test_a_page_stays_where_it_is_while_tasks_before_it_are_put_back(cache: Cache) -> None:
    store, receipt = cleared(cache, 30)
    first = store.cleared_tasks().page(receipt, limit=10)
    store.undo_clear(receipt, task_ids=[record.task_id for record in first.records[:5]])
    second = store.cleared_tasks().page(receipt, limit=10, cursor=first.next_cursor)
    assert [record.task_id for record in second.records] == [f"task-{n}" for n in range(11, 21)]
    assert (second.receipt.held, second.receipt.returned) == (25, 5)


@pytest.mark.parametrize("state", ["prepared", "restoring"])
def test_a_page_leaves_out_copies_whose_tasks_are_in_the_store(cache: Cache, state: str) -> None:
    store, receipt = cleared(cache, 5)
    change_copies(cache, f"UPDATE batches SET state = '{state}'")
    cache.fill(3)
    assert pages(store, receipt, limit=1) == [["task-4"], ["task-5"]]
    assert store.cleared_tasks().page(receipt, limit=1).receipt.held == 2


@pytest.mark.parametrize("cursor", ["?", "e30", "WyJ4IiwxLDJd", "bnVsbA", "é"])
def test_a_cursor_of_something_else_is_refused(cache: Cache, cursor: str) -> None:
    store, receipt = cleared(cache, 3)
    with pytest.raises(InvalidValueError, match="not one of this receipt"):
        store.cleared_tasks().page(receipt, limit=1, cursor=cursor)


def test_a_receipt_that_holds_nothing_is_unknown(cache: Cache) -> None:
    tasks = cache.fill(2).store.cleared_tasks()
    assert (tasks.exists, tasks.receipts(), tasks.find("task-1")) == (False, (), ())
    with pytest.raises(UnknownReceiptError):
        tasks.page("clr_0", limit=1)
    assert not (cache.directory / CLEARED_FILENAME).exists()
    store = TaskStore(cache.directory)
    receipt = store.clear(store.plan_clear(TaskFilter())).receipt_id
    store.undo_clear(receipt)
    with pytest.raises(UnknownReceiptError):
        tasks.page(receipt, limit=1)


def test_the_number_returned_is_unknown_until_a_clear_has_ended(cache: Cache) -> None:
    store, _ = cleared(cache, 4)
    change_copies(cache, "UPDATE receipts SET state = 'open', planned = 9")
    (receipt,) = store.receipts()
    assert (receipt.held, receipt.returned) == (4, None)


# By id


def test_a_task_is_found_by_its_id_its_beginning_and_its_platform_id(cache: Cache) -> None:
    store = TaskStore(cache.copy().directory)
    (shard,) = read(cache, "SELECT uniqc_task_id, platform_task_id FROM task_shards LIMIT 1")
    done = store.clear(store.plan_clear(TaskFilter()))
    for reference in (shard[0], shard[0][:12]):
        found = only(store.cleared_tasks().find(reference))
        assert (found.task_id, found.receipt.receipt_id) == (shard[0], done.receipt_id)
    by_platform = store.cleared_tasks().find(shard[1])
    assert shard[0] in {match.task_id for match in by_platform}
    assert store.cleared_tasks().find(shard[0][:12], whole=True) == ()
    assert store.cleared_tasks().find(shard[0][:5]) == ()
    assert store.cleared_tasks().find("uqt_nothing") == ()


def read(cache: Cache, statement: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(cache.path)) as connection:
        return connection.execute(statement).fetchall()


def test_an_id_comes_before_those_that_begin_with_it(cache: Cache) -> None:
    store, _ = cleared(cache, 120)
    assert [match.task_id for match in store.cleared_tasks().find("task-1")] == ["task-1"]
    assert len(store.cleared_tasks().find("task-11")) == 1
    change_copies(cache, "DELETE FROM cleared_tasks WHERE task_id = 'task-11'")
    assert len(store.cleared_tasks().find("task-11")) == MAX_MATCHES


def test_of_two_clears_of_an_id_the_later_one_is_found(cache: Cache) -> None:
    store, _ = cleared(cache, 1)
    change_copies(cache, "UPDATE receipts SET cleared_at = '2020-01-01T00:00:00+00:00'")
    store.save(TaskInfo(task_id="task-1", backend="dummy", status="failed"))
    later = store.clear(store.plan_clear(TaskFilter()))
    found = only(store.cleared_tasks().find("task-1"))
    assert (found.receipt.receipt_id, found.others) == (later.receipt_id, 1)


@pytest.mark.parametrize("name", sorted(path.name for path in STORES.glob("*.sqlite")))
def test_a_cleared_task_reads_as_it_did_in_the_store(tmp_path: Path, name: str) -> None:
    """Every record, result and job of every release, whatever bytes it holds."""
    shutil.copy(STORES / name, tmp_path / "tasks.sqlite")
    store = TaskStore(tmp_path)
    before = store.read(
        lambda snapshot: {
            match.task_id: everything(snapshot, match) for match in finished(snapshot)
        }
    )
    store.clear(store.plan_clear(TaskFilter()))
    gone = [task_id for task_id in before if not store.read(partial(ids_of, task_id=task_id))]
    for task_id in gone:
        assert read_copy(store, task_id) == before[task_id]
    assert gone or not before


def read_copy(store: TaskStore, task_id: str) -> object:
    copy = only(store.cleared_tasks().find(task_id))
    state = store.read(lambda snapshot: snapshot.state)
    return store.cleared_tasks().read(copy, state, everything)


def ids_of(snapshot: Snapshot, *, task_id: str) -> list[str]:
    return [match.task_id for match in snapshot.find(task_id).found]


def finished(snapshot: Snapshot) -> list[Match]:
    records = snapshot.search(TaskFilter(status="finished"), limit=1_000).records
    return [snapshot.find(record.task_id).found[0] for record in records if record.task_id]


def everything(snapshot: Snapshot, match: Match) -> tuple[object, ...]:
    return (
        snapshot.record(match),
        snapshot.result_text(match),
        snapshot.shards(match),
        snapshot.shard_results(match, most_bytes=2**30),
        snapshot.has_shards,
        snapshot.state.schema_version,
    )


def test_without_a_store_the_newest_release_is_assumed(cache: Cache) -> None:
    store = TaskStore(cache.copy().directory)
    store.clear(store.plan_clear(TaskFilter()))
    (record, *_) = store.cleared_tasks().page(store.receipts()[0].receipt_id, limit=1).records
    cache.path.unlink()
    reading = TaskStore(cache.directory, read_only=True)
    copy = only(reading.cleared_tasks().find(record.task_id))
    state = reading.read(lambda snapshot: snapshot.state)
    version = reading.cleared_tasks().read(copy, state, lambda s, _: s.state.schema_version)
    assert (state.schema_version, version) == (0, 5)


def test_a_task_cleared_before_the_upgrade_is_not_read_as_one_of_the_new_schema(
    cache: Cache,
) -> None:
    """Releases up to schema 3 stored bits in another order, and no jobs."""
    store, _ = cleared(cache, 1)
    copy = only(store.cleared_tasks().find("task-1"))
    state = cache.copy().store.read(lambda snapshot: snapshot.state)
    version = store.cleared_tasks().read(copy, state, lambda s, _: s.state.schema_version)
    assert (state.schema_version, version) == (5, 3)


def test_a_copy_that_is_gone_meanwhile_is_no_answer(cache: Cache) -> None:
    store, receipt = cleared(cache, 2)
    copy = only(store.cleared_tasks().find("task-2"))
    store.undo_clear(receipt)
    state = store.read(lambda snapshot: snapshot.state)
    assert store.cleared_tasks().read(copy, state, lambda snapshot, _: snapshot) is None


# The file


def test_a_reader_changes_no_byte_beside_a_hot_journal(cache: Cache) -> None:
    store, receipt = cleared(cache, 50)
    cut_off(cache.directory, "UPDATE cleared_tasks SET metadata_json = zeroblob(5000)")
    before = cache.files()
    assert len(pages(cache.store, receipt, limit=20)) == 3
    assert only(cache.store.cleared_tasks().find("task-7")).task_id == "task-7"
    assert cache.files() == before
    assert store.undo_clear(receipt).restored == 50


def test_a_file_that_is_locked_is_busy(cache: Cache) -> None:
    _, receipt = cleared(cache, 3)
    impatient = TaskStore(cache.directory, read_only=True, busy_timeout=0.05)
    with closing(sqlite3.connect(cache.directory / CLEARED_FILENAME)) as other:
        other.execute("BEGIN EXCLUSIVE")
        other.execute("UPDATE receipts SET planned = 9")  # begins a journal
        with pytest.raises(StoreBusyError):
            impatient.cleared_tasks().page(receipt, limit=1)
        with pytest.raises(StoreBusyError):
            impatient.cleared_tasks().find("task-1")


def test_a_nonblocking_store_leaves_the_file_to_a_thread(cache: Cache) -> None:
    assert cache.store.nonblocking().cleared_tasks().receipts() == ()
    _, receipt = cleared(cache, 3)
    tasks = cache.store.nonblocking().cleared_tasks()
    with pytest.raises(WouldBlockError):
        tasks.receipts()
    with pytest.raises(WouldBlockError):
        tasks.page(receipt, limit=1)
    with pytest.raises(WouldBlockError):
        tasks.find("task-1")


def test_a_file_of_another_program_is_foreign(cache: Cache) -> None:
    path = cache.fill(1).directory / CLEARED_FILENAME
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE receipts (x)")
    before = path.read_bytes()
    for ask in (
        lambda: cache.store.cleared_tasks().page("clr_0", limit=1),
        lambda: cache.store.cleared_tasks().find("task-1"),
        lambda: cache.store.cleared_tasks().receipts(),
    ):
        with pytest.raises(StoreForeignError):
            ask()
    assert path.read_bytes() == before


def test_a_damaged_file_is_an_error_and_not_an_empty_one(cache: Cache) -> None:
    _, receipt = cleared(cache, 500)
    path = cache.directory / CLEARED_FILENAME
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(StoreDamagedError):
        cache.store.cleared_tasks().page(receipt, limit=1)
    with pytest.raises(StoreDamagedError):
        cache.store.cleared_tasks().find("task-1")
