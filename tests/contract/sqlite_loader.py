"""The loader of the SQLite store."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from tests.store.conftest import v5_directory

from uniqc_mcp.server import watch_of
from uniqc_store import TaskStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.contract.records import StoredTask

    from uniqc_mcp.questions.store import ReadableStore, StoreWatch

_COLUMNS = (
    "task_id, backend, status, shots, submit_time, update_time, result_json, metadata_json, "
    "error_message"
)
_JOB_COLUMNS = (
    "uniqc_task_id, shard_index, platform_task_id, backend, circuit_count, sub_index_offset, "
    "status, result_json, error_message, submit_time, update_time"
)


class SqliteLoader:
    """A file of schema version 5 in a directory, and plain SQL that writes it."""

    def __init__(self, directory: Path) -> None:
        self._store = TaskStore(v5_directory(directory), read_only=True)

    def taken(self, task: StoredTask) -> StoredTask:
        return task

    def load(self, tasks: Sequence[StoredTask]) -> ReadableStore:
        with closing(self._connect()) as file:
            file.execute("BEGIN")
            for task in tasks:
                prefix = "archived_" if task.archived else ""
                more = (task.archived_at,) if task.archived else ()
                name = ", archived_at" if task.archived else ""
                _insert(file, f"{prefix}tasks", _COLUMNS + name, (*_values(task), *more))
                for job in _job_values(task):
                    _insert(file, f"{prefix}task_shards", _JOB_COLUMNS + name, (*job, *more))
            file.execute("COMMIT")
        return self._store

    def watch(self) -> StoreWatch:
        return watch_of(self._store)

    def save(self, task: StoredTask) -> None:
        with closing(self._connect()) as file:
            names = _COLUMNS.split(", ")
            updates = ", ".join(f"{name} = excluded.{name}" for name in names)
            places = ", ".join("?" for _ in names)
            file.execute(
                f"INSERT INTO tasks ({_COLUMNS}) VALUES ({places}) "
                f"ON CONFLICT (task_id) DO UPDATE SET {updates}",
                _values(task),
            )

    def remove(self, task_id: str) -> None:
        with closing(self._connect()) as file:
            file.execute("DELETE FROM tasks WHERE task_id = ?", (task_id,))

    def _connect(self) -> sqlite3.Connection:
        file = sqlite3.connect(self._store.db_path, isolation_level=None)
        file.execute("PRAGMA synchronous = OFF")
        return file


def _insert(file: sqlite3.Connection, table: str, columns: str, values: tuple[object, ...]) -> None:
    places = ", ".join("?" for _ in values)
    file.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", values)


def _values(task: StoredTask) -> tuple[object, ...]:
    return (
        *(task.task_id, task.backend, task.status, task.shots),
        *(task.submit_time, task.update_time, task.result, task.metadata, task.error),
    )


def _job_values(task: StoredTask) -> Iterator[tuple[object, ...]]:
    for index, job in enumerate(task.jobs):
        yield (
            *(task.task_id, index, job.platform_task_id, job.backend, job.circuit_count),
            *(job.sub_index_offset, job.status, job.result, job.error),
            *(job.submit_time, job.update_time),
        )
