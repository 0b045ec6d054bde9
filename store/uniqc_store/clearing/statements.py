"""Every SQL statement about cleared tasks: choosing, copying, deleting and restoring them.

A task is copied and restored by ``INSERT … SELECT``, inside SQLite, so that no value changes its
type or a byte of it. The tables of copies have the columns of the tables that they are copied
from, whatever those are, and three of their own, which begin with an underscore.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uniqc_store.query.statements import COMPARED, stored_values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from uniqc_store.query.where import Where

# The rows of a batch, in a temporary table

DROP_CHOSEN = "DROP TABLE IF EXISTS temp.chosen"
MAKE_CHOSEN = """
    CREATE TEMPORARY TABLE chosen (_row INTEGER PRIMARY KEY, _id BLOB, _digest BLOB)
"""
CHOOSE = "INSERT INTO temp.chosen VALUES (?, ?, ?)"
DROP_UNCHANGED = "DROP TABLE IF EXISTS temp.unchanged"
MAKE_UNCHANGED = "CREATE TEMPORARY TABLE unchanged (_row INTEGER PRIMARY KEY)"

# Deleting from the store. The same rows are counted, copied and deleted under one lock.

_SAME_TASK = "tasks.rowid = _row AND CAST(task_id AS BLOB) IS _id"


def choose_unchanged(digest: str) -> str:
    """Return the statement that keeps the chosen rows that are as planned, jobs included.

    Args:
        digest: SQL for the digest of a record, as the plan was made with.
    """
    return f"""
        INSERT INTO temp.unchanged
        SELECT _row FROM temp.chosen CROSS JOIN tasks ON {_SAME_TASK} AND {digest} IS _digest
    """


def still_clearable(where: Where) -> str:
    """Return the statement for the unchanged rows that meet the conditions."""
    return f"""
        SELECT tasks.rowid FROM temp.unchanged CROSS JOIN tasks ON tasks.rowid = _row {where.sql}
    """


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
    "CREATE INDEX cleared_tasks_id_idx ON cleared_tasks(task_id)",
    "CREATE INDEX cleared_shards_idx ON cleared_shards(_receipt, _batch)",
    f"PRAGMA application_id = {APPLICATION_ID:d}",
    f"PRAGMA user_version = {SCHEMA_VERSION:d}",
)

ANY_TRIGGER = "SELECT name FROM sqlite_master WHERE type = 'trigger' LIMIT 1"

COPY_COLUMNS = frozenset({"_receipt", "_batch", "_rowid"})
"""Columns of the tables of copies that the store's tables do not have."""

COLUMNS = "SELECT name FROM pragma_table_info(:table_name, :schema_name) ORDER BY cid"

OF_BATCH = "_receipt = :receipt_id AND _batch = :batch"

# Only an undo ends the state 'restoring', by deleting the copies. If a clear could set 'removed'
# meanwhile, an undo that is killed then would leave copies of tasks that are in the store again.
MARK_REMOVED = """
    UPDATE batches SET state = 'removed'
    WHERE receipt_id = :receipt_id AND batch < :batch AND state = 'prepared'
"""
BEGIN_BATCH = (
    MARK_REMOVED,
    # Not only with the first batch: another process may have undone all earlier ones meanwhile.
    """
    INSERT INTO receipts VALUES (:receipt_id, :cleared_at, :planned, 'open')
    ON CONFLICT (receipt_id) DO NOTHING
    """,
    """
    INSERT INTO batches VALUES (:receipt_id, :batch, 'prepared')
    ON CONFLICT (receipt_id, batch) DO UPDATE SET state = excluded.state
    """,
    f"DELETE FROM cleared_tasks WHERE {OF_BATCH}",
    f"DELETE FROM cleared_shards WHERE {OF_BATCH}",
)
END_RECEIPT = """
    UPDATE receipts SET state = :state, planned = :cleared WHERE receipt_id = :receipt_id
"""
MARK_RESTORING = """
    UPDATE batches SET state = 'restoring' WHERE receipt_id = :receipt_id AND batch = :batch
"""
INCOMPLETE_BATCHES = """
    SELECT receipt_id, batch FROM batches WHERE state <> 'removed' ORDER BY receipt_id, batch
"""
INCOMPLETE_COPIES = f"""
    SELECT _receipt, rowid, {stored_values(COMPARED)} FROM cleared_tasks
    WHERE (_receipt, _batch) IN (SELECT receipt_id, batch FROM batches WHERE state <> 'removed')
"""
"""The copies of tasks that may be in the store too; see ``query.statements.STORED_TASK``."""
_RECEIPTS = """
    SELECT receipt_id, cleared_at, planned, state,
        (SELECT COUNT(*) FROM cleared_tasks WHERE _receipt = receipt_id)
    FROM receipts
"""
RECEIPTS_NEWEST_FIRST = f"{_RECEIPTS} ORDER BY cleared_at DESC, receipt_id"
RECEIPT = f"{_RECEIPTS} WHERE receipt_id = :receipt_id"
OTHER_RECEIPTS = f"{_RECEIPTS} WHERE receipt_id <> :receipt_id ORDER BY cleared_at"
DELETE_RECEIPT = (
    "DELETE FROM cleared_tasks WHERE _receipt = :receipt_id",
    "DELETE FROM cleared_shards WHERE _receipt = :receipt_id",
    "DELETE FROM receipts WHERE receipt_id = :receipt_id",
)

