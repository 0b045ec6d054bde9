"""The file of copies, ``cleared.sqlite`` beside the store: the tasks that can be put back.

Which step comes before which is told in :mod:`uniqc_store.clearing.commit`.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from uniqc_store.clearing import statements
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
"""State that follows ``prepared``, the state of a batch whose copies were just made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A clear, and how much of it can still be put back.

    Attributes:
        receipt_id: The argument of :meth:`TaskStore.undo_clear`.
        cleared_at: Time at which it began, ISO 8601 in UTC.
        planned: Number of tasks in its plan.
        state: ``done``; ``cancelled``, if it ended early; or ``open``, while it goes on and after
            it was killed.
        held: Number of tasks that can be put back.
    """

    receipt_id: str
    cleared_at: str
    planned: int
    state: ReceiptState = "open"
    held: int = 0


class ClearedFile:
    """The file of copies beside one store. No connection stays open between two calls.

    Every method raises :class:`StoreError` if the file can't be used, and leaves a file that
    another program or a newer release made as it is.

    Args:
        store: The store that the copies are made of.
    """

    def __init__(self, store: Access) -> None:
        """Name the file; it is opened and, where something is copied, created later."""
        self.path = store.path.with_name(CLEARED_FILENAME)
        self._store = store
        self._access = Access(path=self.path, busy_timeout=store.busy_timeout, should_stop=None)

    def receipts(self) -> tuple[Receipt, ...]:
        """Return all receipts, newest first."""
        return tuple(map(_receipt, self._read(statements.RECEIPTS_NEWEST_FIRST)))

    def receipt(self, receipt_id: str) -> Receipt | None:
        """Return the receipt with this id."""
        found = self._read(statements.RECEIPT, {"receipt_id": receipt_id})
        return _receipt(found[0]) if found else None

    def batches(self, receipt_id: str) -> list[int]:
        """Return the numbers of a receipt's batches, in order."""
        return [batch for (batch,) in self._read(statements.BATCHES, {"receipt_id": receipt_id})]

    def incomplete(self) -> list[tuple[str, int]]:
        """Return receipt and number of each batch that a process is, or was killed, at."""
        return [(receipt, batch) for receipt, batch in self._read(statements.INCOMPLETE_BATCHES)]

    def copy(self, receipt: Receipt, batch: int, rows: Iterable[int], *, with_shards: bool) -> None:
        """Copy tasks with their platform jobs, and return once the copies are on disk.

        The caller holds the lock on the store. A copy that was made of this batch before is
        replaced. A receipt is written with its first copy, so that no receipt is ever empty.

        Args:
            receipt: The clear that the batch belongs to.
            batch: Its number there.
            rows: The rowids of the tasks.
            with_shards: True if the store has a table of platform jobs.
        """
        with self._opened_to_write(attach_store=True) as connection:
            connection.execute(statements.MAKE_CHOSEN)
            connection.executemany(statements.CHOOSE, ((row, b"", b"") for row in rows))
            task_columns = _add_columns(connection, "cleared_tasks", "tasks")
            shard_columns: Sequence[str] = ()
            if with_shards:
                shard_columns = _add_columns(connection, "cleared_shards", "task_shards")
            parameters = {
                "receipt_id": receipt.receipt_id,
                "cleared_at": receipt.cleared_at,
                "planned": receipt.planned,
                "batch": batch,
            }
            # Not IMMEDIATE, which would wait for the lock on the store that the caller holds.
            connection.execute("BEGIN")
            for statement in statements.BEGIN_BATCH:
                connection.execute(statement, parameters)
            connection.execute(statements.copy_tasks(task_columns), parameters)
            if shard_columns:
                connection.execute(statements.copy_shards(shard_columns), parameters)
            connection.execute("COMMIT")

    def set_batch_state(self, receipt_id: str, batch: int, state: BatchState) -> None:
        """Write the state of a batch, unless another process has deleted the batch."""
        self._write(
            statements.SET_BATCH_STATE, {"receipt_id": receipt_id, "batch": batch, "state": state}
        )

    def end(self, receipt_id: str, state: ReceiptState) -> None:
        """Write the final state of a receipt, if there is one."""
        self._write(statements.END_RECEIPT, {"receipt_id": receipt_id, "state": state})

    def recover(self, receipt_id: str, batch: int) -> None:
        """Delete the copies of tasks that are in the store unchanged, and a receipt that is empty.

        The caller holds the lock on the store. A copy that differs from the store's task is kept.
        """
        parameters = {"receipt_id": receipt_id, "batch": batch}
        with self._opened_to_write(attach_store=True) as connection:
            # Not IMMEDIATE: see copy.
            connection.execute("BEGIN")
            for statement in statements.RECOVER_BATCH:
                connection.execute(statement, parameters)
            connection.execute("COMMIT")

    def delete_before(self, moment: str) -> None:
        """Delete the receipts of clears that began before a moment, with their copies."""
        with self._opened_to_write() as connection:
            with transaction(connection):
                old = connection.execute(statements.OLD_RECEIPTS, {"before": moment}).fetchall()
                for (receipt_id,) in old:
                    for statement in statements.DELETE_RECEIPT:
                        connection.execute(statement, {"receipt_id": receipt_id})
            if old:
                # Not execute(): it steps such a statement once, and each step frees one page.
                connection.executescript("PRAGMA incremental_vacuum")

    def _read(
        self, statement: str, parameters: dict[str, object] | None = None
    ) -> list[tuple[Any, ...]]:
        """Return rows; none if there is no file, or nothing in it. No file is created."""
        if identity_of(self.path) is None:
            return []
        with self._connected("mode=ro") as connection:
            if not self._has_tables(connection):
                return []
            return connection.execute(statement, parameters or {}).fetchall()

    def _write(self, statement: str, parameters: dict[str, object]) -> None:
        with self._opened_to_write() as connection, transaction(connection):
            connection.execute(statement, parameters)

    @contextmanager
    def _opened_to_write(self, *, attach_store: bool = False) -> Generator[sqlite3.Connection]:
        """Yield a connection that writes; the file is created if there is none."""
        make_private_file(self.path)
        with self._connected("mode=rw") as connection:
            # A copy has to be on disk before its task is deleted from the store.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            if not self._has_tables(connection):
                self._create_tables(connection)
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

    def _create_tables(self, connection: sqlite3.Connection) -> None:
        # Before the first table and outside a transaction: SQLite ignores it later.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        with transaction(connection):
            # Another process may have created them first.
            if not self._has_tables(connection):
                for statement in statements.SCHEMA:
                    connection.execute(statement)

    def _has_tables(self, connection: sqlite3.Connection) -> bool:
        """Return False for a file with nothing in it, and True for one with the tables of copies.

        Runs no statement that writes.

        Raises:
            StoreForeignError: The file holds anything else, be it in the header alone.
            StoreNewerError: A newer release of this package made it.
        """
        blank = not has_objects(connection)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        # Read last: another process may be creating the tables, and stamps them in one commit.
        found = read_application_id(connection)
        if blank and not version and not found:
            return False
        if found != statements.APPLICATION_ID:
            raise StoreForeignError(
                self.path, "is not a file of cleared tasks; move it away to clear", found=found
            )
        if version > statements.SCHEMA_VERSION:
            raise StoreNewerError(
                self.path, "it is left alone", found=version, known=statements.SCHEMA_VERSION
            )
        return True


def columns_of(connection: sqlite3.Connection, schema: str, table: str) -> list[str]:
    """Return the names of a table's columns, in order; none if there is no such table."""
    found = connection.execute(statements.COLUMNS, {"table_name": table, "schema_name": schema})
    return [name for (name,) in found]


def _add_columns(connection: sqlite3.Connection, copies: str, source: str) -> Sequence[str]:
    """Give the table of copies every column of its source, known to this release or not."""
    columns = columns_of(connection, "store", source)
    present = {name.casefold() for name in columns_of(connection, "main", copies)}
    for column in columns:
        if column.casefold() not in present:
            connection.execute(statements.add_column(copies, column))
    return columns


def _receipt(row: tuple[str, str, int, ReceiptState, int]) -> Receipt:
    receipt_id, cleared_at, planned, state, held = row
    return Receipt(
        receipt_id=receipt_id, cleared_at=cleared_at, planned=planned, state=state, held=held
    )
