"""Every SQL statement.

Names of tables and columns come from here and from what a file was found to have; values are
always parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from uniqc_store.rows import raw_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_store.database.schema import Layout
    from uniqc_store.query.where import Where

TaskTable = Literal["tasks", "archived_tasks"]
ShardTable = Literal["task_shards", "archived_task_shards"]

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

# One seek in the index for each label, where DISTINCT would read all of it.
_LABELS = """
    WITH RECURSIVE labels(label) AS (
        SELECT MIN({column}) FROM tasks
        UNION ALL
        SELECT (SELECT MIN({column}) FROM tasks WHERE {column} > label) FROM labels
        WHERE label IS NOT NULL
    )
    SELECT label FROM labels WHERE label IS NOT NULL LIMIT :limit
"""
STATUSES = _LABELS.format(column="status")
BACKENDS = _LABELS.format(column="backend")
COUNT_BY_BACKEND = "SELECT backend, COUNT(*) FROM tasks GROUP BY backend"
# The index that is walked is that of the status: the plus keeps the planner from the other.
COUNT_STATUS_BY_BACKEND = """
    SELECT backend, COUNT(*) FROM tasks WHERE status IS :status GROUP BY +backend
"""
COUNT_STATUS = "SELECT COUNT(*) FROM tasks WHERE status IS :status"
COUNT_BACKEND = "SELECT COUNT(*) FROM tasks WHERE backend IS :backend"
# As good as a count, in no time: rows are numbered upwards.
HIGHEST_ROW = "SELECT ifnull(MAX(rowid), 0) FROM tasks"
COUNT_ARCHIVED = "SELECT COUNT(*) FROM archived_tasks"

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

_TASK_COLUMNS = (
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
_SHARD_COLUMNS = (
    "uniqc_task_id",
    "shard_index",
    "platform_task_id",
    "backend",
    "circuit_count",
    "sub_index_offset",
    "status",
    "error_message",
    "submit_time",
    "update_time",
)


def full_tasks(
    layout: Layout, where: Where, *, table: TaskTable = "tasks", limited: bool = False
) -> str:
    """Tasks with their results, newest first."""
    return f"""
        SELECT {_columns(layout, table, (*_TASK_COLUMNS, "result_json"))}
        FROM {table} {where.sql} ORDER BY submit_time DESC, rowid DESC
        {"LIMIT :limit" if limited else ""}
    """


_PLACE = """
    tasks.rowid AS cursor_rowid, CAST(submit_time AS BLOB) AS cursor_time,
    typeof(submit_time) = 'text' AS cursor_is_text
