"""Putting back the tasks that a clear removed.

For each batch of a receipt:

1. Mark the batch as being restored in ``cleared.sqlite``, on disk. For a part of a batch, the
   copies of that part become a batch of their own in the same transaction.
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
    from uniqc_store.clearing.plan import Reason
    from uniqc_store.clearing.selected_copies import Leftover, SelectedCopies, Selection
    from uniqc_store.database.connection import Session
    from uniqc_store.database.writer import Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoResult:
    """The result of an undo.

    Attributes:
        restored: Number of tasks that were put back.
        skipped: Number of tasks asked for that are still held, as their ids are in the store again
            or the undo was stopped.
        stopped: True if it ended early; the receipt stays good for the rest.
        held: Number of tasks that the receipt holds now, asked for or not.
        leftovers: The tasks asked for that were not put back: the first ``MAX_LEFTOVERS``.
        reasons: The number of all of these by reason.
    """

    restored: int
    skipped: int
    stopped: bool
    held: int = 0
    leftovers: tuple[Leftover, ...] = ()
    reasons: tuple[Reason, ...] = ()


def undo(
    writer: Writer,
    backup: ClearedFile,
    receipt_id: str,
    selection: Selection,
    *,
    progress: Progress,
    should_stop: Callable[[], bool],
) -> UndoResult:
    """Put back the tasks of a receipt that are selected, and delete their copies.

    Raises:
        UnknownReceiptError: Nothing is held for this receipt.
        RestoreError: The store lacks a column that holds a value; the rest of the receipt stays
            good.
    """
    receipt = backup.receipt(receipt_id)
    if receipt is None or not receipt.held:
        raise UnknownReceiptError(receipt_id)
    selected = backup.selected(receipt_id, selection)
    total, missing = selected.count(), selected.missing()
    restored, stopped, done = 0, False, set[int]()
    with writer.keep_open() as others_wait:
        for number, batch in enumerate(selected.batches()):
            if number:
                pause(others_wait)
            if stopped := should_stop():
                break
            begun = batch if selection.is_everything else _begin(writer, selected, batch)
            if begun is not None:
                restored += _restore_batch(writer, backup, receipt_id, begun)
                done |= {batch, begun}
            progress(restored, total)
    left = backup.receipt(receipt_id)
    leftovers, reasons = selected.left(done, missing)
    return UndoResult(
        restored=restored,
        skipped=total - restored,
        stopped=stopped,
        held=left.held if left is not None else 0,
        leftovers=leftovers,
        reasons=reasons,
    )


def _begin(writer: Writer, selected: SelectedCopies, batch: int) -> int | None:
    """See :meth:`SelectedCopies.begin`; the store is locked meanwhile."""
    return writer.write(lambda _: selected.begin(batch))


def recover_batch(writer: Writer, backup: ClearedFile, receipt_id: str, batch: int) -> None:
    """Delete the copies of a batch whose tasks are in the store unchanged.

    The store is locked meanwhile: another process may be between copying and deleting the batch.
    """
    writer.write(lambda _: backup.recover(receipt_id, batch))


def _restore_batch(writer: Writer, backup: ClearedFile, receipt_id: str, batch: int) -> int:
    """Take a batch through all steps, and return the number of tasks that were put back."""
    backup.mark_restoring(receipt_id, batch)
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
