"""Rows of the tables as the values that every store answers with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from uniqc_store import Match, TaskRecord, TaskShard, TaskStatus, parse_json, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from uniqc_mcp.lab.store.session import Row
    from uniqc_store import JsonValue

COLUMNS: Final = """
    task.owner, task.store_id, task.task_id, task.archived, task.place, task.backend, task.status,
    task.shots, task.submit_time, task.update_time, task.updated_order, task.name, task.error,
    task.archived_at, task.result_bytes, task.damaged
"""

SOURCE: Final = "store.machine, store.heard_at"

JOIN_BODY: Final = """
    JOIN body ON body.owner = task.owner AND body.store_id = task.store_id
        AND body.task_id = task.task_id AND body.archived = task.archived
"""
# Not a join. The planner takes an owner and a store for two independent facts, so that it expects
# one body of both; with a join it would read all of a store's bodies for each task.
METADATA: Final = """
    (
        SELECT body.metadata FROM body WHERE body.owner = task.owner
            AND body.store_id = task.store_id AND body.task_id = task.task_id
            AND body.archived = task.archived
    ) AS metadata
"""
JOIN_STORE: Final = """
    JOIN store ON store.owner = task.owner AND store.store_id = task.store_id
"""

JOIN_JOB: Final = """
    JOIN job ON job.owner = task.owner AND job.store_id = task.store_id
        AND job.task_id = task.task_id AND job.archived = task.archived
"""

JOB_COLUMNS: Final = """
    job.owner, job.store_id, job.task_id, job.shard_index, job.platform_task_id, job.backend,
    job.circuit_count, job.sub_index_offset, job.status, job.submit_time, job.update_time,
    job.error, job.result_bytes
"""

# As in the SQLite store: the result of a failed job may say why it failed.
REASON: Final = """
    CASE WHEN job.status IN ('failed', 'cancelled')
        AND (char_length(coalesce(job.error, '')) <= 60
            OR strpos(lower(job.error), 'cancel') > 0)
        AND octet_length(job.result) <= 1048576
    THEN job.result END AS result
"""

_STATUSES: Final = frozenset(status.value for status in TaskStatus)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabTaskRecord(TaskRecord):
    """One task, whose it is, and the machine that it was sent from.

    Attributes:
        store_id: The cache directory that it is in.
        heard_at: The time at which the machine was last heard from.
    """

    store_id: str
    heard_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LabMatch(Match):
    """A task that an id stands for, by its whole key. Its row is its place in its file."""

    owner: str
    store_id: str

    @property
    def key(self) -> dict[str, Any]:
        """The values of the parameters of ``KEY_IS``."""
        return {
            "key_owner": self.owner,
            "key_store": self.store_id,
            "key_id": self.task_id,
            "key_archived": self.archived,
        }

    @classmethod
    def of(cls, row: Row) -> LabMatch:
        """Return the match of a row that has the key of a task and its place."""
        return cls(
            task_id=row["task_id"],
            archived=row["archived"],
            row=row["place"],
            owner=row["owner"],
            store_id=row["store_id"],
        )


def key_is(table: str) -> str:
    """Return the condition for the rows of one task in a table."""
    return (
        f"{table}.owner = %(key_owner)s AND {table}.store_id = %(key_store)s"
        f" AND {table}.task_id = %(key_id)s AND {table}.archived = %(key_archived)s"
    )


def task_record(row: Row, *, with_size: bool = False) -> LabTaskRecord:
    """Return the task in a row with ``COLUMNS``, ``SOURCE`` and the metadata.

    Args:
        row: The row; with its size, also with ``has_result``.
        with_size: Whether to tell of the result, as only a read of one task does.
    """
    elsewhere = row["metadata"] is None
    metadata, is_readable = _metadata(row)
    damaged = dict.fromkeys(_unusual(row))
    if not is_readable:
        damaged["metadata"] = None
    damaged |= dict.fromkeys(row["damaged"].split())
    if elsewhere:
        damaged.pop("metadata", None)
    return LabTaskRecord(
        task_id=row["task_id"],
        backend=row["backend"],
        status=row["status"],
        shots=row["shots"],
        submit_time=row["submit_time"],
        update_time=row["update_time"],
        metadata=metadata,
        error_message=row["error"],
        archived_at=row["archived_at"] if row["archived"] else None,
        result_bytes=row["result_bytes"] if with_size else None,
        damaged=tuple(damaged),
        result_elsewhere=with_size and bool(row["result_bytes"]) and not row["has_result"],
        metadata_elsewhere=elsewhere,
        owner=row["owner"],
        store_id=row["store_id"],
        machine=row["machine"],
        heard_at=row["heard_at"],
    )


def task_shard(row: Row) -> TaskShard:
    """Return the job in a row with ``JOB_COLUMNS`` and its result, if that is read."""
    damaged = [*_unusual(row)]
    result: JsonValue = None
    if row["result"]:
        try:
            result = parse_json(row["result"])
        except ValueError:
            damaged.append("result")
    return TaskShard(
        uniqc_task_id=row["task_id"],
        shard_index=row["shard_index"],
        platform_task_id=row["platform_task_id"],
        backend=row["backend"],
        circuit_count=row["circuit_count"],
        sub_index_offset=row["sub_index_offset"],
        status=row["status"],
        result=result,
        error_message=row["error"],
        submit_time=row["submit_time"],
        update_time=row["update_time"],
        damaged=tuple(damaged),
        has_result=row["result_bytes"] is not None,
    )


def _metadata(row: Row) -> tuple[dict[str, JsonValue], bool]:
    """Return the metadata of a task, and whether they are what was recorded."""
    stored: str | None = row["metadata"]
    if stored is None:
        # They stayed on the machine. The name came by itself.
        return ({"task_name": row["name"]} if row["name"] else {}), False
    try:
        value = parse_json(stored) if stored else {}
    except ValueError:
        return {}, False
    return (value, True) if isinstance(value, dict) else ({}, False)


def _unusual(row: Row) -> Iterator[str]:
    """Yield the fields with values that no release of uniqc writes."""
    if row["status"] not in _STATUSES:
        yield "status"
    for name in ("submit_time", "update_time"):
        if parse_time(row[name]) is None:
            yield name
