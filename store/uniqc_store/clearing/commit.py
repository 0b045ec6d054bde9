"""Removing the tasks of a plan, in an order of steps that loses none of them.

A commit first recovers what a killed process left (:meth:`Clearing.recover`). Then, for each batch
of rows:

1. Lock the store: one transaction of SQLite's, which step 4 ends.
2. Choose the rows that are as they were planned and that the policy still allows.
3. Copy them to ``cleared.sqlite`` and compare the copies with them; SQLite calls fsync before the
   copy counts as made.
4. Delete them from the store, and commit. This is the end of the lock.
5. Mark the batch as removed in ``cleared.sqlite``, in the transaction of the next batch's step 3.
   A transaction of its own would take four more calls of fsync.

At the end it marks the last batch, and deletes the copies of earlier clears that are too old.

A process that is killed before step 4 leaves the tasks in the store, and maybe in both files;
after it, in ``cleared.sqlite``. They are never in neither. Recovery takes each batch that is not
marked, locks the store, and deletes the copies of the tasks that are in the store unchanged. A
batch that fails after step 3 is recovered at once.
"""

from __future__ import annotations

import secrets
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from uniqc_store.clearing import restore, statements
from uniqc_store.clearing.backup import Receipt
from uniqc_store.clearing.batches import in_batches
from uniqc_store.clearing.plan import BEYOND_MOST_ROWS, Reason
from uniqc_store.clearing.policy_conditions import policy_steps
from uniqc_store.errors import StoreDamagedError, StoreError
from uniqc_store.query.statements import record_digest
from uniqc_store.query.where import all_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import timedelta

    from uniqc_store.clearing.backup import ClearedFile, ReceiptState
    from uniqc_store.clearing.batches import Progress
    from uniqc_store.clearing.plan import ClearPlan, PlannedRow
    from uniqc_store.clearing.policy import ClearPolicy
    from uniqc_store.clearing.restore import UndoResult
    from uniqc_store.clearing.selected_copies import Selection
    from uniqc_store.database.connection import Session
    from uniqc_store.database.writer import Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearResult:
    """The result of a clear.

    Attributes:
        receipt_id: The receipt that undoes it; empty if nothing was cleared.
        cleared: Number of tasks that were removed.
        skipped: Planned tasks that were not removed, by reason.
        stopped: Reason for an early end; empty if there was none.
        dropped: Receipts of earlier clears whose copies were deleted because of their age.
    """

    receipt_id: str
    cleared: int
    skipped: tuple[Reason, ...]
    stopped: str
    dropped: tuple[Receipt, ...] = ()


class Clearing:
    """Commits, undoes and recovers the clears of one store.

    Args:
        writer: The store.
        backup: The file of copies beside it.
    """

    def __init__(self, writer: Writer, backup: ClearedFile) -> None:
        """Name the two files; neither is opened yet."""
        self._writer = writer
        self._backup = backup

    def recover(self) -> None:
        """Delete the copies of tasks that a killed process did not delete, or had restored."""
        self._backup.apply_journal()
        for receipt_id, batch in self._backup.incomplete():
            restore.recover_batch(self._writer, self._backup, receipt_id, batch)

    def commit(
        self,
        plan: ClearPlan,
        *,
        policy: ClearPolicy | None = None,
        keep: timedelta,
        progress: Progress,
        should_stop: Callable[[], bool],
    ) -> ClearResult:
        """Remove the rows of a plan that are as they were planned and that both policies allow.

        Args:
            plan: The rows and the policy that it was made within.
            policy: Limits that hold in addition; None for no others.
            keep: Age from which the copies of earlier clears are deleted.
            progress: See :data:`Progress`.
            should_stop: Called before each batch; true ends the clear there.

        Raises:
            StoreError: An error before anything was removed. A later one ends the clear early.
        """
        self.recover()
        now = datetime.now(UTC)
        work = _Work.of(plan, policy)
        receipt = Receipt(
            receipt_id=f"clr_{secrets.token_hex(8)}",
            cleared_at=now.isoformat(),
            planned=len(work.rows),
        )
        done = self._clear_batches(receipt, work, progress, should_stop)
        dropped: tuple[Receipt, ...] = ()
        # What is removed by now has to be told, with its receipt, whatever fails here.
        with suppress(StoreError):
            state: ReceiptState = "cancelled" if done.stopped else "done"
            self._backup.end(receipt.receipt_id, state, cleared=done.cleared, batches=done.batches)
            dropped = self._backup.delete_older(keep, now=now, but=receipt.receipt_id)
        done.skipped["not reached"] = len(work.rows) - done.reached
        done.skipped[BEYOND_MOST_ROWS] = len(plan.rows) - len(work.rows)
        return ClearResult(
            receipt_id=receipt.receipt_id if done.cleared else "",
            cleared=done.cleared,
            skipped=tuple(Reason(text=text, count=n) for text, n in done.skipped.items() if n),
            stopped=done.stopped,
            dropped=dropped,
        )

    def undo(
        self,
        receipt_id: str,
        selection: Selection,
        *,
        progress: Progress,
        should_stop: Callable[[], bool],
    ) -> UndoResult:
        """Recover, then put back the selected tasks of a receipt; see :func:`restore.undo`."""
        self.recover()
        return restore.undo(
            self._writer,
            self._backup,
            receipt_id,
            selection,
            progress=progress,
            should_stop=should_stop,
        )

    def _clear_batches(
        self,
        receipt: Receipt,
        work: _Work,
        progress: Progress,
        should_stop: Callable[[], bool],
    ) -> _Done:
        """Take all batches through all steps, until there is a reason for an early end."""
        done = _Done()
        with self._writer.keep_open() as others_wait:
            for number, batch in enumerate(in_batches(work.rows, others_wait)):
                if should_stop():
                    done.stopped = "cancelled"
                    break
                try:
                    cleared, skipped = self._clear_batch(receipt, number, batch, work)
                except StoreError as error:
                    with suppress(StoreError):  # the first error is the one to tell
                        self._settle(receipt.receipt_id, number)
                    if not done.cleared:
                        raise
                    done.stopped = str(error)
                    break
                done.add(cleared, skipped)
                progress(done.reached, len(work.rows))
        return done

    def _settle(self, receipt_id: str, number: int) -> None:
        """Delete the copies of a batch that failed after they were made."""
        if (receipt_id, number) in self._backup.incomplete():
            restore.recover_batch(self._writer, self._backup, receipt_id, number)

    def _clear_batch(
        self, receipt: Receipt, number: int, batch: Sequence[PlannedRow], work: _Work
    ) -> tuple[int, Counter[str]]:
        """Take a batch through steps 1 to 4; return the number cleared, and the skipped by reason.

        Steps 2 to 4 start again on the new file if the store was replaced meanwhile.
        """

        def choose_copy_delete(session: Session) -> tuple[int, Counter[str]]:
            chosen, skipped = _choose(session, batch, work)
            if chosen:
                with_shards = session.layout.has("task_shards")
                self._backup.copy(receipt, number, chosen, with_shards=with_shards)
                deleted = session.connection.executemany(
                    statements.DELETE_ROW, ((row,) for row in chosen)
                )
                if deleted.rowcount != len(chosen):
                    raise StoreDamagedError(
                        self._writer.path,
                        f"{deleted.rowcount} of {len(chosen)} tasks could be deleted",
                    )
            return len(chosen), skipped

        return self._writer.write(choose_copy_delete, durable=False)


