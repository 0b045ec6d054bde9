"""The file of copies, ``cleared.sqlite`` beside the store: what was cleared, and can be put back.

A batch of tasks is copied and removed under one lock of the store: copied and on disk here
first, then removed there. So a process that is killed at any point leaves each task in the
store, or here, or in both, and never in neither. Where it is in both, just so, the copy is
forgotten by :meth:`ClearedFile.settle` at the next start; a copy that differs is kept.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from uniqc_store.clearing import statements as queries
from uniqc_store.database.connection import Access, opened, transaction
from uniqc_store.database.files import identity_of, make_private_file
from uniqc_store.database.schema import has_objects, read_application_id
from uniqc_store.errors import StoreForeignError, StoreNewerError, translated

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator, Iterable, Sequence

CLEARED_FILENAME = "cleared.sqlite"

ReceiptState = Literal["open", "done", "cancelled"]
BatchState = Literal["removed", "restoring"]
"""After ``prepared``, which a batch is from its copying on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One clear, and what of it can still be put back.

    Attributes:
        receipt_id: What :meth:`TaskStore.undo_clear` takes.
        cleared_at: When it began, ISO 8601 in UTC.
        planned: How many tasks were to go.
        state: ``done``; ``cancelled`` part of the way; or ``open``, when it is going on or was
            killed.
        held: How many tasks can be put back.
    """

    receipt_id: str
    cleared_at: str
    planned: int
    state: ReceiptState = "open"
    held: int = 0


class ClearedFile:
    """The copies beside one store. Nothing is open between two calls."""

    def __init__(self, store: Access) -> None:
        self.path = store.path.with_name(CLEARED_FILENAME)
        self._store = store
        self._access = Access(path=self.path, busy_timeout=store.busy_timeout, should_stop=None)

    def receipts(self) -> tuple[Receipt, ...]:
        """All of them, newest first."""
        return tuple(map(_receipt, self._read(queries.RECEIPTS_NEWEST_FIRST)))

    def receipt(self, receipt_id: str) -> Receipt | None:
        """The one of this id."""
        found = self._read(queries.RECEIPT, {"receipt_id": receipt_id})
        return _receipt(found[0]) if found else None

    def batches(self, receipt_id: str) -> list[int]:
        """The numbers of its batches, in order."""
        return [batch for (batch,) in self._read(queries.BATCHES, {"receipt_id": receipt_id})]

    def incomplete(self) -> list[tuple[str, int]]:
        """The batches that somebody was, or is, in the middle of."""
        return [(receipt, batch) for receipt, batch in self._read(queries.UNSETTLED_BATCHES)]

    def end(self, receipt_id: str, state: ReceiptState) -> None:
        """Close a receipt, if anything was copied for it."""
        self._run(queries.END_RECEIPT, {"receipt_id": receipt_id, "state": state})

    def set_batch(self, receipt_id: str, batch: int, state: BatchState) -> None:
        """Take down how far a batch has come."""
        self._run(queries.SET_BATCH, {"receipt_id": receipt_id, "batch": batch, "state": state})

    def copy(self, receipt: Receipt, batch: int, rows: Iterable[int], *, with_shards: bool) -> None:
        """Copy these rows of the store, which the caller has locked, and put them on disk.

        The receipt comes into the file with its first copy, so that none is there without any.
        """
        parameters = {"receipt_id": receipt.receipt_id, "batch": batch}
        with self._open(attach_store=True) as connection:
            connection.execute(queries.MAKE_CHOSEN)
            connection.executemany(queries.CHOOSE, ((row, b"", b"") for row in rows))
            task_columns = _add_columns(connection, "cleared_tasks", "tasks")
            shard_columns: Sequence[str] = ()
            if with_shards:
                shard_columns = _add_columns(connection, "cleared_shards", "task_shards")
            # Not IMMEDIATE: that would ask for the lock on the store that the caller has.
            connection.execute("BEGIN")
            connection.execute(
                queries.BEGIN_RECEIPT,
                {**parameters, "cleared_at": receipt.cleared_at, "planned": receipt.planned},
            )
            connection.execute(queries.BEGIN_BATCH, parameters)
            for statement in queries.FORGET_BATCH_COPIES:
                connection.execute(statement, parameters)
            connection.execute(queries.copy_tasks(task_columns), parameters)
            if shard_columns:
                connection.execute(queries.copy_shards(shard_columns), parameters)
            connection.execute("COMMIT")

    def recover(self, receipt_id: str, batch: int) -> None:
        """Delete the copies of what is in the store unchanged, and a receipt that is then empty.

        The caller has locked the store.
        """
        parameters = {"receipt_id": receipt_id, "batch": batch}
        with self._open(attach_store=True) as connection:
            connection.execute("BEGIN")
            connection.execute(queries.FORGET_SHARDS_IN_STORE, parameters)
            connection.execute(queries.FORGET_TASKS_IN_STORE, parameters)
            connection.execute(queries.SET_BATCH, {**parameters, "state": "removed"})
            connection.execute(queries.FORGET_EMPTY_RECEIPT, parameters)
            connection.execute("COMMIT")

    def forget_before(self, moment: str) -> None:
        """Drop the receipts of clears before a moment, and what they hold."""
        with self._open() as connection:
            with transaction(connection):
                old = connection.execute(queries.OLD_RECEIPTS, {"before": moment}).fetchall()
                for (receipt_id,) in old:
                    for statement in queries.FORGET_RECEIPT:
                        connection.execute(statement, {"receipt_id": receipt_id})
            if old:
                # Not execute(): it steps such a statement once, and each step frees one page.
                connection.executescript("PRAGMA incremental_vacuum")

    def _read(
        self, statement: str, parameters: dict[str, object] | None = None
    ) -> list[tuple[Any, ...]]:
        """Rows; none where there is no file, or nothing in it yet. Nothing is made."""
        if identity_of(self.path) is None:
            return []
        with self._connected("mode=ro") as connection:
            if not self._is_made(connection):
                return []
            return connection.execute(statement, parameters or {}).fetchall()

    def _run(self, statement: str, parameters: dict[str, object]) -> None:
        with self._open() as connection, transaction(connection):
            connection.execute(statement, parameters)

    @contextmanager
    def _open(self, *, attach_store: bool = False) -> Generator[sqlite3.Connection]:
        """A connection that writes, to a file that is made where there is none."""
        make_private_file(self.path)
        with self._connected("mode=rw") as connection:
            # What is about to be removed from the store has to be on disk here.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            if not self._is_made(connection):
                self._make(connection)
            if attach_store:
                uri = f"{self._store.path.as_uri()}?mode=ro"
                connection.execute("ATTACH :uri AS store", {"uri": uri})
            yield connection

    @contextmanager
    def _connected(self, parameters: str) -> Generator[sqlite3.Connection]:
        with (
            translated(self.path, self._access.busy_timeout),
            opened(self._access, parameters) as connection,
        ):
            yield connection

    def _make(self, connection: sqlite3.Connection) -> None:
        # Before the first table and outside a transaction: SQLite ignores it later.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        with transaction(connection):
            # Another process may have been faster.
            if not self._is_made(connection):
                for statement in queries.SCHEMA:
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {queries.APPLICATION_ID:d}")
                connection.execute(f"PRAGMA user_version = {queries.SCHEMA_VERSION:d}")

    def _is_made(self, connection: sqlite3.Connection) -> bool:
        """Return False for a file with nothing in it, and True for one with the tables of copies.

        Runs no statement that writes.

        Raises:
            StoreForeignError: Anything else is in it, be it in the header alone.
            StoreNewerError: A newer release of this package made it.
        """
        blank = not has_objects(connection)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        # Read last: another process may be making the file, and stamps it in one commit.
        found = read_application_id(connection)
        if blank and not version and not found:
            return False
        if found != queries.APPLICATION_ID:
            raise StoreForeignError(
                self.path, "is not a file of cleared tasks; move it away to clear", found=found
            )
        if version > queries.SCHEMA_VERSION:
            raise StoreNewerError(
                self.path, "it is left alone", found=version, known=queries.SCHEMA_VERSION
            )
        return True


def columns_of(connection: sqlite3.Connection, schema: str, table: str) -> list[str]:
    """The columns that a table has, in order."""
    found = connection.execute(queries.COLUMNS, {"table_name": table, "schema_name": schema})
    return [name for (name,) in found]


def _add_columns(connection: sqlite3.Connection, copies: str, source: str) -> Sequence[str]:
    """Give the table of copies all columns of its source, known to this release or not."""
    columns = columns_of(connection, "store", source)
    present = {name.casefold() for name in columns_of(connection, "main", copies)}
    for column in columns:
        if column.casefold() not in present:
            connection.execute(queries.add_column(copies, column))
    return columns


def _receipt(row: tuple[str, str, int, ReceiptState, int]) -> Receipt:
    receipt_id, cleared_at, planned, state, held = row
    return Receipt(
        receipt_id=receipt_id, cleared_at=cleared_at, planned=planned, state=state, held=held
    )
