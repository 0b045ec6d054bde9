"""Putting back the tasks that a clear removed.

For each batch of a receipt:

1. Mark the batch as being restored in ``cleared.sqlite``, on disk.
2. Insert its copies into the store, in one transaction. A task whose id is in the table of tasks
   again is skipped. uniqc's archive does not matter: it may hold an id that a live task has too.
3. Recover the batch: delete the copies of the tasks that are now in the store.

A process that is killed after step 1 leaves a batch that the next clear or undo recovers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from uniqc_store.clearing import restore_statements
from uniqc_store.clearing.backup import columns_of
from uniqc_store.clearing.batches import pause
from uniqc_store.clearing.statements import COPY_COLUMNS
from uniqc_store.errors import RestoreError, UnknownReceiptError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from uniqc_store.clearing.backup import ClearedFile
    from uniqc_store.clearing.batches import Progress
    from uniqc_store.database.connection import Session
    from uniqc_store.database.writer import Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoResult:
    """The result of an undo.

    Attributes:
        restored: Number of tasks that were put back.
        skipped: Number of tasks that are still held, as their ids are in the store again or the
            undo was stopped.
        stopped: True if it ended early; the receipt stays good for the rest.
    """

    restored: int
    skipped: int
    stopped: bool


def undo(
    writer: Writer,
    backup: ClearedFile,
    receipt_id: str,
    *,
    progress: Progress,
    should_stop: Callable[[], bool],
) -> UndoResult:
    """Put back the tasks that a receipt holds, and delete their copies.

    Raises:
        UnknownReceiptError: Nothing is held for this receipt.
        RestoreError: The store lacks a column that holds a value; the rest of the receipt stays
            good.
    """
    receipt = backup.receipt(receipt_id)
    if receipt is None or not receipt.held:
        raise UnknownReceiptError(receipt_id)
    restored, stopped = 0, False
    with writer.keep_open() as others_wait:
        for number, batch in enumerate(backup.batches(receipt_id)):
            if number:
                pause(others_wait)
            if stopped := should_stop():
                break
            restored += _restore_batch(writer, backup, receipt_id, batch)
            progress(restored, receipt.held)
    return UndoResult(restored=restored, skipped=receipt.held - restored, stopped=stopped)


def recover_batch(writer: Writer, backup: ClearedFile, receipt_id: str, batch: int) -> None:
    """Delete the copies of a batch whose tasks are in the store unchanged.

    The store is locked meanwhile: another process may be between copying and deleting the batch.
    """
    writer.write(lambda _: backup.recover(receipt_id, batch))


def _restore_batch(writer: Writer, backup: ClearedFile, receipt_id: str, batch: int) -> int:
    """Take a batch through all steps, and return the number of tasks that were put back."""
    backup.set_batch_state(receipt_id, batch, "restoring")
    parameters: dict[str, object] = {"receipt_id": receipt_id, "batch": batch}
    restored = writer.write(lambda session: _insert(session, parameters), cleared=backup.path)
    recover_batch(writer, backup, receipt_id, batch)
    return restored


def _insert(session: Session, parameters: dict[str, object]) -> int:
    """Insert the attached copies of a batch into the store, and return the number of tasks."""
    connection = session.connection
    task_columns = _restorable_columns(connection, "tasks", "cleared_tasks", parameters)
    shard_columns = _restorable_columns(connection, "task_shards", "cleared_shards", parameters)
    connection.execute(restore_statements.DROP_ABSENT)
    connection.execute(restore_statements.MAKE_ABSENT)
    connection.execute(restore_statements.CHOOSE_ABSENT, parameters)
    restored = connection.execute(restore_statements.restore_tasks(task_columns)).rowcount
    if shard_columns:
        connection.execute(restore_statements.restore_shards(shard_columns), parameters)
    return restored


def _restorable_columns(
    connection: sqlite3.Connection, table: str, copies: str, parameters: dict[str, object]
) -> list[str]:
    """Return the columns of the copies that the store has.

    Raises:
        RestoreError: The batch holds a value in a column that the store lacks.
    """
    held = [name for name in columns_of(connection, "cleared", copies) if name not in COPY_COLUMNS]
    present = {name.casefold() for name in columns_of(connection, "main", table)}
    missing = [name for name in held if name.casefold() not in present]
    if missing:
        statement = restore_statements.any_value(copies, missing)
        if connection.execute(statement, parameters).fetchone() is not None:
            raise RestoreError(str(parameters["receipt_id"]), missing if present else [table])
    return [name for name in held if name.casefold() in present]
