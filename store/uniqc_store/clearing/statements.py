"""Every SQL statement about cleared tasks: choosing, copying, deleting and restoring them.

A task is copied and restored by ``INSERT … SELECT``, inside SQLite, so that no value changes its
type or a byte of it. The tables of copies have the columns of the tables that they are copied
from, whatever those are, and three of their own, which begin with an underscore.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from uniqc_store.query.where import Where

# The rows of a batch, in a temporary table

DROP_CHOSEN = "DROP TABLE IF EXISTS temp.chosen"
MAKE_CHOSEN = """
    CREATE TEMPORARY TABLE chosen (
        _row INTEGER PRIMARY KEY, _id BLOB, _update_time BLOB
    )
"""
CHOOSE = "INSERT INTO temp.chosen VALUES (?, ?, ?)"

# Deleting from the store. The same rows are counted, copied and deleted under one lock.

_SAME_TASK = "tasks.rowid = _row AND CAST(task_id AS BLOB) IS _id"
_UNCHANGED = f"{_SAME_TASK} AND CAST(update_time AS BLOB) IS _update_time"


def still_clearable(where: Where) -> str:
    """Return the statement for the chosen rows that are as planned and meet the conditions."""
    return f"""
        SELECT tasks.rowid FROM temp.chosen CROSS JOIN tasks ON {_UNCHANGED} {where.sql}
    """


COUNT_UNCHANGED = f"SELECT COUNT(*) FROM temp.chosen CROSS JOIN tasks ON {_UNCHANGED}"
COUNT_STILL_THERE = f"SELECT COUNT(*) FROM temp.chosen CROSS JOIN tasks ON {_SAME_TASK}"
DELETE_ROW = "DELETE FROM tasks WHERE rowid = ?"

# The file of copies

APPLICATION_ID = 0x554E4343
"""``UNCC`` in ASCII."""

SCHEMA_VERSION = 1

SCHEMA = (
    """
    CREATE TABLE receipts (
        receipt_id TEXT PRIMARY KEY,
        cleared_at TEXT NOT NULL,
        planned    INTEGER NOT NULL,
        state      TEXT NOT NULL CHECK (state IN ('open', 'done', 'cancelled'))
    ) STRICT
    """,
    """
    CREATE TABLE batches (
        receipt_id TEXT NOT NULL REFERENCES receipts ON DELETE CASCADE,
        batch      INTEGER NOT NULL,
        state      TEXT NOT NULL CHECK (state IN ('prepared', 'removed', 'restoring')),
        PRIMARY KEY (receipt_id, batch)
    ) STRICT
    """,
    # The other columns are added with the first copy that has them. Without a declared type, a
    # value keeps the type that it is stored with.
    "CREATE TABLE cleared_tasks (_receipt, _batch, _rowid, task_id)",
    "CREATE TABLE cleared_shards (_receipt, _batch, _rowid, uniqc_task_id)",
    "CREATE INDEX cleared_tasks_idx ON cleared_tasks(_receipt, _batch)",
    "CREATE INDEX cleared_shards_idx ON cleared_shards(_receipt, _batch)",
    f"PRAGMA application_id = {APPLICATION_ID:d}",
    f"PRAGMA user_version = {SCHEMA_VERSION:d}",
)

COPY_COLUMNS = frozenset({"_receipt", "_batch", "_rowid"})
"""Columns of the tables of copies that the store's tables do not have."""

COLUMNS = "SELECT name FROM pragma_table_info(:table_name, :schema_name) ORDER BY cid"

_OF_BATCH = "_receipt = :receipt_id AND _batch = :batch"

BEGIN_BATCH = (
    # Not only with the first batch: another process may have undone all earlier ones meanwhile.
    """
    INSERT INTO receipts VALUES (:receipt_id, :cleared_at, :planned, 'open')
    ON CONFLICT (receipt_id) DO NOTHING
    """,
    """
    INSERT INTO batches VALUES (:receipt_id, :batch, 'prepared')
    ON CONFLICT (receipt_id, batch) DO UPDATE SET state = excluded.state
    """,
    f"DELETE FROM cleared_tasks WHERE {_OF_BATCH}",
    f"DELETE FROM cleared_shards WHERE {_OF_BATCH}",
)
END_RECEIPT = "UPDATE receipts SET state = :state WHERE receipt_id = :receipt_id"
SET_BATCH_STATE = """
    UPDATE batches SET state = :state WHERE receipt_id = :receipt_id AND batch = :batch
"""
BATCHES = "SELECT batch FROM batches WHERE receipt_id = :receipt_id ORDER BY batch"
INCOMPLETE_BATCHES = """
    SELECT receipt_id, batch FROM batches WHERE state <> 'removed' ORDER BY receipt_id, batch
"""
_RECEIPTS = """
    SELECT receipt_id, cleared_at, planned, state,
        (SELECT COUNT(*) FROM cleared_tasks WHERE _receipt = receipt_id)
    FROM receipts
"""
RECEIPTS_NEWEST_FIRST = f"{_RECEIPTS} ORDER BY cleared_at DESC, receipt_id"
RECEIPT = f"{_RECEIPTS} WHERE receipt_id = :receipt_id"
OLD_RECEIPTS = "SELECT receipt_id FROM receipts WHERE cleared_at < :before"
DELETE_RECEIPT = (
    "DELETE FROM cleared_tasks WHERE _receipt = :receipt_id",
    "DELETE FROM cleared_shards WHERE _receipt = :receipt_id",
    "DELETE FROM receipts WHERE receipt_id = :receipt_id",
)