@dataclass(slots=True, kw_only=True)
class _Done:
    """What a clear has done so far.

    Attributes:
        batches: Number of batches that went through all steps.
        cleared: Number of tasks that were removed.
        skipped: Number of tasks that were not, by reason.
        stopped: Reason for an early end; empty if there was none.
    """

    batches: int = 0
    cleared: int = 0
    skipped: Counter[str] = field(default_factory=Counter[str])
    stopped: str = ""

    @property
    def reached(self) -> int:
        """Number of tasks in these batches."""
        return self.cleared + self.skipped.total()

    def add(self, cleared: int, skipped: Counter[str]) -> None:
        """Add a batch."""
        self.batches += 1
        self.cleared += cleared
        self.skipped += skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """The rows to clear, and the policies that each of them has to meet."""

    rows: tuple[PlannedRow, ...]
    policies: tuple[ClearPolicy, ...]
    planned_at: datetime

    @classmethod
    def of(cls, plan: ClearPlan, policy: ClearPolicy | None) -> Self:
        """Return the rows of a plan that both policies leave, by their number alone."""
        policies = (plan.policy,) if policy is None else (plan.policy, policy)
        most = min(each.max_rows or len(plan.rows) for each in policies)
        return cls(rows=plan.rows[:most], policies=policies, planned_at=plan.planned_at)


def _choose(
    session: Session, batch: Sequence[PlannedRow], work: _Work
) -> tuple[list[int], Counter[str]]:
    """Return the rows that may be removed, and the number of the others by reason."""
    connection = session.connection
    connection.execute(statements.DROP_CHOSEN)
    connection.execute(statements.MAKE_CHOSEN)
    connection.executemany(statements.CHOOSE, (row[:3] for row in batch))
    connection.execute(statements.DROP_UNCHANGED)
    connection.execute(statements.MAKE_UNCHANGED)
    digest = record_digest(session.layout)
    unchanged = connection.execute(statements.choose_unchanged(digest)).rowcount
    allowed = [_allowed(session, policy, work.planned_at) for policy in work.policies]
    chosen = sorted(allowed[0].intersection(*allowed[1:]))
    still_there = session.number(statements.COUNT_STILL_THERE)
    skipped = Counter(
        {
            "no longer within the policy": unchanged - len(chosen),
            "changed since": still_there - unchanged,
            "gone already": len(batch) - still_there,
        }
    )
    return chosen, skipped


def _allowed(session: Session, policy: ClearPolicy, planned_at: datetime) -> set[int]:
    """Return the unchanged rows of the batch that a policy allows."""
    steps = policy_steps(policy, now=planned_at, with_shards=session.layout.has("task_shards"))
    where = all_of(*(condition for _, condition in steps))
    found = session.connection.execute(statements.still_clearable(where), where.parameters)
    return {row for (row,) in found}
