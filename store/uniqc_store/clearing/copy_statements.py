"""The SQL statements that read the copies of cleared tasks, without changing any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from uniqc_store.clearing.statements import COPY_COLUMNS, names, quoted
from uniqc_store.query.statements import TASK_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


CopyTable = Literal["cleared_tasks", "cleared_shards"]

# The rowid makes the order total; it stays when other copies of the batch are put back.
_ORDER = "_batch, copies.rowid"
_NOT_EXCLUDED = "copies.rowid NOT IN (SELECT value FROM json_each(:excluded))"


def page(present: Collection[str]) -> str:
    """Return the statement for a page of a receipt's tasks, without their results.

    Args:
        present: The columns that the table of copies has.
    """
    columns = ", ".join(
        f"copies.{name} AS {name}" if name in present else f"NULL AS {name}"
        for name in TASK_COLUMNS
    )
    return f"""
        SELECT {columns}, NULL AS result_bytes, _batch, copies.rowid AS copy_id
        FROM cleared_tasks AS copies
        WHERE _receipt = :receipt_id AND ({_ORDER}) > (:batch, :copy_id) AND {_NOT_EXCLUDED}
        ORDER BY {_ORDER} LIMIT :limit
    """


BY_ID = """
    SELECT copies.rowid AS copy_id, task_id, _receipt
    FROM cleared_tasks AS copies JOIN receipts ON receipt_id = _receipt
    WHERE typeof(task_id) = 'text' AND task_id >= :reference AND task_id < :reference_end
    ORDER BY task_id <> :reference, task_id, cleared_at DESC, receipt_id LIMIT :limit
"""
BY_PLATFORM_ID = """
    SELECT DISTINCT copies.rowid AS copy_id, task_id, copies._receipt
    FROM cleared_shards AS jobs JOIN cleared_tasks AS copies
        ON copies._receipt = jobs._receipt AND copies._batch = jobs._batch
        AND task_id = uniqc_task_id
    JOIN receipts ON receipt_id = copies._receipt
    WHERE jobs.platform_task_id = :reference
    ORDER BY task_id, cleared_at DESC, receipt_id LIMIT :limit
"""
OF_TASK = "cleared_tasks.rowid = :copy_id"
OF_JOBS = """
    (_receipt, _batch, uniqc_task_id) IN (
        SELECT _receipt, _batch, task_id FROM cleared_tasks WHERE rowid = :copy_id
    ) ORDER BY _rowid
"""


def stored_columns(columns: Iterable[str]) -> list[str]:
    """Return the columns that were copied from the store, in order."""
    return [name for name in columns if name not in COPY_COLUMNS]


def stored_rows(table: CopyTable, columns: Iterable[str], condition: str) -> str:
    """Return the statement for rows of copies: the type, and the value or the bytes of text."""
    values = ", ".join(
        f"typeof({name}), CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) ELSE {name} END"
        for name in map(quoted, columns)
    )
    return f"SELECT {values} FROM {table} WHERE {condition}"


def create(table: str, columns: Iterable[str]) -> str:
    """Return the statement that creates a table without declared types."""
    return f"CREATE TABLE {table} ({names(columns)})"


def insert(table: str, columns: Collection[str]) -> str:
    """Return the statement that inserts a row of :func:`stored_rows`, exactly as it was stored."""
    values = ", ".join(
        f"CASE ?{2 * place + 1} WHEN 'text' THEN CAST(?{2 * place + 2} AS TEXT) "
        f"ELSE ?{2 * place + 2} END"
        for place in range(len(columns))
    )
    return f"INSERT INTO {table} VALUES ({values})"
