"""The file of the sample, with the tables of schema 5 as uniqc 0.1.1 makes them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from uniqc_mcp.cli.sample.tasks import SHOTS, sample_tasks
from uniqc_mcp.safety.display import tilde
from uniqc_store import APPLICATION_ID, DB_FILENAME

if TYPE_CHECKING:
    from pathlib import Path

    from uniqc_mcp.cli.sample.tasks import Job, SampleTask
    from uniqc_store import JsonValue

_SCHEMA_VERSION: Final = 5

_TABLES: Final = """
CREATE TABLE tasks (
    task_id       TEXT PRIMARY KEY,
    backend       TEXT NOT NULL,
    status        TEXT NOT NULL,
    shots         INTEGER NOT NULL DEFAULT 0,
    submit_time   TEXT NOT NULL,
    update_time   TEXT NOT NULL,
    result_json   TEXT,
    metadata_json TEXT NOT NULL DEFAULT '{}'
, error_message TEXT);
CREATE INDEX tasks_backend_idx     ON tasks(backend);
CREATE INDEX tasks_status_idx      ON tasks(status);
CREATE INDEX tasks_submit_time_idx ON tasks(submit_time);
CREATE TABLE archived_tasks (
    task_id       TEXT PRIMARY KEY,
    backend       TEXT NOT NULL,
    status        TEXT NOT NULL,
    shots         INTEGER NOT NULL DEFAULT 0,
    submit_time   TEXT NOT NULL,
    update_time   TEXT NOT NULL,
    result_json   TEXT,
    metadata_json TEXT NOT NULL DEFAULT '{}',
    archived_at   TEXT NOT NULL
, error_message TEXT);
CREATE INDEX archived_backend_idx ON archived_tasks(backend);
CREATE INDEX archived_status_idx  ON archived_tasks(status);
CREATE INDEX archived_submit_time_idx ON archived_tasks(submit_time);
CREATE TABLE task_shards (
    uniqc_task_id    TEXT NOT NULL,
    shard_index      INTEGER NOT NULL,
    platform_task_id TEXT NOT NULL,
    backend          TEXT NOT NULL,
    circuit_count    INTEGER NOT NULL DEFAULT 1,
    sub_index_offset INTEGER NOT NULL DEFAULT 0,
    status           TEXT NOT NULL,
    result_json      TEXT,
    error_message    TEXT,
    submit_time      TEXT NOT NULL,
    update_time      TEXT NOT NULL,
    PRIMARY KEY (uniqc_task_id, shard_index),
    FOREIGN KEY (uniqc_task_id) REFERENCES tasks(task_id) ON DELETE CASCADE
);
CREATE INDEX task_shards_platform_idx ON task_shards(platform_task_id);
CREATE INDEX task_shards_status_idx ON task_shards(status);
CREATE TABLE archived_task_shards (
    uniqc_task_id    TEXT NOT NULL,
    shard_index      INTEGER NOT NULL,
    platform_task_id TEXT NOT NULL,
    backend          TEXT NOT NULL,
    circuit_count    INTEGER NOT NULL DEFAULT 1,
    sub_index_offset INTEGER NOT NULL DEFAULT 0,
    status           TEXT NOT NULL,
    result_json      TEXT,
    error_message    TEXT,
    submit_time      TEXT NOT NULL,
    update_time      TEXT NOT NULL,
    archived_at      TEXT NOT NULL,
    PRIMARY KEY (uniqc_task_id, shard_index)
);
CREATE INDEX archived_task_shards_platform_idx ON archived_task_shards(platform_task_id);
"""

_TASK: Final = """
INSERT INTO {table} (task_id, backend, status, shots, submit_time, update_time, result_json,
                     metadata_json, error_message{column})
VALUES (:task_id, :backend, :status, :shots, :submit_time, :update_time, :result_json,
        :metadata_json, :error_message{value})
