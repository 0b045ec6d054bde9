"""The SQL statements that save tasks, count them, page through them and look one up.

Names of tables and columns are constants, or come from the layout of the file. Values are always
parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from uniqc_store.rows import raw_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_store.database.schema import Layout
    from uniqc_store.query.where import Where

TaskTable = Literal["tasks", "archived_tasks"]

SAVE_TASK = """
    INSERT INTO tasks
        (task_id, backend, status, shots, submit_time, update_time, result_json, metadata_json)
    VALUES
        (:task_id, :backend, :status, :shots, :submit_time, :update_time, :result_json,
         :metadata_json)
    ON CONFLICT(task_id) DO UPDATE SET
        backend = excluded.backend, status = excluded.status, shots = excluded.shots,
        update_time = excluded.update_time, result_json = excluded.result_json,
        metadata_json = excluded.metadata_json
"""
SAVE_ERROR_MESSAGE = "UPDATE tasks SET error_message = :error_message WHERE task_id = :task_id"
DELETE_TASK = "DELETE FROM tasks WHERE task_id = :task_id"
DELETE_WITH_STATUS = "DELETE FROM tasks WHERE status = :status"

# One seek in the index for each distinct value; DISTINCT would read all of the index.
_DISTINCT = """
    WITH RECURSIVE labels(label) AS (
        SELECT MIN({column}) FROM tasks
        UNION ALL
        SELECT (SELECT MIN({column}) FROM tasks WHERE {column} > label) FROM labels
        WHERE label IS NOT NULL
    )
    SELECT label FROM labels WHERE label IS NOT NULL LIMIT :limit
"""
STATUSES = _DISTINCT.format(column="status")
BACKENDS = _DISTINCT.format(column="backend")
COUNT_BY_BACKEND = "SELECT backend, COUNT(*) FROM tasks GROUP BY backend"
# The unary plus keeps SQLite from the index on backend: only tasks of the status are read.
COUNT_STATUS_BY_BACKEND = """
    SELECT backend, COUNT(*) FROM tasks WHERE status IS :status GROUP BY +backend
"""
COUNT_STATUS = "SELECT COUNT(*) FROM tasks WHERE status IS :status"
COUNT_TWINS = """
    SELECT COUNT(*) FROM archived_tasks
    CROSS JOIN tasks ON tasks.task_id = archived_tasks.task_id
"""
# Only ids of this form have had jobs from the beginning. An upgrade made a job for each older task.
# The unary plus: tasks are found by their status. Left alone, SQLite reads every such id; at
# 10^5 tasks, of which 500 are active, that takes 1.1 s instead of 0.01 s.
WITHOUT_JOB = """
    typeof(task_id) = 'text' AND +task_id GLOB 'uqt_*'
    AND instr(metadata_json, '"legacy_platform_id"') = 0
    AND NOT EXISTS (SELECT 1 FROM task_shards WHERE uniqc_task_id = task_id)
"""

COUNT_DOUBLED = f"""
    SELECT COUNT(legacy_id) - COUNT(DISTINCT legacy_id) FROM (
        SELECT metadata_text({raw_text("metadata_json")}, 'legacy_platform_id') AS legacy_id
        FROM tasks
        WHERE instr(metadata_json, '"legacy_platform_id"') > 0
    )
"""
NEWEST_IDS = "SELECT task_id FROM tasks ORDER BY submit_time DESC, rowid DESC LIMIT :limit"
IDS_BELOW = "SELECT task_id FROM tasks WHERE task_id < :task_id ORDER BY task_id DESC LIMIT :limit"
IDS_FROM = "SELECT task_id FROM tasks WHERE task_id >= :task_id ORDER BY task_id LIMIT :limit"

TASK_COLUMNS = (
    "task_id",
    "backend",
    "status",
    "shots",
    "submit_time",
    "update_time",
    "metadata_json",
    "error_message",
    "archived_at",
)


def full_tasks(
    layout: Layout, where: Where, *, table: TaskTable = "tasks", limited: bool = False
) -> str:
    """Return the statement for tasks with their results, newest first."""
    return f"""
        SELECT {columns(layout, table, (*TASK_COLUMNS, "result_json"))}
        FROM {table} {where.sql} ORDER BY submit_time DESC, rowid DESC
        {"LIMIT :limit OFFSET :offset" if limited else ""}
    """


_CURSOR = """
    tasks.rowid AS cursor_rowid, CAST(submit_time AS BLOB) AS cursor_time,
    typeof(submit_time) = 'text' AS cursor_is_text
