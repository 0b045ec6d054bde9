"""Clearing finished tasks so that nobody regrets it: plan, commit, undo.

A plan is a list of the very rows, as they are at that moment. Committing it removes those that
are still so and that the policy still lets go; all others are kept and counted. What is removed
is on disk in ``cleared.sqlite`` first (see ``cleared``), and its receipt puts it back.

Work goes in batches: uniqc, writing the same file, waits no longer than for one of them.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from uniqc_store import rows
from uniqc_store.clearing import statements
from uniqc_store.clearing.backup import Receipt, columns_of
from uniqc_store.clearing.policy_conditions import policy_steps
from uniqc_store.errors import RestoreError, StoreError, UnknownReceiptError
from uniqc_store.query import conditions, time_conditions
from uniqc_store.query.where import all_of
from uniqc_store.snapshot import Group, Match

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence

    from uniqc_store.clearing.backup import ClearedFile
    from uniqc_store.clearing.policy import ClearPolicy
    from uniqc_store.database.connection import Session
    from uniqc_store.database.writer import Writer
    from uniqc_store.filters import TaskFilter
    from uniqc_store.query.where import Where
    from uniqc_store.snapshot import Snapshot
    from uniqc_store.tasks import TaskRecord

    Progress = Callable[[int, int], None]
    """Told how many of how many tasks are through, after each batch."""

_EXAMPLES = 5
_BATCH_SECONDS = 0.3
_BATCH_BYTES = 16 * 2**20
_SMALLEST_BATCH = 20
_MAX_BATCH = 10_000
_PAUSE_SECONDS = 0.11
"""SQLite tries a lock that it waits for every 100 ms at the latest."""
_SHORT_PAUSE_SECONDS = 0.02
"""For threads of this process, where no other process has the file open."""


class PlannedRow(NamedTuple):
    """What tells a row as it was when it was planned, and its size in bytes."""

    row: int
    task_id: bytes
    update_time: bytes
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """How many tasks are not cleared for this reason."""

    text: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearPlan:
    """What would be cleared. It changes nothing, and holds for the rows as they are now.

    Attributes:
        rows: The rows, oldest first.
        policy: What limited them.
        planned_at: When that was.
        groups: How many by status and backend; most first.
        examples: The oldest few.
        oldest: The submit time of the first, as recorded; empty where there is none.
        newest: That of the last.
        excluded: Tasks that were asked for and that the policy keeps, by reason.
    """

    rows: tuple[PlannedRow, ...]
    policy: ClearPolicy
    planned_at: datetime
    groups: tuple[Group, ...]
    examples: tuple[TaskRecord, ...]
    oldest: str
    newest: str
    excluded: tuple[Reason, ...]

    @property
    def bytes(self) -> int:
        """Size of the results and metadata that would go."""
        return sum(row.size for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearResult:
    """What a clear did.

    Attributes:
        receipt_id: What puts it back; empty where nothing was cleared.
        cleared: How many tasks were removed.
        skipped: Planned tasks that were not, by reason.
        stopped: Why it ended before it was through; empty where it was not.
    """

    receipt_id: str
    cleared: int
    skipped: tuple[Reason, ...]
    stopped: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoResult:
    """What an undo did.

    Attributes:
        restored: How many tasks are back.
        skipped: How many stay with the receipt, as the store has tasks of their ids again.
        stopped: Whether it ended before it was through; the receipt stays good for the rest.
    """

    restored: int
    skipped: int
    stopped: bool


def plan(
    snapshot: Snapshot,
    task_filter: TaskFilter,
    *,
    older_than: timedelta,
    policy: ClearPolicy,
    now: datetime,
) -> ClearPlan:
    """Plan to clear the tasks that a filter lets through, within a policy."""
    asked = conditions.where_matching(task_filter)
    if older_than:
        aged = time_conditions.where_touched_before(_ago(now, older_than), name="asked_age")
        asked = all_of(asked, aged)
    excluded: list[Reason] = []
    total = snapshot.count_where(asked)
    for why, condition in _steps(policy, now, with_shards=snapshot.has_shards):
        asked = all_of(asked, condition)
        remaining = snapshot.count_where(asked)
        excluded.append(Reason(text=why, count=total - remaining))
        total = remaining
    found = snapshot.planned_rows(asked, limit=policy.max_rows)
    excluded.append(Reason(text="beyond the most rows per clear", count=total - len(found)))
    groups = Counter((rows.readable(row[4])[0], rows.readable(row[5])[0]) for row in found)
    planned = tuple(PlannedRow(*row[:4]) for row in found)
    return ClearPlan(
        rows=planned,
        policy=policy,
        planned_at=now,
        groups=tuple(
            Group(status=status, backend=backend, count=count)
            for (status, backend), count in groups.most_common()
        ),
        examples=tuple(
            snapshot.record(Match(task_id="", archived=False, row=row.row))
            for row in planned[:_EXAMPLES]
        ),
        oldest=rows.readable(found[0][6])[0] if found else "",
        newest=rows.readable(found[-1][6])[0] if found else "",
        excluded=tuple(reason for reason in excluded if reason.count),
    )


def _steps(policy: ClearPolicy, now: datetime, *, with_shards: bool) -> list[tuple[str, Where]]:
    touched_before = _ago(now, policy.min_age)
    return policy_steps(policy, touched_before=touched_before, with_shards=with_shards)


def _ago(now: datetime, age: timedelta) -> datetime:
    """The moment that long ago; the first there is where that is before any."""
    try:
        return now - age
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


class Clearing:
    """Commits plans and undoes them, on one store."""

    def __init__(self, writer: Writer, cleared: ClearedFile) -> None:
        self._writer = writer
        self._cleared = cleared

    def recover(self) -> None:
        """Bring in order what a process that was killed left in the middle."""
        for receipt_id, batch in self._cleared.incomplete():
            self._settle_batch(receipt_id, batch)

    def commit(
        self,
        plan: ClearPlan,
        *,
        keep: timedelta,
        progress: Progress,
        should_stop: Callable[[], bool],
    ) -> ClearResult:
        """Clear what is still as it was planned."""
        self.recover()
        now = datetime.now(UTC)
        self._cleared.forget_before(_ago(now, keep).isoformat())
        receipt_id = f"clr_{secrets.token_hex(8)}"
        receipt = Receipt(receipt_id=receipt_id, cleared_at=now.isoformat(), planned=len(plan.rows))
        outcome: Counter[str] = Counter()
        stopped, through = "", 0
        with self._writer.keep_open() as others_wait:
            for number, batch in enumerate(_batches(plan.rows, others_wait)):
                if should_stop():
                    stopped = "cancelled"
                    break
                try:
                    outcome += self._clear_batch(receipt, number, batch, plan)
                except StoreError as error:
                    if not outcome["cleared"]:
                        self._cleared.end(receipt_id, "cancelled")
                        raise
                    stopped = str(error)
                    break
                through += len(batch)
                progress(through, len(plan.rows))
        self._cleared.end(receipt_id, "cancelled" if stopped else "done")
        if not_reached := len(plan.rows) - through:
            outcome["not reached"] = not_reached
        cleared = outcome.pop("cleared", 0)
        return ClearResult(
            receipt_id=receipt_id if cleared else "",
            cleared=cleared,
            skipped=tuple(Reason(text=why, count=count) for why, count in outcome.items() if count),
            stopped=stopped,
        )

    def undo(
        self, receipt_id: str, *, progress: Progress, should_stop: Callable[[], bool]
    ) -> UndoResult:
        """Put back what a receipt holds.

        Raises:
            UnknownReceiptError: Nothing is held for it.
            RestoreError: The store lacks a column that holds something; the rest of the receipt
                stays good.
        """
        self.recover()
        receipt = self._cleared.receipt(receipt_id)
        if receipt is None or not receipt.held:
            raise UnknownReceiptError(receipt_id)
        restored, stopped = 0, False
        with self._writer.keep_open() as others_wait:
            for number, batch in enumerate(self._cleared.batches(receipt_id)):
                if number:
                    _pause(others_wait)
                if stopped := should_stop():
                    break
                restored += self._restore_batch(receipt_id, batch)
                progress(restored, receipt.held)
        kept = receipt.held - restored
        return UndoResult(restored=restored, skipped=kept, stopped=stopped)

    def _clear_batch(
        self, receipt: Receipt, number: int, batch: Sequence[PlannedRow], plan: ClearPlan
    ) -> Counter[str]:
        def change(session: Session) -> Counter[str]:
            connection = session.connection
            counts, chosen = _still_clearable(session, batch, plan)
            if chosen:
                with_shards = session.layout.has("task_shards")
                self._cleared.copy(receipt, number, chosen, with_shards=with_shards)
                delete = statements.DELETE_ROW
                connection.executemany(delete, ((row,) for row in chosen))
            return counts

        counts = self._writer.write(change, durable=False)
        if counts["cleared"]:
            # They are removed, and that is the answer: a batch that can't be marked just now is
            # settled at the next start, as after a kill.
            with suppress(StoreError):
                self._cleared.set_batch(receipt.receipt_id, number, "removed")
        return counts

    def _restore_batch(self, receipt_id: str, batch: int) -> int:
        self._cleared.set_batch(receipt_id, batch, "restoring")
        parameters: dict[str, object] = {"receipt_id": receipt_id, "batch": batch}
        restored = self._writer.write(
            lambda session: _restore(session, parameters), cleared=self._cleared.path
        )
        self._settle_batch(receipt_id, batch)
        return restored

    def _settle_batch(self, receipt_id: str, batch: int) -> None:
        # Under the store's lock: another process may be between its copying and its removing.
        self._writer.write(lambda _: self._cleared.recover(receipt_id, batch))


def _still_clearable(
    session: Session, batch: Sequence[PlannedRow], plan: ClearPlan
) -> tuple[Counter[str], list[int]]:
    """The rows that may still go, and how many there are of these and of the others."""
    connection = session.connection
    connection.execute(statements.DROP_CHOSEN)
    connection.execute(statements.MAKE_CHOSEN)
    connection.executemany(statements.CHOOSE, (row[:3] for row in batch))
    steps = _steps(plan.policy, plan.planned_at, with_shards=session.layout.has("task_shards"))
    where = all_of(*(condition for _, condition in steps))
    found = connection.execute(statements.still_clearable(where), where.parameters)
    chosen = [row for (row,) in found]
    (unchanged,) = connection.execute(statements.COUNT_UNCHANGED).fetchone()
    (still_there,) = connection.execute(statements.COUNT_STILL_THERE).fetchone()
    counts = Counter(
        {
            "cleared": len(chosen),
            "no longer within the policy": unchanged - len(chosen),
            "changed since": still_there - unchanged,
            "gone already": len(batch) - still_there,
        }
    )
    return counts, chosen


def _restore(session: Session, parameters: dict[str, object]) -> int:
    """Put back a batch from the attached copies, but for the ids that are there again."""
    connection = session.connection
    with_archive = session.layout.has("archived_tasks")
    task_columns = _restorable(connection, "tasks", "cleared_tasks", parameters)
    shard_columns = _restorable(connection, "task_shards", "cleared_shards", parameters)
    connection.execute(statements.DROP_ABSENT)
    connection.execute(statements.MAKE_ABSENT)
    connection.execute(statements.choose_absent(with_archive=with_archive), parameters)
    restored = connection.execute(statements.restore_tasks(task_columns)).rowcount
    if shard_columns:
        connection.execute(statements.restore_shards(shard_columns), parameters)
    return restored


def _restorable(
    connection: sqlite3.Connection, table: str, copies: str, parameters: dict[str, object]
) -> list[str]:
    """The columns to put back; nothing may be held in one that the store lacks."""
    held = [
        name
        for name in columns_of(connection, "cleared", copies)
        if name not in statements.OUR_COLUMNS
    ]
    present = {name.casefold() for name in columns_of(connection, "main", table)}
    missing = [name for name in held if name.casefold() not in present]
    if missing:
        statement = statements.any_value(copies, missing)
        if connection.execute(statement, parameters).fetchone() is not None:
            raise RestoreError(str(parameters["receipt_id"]), missing if present else [table])
    return [name for name in held if name.casefold() in present]


def _pause(others_wait: Callable[[], bool]) -> None:
    time.sleep(_PAUSE_SECONDS if others_wait() else _SHORT_PAUSE_SECONDS)


def _batches(
    planned: Sequence[PlannedRow], others_wait: Callable[[], bool]
) -> Iterator[Sequence[PlannedRow]]:
    """As many rows at a time as keep the store locked for a third of a second or so."""
    size, start = 200, 0
    while start < len(planned):
        batch = planned[start : start + size]
        weight = 0
        for count, row in enumerate(batch):
            weight += row.size
            if weight > _BATCH_BYTES and count:
                batch = batch[:count]
                break
        began = time.monotonic()
        yield batch
        elapsed = max(time.monotonic() - began, 0.001)
        fitting = int(len(batch) * _BATCH_SECONDS / elapsed)
        size = min(max(fitting, _SMALLEST_BATCH), _MAX_BATCH)
        start += len(batch)
        if start < len(planned):
            _pause(others_wait)
