"""The SQL of a watch: a few small columns of many tasks, and all that is told of a few."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_store.query.statements import TaskTable
    from uniqc_store.query.where import Where

# Each by itself: together, SQLite would not count by its shortcut through the smallest index.
TOTALS = "SELECT (SELECT COUNT(*) FROM tasks), (SELECT MAX(rowid) FROM tasks)"

_MARK = "rowid, task_id, status, update_time"

NEWEST = f"SELECT {_MARK} FROM tasks ORDER BY submit_time DESC, rowid DESC LIMIT :limit"

# Tasks without a name are told apart without fetching their JSON.
_NAMING_JSON = "CASE WHEN instr(metadata_json, '\"task_name\"') > 0 THEN metadata_json END"

TEXT_PLACE = "CAST(? AS TEXT)"
"""The place of an id that is handed over as the bytes of a text, which need not be UTF-8."""

PLACE = "?"


def active(where: Where) -> str:
    return f"SELECT {_MARK} FROM tasks {where.sql} LIMIT :limit"


def by_id(places: Sequence[str]) -> str:
    return f"SELECT {_MARK} FROM tasks WHERE task_id IN ({', '.join(places)})"


def ids_in(table: TaskTable, places: Sequence[str]) -> str:
    """Those of some ids that a table has."""
    return f"SELECT task_id FROM {table} WHERE task_id IN ({', '.join(places)})"


def details(columns: frozenset[str], rows: int) -> str:
    """What is told of some tasks, by their rows."""
    metadata = _NAMING_JSON if "metadata_json" in columns else "NULL"
    return f"""
        SELECT rowid, backend, status, submit_time, update_time, {metadata} FROM tasks
        WHERE rowid IN ({", ".join([PLACE] * rows)})
    """
