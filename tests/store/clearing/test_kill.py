"""A process that is killed at any statement of a clear or an undo loses no record."""

from __future__ import annotations

import shutil
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Literal

import pytest
from tests.store.clearing.forks import forks_of

from uniqc_store import CLEARED_FILENAME, TaskFilter, TaskStore

STORES = Path(__file__).parents[2] / "data" / "stores"
TASK = "task_id, backend, status, shots, submit_time, update_time, result_json, metadata_json"
SHARD = "uniqc_task_id, shard_index, platform_task_id, status, result_json"


def records(path: Path, tables: dict[str, str]) -> Counter[tuple[object, ...]]:
    """Return the rows of the tables that have all the given columns."""
    found: Counter[tuple[object, ...]] = Counter()
    if path.exists():
        with closing(sqlite3.connect(path)) as connection:
            for table, columns in tables.items():
                info = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
                if {name for (name,) in info} >= set(columns.split(", ")):
                    found.update(connection.execute(f"SELECT {columns} FROM {table}"))
    return found


def in_store(directory: Path) -> Counter[tuple[object, ...]]:
    return records(directory / "tasks.sqlite", {"tasks": TASK, "task_shards": SHARD})


def in_receipts(directory: Path) -> Counter[tuple[object, ...]]:
    tables = {"cleared_tasks": TASK, "cleared_shards": SHARD}
    return records(directory / CLEARED_FILENAME, tables)


@pytest.mark.parametrize("operation", ["clear", "undo", "undo in part"])
def test_every_record_survives_and_can_be_restored(
    tmp_path: Path, operation: Literal["clear", "undo", "undo in part"]
) -> None:
    ready = tmp_path / "ready"
    ready.mkdir()
    shutil.copy(STORES / "5-0.1.0.sqlite", ready / "tasks.sqlite")
    before = in_store(ready)
    if operation != "clear":
        store = TaskStore(ready)
        store.clear(store.plan_clear(TaskFilter()))
    with forks_of("tests.store.clearing.kill_at_statement") as run:
        for statements in range(200):
            directory = tmp_path / str(statements)
            shutil.copytree(ready, directory)
            code, _ = run(directory, operation, statements)
            found = in_store(directory) | in_receipts(directory)
            assert found == before, f"after {statements} statements"
            put_back(TaskStore(directory))
            assert in_store(directory) == before, f"after {statements} statements"
            if code == 0:
                break
            assert code == -signal.SIGKILL
        else:
            pytest.fail("the operation has more statements than this test tries")


def put_back(store: TaskStore) -> None:
    """Recover as the next clear does, then undo every clear."""
    store.clear(store.plan_clear(TaskFilter(status="no such status")))
    for receipt in store.receipts():
        if receipt.held:
            store.undo_clear(receipt.receipt_id)