# True of the copy of a task that was never removed, or was put back.
_IS_IN_STORE = f"""
    EXISTS (
        SELECT 1 FROM store.tasks AS live
        WHERE {" AND ".join(f"live.{name} IS cleared_tasks.{name}" for name in COMPARED)}
    )
"""
RECOVER_BATCH = (
    f"""
    DELETE FROM cleared_shards WHERE {OF_BATCH} AND uniqc_task_id IN (
        SELECT task_id FROM cleared_tasks WHERE {OF_BATCH} AND {_IS_IN_STORE}
    )
    """,
    f"DELETE FROM cleared_tasks WHERE {OF_BATCH} AND {_IS_IN_STORE}",
    f"""
    DELETE FROM batches WHERE receipt_id = :receipt_id AND batch = :batch
        AND NOT EXISTS (SELECT 1 FROM cleared_tasks WHERE {OF_BATCH})
    """,
    """
    UPDATE batches SET state = 'removed'
    WHERE receipt_id = :receipt_id AND batch = :batch AND state = 'prepared'
    """,
    """
    DELETE FROM receipts WHERE receipt_id = :receipt_id
        AND NOT EXISTS (SELECT 1 FROM cleared_tasks WHERE _receipt = :receipt_id)
    """,
)


def copy_tasks(columns: Iterable[str]) -> str:
    """Return the statement that copies the chosen tasks from the attached ``store``."""
    listed = names(columns)
    return f"""
        INSERT INTO main.cleared_tasks (_receipt, _batch, _rowid, {listed})
        SELECT :receipt_id, :batch, tasks.rowid, {listed}
        FROM temp.chosen CROSS JOIN store.tasks ON tasks.rowid = _row
    """


def copy_shards(columns: Iterable[str]) -> str:
    """Return the statement that copies the platform jobs of the tasks copied before."""
    listed = names(columns)
    return f"""
        INSERT INTO main.cleared_shards (_receipt, _batch, _rowid, {listed})
        SELECT :receipt_id, :batch, task_shards.rowid, {listed} FROM store.task_shards
        WHERE uniqc_task_id IN (SELECT task_id FROM main.cleared_tasks WHERE {OF_BATCH})
    """


def count_equal(copies: str, source: str, columns: Iterable[str]) -> str:
    """Return the statement for the number of a batch's copies that equal their originals."""
    equal = " AND ".join(
        f"live.{name} IS copy.{name} AND typeof(live.{name}) = typeof(copy.{name})"
        for name in map(quoted, columns)
    )
    return f"""
        SELECT COUNT(*) FROM main.{copies} AS copy CROSS JOIN store.{source} AS live
        ON live.rowid = copy._rowid WHERE {OF_BATCH} AND {equal}
    """


def count_of_batch(copies: str) -> str:
    """Return the statement for the number of copies in a batch."""
    return f"SELECT COUNT(*) FROM main.{copies} WHERE {OF_BATCH}"


COUNT_CHOSEN = "SELECT COUNT(*) FROM temp.chosen"
COUNT_CHOSEN_SHARDS = """
    SELECT COUNT(*) FROM temp.chosen CROSS JOIN store.tasks ON tasks.rowid = _row
    JOIN store.task_shards ON uniqc_task_id = task_id
"""


def add_column(table: str, column: str) -> str:
    """Return the statement that adds a column without a type to a table of copies."""
    return f"ALTER TABLE {table} ADD COLUMN {quoted(column)}"


def names(columns: Iterable[str]) -> str:
    """Return a list of columns' names as SQL identifiers."""
    return ", ".join(map(quoted, columns))


def quoted(column: str) -> str:
    """Return a column's name as an SQL identifier: uniqc chose it, and it may be any text."""
    return '"' + column.replace('"', '""') + '"'
