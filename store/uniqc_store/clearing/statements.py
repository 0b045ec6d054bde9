"""Every SQL statement about cleared tasks: what is planned, copied, removed and put back.

A copy is made and put back inside SQLite, so that no value changes its type or a byte on the
way. The tables of copies have the columns of the tables they are copied from, whichever those
are; ours among them begin with an underscore.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from uniqc_store.query.where import Where

# The rows of a plan or of a batch are handed over in a temporary table.
DROP_CHOSEN = "DROP TABLE IF EXISTS temp.chosen"
MAKE_CHOSEN = """
    CREATE TEMPORARY TABLE chosen (
        _row INTEGER PRIMARY KEY, _id BLOB, _touched BLOB
    )
"""
CHOOSE = "INSERT INTO temp.chosen VALUES (?, ?, ?)"

# Removing, on the store. The same rows are counted, copied and removed under one lock.

_SAME_TASK = "tasks.rowid = _row AND CAST(task_id AS BLOB) IS _id"
_UNCHANGED = f"{_SAME_TASK} AND CAST(update_time AS BLOB) IS _touched"


def still_clearable(where: Where) -> str:
    """The chosen rows that are as they were planned, and that the policy still lets go."""
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
    # The other columns are added as they are met. Without types: see above.
    "CREATE TABLE cleared_tasks (_receipt, _batch, _rowid, task_id)",
    "CREATE TABLE cleared_shards (_receipt, _batch, _rowid, uniqc_task_id)",
    "CREATE INDEX cleared_tasks_idx ON cleared_tasks(_receipt, _batch)",
    "CREATE INDEX cleared_shards_idx ON cleared_shards(_receipt, _batch)",
)

COLUMNS = "SELECT name FROM pragma_table_info(:table_name, :schema_name) ORDER BY cid"
OUR_COLUMNS = frozenset({"_receipt", "_batch", "_rowid"})

# Not only with the first batch: another process may have undone all earlier ones meanwhile.
BEGIN_RECEIPT = """
    INSERT INTO receipts VALUES (:receipt_id, :cleared_at, :planned, 'open')
    ON CONFLICT (receipt_id) DO NOTHING
"""
END_RECEIPT = "UPDATE receipts SET state = :state WHERE receipt_id = :receipt_id"
FORGET_EMPTY_RECEIPT = """
    DELETE FROM receipts WHERE receipt_id = :receipt_id
        AND NOT EXISTS (SELECT 1 FROM cleared_tasks WHERE _receipt = :receipt_id)
"""
BEGIN_BATCH = """
    INSERT INTO batches VALUES (:receipt_id, :batch, 'prepared')
    ON CONFLICT (receipt_id, batch) DO UPDATE SET state = excluded.state
"""
# Nothing where the batch is gone: another process may have recovered or undone it meanwhile.
SET_BATCH = "UPDATE batches SET state = :state WHERE receipt_id = :receipt_id AND batch = :batch"
BATCHES = "SELECT batch FROM batches WHERE receipt_id = :receipt_id ORDER BY batch"
UNSETTLED_BATCHES = """
    SELECT receipt_id, batch FROM batches WHERE state <> 'removed' ORDER BY receipt_id, batch
"""
RECEIPTS = """
    SELECT receipt_id, cleared_at, planned, state,
        (SELECT COUNT(*) FROM cleared_tasks WHERE _receipt = receipt_id)
    FROM receipts
"""
RECEIPTS_NEWEST_FIRST = f"{RECEIPTS} ORDER BY cleared_at DESC, receipt_id"
RECEIPT = f"{RECEIPTS} WHERE receipt_id = :receipt_id"
OLD_RECEIPTS = "SELECT receipt_id FROM receipts WHERE cleared_at < :before"
FORGET_RECEIPT = (
    "DELETE FROM cleared_tasks WHERE _receipt = :receipt_id",
    "DELETE FROM cleared_shards WHERE _receipt = :receipt_id",
    "DELETE FROM receipts WHERE receipt_id = :receipt_id",
)

_OF_BATCH = "_receipt = :receipt_id AND _batch = :batch"
FORGET_BATCH_COPIES = (
    f"DELETE FROM cleared_tasks WHERE {_OF_BATCH}",
    f"DELETE FROM cleared_shards WHERE {_OF_BATCH}",
)

# Copies of what is in the store just so: never removed, or put back. The columns are those that
# every release has; the same times and status alone may stand in another record of this id.
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
FORGET_SHARDS_IN_STORE = f"""
    DELETE FROM cleared_shards WHERE {_OF_BATCH} AND uniqc_task_id IN (
        SELECT task_id FROM cleared_tasks WHERE {_OF_BATCH} AND {_IS_IN_STORE}
    )
