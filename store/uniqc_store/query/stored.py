"""Tasks as they are stored, live and archived, with their jobs, in the order of their ids.

A caller that copies a large file reads it in stretches. So a read is short, and a task is met
again at its place however many were added or removed before it.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from uniqc_store.query.lookup import task_tables
from uniqc_store.query.lookup_statements import ShardTable, shard_table
from uniqc_store.query.statements import TaskTable, columns

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from uniqc_store.database.connection import Session
    from uniqc_store.database.schema import Layout
    from uniqc_store.query.where import Parameters

StoredValue: TypeAlias = "bytearray | bytes | int | float | None"
"""A value of a column: text as a bytearray of its bytes, whatever they are, a BLOB as bytes."""


class StoredJob(NamedTuple):
    """A row of ``task_shards``, or of its archive."""

    task_id: bytearray
    archived: int
    shard_index: StoredValue
    platform_task_id: StoredValue
    backend: StoredValue
    circuit_count: StoredValue
    sub_index_offset: StoredValue
    status: StoredValue
    submit_time: StoredValue
    update_time: StoredValue
    error_message: StoredValue
    result_json: StoredValue


class StoredTask(NamedTuple):
    """A row of ``tasks``, or of ``archived_tasks``, and its jobs in order.

    Attributes:
        task_id: The bytes of its id, which may not be UTF-8.
        archived: 1 for a task of the archive, else 0.
        row: Its rowid, which says what was inserted later.
        jobs: Its platform jobs.

    The other attributes are columns, None for one that the file does not have.
    """

    task_id: bytearray
    archived: int
    row: int
    backend: StoredValue
    status: StoredValue
    shots: StoredValue
    submit_time: StoredValue
    update_time: StoredValue
    metadata_json: StoredValue
    result_json: StoredValue
    error_message: StoredValue
    archived_at: StoredValue
    jobs: tuple[StoredJob, ...]


_TASK_COLUMNS = StoredTask._fields[3:-1]
_JOB_COLUMNS = StoredJob._fields[2:]

# Two index seeks: BLOBs sort after every text, and the affinity of the column leaves no numbers.
_WITHOUT_ID = """
    SELECT (SELECT COUNT(*) FROM {table} WHERE task_id >= x'')
        + (SELECT COUNT(*) FROM {table} WHERE task_id IS NULL)
"""


_IN_TABLE = """
    SELECT 1 FROM tasks NOT INDEXED
    WHERE task_id IN (SELECT value FROM json_each(:task_ids)) LIMIT 1
"""


def stored_after(
    session: Session, after: bytes, *, upto: bytes | None, limit: int
) -> Generator[StoredTask]:
    """Yield the tasks with ids after one, and up to another if there is one, in order.

    Ids are compared byte by byte. Of two tasks with one id the archived one is second.
    """
    bounds = "{id} > CAST(:after AS TEXT)"
    parameters: Parameters = {"after": after}
    if upto is not None:
        bounds += " AND {id} <= CAST(:upto AS TEXT)"
        parameters = {**parameters, "upto": upto}
    return _merged(session, bounds, parameters, limit)


def stored_tasks(session: Session, task_ids: Sequence[str]) -> Generator[StoredTask]:
    """Yield the tasks that have one of these ids, in order."""
    among = "{id} IN (SELECT value FROM json_each(:task_ids))"
    return _merged(session, among, {"task_ids": json.dumps(list(task_ids))})


def any_in_table(session: Session, task_ids: Sequence[str]) -> bool:
    """Return whether a live task has one of these ids, by the table itself and no index.

    It takes some 50 ms for 100,000 tasks. A damaged index may lack a task that is there.
    """
    if not session.layout.has("tasks"):
        return False
    return bool(session.rows(_IN_TABLE, {"task_ids": json.dumps(list(task_ids))}))


def without_id(session: Session) -> int:
    """Return the number of tasks whose id is no text, which no id leads to."""
    return sum(session.number(_WITHOUT_ID.format(table=table)) for table in task_tables(session))


def _merged(
    session: Session, condition: str, values: Parameters, limit: int | None = None
) -> Generator[StoredTask]:
    """Yield tasks with their jobs: four sequences in the order of an index, merged.

    One statement for two tables would sort the rows of each id once more.
    """
    layout = session.layout
    parameters = {**values, "limit": -1 if limit is None else limit}
    tables = task_tables(session)
    shards: list[ShardTable] = [
        shard_table(table) for table in tables if layout.has(shard_table(table))
    ]
    with _text_as_bytes(session):
        execute = session.connection.execute
        tasks = merge(*(execute(_tasks(layout, name, condition), parameters) for name in tables))
        jobs = merge(*(execute(_jobs(layout, name, condition), parameters) for name in shards))
        job: tuple[Any, ...] | None = next(jobs, None)
        for row in islice(tasks, limit):
            place = row[:2]
            own: list[StoredJob] = []
            while job is not None and job[:2] <= place:
                if job[:2] == place:
                    own.append(StoredJob(*job))
                job = next(jobs, None)
            yield StoredTask._make((*row, tuple(own)))


@contextmanager
def _text_as_bytes(session: Session) -> Generator[None]:
    """Let text be read as a bytearray: no bytes fail, and text differs from a BLOB."""
    connection = session.connection
    before = connection.text_factory
    connection.text_factory = bytearray
    try:
        yield
    finally:
        connection.text_factory = before


def _tasks(layout: Layout, table: TaskTable, condition: str) -> str:
    return f"""
        SELECT task_id, {int(table == "archived_tasks")}, rowid,
            {columns(layout, table, _TASK_COLUMNS)}
        FROM {table} WHERE typeof(task_id) = 'text' AND {condition.format(id="task_id")}
        ORDER BY task_id LIMIT :limit
    """


def _jobs(layout: Layout, table: ShardTable, condition: str) -> str:
    return f"""
        SELECT uniqc_task_id, {int(table == "archived_task_shards")},
            {columns(layout, table, _JOB_COLUMNS)}
        FROM {table}
        WHERE typeof(uniqc_task_id) = 'text' AND {condition.format(id="uniqc_task_id")}
        ORDER BY uniqc_task_id, shard_index
    """
