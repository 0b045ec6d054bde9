"""The SQL statements that find one task by an id, and read what the file has of it.

Names of tables and columns are constants, or come from the layout of the file. Values are always
parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from uniqc_store.query.statements import TASK_COLUMNS, TaskTable, columns

if TYPE_CHECKING:
    from uniqc_store.database.schema import Layout


ShardTable = Literal["task_shards", "archived_task_shards"]

_AMONG = """
    SELECT {table}.task_id FROM json_each(:task_ids) CROSS JOIN {table} ON {table}.task_id = value
"""
LIVE_AMONG = _AMONG.format(table="tasks")
ARCHIVED_AMONG = _AMONG.format(table="archived_tasks")

ARCHIVED_TWIN = """
    SELECT archived_tasks.rowid, archived_tasks.task_id
    FROM tasks CROSS JOIN archived_tasks ON archived_tasks.task_id = tasks.task_id
    WHERE tasks.rowid = :row
"""

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


def record(layout: Layout, table: TaskTable) -> str:
    """Return the statement for one task without its result."""
    return f"""
        SELECT {columns(layout, table, TASK_COLUMNS)}, NULL AS result_bytes
        FROM {table} WHERE rowid = :row
    """


def result(table: TaskTable) -> str:
    """Return the statement for the result of one task."""
    return f"SELECT result_json FROM {table} WHERE rowid = :row"


def shards(layout: Layout, table: TaskTable) -> str:
    """Return the statement for the shards of one task in order; see ``_shard_columns``."""
    shards_of = shard_table(table)
    return f"""
        SELECT {_shard_columns(layout, shards_of)} FROM {shards_of}
        WHERE uniqc_task_id = (SELECT task_id FROM {table} WHERE rowid = :row)
        ORDER BY shard_index
    """


def shards_of_tasks(layout: Layout) -> str:
    """Return the statement for the shards of live tasks, whose ids are a JSON array."""
    return f"""
        SELECT {_shard_columns(layout, "task_shards")} FROM json_each(:task_ids)
        CROSS JOIN task_shards ON uniqc_task_id = value
        ORDER BY uniqc_task_id, shard_index
    """


def shard_rowids(table: TaskTable) -> str:
    """Return the statement for the row numbers of one task's shards."""
    return f"""
        SELECT rowid FROM {shard_table(table)}
        WHERE uniqc_task_id = (SELECT task_id FROM {table} WHERE rowid = :row)
    """


def shard_results(table: TaskTable) -> str:
    """Return the statement for the results of one task's shards, in the order of `shards`."""
    return f"""
        SELECT result_json FROM {shard_table(table)}
        WHERE uniqc_task_id = (SELECT task_id FROM {table} WHERE rowid = :row)
        ORDER BY shard_index
    """


def shard_result_starts(table: TaskTable) -> str:
    """Return the statement for the first characters of the results of one task's shards."""
    return f"""
        SELECT shard_index, substr(ltrim(result_json, ' ' || char(9, 10, 13)), 1, 1)
        FROM {shard_table(table)}
        WHERE uniqc_task_id = (SELECT task_id FROM {table} WHERE rowid = :row)
            AND typeof(result_json) = 'text' AND typeof(shard_index) = 'integer'
    """


ROW_IS = "rowid = :row"

TASK_IS = "task_id = :reference"

TASK_BEGINS = "task_id >= :reference AND task_id < :reference_end"

# The entry is as uniqc's upgrade to schema version 5 writes it. No index: every task is read.
TASK_HAD_ID = "instr(metadata_json, :legacy_entry) > 0"

PLATFORM_TASK_IS = "platform_task_id = :reference"

PLATFORM_TASK_BEGINS = "platform_task_id >= :reference AND platform_task_id < :reference_end"


def ids(table: TaskTable, condition: str) -> str:
    """Return the statement for the rows and ids of tasks."""
    return f"SELECT rowid, task_id FROM {table} WHERE {condition} ORDER BY task_id LIMIT :limit"


def ids_by_shard(table: TaskTable, condition: str) -> str:
    """Return the statement for the rows and ids of tasks by a condition on their shards.

    A shard whose task no longer exists is left out.
    """
    return f"""
        SELECT DISTINCT {table}.rowid, task_id
        FROM {shard_table(table)} JOIN {table} ON task_id = uniqc_task_id
        WHERE {condition} ORDER BY task_id LIMIT :limit
    """


def shard_table(table: TaskTable) -> ShardTable:
    """Return the table with the shards of a table's tasks."""
    return "task_shards" if table == "tasks" else "archived_task_shards"


_MAX_PAYLOAD_BYTES = 2**20
"""The largest result that is read for the reason of a failure: an answer with a long traceback."""

_MAX_SHORT_ERROR = 60
"""Characters of an error that says so little that the result of the job may say more."""


def _shard_columns(layout: Layout, table: ShardTable) -> str:
    """Return the columns of shards: the result of failed ones only, where it is short.

    ``has_result`` is computed from the type, so that SQLite reads no result for it.
    """
    payload = f"""
        CASE WHEN status IN ('failed', 'cancelled')
            AND (ifnull(length(error_message), 0) <= {_MAX_SHORT_ERROR}
                OR instr(lower(error_message), 'cancel') > 0)
            AND length(CAST(result_json AS BLOB)) <= {_MAX_PAYLOAD_BYTES}
        THEN result_json END AS result_json
    """
    has_result = "typeof(result_json) <> 'null' AS has_result"
    return f"{columns(layout, table, _SHARD_COLUMNS)}, {payload}, {has_result}"


SHORT_RESULTS = f"""
    SELECT task_id, result_json FROM json_each(:task_ids)
    CROSS JOIN tasks ON task_id = value
    WHERE typeof(result_json) = 'text'
        AND length(CAST(result_json AS BLOB)) <= {_MAX_PAYLOAD_BYTES}
"""