# True of the copy of a task that was never removed, or was put back. All columns that every
# release has are compared: another record of this id may share its times and its status.
_IS_IN_STORE = """
    EXISTS (
        SELECT 1 FROM store.tasks AS live
        WHERE live.task_id IS cleared_tasks.task_id
          AND live.update_time IS cleared_tasks.update_time
          AND live.status IS cleared_tasks.status
          AND live.backend IS cleared_tasks.backend
          AND live.shots IS cleared_tasks.shots
          AND live.submit_time IS cleared_tasks.submit_time
          AND live.metadata_json IS cleared_tasks.metadata_json
          AND live.result_json IS cleared_tasks.result_json
    )
"""
RECOVER_BATCH = (
    f"""
    DELETE FROM cleared_shards WHERE {_OF_BATCH} AND uniqc_task_id IN (
        SELECT task_id FROM cleared_tasks WHERE {_OF_BATCH} AND {_IS_IN_STORE}
    )
    """,
    f"DELETE FROM cleared_tasks WHERE {_OF_BATCH} AND {_IS_IN_STORE}",
    "UPDATE batches SET state = 'removed' WHERE receipt_id = :receipt_id AND batch = :batch",
    """
    DELETE FROM receipts WHERE receipt_id = :receipt_id
        AND NOT EXISTS (SELECT 1 FROM cleared_tasks WHERE _receipt = :receipt_id)
    """,
)


def copy_tasks(columns: Iterable[str]) -> str:
    """Return the statement that copies the chosen tasks from the attached ``store``."""
    names = _names(columns)
    return f"""
        INSERT INTO main.cleared_tasks (_receipt, _batch, _rowid, {names})
        SELECT :receipt_id, :batch, tasks.rowid, {names}
        FROM temp.chosen CROSS JOIN store.tasks ON tasks.rowid = _row
    """


def copy_shards(columns: Iterable[str]) -> str:
    """Return the statement that copies the platform jobs of the tasks copied before."""
    names = _names(columns)
    return f"""
        INSERT INTO main.cleared_shards (_receipt, _batch, _rowid, {names})
        SELECT :receipt_id, :batch, task_shards.rowid, {names} FROM store.task_shards
        WHERE uniqc_task_id IN (SELECT task_id FROM main.cleared_tasks WHERE {_OF_BATCH})
    """


def add_column(table: str, column: str) -> str:
    """Return the statement that adds a column without a type to a table of copies."""
    return f"ALTER TABLE {table} ADD COLUMN {_quoted(column)}"


# Restoring to the store, with the file of copies attached as ``cleared``

DROP_ABSENT = "DROP TABLE IF EXISTS temp.absent"
MAKE_ABSENT = "CREATE TEMPORARY TABLE absent (copy_id INTEGER PRIMARY KEY)"


def choose_absent(*, with_archive: bool) -> str:
    """Return the statement that chooses the copies whose id is not in the store any more.

    Args:
        with_archive: True to look in uniqc's archive too.
    """
    places = ("tasks", "archived_tasks") if with_archive else ("tasks",)
    absent = " AND ".join(
        f"NOT EXISTS (SELECT 1 FROM main.{place} AS live WHERE live.task_id IS copies.task_id)"
        for place in places
    )
    return f"""
        INSERT INTO temp.absent
        SELECT copies.rowid FROM cleared.cleared_tasks AS copies WHERE {_OF_BATCH} AND {absent}
    """


def restore_tasks(columns: Iterable[str]) -> str:
    """Return the statement that inserts the chosen copies into the store."""
    names = _names(columns)
    return f"""
        INSERT INTO main.tasks (rowid, {names}) SELECT {_free_rowid("tasks")}, {names}
        FROM cleared.cleared_tasks AS copies JOIN temp.absent ON copies.rowid = copy_id
        ORDER BY _rowid DESC
    """


def restore_shards(columns: Iterable[str]) -> str:
    """Return the statement that inserts the platform jobs of the chosen copies."""
    names = _names(columns)
    return f"""
        INSERT OR IGNORE INTO main.task_shards (rowid, {names})
        SELECT {_free_rowid("task_shards")}, {names} FROM cleared.cleared_shards
        WHERE {_OF_BATCH} AND uniqc_task_id IN (
            SELECT task_id FROM cleared.cleared_tasks AS copies
            JOIN temp.absent ON copies.rowid = copy_id
        )
        ORDER BY _rowid DESC
    """


def any_value(table: str, columns: Iterable[str]) -> str:
    """Return the statement that finds a row of a batch with a value in one of these columns."""
    held = " OR ".join(f"{_quoted(column)} IS NOT NULL" for column in columns)
    return f"SELECT 1 FROM cleared.{table} WHERE {_OF_BATCH} AND ({held}) LIMIT 1"


def _free_rowid(table: str) -> str:
    """Return the expression for the old rowid, or NULL if it is taken, for a new one.

    The highest rowid has to be inserted first: a new one is then beyond all old ones.
    """
    return f"""
        CASE WHEN EXISTS (SELECT 1 FROM main.{table} AS live WHERE live.rowid = _rowid)
        THEN NULL ELSE _rowid END
    """


def _names(columns: Iterable[str]) -> str:
    return ", ".join(map(_quoted, columns))


def _quoted(column: str) -> str:
    """Return a column's name as an SQL identifier: uniqc chose it, and it may be any text."""
    return '"' + column.replace('"', '""') + '"'