"""


def page(layout: Layout, where: Where, *, order_by: str) -> str:
    """Return the statement for a page: tasks without their results, and their cursors."""
    return f"""
        SELECT {columns(layout, "tasks", TASK_COLUMNS)}, NULL AS result_bytes, {_CURSOR}
        FROM tasks {where.sql} ORDER BY {order_by} LIMIT :limit
    """


def page_of_rows(layout: Layout, rows: str, where: Where) -> str:
    """Return the statement for a page of given rows, of which no more are looked up than needed.

    SQLite keeps the order of the rows, because it never reorders the tables of a CROSS JOIN.

    Args:
        layout: The tables of the file.
        rows: A statement that selects each ``row_number``.
        where: Conditions on these rows.
    """
    return f"""
        SELECT {columns(layout, "tasks", TASK_COLUMNS)}, NULL AS result_bytes, {_CURSOR}
        FROM ({rows}) CROSS JOIN tasks ON tasks.rowid = row_number {where.sql} LIMIT :limit
    """


LISTED_ROWS = "SELECT value AS row_number FROM json_each(:rows)"
"""The rows of a JSON array of numbers."""


def first_rows_with(walked: Where, label: Where, *, order_by: str) -> str:
    """Return the statement for the first rows with a label, of two indexes alone.

    SQLite finds all rows with the label first, in the label's own index.

    Args:
        walked: Conditions for the index on the submit time.
        label: Conditions for the label's index.
        order_by: The order of the walk.
    """
    return f"""
        SELECT row_number FROM (
            SELECT rowid AS row_number FROM tasks {walked.sql}
            ORDER BY {order_by} LIMIT :width
        ) WHERE row_number IN (SELECT rowid FROM tasks {label.sql}) LIMIT :looked_up
    """


def sorted_rowids(where: Where, *, order_by: str) -> str:
    """Return the statement for the rows of all tasks, in order."""
    return f"SELECT rowid FROM tasks {where.sql} ORDER BY {order_by}"


# Two statements in one: SQLite finds one extreme by a seek, and both together by reading all rows.
ROW_RANGE = "SELECT (SELECT MIN(rowid) FROM tasks), (SELECT MAX(rowid) FROM tasks)"


def rowids(where: Where) -> str:
    """Return the statement for the rows of all tasks, in no order."""
    return f"SELECT rowid FROM tasks {where.sql}"


def touched_rows(where: Where, *, touched: str) -> str:
    """Return the statement for rows with their update times, newest touch first.

    Args:
        where: The rows.
        touched: The update time as a number.
    """
    return f"""
        SELECT {touched} AS moment, rowid AS row_number FROM tasks {where.sql}
        ORDER BY moment DESC, row_number DESC LIMIT :limit
    """


def place_after(where: Where, *, order_by: str) -> str:
    """Return the statement for the cursor after some tasks, of the index alone."""
    return f"""
        SELECT {_CURSOR} FROM tasks {where.sql}
        ORDER BY {order_by} LIMIT 1 OFFSET :skipped
    """


def test_row(where: Where) -> str:
    """Return the statement that tells whether all conditions are true of one row."""
    return f"SELECT {' AND '.join(where.conditions)} FROM tasks WHERE rowid = :row"


def count(where: Where, *, table: TaskTable = "tasks") -> str:
    """Return the statement for a number of tasks."""
    return f"SELECT COUNT(*) FROM {table} {where.sql}"


def ids_of(where: Where) -> str:
    """Return the statement for the ids of some tasks, in no order."""
    return f"SELECT task_id FROM tasks {where.sql} LIMIT :limit"


def count_at_most(where: Where) -> str:
    """Return the statement for a number of tasks that stops at a bound."""
    return f"SELECT COUNT(*) FROM (SELECT 1 FROM tasks {where.sql} LIMIT :bound)"


def places(where: Where, *, table: TaskTable, key: str) -> str:
    """Return the statement for the places of tasks, see ``archive``, and their sort keys."""
    return f"""
        SELECT {key} AS key, 2 * rowid + {int(table == "archived_tasks")} AS place
        FROM {table} {where.sql}
    """


def first_places(selects: Sequence[str], after: Where, *, direction: str) -> str:
    """Return the statement for the first places of several tables after a cursor."""
    return f"""
        SELECT key, place, CAST(key AS BLOB) AS key_bytes, typeof(key) = 'text' AS key_is_text
        FROM ({" UNION ALL ".join(selects)}) {after.sql}
        ORDER BY key {direction}, place {direction} LIMIT :limit
    """


def listed_tasks(layout: Layout, table: TaskTable) -> str:
    """Return the statement for tasks whose rows are listed, in no order."""
    return f"""
        SELECT {columns(layout, table, TASK_COLUMNS)}, NULL AS result_bytes, rowid AS cursor_rowid
        FROM {table} WHERE rowid IN (SELECT value FROM json_each(:rows))
    """


def tally(
    by: Sequence[Literal["status", "backend"]], where: Where, *, table: TaskTable = "tasks"
) -> str:
    """Return the statement for the number of tasks by some columns, or by none."""
    names = "".join(f"{name}, " for name in by)
    grouped = f"GROUP BY {', '.join(by)}" if by else ""
    return f"SELECT {names}COUNT(*) FROM {table} {where.sql} {grouped}"


COMPARED = (
    "task_id",
    "update_time",
    "status",
    "backend",
    "shots",
    "submit_time",
    "metadata_json",
    "result_json",
)
"""The columns that tell if two rows are the same record of a task. Every release has them.

