"""The file of copies, ``cleared.sqlite`` beside the store: the tasks that can be put back.

Which step comes before which is told in :mod:`uniqc_store.clearing.commit`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from uniqc_store.clearing import statements
from uniqc_store.clearing.cleared_connections import ClearedConnections, free_pages
from uniqc_store.clearing.policy_conditions import moment_ago
from uniqc_store.clearing.selected_copies import SelectedCopies
from uniqc_store.database.connection import transaction
from uniqc_store.database.files import CLEARED_FILENAME
from uniqc_store.errors import StoreDamagedError
from uniqc_store.tasks import assume_local, parse_time

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta

    from uniqc_store.clearing.selected_copies import Selection
    from uniqc_store.database.connection import Access

ReceiptState = Literal["open", "done", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A clear, and how much of it can still be put back.

    Attributes:
        receipt_id: The argument of :meth:`TaskStore.undo_clear`.
        cleared_at: Time at which it began, ISO 8601 in UTC.
        planned: Number of tasks in its plan; at its end, the number that it cleared.
        state: ``done``; ``cancelled``, if it ended early; or ``open``, while it goes on and after
            it was killed.
        held: Number of tasks that can be put back. A process that is at a batch, or was killed at
            it, may have left copies of tasks that are in the store. ``TaskStore.receipts`` does
            not count those.
    """

    receipt_id: str
    cleared_at: str
    planned: int
    state: ReceiptState = "open"
    held: int = 0

    @property
    def returned(self) -> int | None:
        """Number of tasks that were put back; None if it is not known how many it cleared."""
        return None if self.state == "open" else max(0, self.planned - self.held)


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
        self._file = ClearedConnections(self.path, store)

    def apply_journal(self) -> None:
        """See :meth:`ClearedConnections.apply_journal`."""
        self._file.apply_journal()

    def receipts(self) -> tuple[Receipt, ...]:
        """Return all receipts, newest first."""
        return tuple(map(receipt_of, self._file.read(statements.RECEIPTS_NEWEST_FIRST)))

    def receipt(self, receipt_id: str) -> Receipt | None:
        """Return the receipt with this id."""
        found = self._file.read(statements.RECEIPT, {"receipt_id": receipt_id})
        return receipt_of(found[0]) if found else None

    @staticmethod
    def receipt_in(connection: sqlite3.Connection, receipt_id: str) -> Receipt:
        """Return the receipt with this id, which is there, read through this connection."""
        found = connection.execute(statements.RECEIPT, {"receipt_id": receipt_id}).fetchone()
        return receipt_of(found)

    def selected(self, receipt_id: str, selection: Selection) -> SelectedCopies:
        """Return the copies under a receipt that an undo is asked to put back."""
        return SelectedCopies(self._file, receipt_id, selection)

    def incomplete_copies(self) -> list[tuple[str, int, tuple[object, ...]]]:
        """Return receipt, row and stored values of each copy whose task may be in the store too."""
        found = self._file.read(statements.INCOMPLETE_COPIES)
        return [(row[0], row[1], row[2:]) for row in found]

    def incomplete(self) -> list[tuple[str, int]]:
        """Return receipt and number of each batch that a process is, or was killed, at."""
        return [
            (receipt, batch) for receipt, batch in self._file.read(statements.INCOMPLETE_BATCHES)
        ]

    def copy(self, receipt: Receipt, batch: int, rows: Iterable[int], *, with_shards: bool) -> None:
        """Copy tasks with their platform jobs, and return once the copies are on disk.

        The batches before it count as removed from then on. The caller holds the lock on the
        store. A copy that was made of this batch before is replaced. A receipt is written with
        its first copy, so that no receipt is ever empty. The copies are compared with the tasks
        before they count.

        Args:
            receipt: The clear that the batch belongs to.
            batch: Its number there.
            rows: The rowids of the tasks.
            with_shards: True if the store has a table of platform jobs.

        Raises:
            StoreDamagedError: Some copy is missing, or is not as its task or job.
        """
        chosen = [(row, b"", b"") for row in rows]
        with self._file.opened_to_write(attach_store=True) as connection:
            connection.execute(statements.MAKE_CHOSEN)
            connection.executemany(statements.CHOOSE, chosen)
            task_columns = _add_columns(connection, "cleared_tasks", "tasks")
            shard_columns: Sequence[str] = ()
            if with_shards:
                shard_columns = _add_columns(connection, "cleared_shards", "task_shards")
            parameters: dict[str, object] = {
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
            self._check_copies(connection, parameters, task_columns, shard_columns)
            connection.execute("COMMIT")

    def _check_copies(
        self,
        connection: sqlite3.Connection,
        parameters: dict[str, object],
        task_columns: Sequence[str],
        shard_columns: Sequence[str],
    ) -> None:
        """Raise unless the batch has an equal copy of each chosen task and of each of its jobs."""

        def number(statement: str) -> int:
            (count,) = connection.execute(statement, parameters).fetchone()
            return int(count)

        pairs = [("cleared_tasks", "tasks", task_columns, statements.COUNT_CHOSEN)]
        if shard_columns:
            jobs = statements.COUNT_CHOSEN_SHARDS
            pairs.append(("cleared_shards", "task_shards", shard_columns, jobs))
        for copies, source, columns, count_originals in pairs:
            originals = number(count_originals)
            equal = number(statements.count_equal(copies, source, columns))
            if not originals == equal == number(statements.count_of_batch(copies)):
                detail = f"{equal} of {originals} copies in {copies} are equal to what they are of"
                raise StoreDamagedError(self.path, detail)

    def mark_restoring(self, receipt_id: str, batch: int) -> None:
        """Mark a batch as being put back, unless another process has deleted the batch."""
        parameters: dict[str, object] = {"receipt_id": receipt_id, "batch": batch}
        self._file.write((statements.MARK_RESTORING,), parameters)

    def end(self, receipt_id: str, state: ReceiptState, *, cleared: int, batches: int) -> None:
        """Write the final state of a receipt and the number of tasks cleared, if there is one.

        Its first ``batches`` count as removed from then on.
        """
        parameters: dict[str, object] = {
            "receipt_id": receipt_id,
            "state": state,
            "cleared": cleared,
            "batch": batches,
        }
        self._file.write((statements.MARK_REMOVED, statements.END_RECEIPT), parameters)

    def recover(self, receipt_id: str, batch: int) -> None:
        """Delete the copies of tasks that are in the store unchanged, and a receipt that is empty.

        The caller holds the lock on the store. A copy that differs from the store's task is kept.
        """
        parameters = {"receipt_id": receipt_id, "batch": batch}
        with self._file.opened_to_write(attach_store=True) as connection:
            # Not IMMEDIATE: see copy.
            connection.execute("BEGIN")
            for statement in statements.RECOVER_BATCH:
                connection.execute(statement, parameters)
            connection.execute("COMMIT")

    def delete_older(self, keep: timedelta, *, now: datetime, but: str) -> tuple[Receipt, ...]:
        """Delete the receipts that are older than that, with their copies, and return them.

        A clock that is ahead for one clear makes all receipts look old. So an age counts from the
        newest other receipt, if that is before now.

        Args:
            keep: The age; zero deletes every other receipt.
            now: The time by this machine's clock.
            but: The receipt of the clear that is under way, which is left out of all this.
        """
        with self._file.opened_to_write() as connection:
            with transaction(connection):
                found = connection.execute(statements.OTHER_RECEIPTS, {"receipt_id": but})
                others = list(map(receipt_of, found.fetchall()))
                before = moment_ago(_reference(others, now) if keep else now, keep).isoformat()
                old = [receipt for receipt in others if receipt.cleared_at < before]
                for receipt in old:
                    for statement in statements.DELETE_RECEIPT:
                        connection.execute(statement, {"receipt_id": receipt.receipt_id})
            if old:
                free_pages(connection)
        return tuple(old)


def _reference(receipts: Iterable[Receipt], now: datetime) -> datetime:
    """Return the time of the newest receipt, or now if that is earlier."""
    times = (parse_time(receipt.cleared_at) for receipt in receipts)
    recorded = [assume_local(time) for time in times if time is not None]
    return min(now, max(recorded, default=now))


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


def receipt_of(row: tuple[str, str, int, ReceiptState, int]) -> Receipt:
    """Return the receipt in a row of the table of receipts, with the number of its copies."""
    receipt_id, cleared_at, planned, state, held = row
    return Receipt(
        receipt_id=receipt_id, cleared_at=cleared_at, planned=planned, state=state, held=held
    )
