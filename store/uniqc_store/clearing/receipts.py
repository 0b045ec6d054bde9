"""The receipts of the clears that can be undone, with the number of tasks each can put back."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from uniqc_store.clearing.backup import ClearedFile, Receipt
    from uniqc_store.snapshot import Snapshot


def undoable(
    backup: ClearedFile, read_store: Callable[[Callable[[Snapshot], Counter[str]]], Counter[str]]
) -> tuple[Receipt, ...]:
    """Return the receipts that hold tasks which are not in the store, newest first.

    A batch that a process is at, or was killed at, may have copies of tasks that are still in the
    store, or that are in it again. Those are not counted.

    Args:
        backup: The file of copies.
        read_store: Calls a function with one state of the store, and returns its answer.
    """
    receipts = backup.receipts()
    if backup.incomplete():
        copies = backup.incomplete_copies()
        # After the copies: a task that is removed from the store meanwhile is counted as held.
        in_store = read_store(
            lambda snapshot: Counter(
                receipt_id for receipt_id, stored in copies if snapshot.holds(stored)
            )
        )
        receipts = tuple(
            replace(receipt, held=receipt.held - in_store[receipt.receipt_id])
            for receipt in receipts
        )
    return tuple(receipt for receipt in receipts if receipt.held > 0)