Another record of an id may share its times and its status.
"""


def stored_values(columns: Sequence[str]) -> str:
    """Return a list of columns as they are stored: the type and the bytes of each value."""
    return ", ".join(f"typeof({name}), CAST({name} AS BLOB)" for name in columns)


STORED_TASK = f"SELECT {stored_values(COMPARED)} FROM tasks WHERE task_id = CAST(:task_id AS TEXT)"


def record_digest(layout: Layout) -> str:
    """Return SQL for a digest of a task's row and of its platform jobs, every column of both."""
    values = _digest_values(layout, "tasks")
    if not layout.has("task_shards"):
        return f"row_digest({values})"
    jobs = _digest_values(layout, "task_shards")
    return f"""record_digest((
        SELECT sum_of_digests(row_digest({jobs})) FROM task_shards
        WHERE uniqc_task_id = tasks.task_id
    ), {values})"""


def _digest_values(layout: Layout, table: str) -> str:
    """Return SQL for the values of a row, as ``row_digest`` takes them.

    Text is passed as bytes, because it may not be UTF-8.
    """
    return ", ".join(
        f"CASE typeof({column}) WHEN 'text' THEN CAST({column} AS BLOB) "
        f"WHEN 'blob' THEN hex({column}) ELSE {column} END"
        for column in _quoted(layout, table)
    )


def _quoted(layout: Layout, table: str) -> list[str]:
    """Return the names of all columns of a table, for SQL."""
    return [
        f'{table}."{name.replace(chr(34), 2 * chr(34))}"' for name in sorted(layout.columns(table))
    ]


def digest_of_all(layout: Layout, where: Where) -> str:
    """Return the statement for one digest of tasks and their platform jobs, in any order."""
    return f"SELECT sum_of_digests({record_digest(layout)}) FROM tasks {where.sql}"


def _record_bytes(layout: Layout) -> str:
    """Return SQL for the bytes of a task's row and of its platform jobs, every column of both."""
    size = _row_bytes(layout, "tasks")
    if not layout.has("task_shards"):
        return size
    return f"""{size} + (
        SELECT ifnull(sum({_row_bytes(layout, "task_shards")}), 0) FROM task_shards
        WHERE uniqc_task_id = tasks.task_id
    )"""


def _row_bytes(layout: Layout, table: str) -> str:
    return " + ".join(
        f"ifnull(length(CAST({column} AS BLOB)), 0)" for column in _quoted(layout, table)
    )


def measures(layout: Layout, where: Where, *, names: bool) -> str:
    """Return the statement for the figures of tasks; see ``query.measures``."""
    circuits = "1"
    if layout.has("task_shards"):
        circuits = """ifnull((
            SELECT sum(max(circuit_count, 1)) FROM task_shards WHERE uniqc_task_id = tasks.task_id
        ), 1)"""
    name = f"ifnull(metadata_text({raw_text('metadata_json')}, 'task_name'), '')"
    return f"""
        SELECT task_id, status, backend, shots, {circuits}, submit_time, update_time,
            {name if names else "''"}
        FROM tasks {where.sql}
    """


def planned_rows(layout: Layout, where: Where, *, limited: bool) -> str:
    """Return the statement for the rows of a plan to clear tasks, oldest first.

    A row has its number, its id as stored bytes, the digest and the bytes of its record, its
    status, its backend and its submit time.
    """
    return f"""
        SELECT rowid, CAST(task_id AS BLOB), {record_digest(layout)}, {_record_bytes(layout)},
            status, backend, submit_time
        FROM tasks {where.sql} ORDER BY submit_time, rowid {"LIMIT :limit" if limited else ""}
    """


def columns(layout: Layout, table: str, wanted: Sequence[str]) -> str:
    """Return a list of columns, with NULL in place of one that the file does not have.

    Columns are listed by name: their order differs in files that uniqc upgraded.
    """
    present = layout.columns(table)
    return ", ".join(name if name in present else f"NULL AS {name}" for name in wanted)
