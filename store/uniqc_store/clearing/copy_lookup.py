"""One cleared task by an id, and its copy as a store of this one task."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from uniqc_store import rows
from uniqc_store.clearing import copy_statements
from uniqc_store.clearing.backup import ClearedFile, Receipt, columns_of
from uniqc_store.database.connection import Session, fetch_rows, opened_in_memory
from uniqc_store.database.schema import NEWEST_RELEASED_SCHEMA, Layout, read_layout
from uniqc_store.query.lookup import MAX_MATCHES, SHORTEST_PREFIX

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Generator, Mapping, Sequence

    from uniqc_store.clearing.copy_statements import CopyTable
    from uniqc_store.snapshot import StoreState

_WITHOUT_JOBS: Final = 3
"""The newest schema without a table of platform jobs."""

_MAX_COPIES_FOUND: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearedMatch:
    """A cleared task that an id stands for.

    Attributes:
        task_id: uniqc's id.
        receipt: The latest clear of a task with this id.
        copy_id: The row of its copy.
        others: Number of earlier copies with the same id, under other receipts.
    """

    task_id: str
    receipt: Receipt
    copy_id: int
    others: int


class StoredRows(NamedTuple):
    """Rows of copies: the columns of the store, and the type and value of each in turn."""

    columns: list[str]
    rows: list[tuple[object, ...]]


def find(
    connection: sqlite3.Connection,
    reference: str,
    *,
    whole: bool,
    but: Collection[int] = (),
) -> tuple[ClearedMatch, ...]:
    """Return the cleared tasks that an id stands for; see ``ClearedTasks.find``.

    Args:
        connection: The file of copies.
        reference: The id.
        whole: True to search whole ids of uniqc's only.
        but: Rows of copies that do not count.
    """
    prefix = not whole and len(reference) >= SHORTEST_PREFIX
    parameters: dict[str, object] = {
        "reference": reference,
        # The highest code point ends the range of all texts that begin like this.
        "reference_end": reference + ("\U0010ffff" if prefix else "\0"),
        "limit": _MAX_COPIES_FOUND,
    }
    found = fetch_rows(connection, copy_statements.BY_ID, parameters)
    if exact := [row for row in found if row["task_id"] == reference]:
        found = exact
    if not found and not whole and _has_platform_ids(connection):
        found = fetch_rows(connection, copy_statements.BY_PLATFORM_ID, parameters)
    by_id: dict[str, list[sqlite3.Row]] = {}
    for row in (row for row in found if row["copy_id"] not in but):
        by_id.setdefault(row["task_id"], []).append(row)
    return tuple(_match(connection, copies) for copies in list(by_id.values())[:MAX_MATCHES])


def _has_platform_ids(connection: sqlite3.Connection) -> bool:
    return "platform_task_id" in columns_of(connection, "main", "cleared_shards")


def _match(connection: sqlite3.Connection, copies: Sequence[sqlite3.Row]) -> ClearedMatch:
    newest = copies[0]
    return ClearedMatch(
        task_id=rows.readable(newest["task_id"])[0],
        receipt=ClearedFile.receipt_in(connection, newest["_receipt"]),
        copy_id=newest["copy_id"],
        others=len(copies) - 1,
    )


def stored(connection: sqlite3.Connection, copy_id: int) -> dict[CopyTable, StoredRows]:
    """Return the columns and the rows, as stored, of a task and of its jobs."""
    parts: tuple[tuple[CopyTable, str], ...] = (
        ("cleared_tasks", copy_statements.OF_TASK),
        ("cleared_shards", copy_statements.OF_JOBS),
    )
    found: dict[CopyTable, StoredRows] = {}
    for table, condition in parts:
        columns = copy_statements.stored_columns(columns_of(connection, "main", table))
        statement = copy_statements.stored_rows(table, columns, condition)
        values = connection.execute(statement, {"copy_id": copy_id}).fetchall()
        found[table] = StoredRows(columns, values)
    return found


@contextmanager
def opened_store(copies: Mapping[CopyTable, StoredRows], state: StoreState) -> Generator[Session]:
    """Open a store in memory with these rows, byte for byte; without jobs if none were copied.

    Args:
        copies: From :func:`stored`.
        state: The store, whose schema tells which releases may have written the rows.
    """
    tables: dict[CopyTable, str] = {"cleared_tasks": "tasks", "cleared_shards": "task_shards"}
    with opened_in_memory() as connection:
        for source, table in tables.items():
            columns, values = copies[source]
            if len(columns) > 1:  # the file of copies is made with the id alone
                connection.execute(copy_statements.create(table, columns))
                connection.executemany(copy_statements.insert(table, columns), values)
        found = read_layout(connection)
        layout = Layout(version=_schema_version(state, found), tables=found.tables)
        yield Session(connect=lambda: connection, layout=layout, exists=True)


def _schema_version(state: StoreState, found: Layout) -> int:
    """Return the schema that the store had, as far as that is known, when the task was cleared."""
    known = state.exists and not state.blank
    version = state.schema_version if known else NEWEST_RELEASED_SCHEMA
    return version if found.has("task_shards") else min(version, _WITHOUT_JOBS)