"""

_JOB: Final = """
INSERT INTO {table} (uniqc_task_id, shard_index, platform_task_id, backend, circuit_count,
                     sub_index_offset, status, result_json, error_message, submit_time,
                     update_time{column})
VALUES (:task_id, :number, :platform_task_id, :backend, 1, :number, :status, :result_json,
        :error_message, :submit_time, :update_time{value})
"""


class SampleRefusedError(Exception):
    """A directory that has a cache already; nothing was written."""


def make_sample(directory: Path) -> None:
    """Write the sample into a directory, which is made where it is not there.

    Raises:
        SampleRefusedError: The directory has a cache, or files that belong to one.
        OSError: The directory can't be written. Nothing stays of the sample.
        sqlite3.Error: The same, such as on a full disk.
    """
    path = directory / DB_FILENAME
    if found := sorted([*directory.glob(f"{DB_FILENAME}*"), *directory.glob("cleared.sqlite*")]):
        raise SampleRefusedError(
            f"{tilde(found[0])} is there already, and a sample replaces nothing. Give another "
            "directory."
        )
    directory.mkdir(parents=True, exist_ok=True)
    path.touch(exist_ok=False)  # of two that run at once, one fails
    try:
        _write(path, datetime.now(UTC))
    except BaseException:
        for part in directory.glob(f"{DB_FILENAME}*"):
            part.unlink(missing_ok=True)
        raise


def _write(path: Path, now: datetime) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(
            f"BEGIN; PRAGMA application_id = {APPLICATION_ID:d}; "
            f"PRAGMA user_version = {_SCHEMA_VERSION:d}; {_TABLES}"
        )
        for number, task in enumerate(sample_tasks()):
            _insert(connection, f"uqt_{number:032x}", task, now)
        connection.execute("COMMIT")


def _insert(connection: sqlite3.Connection, task_id: str, task: SampleTask, now: datetime) -> None:
    """Insert a task with its jobs, among the archived ones where it is archived."""
    row = {
        "task_id": task_id,
        "backend": task.backend,
        "status": task.status,
        "shots": SHOTS,
        "submit_time": (now - task.submitted).isoformat(),
        "update_time": (now - task.touched).isoformat(),
        "result_json": _json(task.result),
        "metadata_json": json.dumps(_metadata(task)),
        "error_message": task.error,
    }
    prefix = column = value = ""
    if task.archived is not None:
        prefix, column, value = "archived_", ", archived_at", ", :archived_at"
        row["archived_at"] = (now - task.archived).isoformat()
    statement = _TASK.format(table=f"{prefix}tasks", column=column, value=value)
    connection.execute(statement, row)
    statement = _JOB.format(table=f"{prefix}task_shards", column=column, value=value)
    for number, job in enumerate(task.jobs):
        connection.execute(statement, row | _job_values(job, task_id, number))


def _job_values(job: Job, task_id: str, number: int) -> dict[str, str | int | None]:
    """Return the values of a job that are not those of its task."""
    return {
        "number": number,
        "platform_task_id": f"{int(task_id.removeprefix('uqt_'), 16):08X}{number:08X}",
        "status": job.status,
        "result_json": _json(job.result),
        "error_message": job.error,
    }


def _metadata(task: SampleTask) -> dict[str, JsonValue]:
    circuits = [circuit.originir() for circuit in task.circuits]
    found: dict[str, JsonValue] = {"task_name": task.name} if task.name else {}
    if len(circuits) > 1:
        found |= {"batch": True, "batch_size": len(circuits), "circuits": [*circuits]}
    else:
        found["circuit_ir"] = circuits[0]
    found["circuit_language"] = "OriginIR"
    if task.backend.startswith("dummy:"):
        found |= {
            "dummy_backend_id": task.backend,
            "dummy_noise_source": "none",
            "dummy_source_backend": None,
        }
    return found | task.metadata


def _json(value: JsonValue) -> str | None:
    return None if value is None else json.dumps(value)
