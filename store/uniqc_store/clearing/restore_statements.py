"""The SQL statements that put copies back into the store.

The file of copies is attached as ``cleared``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uniqc_store.clearing.statements import OF_BATCH, names, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

DROP_ABSENT = "DROP TABLE IF EXISTS temp.absent"
MAKE_ABSENT = "CREATE TEMPORARY TABLE absent (copy_id INTEGER PRIMARY KEY)"


# Whatever uniqc's archive holds: it had some ids already when they were cleared.
CHOOSE_ABSENT = f"""
    INSERT INTO temp.absent
    SELECT copies.rowid FROM cleared.cleared_tasks AS copies WHERE {OF_BATCH}
        AND NOT EXISTS (SELECT 1 FROM main.tasks AS live WHERE live.task_id IS copies.task_id)
"""


def restore_tasks(columns: Iterable[str]) -> str:
    """Return the statement that inserts the chosen copies into the store."""
    listed = names(columns)
    return f"""
        INSERT INTO main.tasks (rowid, {listed}) SELECT {_free_rowid("tasks")}, {listed}
        FROM cleared.cleared_tasks AS copies JOIN temp.absent ON copies.rowid = copy_id
        ORDER BY _rowid DESC
    """


def restore_shards(columns: Iterable[str]) -> str:
    """Return the statement that inserts the platform jobs of the chosen copies."""
    listed = names(columns)
    return f"""
        INSERT OR IGNORE INTO main.task_shards (rowid, {listed})
        SELECT {_free_rowid("task_shards")}, {listed} FROM cleared.cleared_shards
        WHERE {OF_BATCH} AND uniqc_task_id IN (
            SELECT task_id FROM cleared.cleared_tasks AS copies
            JOIN temp.absent ON copies.rowid = copy_id
        )
        ORDER BY _rowid DESC
    """


def any_value(table: str, columns: Iterable[str]) -> str:
    """Return the statement that finds a row of a batch with a value in one of these columns."""
    held = " OR ".join(f"{quoted(column)} IS NOT NULL" for column in columns)
    return f"SELECT 1 FROM cleared.{table} WHERE {OF_BATCH} AND ({held}) LIMIT 1"


def _free_rowid(table: str) -> str:
    """Return the expression for the old rowid, or NULL if it is taken, for a new one.

    The highest rowid has to be inserted first: a new one is then beyond all old ones.
    """
    return f"""
        CASE WHEN EXISTS (SELECT 1 FROM main.{table} AS live WHERE live.rowid = _rowid)
        THEN NULL ELSE _rowid END
    """
