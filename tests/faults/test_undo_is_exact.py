"""An undo restores exactly what a clear removed: all rows of all real stores, byte for byte."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.faults.kill_in_commit import has_finished_tasks, rows

from uniqc_store import TaskFilter, TaskStore

DATA = Path(__file__).parents[1] / "data"
FILES = sorted(path for path in DATA.glob("*/*.sqlite") if has_finished_tasks(path))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_row_of_a_store_comes_back(file: Path, tmp_path: Path) -> None:
    shutil.copy(file, tmp_path / "tasks.sqlite")
    store = TaskStore(tmp_path)
    before = rows(tmp_path / "tasks.sqlite")
    done = store.clear(store.plan_clear(TaskFilter()))
    assert done.cleared > 0
    undone = store.undo_clear(done.receipt_id)
    assert (undone.restored, undone.skipped) == (done.cleared, 0)
    assert rows(tmp_path / "tasks.sqlite") == before
    assert store.receipts() == ()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_row_comes_back_where_the_archive_has_every_id(file: Path, tmp_path: Path) -> None:
    shutil.copy(file, tmp_path / "tasks.sqlite")
    store = TaskStore(tmp_path)
    archive_all(store)
    before = rows(tmp_path / "tasks.sqlite")
    for status in ("success", "failed", "cancelled"):
        done = store.clear(store.plan_clear(TaskFilter(status=status)))
        if done.cleared:
            undone = store.undo_clear(done.receipt_id)
            assert (undone.restored, undone.skipped) == (done.cleared, 0)
    assert rows(tmp_path / "tasks.sqlite") == before


def archive_all(store: TaskStore) -> None:
    """Put a copy of each task into the archive, and leave the task, as uniqc up to 0.0.11 can."""
    with closing(sqlite3.connect(store.db_path)) as connection, connection:
        names = [row[1] for row in connection.execute("PRAGMA table_info(tasks)")]
        if not connection.execute("PRAGMA table_info(archived_tasks)").fetchall():
            connection.execute("CREATE TABLE archived_tasks AS SELECT * FROM tasks LIMIT 0")
            connection.execute("ALTER TABLE archived_tasks ADD COLUMN archived_at")
        listed = ", ".join(names)
        connection.execute(
            f"INSERT OR IGNORE INTO archived_tasks ({listed}, archived_at) "
            f"SELECT {listed}, '2026-08-01' FROM tasks"
        )