"""


def page(layout: Layout, where: Where, *, order_by: str) -> str:
    """Tasks without their results, newest first, and what a cursor needs of each."""
    return f"""
        SELECT {_columns(layout, "tasks", _TASK_COLUMNS)}, NULL AS result_bytes, {_PLACE}
        FROM tasks {where.sql} ORDER BY {order_by} DESC, rowid DESC LIMIT :limit
    """


def page_of_chosen(layout: Layout, chosen: str, where: Where) -> str:
    """The same of rows that a query chooses, of which no more are looked up than fill the page."""
    return f"""
        SELECT {_columns(layout, "tasks", _TASK_COLUMNS)}, NULL AS result_bytes, {_PLACE}
        FROM ({chosen}) AS chosen CROSS JOIN tasks ON tasks.rowid = chosen.row_number
        {where.sql} LIMIT :limit
    """


ROWS_OF = "SELECT value AS row_number FROM json_each(:rows)"
"""Rows that are known, given as a JSON array."""


def highest_rows(where: Where, *, by_ranges: bool) -> str:
    """Rows below one, from the highest number down, of the index of a label alone.

    It has the rows of each label in order, but not those of a range of labels: there the unary
    plus keeps SQLite from going through the rows themselves.
    """
    row = "+rowid" if by_ranges else "rowid"
    below = f"{where.sql} AND {row} < :above"
    return f"SELECT rowid AS row_number FROM tasks {below} ORDER BY {row} DESC LIMIT :highest"


def rows_in_order(where: Where, *, order_by: str) -> str:
    """Which rows there are, newest first."""
    return f"SELECT rowid FROM tasks {where.sql} ORDER BY {order_by} DESC, rowid DESC"


def place_after(where: Where) -> str:
    """Where one is that so many tasks further on; of the index alone."""
    return f"""
        SELECT {_PLACE} FROM tasks {where.sql}
        ORDER BY submit_time DESC, rowid DESC LIMIT 1 OFFSET :width
    """


def is_so(where: Where) -> str:
    """Whether the conditions are true of one row."""
    return f"SELECT {' AND '.join(where.conditions)} FROM tasks WHERE rowid = :row"


def count(where: Where) -> str:
    return f"SELECT COUNT(*) FROM tasks {where.sql}"


def rows_at_most(where: Where) -> str:
    """Some of the rows there are, in no order."""
    return f"SELECT rowid FROM tasks {where.sql} LIMIT :bound"


def count_at_most(where: Where) -> str:
    """A count that ends at a bound."""
    return f"SELECT COUNT(*) FROM (SELECT 1 FROM tasks {where.sql} LIMIT :bound)"


def tally(by: Sequence[Literal["status", "backend"]], where: Where) -> str:
    names = "".join(f"{name}, " for name in by)
    grouped = f"GROUP BY {', '.join(by)}" if by else ""
    return f"SELECT {names}COUNT(*) FROM tasks {where.sql} {grouped}"


def planned_rows(where: Where, *, limited: bool) -> str:
    """What identifies each row as it is now, and its size; oldest first.

    As bytes, whatever is stored, so that nothing is lost in comparing it again.
    """
    return f"""
        SELECT rowid, CAST(task_id AS BLOB), CAST(update_time AS BLOB),
            ifnull(length(CAST(result_json AS BLOB)), 0)
                + ifnull(length(CAST(metadata_json AS BLOB)), 0),
            status, backend, submit_time
        FROM tasks {where.sql} ORDER BY submit_time, rowid {"LIMIT :limit" if limited else ""}
    """


def record(layout: Layout, table: TaskTable) -> str:
    """One task without its result."""
    return f"""
        SELECT {_columns(layout, table, _TASK_COLUMNS)}, NULL AS result_bytes
        FROM {table} WHERE rowid = :row
    """


def result(table: TaskTable) -> str:
    return f"SELECT result_json FROM {table} WHERE rowid = :row"


def shards(layout: Layout, table: TaskTable) -> str:
    """The shards of a task in order, without their results."""
    jobs = shard_table(table)
    return f"""
        SELECT {_columns(layout, jobs, _SHARD_COLUMNS)}, NULL AS result_json FROM {jobs}
        WHERE uniqc_task_id = (SELECT task_id FROM {table} WHERE rowid = :row)
        ORDER BY shard_index
    """


ROW_IS = "rowid = :row"
TASK_IS = "task_id = :reference"
TASK_BEGINS = "task_id >= :reference AND task_id < :reference_end"
# As uniqc's upgrade to version 5 writes it; a scan.
TASK_HAD_ID = "instr(metadata_json, :legacy_entry) > 0"
PLATFORM_TASK_IS = "platform_task_id = :reference"
PLATFORM_TASK_BEGINS = "platform_task_id >= :reference AND platform_task_id < :reference_end"


def ids(table: TaskTable, condition: str) -> str:
    return f"SELECT rowid, task_id FROM {table} WHERE {condition} ORDER BY task_id LIMIT :limit"


def ids_by_shard(table: TaskTable, condition: str) -> str:
    """Tasks by a condition on their shards. A shard whose task is gone counts for nothing."""
    return f"""
        SELECT DISTINCT {table}.rowid, task_id
        FROM {shard_table(table)} JOIN {table} ON task_id = uniqc_task_id
        WHERE {condition} ORDER BY task_id LIMIT :limit
    """


def shard_table(table: TaskTable) -> ShardTable:
    return "task_shards" if table == "tasks" else "archived_task_shards"


def _columns(layout: Layout, table: str, wanted: Sequence[str]) -> str:
    """A column list in which a column that the file does not have reads as NULL.

    By name, as in files that were upgraded the order of the columns differs.
    """
    present = layout.columns(table)
    return ", ".join(name if name in present else f"NULL AS {name}" for name in wanted)
