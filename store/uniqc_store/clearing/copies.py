"""The tasks that were cleared and can be put back, read from their copies."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeVar

from uniqc_store import rows, validation
from uniqc_store.clearing import copy_lookup, copy_statements, receipts
from uniqc_store.clearing.backup import ClearedFile, Receipt, columns_of
from uniqc_store.clearing.cleared_connections import ClearedConnections
from uniqc_store.clearing.statements import SCHEMA_VERSION
from uniqc_store.database.connection import fetch_rows
from uniqc_store.database.files import identity_of
from uniqc_store.database.signature import signature_of
from uniqc_store.errors import InvalidValueError, UnknownReceiptError, WouldBlockError
from uniqc_store.query.lookup import Match
from uniqc_store.snapshot import Snapshot

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Hashable
    from pathlib import Path

    from uniqc_store.clearing.copy_lookup import ClearedMatch
    from uniqc_store.clearing.receipts import ReadStore
    from uniqc_store.database.connection import Access
    from uniqc_store.snapshot import StoreState
    from uniqc_store.tasks import TaskRecord

Answer = TypeVar("Answer")

_BEFORE_ALL: Final = (-(2**62), 0)
"""The place before the first copy of any batch, of which some have negative numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearedPage:
    """Some of the tasks that a receipt can put back, in the order in which they were cleared.

    Attributes:
        receipt: The receipt.
        records: The tasks, without their results.
        next_cursor: The start of the next page; empty on the last one.
    """

    receipt: Receipt
    records: tuple[TaskRecord, ...]
    next_cursor: str


class ClearedTasks:
    """The copies of cleared tasks beside one store. Reading changes no file.

    Every method raises :class:`StoreError` if the file can't be used. A method of a nonblocking
    store raises ``WouldBlockError`` where there is a file.

    Args:
        store: The store that the copies are made of.
        read_store: Calls a function with one state of the store.
    """

    def __init__(self, store: Access, read_store: ReadStore) -> None:
        """Name the two files, and open nothing yet."""
        self._store = store
        self._read_store = read_store
        self._backup = ClearedFile(store)
        self._file = ClearedConnections(self.path, store, interruptible=True)

    @property
    def path(self) -> Path:
        """The file of copies, which may not exist."""
        return self._backup.path

    @property
    def exists(self) -> bool:
        """True if there is a file of copies, with or without a task in it."""
        return identity_of(self.path) is not None

    @property
    def state(self) -> Hashable:
        """A value that every write to the file changes; None where that is not certain yet."""
        signature = signature_of(self.path)
        return signature if signature and signature.settled(time.time_ns()) else None

    @property
    def schema_version(self) -> int:
        """The version of the file of copies; 0 if there is none."""
        return SCHEMA_VERSION if self.exists else 0

    def receipts(self) -> tuple[Receipt, ...]:
        """Return the receipts that hold tasks which are not in the store, newest first."""
        return receipts.undoable(self._backup, self._read_store) if self._may_read() else ()

    def page(self, receipt_id: str, *, limit: int, cursor: str = "") -> ClearedPage:
        """Return some of the tasks that a receipt holds and that are not in the store.

        Raises:
            UnknownReceiptError: It holds none.
            InvalidValueError: The cursor is not one of this receipt.
        """
        batch, copy_id = _decoded(cursor, receipt_id) if cursor else _BEFORE_ALL
        limit = validation.limit(limit)
        receipt = self._backup.receipt(receipt_id) if self._may_read() else None
        if receipt is None:
            raise UnknownReceiptError(receipt_id)
        in_store = receipts.copies_in_store(self._backup, self._read_store)
        excluded = in_store.get(receipt_id, [])
        if receipt.held <= len(excluded):
            raise UnknownReceiptError(receipt_id)
        parameters: dict[str, object] = {
            "receipt_id": receipt_id,
            "batch": batch,
            "copy_id": copy_id,
            "excluded": json.dumps(excluded),
            "limit": limit + 1,
        }
        found = self._file.query(lambda connection: _page_rows(connection, parameters)) or []
        shown = found[:limit]
        return ClearedPage(
            receipt=replace(receipt, held=receipt.held - len(excluded)),
            records=tuple(map(rows.task_record, shown)),
            next_cursor=_encoded(receipt_id, shown[-1]) if len(found) > limit else "",
        )

    def find(self, reference: str, *, whole: bool = False) -> tuple[ClearedMatch, ...]:
        """Return the cleared tasks that an id stands for, each id once, at most `MAX_MATCHES`.

        An id is searched first, then its beginning, of ``SHORTEST_PREFIX`` or more characters,
        then a platform's id, whose search takes a time that grows with the number of copies.

        Args:
            reference: The id.
            whole: True to search whole ids of uniqc's only.
        """
        validation.filled_text("task_id", reference)
        if not self._may_read():
            return ()
        found = self._file.query(
            lambda connection: copy_lookup.find(connection, reference, whole=whole)
        )
        return found or ()

    def find_twins(self, task_id: str) -> tuple[ClearedMatch, ...]:
        """Return the cleared task, if any, with the id of a task in the store or its archive.

        A clear that was interrupted may have copied the task itself, which does not count.
        """
        found = self.find(task_id, whole=True)
        if not found:
            return ()
        in_store = receipts.copies_in_store(self._backup, self._read_store).values()
        if not in_store:
            return found
        same = {copy_id for copies in in_store for copy_id in copies}
        others = self._file.query(
            lambda connection: copy_lookup.find(connection, task_id, whole=True, but=same)
        )
        return others or ()

    def read(
        self,
        match: ClearedMatch,
        state: StoreState,
        question: Callable[[Snapshot, Match], Answer],
    ) -> Answer | None:
        """Call a function with a store of this one task, and return its answer.

        Returns None if the copy is not there any more.

        Args:
            match: The task.
            state: The store, whose schema tells which releases may have written the record.
            question: Called with a store that has this task alone, and with the task.
        """
        stored = self._file.query(lambda connection: copy_lookup.stored(connection, match.copy_id))
        if stored is None or not stored["cleared_tasks"].rows:
            return None
        with copy_lookup.opened_store(stored, state) as session:
            # The only row of its table.
            task = Match(task_id=match.task_id, archived=False, row=1)
            return question(Snapshot(session, self.path), task)

    def _may_read(self) -> bool:
        """Return False if there is no file, so that there is nothing to read."""
        if not self.exists:
            return False
        if self._store.nonblocking:
            raise WouldBlockError
        return True


def _page_rows(connection: sqlite3.Connection, parameters: dict[str, object]) -> list[sqlite3.Row]:
    present = columns_of(connection, "main", "cleared_tasks")
    return fetch_rows(connection, copy_statements.page(present), parameters)


def _encoded(receipt_id: str, row: sqlite3.Row) -> str:
    place = json.dumps([receipt_id, row["_batch"], row["copy_id"]])
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _decoded(cursor: str, receipt_id: str) -> tuple[int, int]:
    """Return the batch and the row of the last task of the page before.

    Raises:
        InvalidValueError: The text is not a cursor, or belongs to another receipt.
    """
    try:
        place = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        owner, batch, copy_id = json.loads(place)
    except (ValueError, TypeError):
        owner, batch, copy_id = None, None, None
    if owner != receipt_id or type(batch) is not int or type(copy_id) is not int:
        raise InvalidValueError(
            "cursor", "is not one of this receipt; leave it out for the first page"
        )
    return batch, copy_id