"""
FORGET_TASKS_IN_STORE = f"DELETE FROM cleared_tasks WHERE {_OF_BATCH} AND {_IS_IN_STORE}"


def copy_tasks(columns: Iterable[str]) -> str:
    """From the attached ``store``."""
    names = _names(columns)
    return f"""
        INSERT INTO main.cleared_tasks (_receipt, _batch, _rowid, {names})
        SELECT :receipt_id, :batch, tasks.rowid, {names}
        FROM temp.chosen CROSS JOIN store.tasks ON tasks.rowid = _row
    """


def copy_shards(columns: Iterable[str]) -> str:
    """From the attached ``store``, once the tasks are copied."""
    names = _names(columns)
    return f"""
        INSERT INTO main.cleared_shards (_receipt, _batch, _rowid, {names})
        SELECT :receipt_id, :batch, task_shards.rowid, {names} FROM store.task_shards
        WHERE uniqc_task_id IN (SELECT task_id FROM main.cleared_tasks WHERE {_OF_BATCH})
    """


def add_column(table: str, column: str) -> str:
    """Without a type: what is copied keeps the type that it has."""
    return f"ALTER TABLE {table} ADD COLUMN {_quoted(column)}"


# Putting back, on the store, with the file of copies attached as ``cleared``


def choose_absent(*, with_archive: bool) -> str:
    """The tasks of a batch that are not there again: not in the store, nor in uniqc's archive."""
    places = ("tasks", "archived_tasks") if with_archive else ("tasks",)
    absent = " AND ".join(
        f"NOT EXISTS (SELECT 1 FROM main.{place} AS live WHERE live.task_id IS copies.task_id)"
        for place in places
    )
    return f"""
        INSERT INTO temp.absent
        SELECT copies.rowid FROM cleared.cleared_tasks AS copies WHERE {_OF_BATCH} AND {absent}
    """


DROP_ABSENT = "DROP TABLE IF EXISTS temp.absent"
MAKE_ABSENT = "CREATE TEMPORARY TABLE absent (copy_id INTEGER PRIMARY KEY)"


# In their old places where those are free. The highest come first: what gets a new place then
# gets one beyond all old ones.
def _place(table: str) -> str:
    return f"""
        CASE WHEN EXISTS (SELECT 1 FROM main.{table} AS live WHERE live.rowid = _rowid)
        THEN NULL ELSE _rowid END
    """


def restore_tasks(columns: Iterable[str]) -> str:
    """Those that were chosen."""
    names = _names(columns)
    return f"""
        INSERT INTO main.tasks (rowid, {names}) SELECT {_place("tasks")}, {names}
        FROM cleared.cleared_tasks AS copies JOIN temp.absent ON copies.rowid = copy_id
        ORDER BY _rowid DESC
    """


def restore_shards(columns: Iterable[str]) -> str:
    """Those of the tasks that are put back."""
    names = _names(columns)
    return f"""
        INSERT OR IGNORE INTO main.task_shards (rowid, {names})
        SELECT {_place("task_shards")}, {names} FROM cleared.cleared_shards
        WHERE {_OF_BATCH} AND uniqc_task_id IN (
            SELECT task_id FROM cleared.cleared_tasks AS copies
            JOIN temp.absent ON copies.rowid = copy_id
        )
        ORDER BY _rowid DESC
    """


def any_value(table: str, columns: Iterable[str]) -> str:
    """Whether a batch holds anything at all in these columns."""
    held = " OR ".join(f"{_quoted(column)} IS NOT NULL" for column in columns)
    return f"SELECT 1 FROM cleared.{table} WHERE {_OF_BATCH} AND ({held}) LIMIT 1"


def _names(columns: Iterable[str]) -> str:
    return ", ".join(map(_quoted, columns))


def _quoted(column: str) -> str:
    """A column of somebody else's file: it may have any name."""
    return '"' + column.replace('"', '""') + '"'
