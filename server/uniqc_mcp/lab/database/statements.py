"""The statements that write what a machine sends. Arrays hold the values of many rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg import sql

from uniqc_mcp.lab.database.rows import JOB_COLUMNS, TASK_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

HEAR: Final = """
    INSERT INTO store (owner, store_id, machine, schema_version, revision, task_count, digest,
        heard_at)
    VALUES (%(owner)s, %(store_id)s, %(machine)s, %(schema_version)s, 0, 0, %(nothing)s,
        clock_timestamp())
    ON CONFLICT (owner, store_id) DO UPDATE SET machine = excluded.machine,
        schema_version = excluded.schema_version, heard_at = excluded.heard_at
    RETURNING revision, task_count, digest
"""
"""Note that a machine was heard from, and lock its store until the end of the transaction."""

LOCK: Final = """
    INSERT INTO store (owner, store_id, machine, schema_version, revision, task_count, digest,
        heard_at)
    VALUES (%(owner)s, %(store_id)s, '', 0, 0, 0, %(nothing)s, clock_timestamp())
    ON CONFLICT (owner, store_id) DO UPDATE SET heard_at = excluded.heard_at
    RETURNING revision, task_count, digest
"""
"""The same, of a machine that sends tasks."""

OTHER_STORES: Final = """
    SELECT count(*) FROM store WHERE owner = %(owner)s AND store_id <> %(store_id)s
"""
"""The number of an owner's stores besides one."""

SET_AUDIENCE: Final = """
    INSERT INTO audience (owner, store_id, audience)
    VALUES (%(owner)s, %(store_id)s, %(audience)s)
    ON CONFLICT (owner, store_id) DO UPDATE SET audience = excluded.audience
    WHERE audience.audience <> excluded.audience
"""

SET_STORE: Final = """
    UPDATE store SET revision = %(revision)s, task_count = %(task_count)s, digest = %(digest)s
    WHERE owner = %(owner)s AND store_id = %(store_id)s
"""

HELD: Final = """
    SELECT task_id, archived, fingerprint FROM task
    WHERE owner = %(owner)s AND store_id = %(store_id)s AND gone_at IS NULL
        AND (task_id, archived) > (%(task_id)s, %(archived)s)
        AND (%(upto)s::text IS NULL OR task_id <= %(upto)s::text)
    ORDER BY task_id, archived LIMIT %(limit)s
"""
"""The fingerprints after a key and up to an id, in order of the keys."""

_KEYS: Final = """
    (task_id, archived) IN (SELECT * FROM unnest(%(task_ids)s::text[], %(archived)s::boolean[]))
"""

BEFORE: Final = f"""
    SELECT task_id, archived, fingerprint, status, backend, gone_at IS NOT NULL FROM task
    WHERE owner = %(owner)s AND store_id = %(store_id)s AND {_KEYS}
"""
"""Those of some tasks that are known, also those that are gone."""

BURY: Final = f"""
    UPDATE task SET gone_at = clock_timestamp(), live = false, revision = %(revision)s
    WHERE owner = %(owner)s AND store_id = %(store_id)s AND gone_at IS NULL AND {_KEYS}
"""
"""Mark tasks as gone. Their rows and bodies stay."""

REMOVE_JOBS: Final = f"""
    DELETE FROM job WHERE owner = %(owner)s AND store_id = %(store_id)s AND {_KEYS}
"""

COUNT: Final = """
    INSERT INTO tally (owner, store_id, archived, status, backend, tasks)
    SELECT %(owner)s, %(store_id)s, counted.*
    FROM unnest(%(archived)s::boolean[], %(statuses)s::text[], %(backends)s::text[],
        %(tasks)s::bigint[]) AS counted
    ON CONFLICT (owner, store_id, archived, status, backend)
    DO UPDATE SET tasks = tally.tasks + excluded.tasks
"""
"""Add differences to the numbers of tasks by status and backend."""

_KEY: Final = ("owner", "store_id", "task_id", "archived")


def _upsert(
    table: str,
    columns: Mapping[str, str],
    *,
    constants: Mapping[str, str],
    conflict: Sequence[str] = _KEY,
    kept: Mapping[str, str] | None = None,
) -> sql.SQL:
    """Return the statement that inserts rows, or replaces those with their key.

    Args:
        table: The table.
        columns: Columns and their types; ``%(column)s`` is the array of their values.
        constants: Columns with the same value in every row, and the SQL of that value.
        conflict: The key.
        kept: Columns that a row which is there sets by an SQL expression of its own.
    """
    arrays = ", ".join(f"%({name})s::{kind}[]" for name, kind in columns.items())
    updated = [name for name in (*constants, *columns) if name not in conflict]
    kept = kept or {}
    updates = ", ".join(f"{name} = {kept.get(name, f'excluded.{name}')}" for name in updated)
    return sql.SQL(
        f"INSERT INTO {table} ({', '.join((*constants, *columns))})"  # pyright: ignore[reportArgumentType] # constants of this module
        f" SELECT {', '.join(constants.values())}, sent.* FROM unnest({arrays})"
        f" AS sent ({', '.join(columns)})"
        f" ON CONFLICT ({', '.join(conflict)}) DO UPDATE SET {updates}"
    )


_PLACE: Final = {"owner": "%(owner)s", "store_id": "%(store_id)s"}

SAVE_TASKS: Final = _upsert(
    "task",
    TASK_COLUMNS,
    constants={
        **_PLACE,
        "revision": "%(revision)s",
        "first_revision": "%(revision)s",
        "gone_at": "NULL",
        "live": "NOT sent.archived",
    },
    # A task that comes back after it was gone is new.
    kept={
        "first_revision": "CASE WHEN task.gone_at IS NULL THEN task.first_revision"
        " ELSE excluded.first_revision END"
    },
)

SAVE_BODIES: Final = _upsert(
    "body",
    {"task_id": "text", "archived": "boolean", "metadata": "text", "result": "text"},
    constants=_PLACE,
)

SAVE_JOBS: Final = _upsert("job", JOB_COLUMNS, constants=_PLACE, conflict=(*_KEY, "shard_index"))

ALL: Final = (
    *(HEAR, LOCK, OTHER_STORES, SET_AUDIENCE, SET_STORE),
    *(HELD, BEFORE, BURY, REMOVE_JOBS, COUNT),
)
"""The statements that are not made from lists of columns."""

UPSERTS: Final = (SAVE_TASKS, SAVE_BODIES, SAVE_JOBS)
"""The statements that are."""


def arrays(columns: Iterable[str], rows: Sequence[Sequence[object]]) -> dict[str, list[object]]:
    """Return the values of each column, of all rows."""
    return {name: [row[place] for row in rows] for place, name in enumerate(columns)}
