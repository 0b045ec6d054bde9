"""A cache directory that is shared, and what the server should have of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from uniqc_mcp.lab.share.file_digests import digest_file
from uniqc_mcp.lab.share.fingerprints import Fingerprints
from uniqc_mcp.lab.share.passes import Pass
from uniqc_mcp.lab.share.sharer import Sharer
from uniqc_store import TaskStore

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.share.fake_server import FakeServer, KeptStore

    from uniqc_mcp.lab.share.client import LabClient
    from uniqc_mcp.lab.share.sharer import Outcome

STORE_ID = "0123456789abcdef" * 2
SECRET = b"s" * 32


def sharer_of(
    directory: Path, client: LabClient, *, store_id: str = STORE_ID, secret: bytes = SECRET
) -> Sharer:
    return Sharer(
        store=TaskStore(directory, read_only=True),
        client=client,
        store_id=store_id,
        machine="laptop",
        audience="me",
        fingerprints=Fingerprints(secret),
        state_path=directory / "state.json",
    )


def share(directory: Path, server: FakeServer) -> Outcome:
    """Make one pass."""
    client = server.client()
    try:
        sharer = sharer_of(directory, client)
        return Pass(sharer, digest_file(sharer.store, sharer.fingerprints)).run()
    finally:
        client.close()


Content = dict[tuple[str, bool], tuple[object, ...]]


def assert_arrived(kept: Content, content: Content) -> None:
    """Check that a server has each task of a file, with nothing changed but by redaction."""
    assert kept.keys() == content.keys()
    differing = [key for key in kept if kept[key] != content[key]]
    assert not [key for key in differing if "[redacted]" not in str(kept[key])]


def content_of(directory: Path) -> Content:
    """Return what a server should have, read by SQL alone; of files without credentials."""
    path = directory / "tasks.sqlite"
    if not path.exists():
        return {}
    with closing(sqlite3.connect(path)) as file:
        file.row_factory = sqlite3.Row
        tables = {name for (name,) in file.execute("SELECT name FROM sqlite_master")}
        return {
            (row["task_id"], table == "archived_tasks"): (
                *_values(row),
                _jobs(file, tables, row, jobs),
            )
            for table, jobs in (
                ("tasks", "task_shards"),
                ("archived_tasks", "archived_task_shards"),
            )
            if table in tables
            for row in file.execute(f"SELECT rowid AS place, * FROM {table}")
        }


def _values(row: sqlite3.Row) -> tuple[object, ...]:
    return (
        row["place"],
        row["backend"],
        row["status"],
        row["shots"],
        row["submit_time"],
        row["update_time"],
        row["metadata_json"],
        row["result_json"] or None,
        _optional(row, "error_message"),
        _optional(row, "archived_at"),
    )


def _optional(row: sqlite3.Row, name: str) -> object:
    return row[name] if name in row.keys() else None  # noqa: SIM118 - a Row contains its values


def _jobs(
    file: sqlite3.Connection, tables: set[str], row: sqlite3.Row, table: str
) -> tuple[tuple[object, ...], ...]:
    if table not in tables:
        return ()
    statement = f"""
        SELECT shard_index, platform_task_id, backend, circuit_count, sub_index_offset, status,
            submit_time, update_time, error_message, nullif(result_json, '')
        FROM {table} WHERE uniqc_task_id = ? ORDER BY shard_index
    """
    return tuple(tuple(job) for job in file.execute(statement, (row["task_id"],)))


def kept_content(store: KeptStore) -> Content:
    """Return what a server has, as :func:`content_of` does."""
    return {
        key: (
            task.place,
            task.backend,
            task.status,
            task.shots,
            task.submit_time,
            task.update_time,
            task.metadata,
            task.result,
            task.error,
            task.archived_at,
            tuple(
                (
                    *(job.shard_index, job.platform_task_id, job.backend, job.circuit_count),
                    *(job.sub_index_offset, job.status, job.submit_time, job.update_time),
                    *(job.error, job.result),
                )
                for job in task.jobs
            ),
        )
        for key, task in store.tasks.items()
    }
