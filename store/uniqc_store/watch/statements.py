"""The SQL of a watch: a few small columns of many tasks, and the shown columns of a few."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_store.query.statements import TaskTable
    from uniqc_store.query.where import Where

# Two subqueries: together, SQLite would not count by its shortcut through the smallest index.
TOTALS = "SELECT (SELECT COUNT(*) FROM tasks), (SELECT MAX(rowid) FROM tasks)"

_FINGERPRINT = "rowid, task_id, status, update_time"

NEWEST = f"SELECT {_FINGERPRINT} FROM tasks ORDER BY submit_time DESC, rowid DESC LIMIT :limit"

# The metadata of a task without a name is not fetched.
_NAMING_JSON = "CASE WHEN instr(metadata_json, '\"task_name\"') > 0 THEN metadata_json END"


def active(where: Where) -> str:
    """Return a query for the fingerprints of some tasks, in any order."""
    return f"SELECT {_FINGERPRINT} FROM tasks {where.sql} LIMIT :limit"


def by_id(ids: Sequence[str]) -> str:
    """Return a query for the fingerprints of the tasks with these ids, each an SQL expression."""
    return f"SELECT {_FINGERPRINT} FROM tasks WHERE task_id IN ({', '.join(ids)})"


def ids_in(table: TaskTable, ids: Sequence[str]) -> str:
    """Return a query for those of the ids that a table has, each an SQL expression."""
    return f"SELECT task_id FROM {table} WHERE task_id IN ({', '.join(ids)})"


def details(columns: frozenset[str]) -> str:
    """Return a query for the shown columns of the rows in ``:rows``, a JSON array of rowids."""
    metadata = _NAMING_JSON if "metadata_json" in columns else "NULL"
    return f"""
        SELECT rowid, backend, status, submit_time, update_time, {metadata} FROM tasks
        WHERE rowid IN (SELECT value FROM json_each(:rows))
    """
