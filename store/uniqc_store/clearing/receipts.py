"""The receipts of the clears that can be undone, with the number of tasks each can put back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from uniqc_store.clearing.backup import ClearedFile, Receipt
    from uniqc_store.snapshot import Snapshot

    CopyIds = Mapping[str, list[int]]
    """Rows of copies by their receipts."""

    ReadStore = Callable[[Callable[[Snapshot], CopyIds]], CopyIds]
    """Calls a function with one state of the store, and returns its answer."""


def undoable(backup: ClearedFile, read_store: ReadStore) -> tuple[Receipt, ...]:
    """Return the receipts that hold tasks which are not in the store, newest first."""
    receipts = backup.receipts()
    in_store = copies_in_store(backup, read_store)
    held = (
        replace(receipt, held=receipt.held - len(in_store.get(receipt.receipt_id, ())))
        for receipt in receipts
    )
    return tuple(receipt for receipt in held if receipt.held > 0)


def copies_in_store(backup: ClearedFile, read_store: ReadStore) -> CopyIds:
    """Return the copies whose tasks are in the store, by their receipts.

    A batch that a process is at, or was killed at, may have such copies: of tasks that are still in
    the store, or that are in it again. They do not count as held.
    """
    if not backup.incomplete():
        return {}
    copies = backup.incomplete_copies()

    def in_store(snapshot: Snapshot) -> CopyIds:
        found: dict[str, list[int]] = {}
        for receipt_id, copy_id, stored in copies:
            if snapshot.holds(stored):
                found.setdefault(receipt_id, []).append(copy_id)
        return found

    # After the copies: a task that is removed from the store meanwhile is counted as held.
    return read_store(in_store)
