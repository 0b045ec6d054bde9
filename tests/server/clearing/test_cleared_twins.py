"""A task in the store whose id was cleared too: get_task tells of both records."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from uniqc_store import CLEARED_FILENAME, TaskFilter, TaskInfo, TaskStore
from uniqc_store.clearing.copy_statements import BY_ID
from uniqc_store.clearing.statements import SCHEMA

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clearing_cache import Cache

TOLD = "Another record of this id was cleared 20"


def clear(cache: Cache) -> str:
    store = TaskStore(cache.directory)
    return store.clear(store.plan_clear(TaskFilter())).receipt_id


def cleared_and_saved_again(cache: Cache) -> str:
    """Clear three tasks, and save the second one again; return the receipt."""
    receipt = clear(cache.fill(3))
    TaskStore(cache.directory).save(TaskInfo(task_id="task-2", backend="dummy", status="running"))
    cache.backdate()
    return receipt


async def test_a_live_task_tells_of_the_cleared_record_with_its_id(cache: Cache) -> None:
    receipt = cleared_and_saved_again(cache)
    cache.fill(1, prefix="other", status="running")
    async with cache.client() as client:
        text, answer = await cache.call(client, "get_task", task_id="task-2")
        note = answer["task"]["notes"][0]
        assert note.startswith(TOLD)
        assert f"under receipt {receipt}. It stays there as long as this task is in the" in note
        assert note in text
        assert "receipt" not in answer["task"]
        assert answer["task"]["status"] == "running"
        _, undone = await cache.call(client, "undo_clear", receipt=receipt)
        assert (undone["restored"], undone["held"]) == (2, 1)
        for without_twin in ("task-1", "other-1"):
            _, answer = await cache.call(client, "get_task", task_id=without_twin)
            assert TOLD not in str(answer)


async def test_the_note_is_remembered_until_the_copies_change(cache: Cache) -> None:
    cleared_and_saved_again(cache)
    backdate_copies(cache, 1_700_000_000)
    async with cache.client() as client:
        for _ in range(2):
            _, answer = await cache.call(client, "get_task", task_id="task-2")
            assert TOLD in answer["task"]["notes"][0]
        change_copies(cache, "DELETE FROM cleared_tasks")
        backdate_copies(cache, 1_700_000_001)
        _, answer = await cache.call(client, "get_task", task_id="task-2")
        assert TOLD not in str(answer)


def backdate_copies(cache: Cache, seconds: int) -> None:
    """Set an old time, so that what the file holds is remembered."""
    os.utime(cache.directory / CLEARED_FILENAME, (seconds, seconds))


async def test_a_copy_of_an_interrupted_clear_is_no_other_record(cache: Cache) -> None:
    cache.fill(3)
    stored = cache.path.read_bytes()
    clear(cache)
    # As after a kill between the copy and the removal: the batch is not marked as removed.
    for companion in ("-wal", "-shm"):
        cache.path.with_name(cache.path.name + companion).unlink(missing_ok=True)
    cache.path.write_bytes(stored)
    cache.backdate()
    change_copies(cache, "UPDATE batches SET state = 'prepared'")
    async with cache.client() as client:
        _, answer = await cache.call(client, "get_task", task_id="task-2")
        assert TOLD not in str(answer)
        cache.change("UPDATE tasks SET shots = 7 WHERE task_id = 'task-2'")
        cache.backdate()
        _, answer = await cache.call(client, "get_task", task_id="task-2")
        assert TOLD in answer["task"]["notes"][0]


def change_copies(cache: Cache, statement: str) -> None:
    with closing(sqlite3.connect(cache.directory / CLEARED_FILENAME)) as connection, connection:
        connection.execute(statement)


def test_copies_are_found_by_an_index(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "copies")) as connection:
        for statement in SCHEMA:
            connection.execute(statement)
        values = {"reference": "a", "reference_end": "b", "limit": 1}
        plan = str(connection.execute(f"EXPLAIN QUERY PLAN {BY_ID}", values).fetchall())
    assert "SEARCH copies USING INDEX cleared_tasks_id_idx" in plan
